import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { ask, type Finding, files, finding, Secret, type Step, sh, type Task, units } from 'ha-provision'
import { type At, type Builder, paths, service } from './layout.js'
import { configFile, masked, resourcesFile } from './render.js'

/** Our own agent, for distributions whose drbd-utils no longer bring one. */
export const agentFile = (): string =>
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

type ConfigId = 'config-file' | 'config-mode' | 'resources-file' | 'no-agent'

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
      const config = configFile(at)
      const findings: Finding<ConfigId>[] = []
      if (found.config?.content !== config)
        findings.push(
          finding('config-file', {
            subject: paths.config,
            desired: masked(config),
            actual: found.config && masked(found.config.content),
          }),
        )
      else if (at.settings.stonith.length > 0 && found.config.mode !== '0600')
        findings.push(finding('config-mode', { subject: paths.config, desired: '0600', actual: found.config.mode }))
      const resources = resourcesFile(at)
      if (found.resources?.content !== resources)
        findings.push(
          finding('resources-file', { subject: paths.resources, desired: resources, actual: found.resources?.content }),
        )
      if (!found.agent)
        findings.push(finding('no-agent', { subject: paths.agent, desired: agentFile(), actual: undefined }))
      return findings
    },
    fix: {
      'config-file': (at) => [
        { kind: 'write', path: paths.config, content: new Secret(configFile(at)), mode: '0600', owner: 'root:root' },
      ],
      'config-mode': () => [{ kind: 'run', title: 'only root reads ha.cf', command: sh`chmod 0600 ${paths.config}` }],
      // Read at every takeover; nothing that runs changes by it.
      'resources-file': (at) => [{ kind: 'write', path: paths.resources, content: resourcesFile(at), mode: '0644' }],
      'no-agent': () => [{ kind: 'write', path: paths.agent, content: agentFile(), mode: '0755' }],
    },
  })

/** Units that bear the name of an agent of the group: systemd must not start what Heartbeat starts. */
const ownUnits = (at: At): readonly string[] =>
  at.settings.resources.map((words) => `${words.split('::')[0]}.service`).filter((name) => name !== service)

export const bootTask = (t: Builder): Task =>
  t.perNode({
    id: 'boot',
    title: 'heartbeat starts at boot, its services do not',
    probes: (at) => ({ units: units(service, ...ownUnits(at)) }),
    check(at) {
      const { [service]: own, ...others } = at.facts.units
      if (!own || own.load === 'not-found') return { waits: 'waits for heartbeat/packages' }
      const found: Finding<'not-at-boot' | 'at-boot'>[] =
        own.enabled === 'enabled'
          ? []
          : [finding('not-at-boot', { subject: service, desired: 'enabled', actual: own.enabled })]
      for (const [unit, { enabled }] of Object.entries(others))
        if (enabled === 'enabled')
          found.push(finding('at-boot', { subject: unit, desired: 'disabled: heartbeat starts it', actual: enabled }))
      return found
    },
    fix: {
      'not-at-boot': (): readonly Step[] => [
        { kind: 'run', title: 'start heartbeat at boot', command: sh`systemctl enable -q ${service}` },
      ],
      'at-boot': ({ finding: { subject = '' } }): readonly Step[] => [
        { kind: 'run', title: `leave ${subject} to heartbeat`, command: sh`systemctl disable -q ${subject}` },
      ],
    },
  })
