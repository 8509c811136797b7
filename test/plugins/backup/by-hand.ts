import backup from '../../../plugins/backup/index.js'
import type { At } from '../../../plugins/backup/layout.js'
import { native, paths } from '../../../plugins/backup/tools/native.js'
import type { Output } from '../../../src/index.js'
import { filled, type NodeName, rebuilt } from '../../support/law.js'
import { contextOf, output } from '../../support/task.js'
import { judgeNode, others } from './judge.js'

export interface NodeFiles {
  readonly [path: string]: { readonly content: string; readonly mode: string }
}

/** What is on one node, as its administrator left it. */
export interface Hand {
  readonly files: NodeFiles
  /** Files below `UNIT.d`, in any order. */
  readonly dropIns?: Readonly<Record<string, string>>
  readonly enabled?: string
  readonly active?: string
  /** `FILE LINE PROGRAM SIGN`, split by tabs. */
  readonly schedules?: readonly string[]
}

/** The files of the program for these settings, and a list of its databases. */
export function ownFiles(settings: unknown, databases: readonly string[] = ['inst/SHOP']): NodeFiles {
  const at = contextOf({ settings, others }) as unknown as At
  const plain = Object.fromEntries(
    Object.entries(native.files(at)).map(([path, { content, mode }]) => [path, { content, mode }]),
  )
  const list = { content: native.list(at)?.render(databases) ?? '', mode: '0644' }
  return { ...plain, [paths.list]: list }
}

/** These files with other contents; undefined takes one away. */
export const changed = (files: NodeFiles, other: Readonly<Record<string, string | undefined>>): NodeFiles =>
  Object.fromEntries(
    Object.entries({ ...files, ...other }).flatMap(([path, value]) => {
      if (value === undefined) return []
      return [[path, typeof value === 'string' ? { mode: '0644', ...files[path], content: value } : value] as const]
    }),
  )

const filesSaid = (files: NodeFiles): string => {
  const heads = Object.entries(files).map(
    ([path, { content, mode }]) => `@@file ${mode} root:root ${Buffer.byteLength(content)} ${path}\n`,
  )
  const contents = Object.values(files).map(({ content }) => content)
  return heads.length === 0 ? '' : `${heads.join('')}@@content ${Buffer.from(contents.join('')).toString('base64')}`
}

const unitsSaid = ({ files, enabled = 'enabled', active = 'active' }: Hand): string =>
  files[paths.timer]
    ? `Id=ha-db2-backup.timer\nNames=ha-db2-backup.timer\nLoadState=loaded\nActiveState=${active}\nUnitFileState=${enabled}\n`
    : 'Id=ha-db2-backup.timer\nNames=ha-db2-backup.timer\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n'

/** `grep -H ''` of drop-ins. */
const dropInsSaid = ({ dropIns = {} }: Hand): string =>
  Object.entries(dropIns)
    .flatMap(([path, text]) =>
      text
        .replace(/\n$/, '')
        .split('\n')
        .map((line) => `${path}:${line}\n`),
    )
    .join('')

/** Outputs of the probes on a node. */
export const said = (hand: Hand, probe: string): Output =>
  output(
    {
      conf: filesSaid(hand.files),
      files: filesSaid(hand.files),
      units: unitsSaid(hand),
      dropIns: `${dropInsSaid(hand)}@@end\n`,
      schedules: [...(hand.schedules ?? []), '@@end\n'].join('\n'),
    }[probe] ?? '',
  )

/** What both nodes are reconstructed to. */
export const read = (a: Hand, b: Hand = a) =>
  rebuilt(backup, { options: {}, others }, (node: NodeName, probe) => said(node === 'db-a' ? a : b, probe))

/** What `check` finds in the program's files of a node, with these settings. */
export const judged = (hand: Hand, settings: object) => {
  const own = Object.fromEntries(Object.entries(hand.files).filter(([path]) => path !== paths.list))
  return judgeNode('program', { files: own, units: unitsSaid(hand), dropIns: dropInsSaid(hand) }, settings)
}

/** The same with reconstructed options. */
export const checked = (hand: Hand, options: unknown) => judged(hand, settingsOf(options))

export const settingsOf = (options: unknown): object => filled(backup, options)
export const script = (name: string): string => {
  const probe = backup.reconstruct?.probes[name]
  if (!probe || !('command' in probe)) throw new Error(`no command of its own: ${name}`)
  return probe.command.script
}
