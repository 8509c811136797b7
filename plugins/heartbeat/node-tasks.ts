import { readFileSync } from 'node:fs'
import { ask, type Finding, files, finding, Secret, type Step, sh, type Task, units } from 'ha-provision'
import { packaged } from '../packaged.js'
import { configDifferences, hasFencing } from './compare.js'
import { fencingPrograms } from './fencing.js'
import { resourcesDifference } from './group.js'
import { type At, agentPath, type Builder, offeredResources, paths, service } from './layout.js'
import { configFile, masked, resourcesFile } from './render.js'

/** Our own agent, for distributions whose drbd-utils no longer bring one. */
export const agentFile = (): string => readFileSync(packaged('heartbeat', 'agents', 'drbddisk.sh'), 'utf8')

/** Agents by their path: ours for DRBD only fills a gap, those of other plugins must be as they are offered. */
const agents = (at: At): Readonly<Record<string, { readonly content: string; readonly own: boolean }>> => ({
  [agentPath('drbddisk')]: { content: agentFile(), own: false },
  ...Object.fromEntries(
    offeredResources(at).flatMap(({ agent }) =>
      agent ? [[agentPath(agent.name), { content: agent.content, own: true }]] : [],
    ),
  ),
  ...Object.fromEntries(Object.entries(fencingPrograms(at)).map(([path, content]) => [path, { content, own: true }])),
})

const isPrivate = (mode: string | undefined): boolean => mode === '0600' || mode === '0400'

type ConfigId = 'config-file' | 'config-mode' | 'resources-file' | 'resources-by-hand' | 'no-agent' | 'other-agent'

export const configTask = (t: Builder): Task =>
  t.perNode({
    id: 'config',
    title: 'ha.cf, haresources and agents',
    probes: (at) => ({
      files: files({ config: paths.config, resources: paths.resources }),
      agents: files(Object.fromEntries(Object.keys(agents(at)).map((path) => [path, path]))),
      dir: ask(sh`[ -d /etc/ha.d/resource.d ]`, ({ code }) => code === 0),
    }),
    check(at): readonly Finding<ConfigId>[] | { waits: string } {
      const { files: found, dir } = at.facts
      if (!dir) return { waits: 'waits for heartbeat/packages' }
      const findings: Finding<ConfigId>[] = []
      const config = found.config?.content
      if (config === undefined || configDifferences(at, at.node, config).length > 0)
        findings.push(
          finding('config-file', {
            subject: paths.config,
            desired: masked(configFile(at, config)),
            actual: config && masked(config),
          }),
        )
      else if (hasFencing(config) && !isPrivate(found.config?.mode))
        findings.push(finding('config-mode', { subject: paths.config, desired: '0600', actual: found.config?.mode }))
      const resources = found.resources?.content
      const { isEqual, shared } = resourcesDifference(at, resources ?? '')
      if (resources === undefined || !isEqual || shared.length > 0)
        findings.push(
          finding(shared.length > 0 ? 'resources-by-hand' : 'resources-file', {
            subject: paths.resources,
            desired: resourcesFile(at, resources),
            actual: resources,
            ...(shared.length > 0 ? { note: `in another group: ${shared.join(', ')}` } : {}),
          }),
        )
      for (const [subject, { content, own }] of Object.entries(agents(at))) {
        const actual = at.facts.agents[subject]
        if (!actual) findings.push(finding('no-agent', { subject, desired: content, actual }))
        else if (own && (actual.content !== content || actual.mode !== '0755'))
          findings.push(
            finding('other-agent', {
              subject,
              desired: content,
              actual: actual.content,
              ...(actual.mode === '0755' ? {} : { note: `mode ${actual.mode}` }),
            }),
          )
      }
      return findings
    },
    fix: {
      'config-file': (at) => [
        {
          kind: 'write',
          path: paths.config,
          content: new Secret(configFile(at, at.facts.files.config?.content)),
          mode: '0600',
          owner: 'root:root',
        },
      ],
      'config-mode': () => [{ kind: 'run', title: 'only root reads ha.cf', command: sh`chmod 0600 ${paths.config}` }],
      // Read at every takeover; nothing that runs changes by it.
      'resources-file': (at) => [
        {
          kind: 'write',
          path: paths.resources,
          content: resourcesFile(at, at.facts.files.resources?.content),
          mode: '0644',
        },
      ],
      'resources-by-hand': {
        manual:
          'haresources has several groups, and more than one of them has what this config has in its only group. Put it into one line there, or leave it out of the config.',
      },
      'no-agent': (at) => writeAgent(at, at.finding),
      'other-agent': (at) => writeAgent(at, at.finding),
    },
  })

function writeAgent(at: At, { subject: path = '' }: Finding): readonly Step[] {
  const agent = agents(at)[path]
  return agent ? [{ kind: 'write', path, content: agent.content, mode: '0755' }] : []
}

/** Units that bear the name of an agent of the group: systemd must not start what Heartbeat starts. */
const ownUnits = (at: At): readonly string[] =>
  [
    ...offeredResources(at).flatMap(({ units: own = [] }) => own),
    ...at.settings.resources.map((words) => `${words.split('::')[0]}.service`),
  ].filter((name) => name !== service)

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
