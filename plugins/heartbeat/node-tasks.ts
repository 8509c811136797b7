import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { ask, type Finding, files, finding, type Step, sh, type Task, type TaskBuilder, units } from 'ha-provision'
import type drbd from '../drbd/index.js'
import type network from '../network/index.js'
import { type Heartbeat, paths, service } from './layout.js'
import { configFile, resourcesFile } from './render.js'

type Builder = TaskBuilder<Heartbeat, typeof network | typeof drbd>

const agent = (): string =>
  readFileSync(
    join(
      dirname(createRequire(import.meta.url).resolve('ha-provision/package.json')),
      'plugins',
      'heartbeat',
      'agents',
      'drbddisk.sh',
    ),
    'utf8',
  )

/** `-r` makes a running Heartbeat read its files again without letting go of anything. heartbeat(8) */
export const reload = sh`if systemctl is-active -q ${service}; then for h in /usr/libexec/heartbeat/heartbeat /usr/lib/heartbeat/heartbeat; do if [ -x $h ]; then $h -r; exit; fi; done; fi`

type ConfigId = 'config-file' | 'resources-file' | 'no-agent'

export const configTask = (t: Builder): Task =>
  t.perNode({
    id: 'config',
    title: 'ha.cf, haresources and agents',
    probes: () => ({
      files: files({ config: paths.config, resources: paths.resources, agent: paths.agent }),
      dir: ask(sh`[ -d /etc/ha.d/resource.d ]`, ({ code }) => code === 0),
    }),
    check(at): readonly Finding<ConfigId>[] | { waits: string } {
      const { files: found, dir } = at.facts
      if (!dir) return { waits: 'waits for heartbeat/packages' }
      const compare = (id: ConfigId, subject: string, desired: string, actual: string | undefined) =>
        actual === desired ? [] : [finding(id, { subject, desired, actual })]
      return [
        ...compare('config-file', paths.config, configFile(at), found.config?.content),
        ...compare('resources-file', paths.resources, resourcesFile(at), found.resources?.content),
        ...(found.agent ? [] : [finding('no-agent', { subject: paths.agent, desired: agent(), actual: undefined })]),
      ]
    },
    fix: {
      'config-file': ({ finding: { desired } }) => [
        { kind: 'write', path: paths.config, content: String(desired), mode: '0600' },
        { kind: 'run', title: 'have a running heartbeat read it', command: reload },
      ],
      // Read at every takeover; nothing that runs changes by it.
      'resources-file': ({ finding: { desired } }) => [
        { kind: 'write', path: paths.resources, content: String(desired), mode: '0644' },
      ],
      'no-agent': ({ finding: { desired } }) => [
        { kind: 'write', path: paths.agent, content: String(desired), mode: '0755' },
      ],
    },
  })

export const bootTask = (t: Builder): Task =>
  t.perNode({
    id: 'boot',
    title: 'heartbeat at boot',
    probes: () => ({ units: units(service) }),
    check({ facts }) {
      const { load, enabled } = facts.units[service]
      if (load === 'not-found') return { waits: 'waits for heartbeat/packages' }
      return enabled === 'enabled'
        ? []
        : [finding('not-at-boot', { subject: service, desired: 'enabled', actual: enabled })]
    },
    fix: {
      'not-at-boot': (): readonly Step[] => [
        { kind: 'run', title: 'start heartbeat at boot', command: sh`systemctl enable -q ${service}` },
      ],
    },
  })
