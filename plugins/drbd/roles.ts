import { type Finding, finding, type Step, sh, type Task, type TaskBuilder, units } from 'ha-provision'
import type network from '../network/index.js'
import type storage from '../storage/index.js'
import { describe, type Evidence, evidenceOf } from '../storage/index.js'
import { backingPath, type Drbd, devicePath, type Resource } from './layout.js'
import { pictureOf } from './picture.js'
import { type DrbdFact, drbdProbe, isNewProbe, openProbe, spell } from './status.js'

type Id =
  | 'no-sync-source'
  | 'not-empty'
  | 'split-brain'
  | 'not-connected'
  | 'no-good-copy'
  | 'two-primaries'
  | 'left-primary'

interface View {
  readonly drbd: DrbdFact
  readonly evidence: Readonly<Record<string, Evidence>>
}

const spellAll = (nodes: Readonly<Record<string, View>>, minor: number): string =>
  Object.entries(nodes)
    .map(([node, { drbd }]) => `${node}: ${spell(drbd.minors[minor])}`)
    .join('; ')

/** The nodes whose side shows data in front of the metadata: metadata that somebody made over a filesystem, say. */
const withData = (nodes: Readonly<Record<string, View>>, resource: Resource): readonly string[] =>
  Object.entries(nodes).flatMap(([node, { evidence }]) => {
    const e = evidence[backingPath(resource)]
    // With metadata elsewhere the volume begins and ends with what it holds.
    const isHeld = resource.metadata !== 'internal' && e?.type !== undefined
    return !e?.readable || e.inner || e.startsNonZero || isHeld ? [node] : []
  })

const managers = ['heartbeat.service', 'pacemaker.service'] as const

/** Chooses the source of the first sync, and of nothing else. Who is primary afterwards is the cluster manager's business. */
export const rolesTask = (t: TaskBuilder<Drbd, typeof network | typeof storage>): Task =>
  t.perCluster({
    id: 'roles',
    title: 'source of the first sync',
    probes: ({ settings }) => ({
      drbd: drbdProbe,
      isNew: isNewProbe(Object.keys(settings.resources)),
      evidence: evidenceOf(Object.values(settings.resources).map(backingPath)),
      open: openProbe,
      units: units(...managers),
    }),
    check({ settings, nodes }) {
      const found: Finding<Id>[] = []
      for (const [name, resource] of Object.entries(settings.resources)) {
        const { minor } = resource
        const [a, b] = Object.values(nodes).map(({ drbd }) => drbd.minors[minor])
        if (!a || !b) return { waits: `waits for drbd/metadata: ${name} is not up on both nodes` }
        const [newA = false, newB = false] = Object.values(nodes).map(({ isNew }) => isNew.includes(name))
        const actual = spellAll(nodes, minor)
        // The note is what a refusal prints: the evidence of both sides.
        const about = { subject: name, actual, note: actual }
        switch (pictureOf(a, b, [newA, newB])) {
          case 'fresh': {
            const data = withData(nodes, resource)
            found.push(
              resource.initialSync === 'skip' && data.length > 0
                ? finding('not-empty', {
                    ...about,
                    desired: 'two empty sides',
                    actual: `data on ${data.join(', ')}`,
                    note: `data on ${data.join(', ')}`,
                  })
                : finding('no-sync-source', { subject: name, actual, desired: `data of ${settings.primary}` }),
            )
            break
          }
          case 'two-primaries':
            found.push(finding('two-primaries', { ...about, desired: 'one primary' }))
            break
          case 'split-brain':
            found.push(finding('split-brain', { ...about, desired: 'connected' }))
            break
          case 'not-connected':
            found.push(finding('not-connected', { ...about, desired: 'connected' }))
            break
          case 'no-good-copy':
            found.push(finding('no-good-copy', { ...about, desired: 'connected, with one side UpToDate' }))
            break
          case 'fine':
            for (const [node, { drbd, open, units: service }] of Object.entries(nodes)) {
              const isManaged = managers.some((unit) => /^(re|de)?activ/.test(service[unit].active))
              if (!resource.filesystem || drbd.minors[minor]?.role !== 'Primary' || open.includes(minor) || isManaged)
                continue
              found.push(
                finding('left-primary', {
                  subject: `${name} on ${node}`,
                  desired: 'Secondary',
                  actual: 'Primary, not mounted',
                }),
              )
            }
        }
      }
      return found
    },
    fix: {
      'no-sync-source': ({ settings, nodes, finding: { subject: name = '' } }): readonly (Step & { on: string })[] => {
        const resource = settings.resources[name] as Resource
        const on = settings.primary
        const peers = Object.keys(nodes).filter((node) => node !== on)
        // The kernel is asked again at the last moment: between the survey and now the peer may have got its data.
        const still = sh`[ "$(drbdadm dstate ${name})" = Inconsistent/Inconsistent ] && [ "$(drbdadm cstate ${name})" = Connected ]`
        const guarded = (command: typeof still) =>
          sh`if ${still}; then ${command}; else echo 'the picture has changed; nothing was done' >&2; exit 1; fi`
        if (resource.initialSync === 'skip')
          return [
            {
              kind: 'run',
              on,
              title: `declare both sides of ${name} equal`,
              command: guarded(sh`drbdadm -- --clear-bitmap new-current-uuid ${name}/0`),
            },
          ]
        const lost = withData(nodes, resource).find((node) => peers.includes(node))
        const device = backingPath(resource)
        return [
          {
            kind: 'run',
            on,
            title: `${on} is the source of ${name}`,
            command: guarded(sh`drbdadm primary --force ${name} && drbdadm secondary ${name}`),
            ...(lost
              ? { destroys: { node: lost, device, what: describe(nodes[lost]?.evidence[device] as Evidence) } }
              : {}),
          },
        ]
      },
      'left-primary': ({ settings, finding: { subject = '' } }) => {
        const [name = '', on = ''] = subject.split(' on ')
        const device = devicePath(settings.resources[name] as Resource)
        // What has the device open keeps it primary: drbdadm refuses then.
        return [{ kind: 'run', on, title: `demote ${device}`, command: sh`drbdadm secondary ${name}` }]
      },
      'not-connected': {
        manual:
          'The sides do not reach each other. Check that the interface of the replication is up on both nodes, that no firewall holds its port, and drbdadm status.',
      },
      'not-empty': {
        manual:
          'initialSync "skip" declares two empty sides equal, and there is data. Choose "full" with the right drbd.primary, or wipe the data yourself.',
      },
      'split-brain': {
        manual:
          'The sides do not talk, and each may hold writes that the other has not seen: nothing is healed by itself. Compare them, choose the survivor, then on the OTHER node: drbdadm disconnect RES; drbdadm secondary RES; drbdadm connect --discard-my-data RES; and on the survivor: drbdadm connect RES. If somebody only disconnected them: drbdadm connect RES on both.',
      },
      'no-good-copy': {
        manual:
          'This is no beginning, and no side is known to be good: nothing is forced. Look at both nodes (drbdadm status, journalctl -k -g drbd), bring back the side that was in use last, and let it sync.',
      },
      'two-primaries': {
        manual:
          'Both nodes have the device open for writing. Stop the service on one of them, then: drbdadm secondary RES there.',
      },
    },
  })
