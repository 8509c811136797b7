import { ask, type Probe, sh } from 'ha-provision'
import { daemons, otherUnits } from './daemons.js'

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

/** Files that changed after a unit's start: systemd makes the link anew at each start. One process. */
export const changedSince = (units: readonly string[], paths: readonly string[]): Probe<readonly string[]> =>
  ask(
    sh`stat -c '%Y %n' -- ${units.map((unit) => `/run/systemd/units/invocation:${unit}`)} ${paths} 2>/dev/null || true`,
    ({ stdout }) => {
      const times = [...stdout.matchAll(/^(\d+) (.+)$/gm)].map(([, time, path = '']) => ({ time: Number(time), path }))
      const start = Math.max(...times.filter(({ path }) => !paths.includes(path)).map(({ time }) => time))
      if (!Number.isFinite(start)) return []
      return times.filter(({ path, time }) => paths.includes(path) && time > start).map(({ path }) => path)
    },
  )
