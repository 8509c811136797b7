import { schema } from '../schema.js'
import { changedKeys, type DropIn, effective, extraKeys } from '../unit.js'
import { paths } from './native-paths.js'
import type { Difference } from './tool.js'

export const service = `# Written by ha-provision.
[Unit]
Description=Verified backups of the Db2 databases that are active on this node
Documentation=file:${paths.config}

[Service]
Type=oneshot
ExecStart=${paths.program} run
# Another run goes on.
SuccessExitStatus=75
`

export const timer = (at: string): string => `# Written by ha-provision.
[Unit]
Description=Backups of Db2 databases

[Timer]
OnCalendar=${at}
RandomizedDelaySec=15min
Persistent=true

[Install]
WantedBy=timers.target
`

const calendar = 'Timer.OnCalendar'

/** When a timer goes off, by its file and drop-ins. */
export const calendars = (texts: readonly string[]): readonly string[] =>
  (effective(texts).get(calendar) ?? []).map((at) => at.replace(/\s+/g, ' '))

/** One time that the option `at` can say. */
export const isSaid = (all: readonly string[]): boolean =>
  all.length === 1 && new RegExp(schema.properties.at.pattern).test(all[0] ?? '')

/** The drop-in that has the last word on the time. */
export const setterOf = (dropIns: readonly DropIn[]): DropIn | undefined =>
  dropIns.findLast(({ content }) => effective([content]).has(calendar))

/** The file with another time, everything else as it is. */
function withCalendar(text: string, lines: string): string {
  let isWritten = false
  const kept = text.split('\n').flatMap((line) => {
    if (!/^\s*OnCalendar\s*=/.test(line)) return [line]
    if (isWritten) return []
    isWritten = true
    return lines.split('\n')
  })
  return kept.join('\n')
}

/** Keys in which a file differs from ours and no drop-in is the reason; the time is another matter. */
export const ownChanges = (actual: string, ours: string): readonly string[] => changedKeys([actual], ours, [calendar])

/** Compares by meaning. Drop-ins and what a file says beyond ours are an administrator's, and stay. */
export function compareUnit(actual: string, ours: string, dropIns: readonly DropIn[]): Difference | undefined {
  const isOurs = (key: string): boolean => effective([ours]).has(key) && !key.startsWith('Unit.')
  if (![...effective([actual]).keys()].some(isOurs)) return { content: ours }
  const texts = [actual, ...dropIns.map(({ content }) => content)]
  const [now, want] = [calendars(texts), calendars([ours])]
  const changed = ownChanges(actual, ours)
  const isInTime = JSON.stringify(now) === JSON.stringify(want)
  if (changed.length === 0 && isInTime) return undefined
  const setter = setterOf(dropIns)
  const isOutOfReach = setter !== undefined && !setter.path.startsWith('/etc/')
  if (changed.length > 0 || !isSaid(now) || isOutOfReach) {
    const told = (unit: string[], time: readonly string[]) =>
      Object.fromEntries([
        ...changed.map((key) => [key, effective(unit).get(key)?.join(' ') ?? null] as const),
        ...(isInTime ? [] : [[calendar, time.join(' and ')] as const]),
      ])
    return { byHand: { desired: told([ours], want), actual: told([actual], now) } }
  }
  const at = want[0] ?? ''
  if (setter)
    return {
      path: setter.path,
      content: withCalendar(setter.content, `OnCalendar=\nOnCalendar=${at}`),
      shown: setter.content,
    }
  return { content: extraKeys([actual], ours).length > 0 ? withCalendar(actual, `OnCalendar=${at}`) : ours }
}
