import { ask, type Probe, sh } from 'ha-provision'
import { daemons, otherUnits } from './daemons.js'
import { discover } from './files.js'

export interface UnitState {
  /** All names of the unit: its own first, then aliases. */
  readonly names: readonly string[]
  readonly active: boolean
  readonly enabled: boolean
}

const asked = [...new Set([...daemons.flatMap(({ units }) => units), ...otherUnits])]

/** Units of all known time daemons that exist on the node, each once whatever its aliases. */
export const unitsProbe: Probe<readonly UnitState[]> = ask(
  sh`systemctl show --property=Id,Names,LoadState,ActiveState,UnitFileState -- ${asked}`,
  ({ stdout }) => {
    const found = new Map<string, UnitState>()
    for (const block of stdout.split(/\n\n+/)) {
      const value = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(block)?.[1] ?? ''
      const id = value('Id')
      const names = [
        id,
        ...value('Names')
          .split(' ')
          .filter((name) => name !== id && name !== ''),
      ]
      const active = ['active', 'activating', 'reloading'].includes(value('ActiveState'))
      // A daemon whose package was removed under it runs on, as a unit that is not found.
      if (!active && !/^(loaded|masked)$/.test(value('LoadState'))) continue
      found.set(id, { names, active, enabled: value('UnitFileState').startsWith('enabled') })
    }
    return [...found.values()]
  },
)

/** Seconds since 1970 at which units were started and files changed, by their paths. systemd makes the link of a unit anew at each start. */
export type Times = ReadonlyMap<string, number>
const invocation = '/run/systemd/units/invocation:'

export const timesProbe = (units: readonly string[], patterns: readonly string[]): Probe<Times> =>
  ask(
    sh`${discover(patterns)}
stat -c '%Y %n' -- ${units.map((unit) => `${invocation}${unit}`)} "$@" 2>/dev/null || true`,
    ({ stdout }) => new Map([...stdout.matchAll(/^(\d+) (.+)$/gm)].map(([, time, path = '']) => [path, Number(time)])),
  )

/** Files that changed after the start of one of the units. Not those of a sourcedir: chrony reads them anew while it runs. */
export function changedSince(times: Times, units: readonly string[]): readonly string[] {
  const start = Math.max(...units.flatMap((unit) => times.get(`${invocation}${unit}`) ?? []))
  if (!Number.isFinite(start)) return []
  return [...times]
    .filter(([path, time]) => !path.startsWith(invocation) && !path.endsWith('.sources') && time > start)
    .map(([path]) => path)
}
