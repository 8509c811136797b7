import { type Finding, files, finding, type Step, sh, type Task, type TaskBuilder } from 'ha-provision'
import type network from '../network/index.js'
import type { TimeDaemon } from './daemons.js'
import { changedSince, type UnitState, unitsProbe } from './probes.js'
import { daemonOf, type Ntp, roleOf } from './roles.js'

type Builder = TaskBuilder<Ntp, typeof network>

const isOf = (daemon: TimeDaemon, unit: UnitState): boolean => unit.names.some((name) => daemon.units.includes(name))

/** Two daemons would both pull at the clock. */
export const otherDaemonTask = (t: Builder): Task =>
  t.perNode({
    id: 'other-daemons',
    title: 'one time daemon',
    probes: () => ({ units: unitsProbe }),
    check: (at) =>
      at.facts.units
        .filter((unit) => !isOf(daemonOf(at), unit) && (unit.active || unit.enabled))
        .map(({ names: [unit = ''], active, enabled }) =>
          finding('other-daemon', {
            subject: unit,
            desired: 'stopped and disabled',
            actual: `${active ? 'running' : 'stopped'} and ${enabled ? 'enabled' : 'disabled'}`,
          }),
        ),
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
      const { config, include } = daemonOf(at)
      return { files: files(Object.fromEntries([config, ...(include?.mains ?? [])].map((path) => [path, path]))) }
    },
    check(at) {
      const { config, include, render } = daemonOf(at)
      const content = (path: string): string | undefined => at.facts.files[path]?.content
      const found: Finding<'config-file'>[] = []
      const desired = render(roleOf(at, at.node))
      const actual = content(config) ?? ''
      if (actual !== desired) found.push(finding('config-file', { subject: config, desired, actual }))
      const main = include?.mains.find((path) => content(path) !== undefined)
      const text = main === undefined ? '' : (content(main) ?? '')
      if (include && main && !include.present.test(text)) {
        found.push(
          finding('config-file', {
            subject: main,
            desired: `${text.replace(/\n*$/, '\n')}${include.line}\n`,
            actual: text,
          }),
        )
      }
      return found
    },
    fix: {
      // The next stage sees that the daemon is older than its configuration.
      'config-file': ({ finding: { subject = '', desired } }) => [
        { kind: 'write', path: subject, content: String(desired), mode: '0644' },
      ],
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
      const { units, config, include } = daemonOf(at)
      return { units: unitsProbe, changed: changedSince(units, [config, ...(include?.mains ?? [])]) }
    },
    check(at) {
      const unit = at.facts.units.find((candidate) => isOf(daemonOf(at), candidate))
      if (!unit) return { waits: `${at.settings.daemon} is not installed` }
      const subject = unit.names[0] ?? ''
      if (!unit.active || !unit.enabled) {
        const actual = `${unit.active ? 'running' : 'stopped'} and ${unit.enabled ? 'enabled' : 'disabled'}`
        return [finding('not-running', { subject, desired: 'running and enabled', actual })]
      }
      const changed = at.facts.changed.join(' ')
      return changed
        ? [
            finding('old-config', {
              subject,
              desired: 'started after its configuration',
              actual: `older than ${changed}`,
            }),
          ]
        : []
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
