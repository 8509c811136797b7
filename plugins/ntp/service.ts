import { type Finding, finding, type Step, sh, type Task, type TaskBuilder } from 'ha-provision'
import type network from '../network/index.js'
import type { TimeDaemon } from './daemons.js'
import { confFiles } from './files.js'
import { configFindings } from './judge.js'
import { changedSince, timesProbe, type UnitState, unitsProbe } from './probes.js'
import { daemonOf, type Ntp } from './roles.js'

type Builder = TaskBuilder<Ntp, typeof network>

export const isOf = (daemon: TimeDaemon, unit: UnitState): boolean =>
  unit.names.some((name) => daemon.units.includes(name))

const stateOf = ({ active, enabled }: UnitState): string =>
  `${active ? 'running' : 'stopped'} and ${enabled ? 'enabled' : 'disabled'}`

export const otherFindings = (daemon: TimeDaemon, units: readonly UnitState[]): readonly Finding<'other-daemon'>[] =>
  units
    .filter((unit) => !isOf(daemon, unit) && (unit.active || unit.enabled))
    .map((unit) =>
      finding('other-daemon', {
        subject: unit.names[0] ?? '',
        desired: 'stopped and disabled',
        actual: stateOf(unit),
      }),
    )

export function serviceFindings(
  unit: UnitState,
  changed: readonly string[],
): readonly Finding<'not-running' | 'old-config'>[] {
  const subject = unit.names[0] ?? ''
  if (!unit.active || !unit.enabled)
    return [finding('not-running', { subject, desired: 'running and enabled', actual: stateOf(unit) })]
  const actual = `older than ${changed.join(' ')}`
  return changed.length > 0
    ? [finding('old-config', { subject, desired: 'started after its configuration', actual })]
    : []
}

/** Two daemons would both pull at the clock. */
export const otherDaemonTask = (t: Builder): Task =>
  t.perNode({
    id: 'other-daemons',
    title: 'one time daemon',
    probes: () => ({ units: unitsProbe }),
    check: (at) => otherFindings(daemonOf(at), at.facts.units),
    fix: {
      'other-daemon': ({ facts, finding: { subject = '' } }) => {
        const disabling = facts.units.some(({ names, enabled }) => names[0] === subject && enabled)
        const stop = sh`systemctl stop ${subject}`
        return [
          {
            kind: 'run',
            title: `stop ${subject}`,
            command: disabling ? sh`${stop} && systemctl disable ${subject}` : stop,
          },
        ]
      },
    },
  })

export const configTask = (t: Builder): Task =>
  t.perNode({
    id: 'config',
    title: 'time daemon configuration',
    probes: (at) => {
      const { config, mains } = daemonOf(at)
      return { files: confFiles([...mains, config]) }
    },
    check: (at) => configFindings(at, at.node, at.facts.files),
    fix: {
      // The next stage sees that the daemon is older than its configuration.
      'config-file': ({ facts, finding: { subject = '', desired } }) => {
        const { mode = '0644' } = facts.files.get(subject) ?? {}
        return [{ kind: 'write', path: subject, content: String(desired), mode }]
      },
      'other-settings': {
        manual:
          'Its ntp.conf holds settings that the config cannot say. Change the servers in it yourself; or, if they can go, remove the file: then it is written.',
      },
    },
  })

const restart = (unit: string): Step => ({
  kind: 'run',
  title: `restart ${unit}`,
  command: sh`systemctl restart ${unit}`,
})

export const serviceTask = (t: Builder): Task =>
  t.perNode({
    id: 'service',
    title: 'time daemon',
    probes: (at) => {
      const { units, config, mains } = daemonOf(at)
      return { units: unitsProbe, changed: timesProbe(units, [...mains, config]) }
    },
    check(at) {
      const daemon = daemonOf(at)
      const unit = at.facts.units.find((candidate) => isOf(daemon, candidate))
      if (!unit) return { waits: `${daemon.name} is not installed` }
      return serviceFindings(unit, changedSince(at.facts.changed, daemon.units))
    },
    fix: {
      'not-running': ({ facts, finding: { subject = '' } }) => {
        const unit = facts.units.find(({ names }) => names[0] === subject)
        // Only where it is needed: for a unit with an init script this takes 20 s on an emulated node.
        const enable = sh`systemctl unmask ${subject} && systemctl enable ${subject}`
        return [
          ...(unit?.enabled ? [] : [{ kind: 'run', title: `enable ${subject}`, command: enable } as const]),
          ...(unit?.active ? [] : [restart(subject)]),
        ]
      },
      'old-config': ({ finding: { subject = '' } }) => [restart(subject)],
    },
  })
