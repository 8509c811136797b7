import type { Context, FileFact } from 'ha-provision'
import type network from '../network/index.js'
import type storage from '../storage/index.js'
import type { ConfFact } from './dump.js'
import type { Drbd } from './layout.js'
import type { DrbdFact } from './status.js'

export const mainFile = '/etc/drbd.conf'
export const globalFile = '/etc/drbd.d/global_common.conf'

/** What one node has. */
export interface View {
  readonly drbd: DrbdFact
  readonly conf: ConfFact
  /** What would be adjusted: the resource runs otherwise than its file says. */
  readonly pending: Readonly<Record<string, readonly string[]>>
  readonly resources: Readonly<Record<string, FileFact | undefined>>
  readonly base: Readonly<Record<'main' | 'global', FileFact | undefined>>
  /** Asked where a resource needs it. */
  readonly program?: Readonly<Record<'fence', FileFact | undefined>>
}
export type AtConfig = Context<Drbd, typeof network | typeof storage> & {
  readonly nodes: Readonly<Record<string, View>>
}

/** The file that says `usage-count`, or should: one of the two that are read here. */
export function usageFile({ base: { main, global } }: View): {
  readonly path: string
  readonly file: FileFact | undefined
} {
  const isInMain = main && (/^\s*global\s*\{/m.test(main.content) || !main.content.includes('global_common.conf'))
  return isInMain ? { path: mainFile, file: main } : { path: globalFile, file: global }
}
