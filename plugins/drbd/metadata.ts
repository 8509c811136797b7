import { ask, type Finding, finding, type Step, sh, type Task, type TaskBuilder } from 'ha-provision'
import type network from '../network/index.js'
import type storage from '../storage/index.js'
import { describe, type Evidence, evidenceOf, isEmpty, isInUse, uses, wipe } from '../storage/index.js'
import { backingPath, type Drbd, type Resource } from './layout.js'
import { cutting, drbdProbe, isConnected, isNewProbe, pendingProbe, spell, statusCommand } from './status.js'

type Id =
  | 'no-metadata'
  | 'external-metadata'
  | 'backing-data'
  | 'backing-in-use'
  | 'not-up'
  | 'not-adjusted'
  | 'not-connected'

const parts = (subject = ''): readonly [string, string] => {
  const [name = '', node = ''] = subject.split(' on ')
  return [name, node]
}

function metadataFinding(subject: string, device: string, e: Evidence, state: string): Finding<Id> {
  const desired = `DRBD metadata on ${device}`
  if (isInUse(e)) {
    const actual = `${describe(e)}, ${uses(e)}`
    return finding('backing-in-use', { subject, desired, actual, note: actual })
  }
  if (e.type === 'drbd') return finding('not-up', { subject, desired: 'up', actual: state })
  const actual = describe(e)
  return isEmpty(e)
    ? finding('no-metadata', { subject, desired, actual })
    : finding('backing-data', { subject, desired, actual, note: actual })
}

/** Metadata, and the devices up: evidence from both nodes, then what is missing on each. */
export const metadataTask = (t: TaskBuilder<Drbd, typeof network | typeof storage>): Task =>
  t.perCluster({
    id: 'metadata',
    title: 'metadata, devices up and connected',
    probes: ({ settings }) => ({
      drbd: drbdProbe,
      isNew: isNewProbe(Object.keys(settings.resources)),
      pending: pendingProbe(Object.keys(settings.resources)),
      evidence: evidenceOf(Object.values(settings.resources).map(backingPath)),
      tool: ask(sh`command -v drbdadm`, ({ code }) => code === 0),
    }),
    check({ settings, nodes }) {
      const found: Finding<Id>[] = []
      for (const [node, { drbd, isNew, pending, evidence, tool }] of Object.entries(nodes)) {
        if (!tool || !drbd.module) return { waits: `waits for drbd/module on ${node}` }
        for (const [name, resource] of Object.entries(settings.resources)) {
          const subject = `${name} on ${node}`
          const state = drbd.minors[resource.minor]
          const device = backingPath(resource)
          const e = evidence[device]
          if (state && state.disk !== 'Diskless') {
            // StandAlone is a decision that somebody or DRBD took, unless the side never had data: then `up` was cut off.
            if (state.connection !== 'StandAlone' ? pending[name] : isNew.includes(name)) {
              const cuts = (pending[name] ?? []).filter((verb) => cutting.test(verb))
              found.push(
                finding('not-adjusted', {
                  subject,
                  desired: 'as its file says',
                  actual: spell(state),
                  ...(cuts.length > 0 ? { note: `adjust would ${cuts.join(', ')}` } : {}),
                }),
              )
            }
          } else if (!e?.exists) return { waits: `waits for ${device} on ${node}` }
          // What lies on the volume says nothing of metadata that is elsewhere.
          else if (resource.metadata !== 'internal')
            found.push(
              finding('external-metadata', {
                subject,
                desired: `up, with metadata on ${resource.metadata}`,
                actual: spell(state),
              }),
            )
          else found.push(metadataFinding(subject, device, e, spell(state)))
        }
      }
      if (found.length > 0) return found
      return Object.entries(settings.resources).flatMap(([name, { minor }]) => {
        const states = Object.entries(nodes).map(([node, { drbd }]) => ({ node, state: drbd.minors[minor] }))
        // The next task judges StandAlone.
        if (states.some(({ state }) => state?.connection === 'StandAlone')) return []
        if (states.every(({ state }) => isConnected(state))) return []
        const actual = states.map(({ node, state }) => `${node}: ${spell(state)}`).join('; ')
        return [finding('not-connected', { subject: name, desired: 'connected', actual })]
      })
    },
    fix: {
      'no-metadata': ({ finding: { subject } }) => [createMetadata(...parts(subject))],
      'backing-data': ({ settings, nodes, finding: { subject } }) => {
        const [name, node] = parts(subject)
        const device = backingPath(settings.resources[name] as Resource)
        const what = describe(nodes[node]?.evidence[device] as Evidence)
        return [
          { kind: 'run', on: node, title: `wipe ${device}`, command: wipe(device), destroys: { device, what } },
          createMetadata(name, node),
        ]
      },
      'backing-in-use': {
        manual:
          'The backing device is in use and stays as it is. Free it first (umount, swapoff), after looking at what it holds.',
      },
      'external-metadata': {
        manual:
          'The metadata of this resource is on a device of its own, which this tool never writes. If the resource only has to come up: drbdadm up RES. If it is new: drbdadm create-md RES, after looking at what that device holds.',
      },
      'not-up': ({ finding: { subject } }) => [adjust(...parts(subject))],
      'not-adjusted': ({ finding: { subject, note } }) => [adjust(...parts(subject), note)],
      'not-connected': ({ settings, nodes, finding: { subject = '' } }) => [
        {
          kind: 'wait',
          on: Object.keys(nodes)[0] ?? settings.primary,
          title: `${subject} connects to its peer`,
          timeoutS: 90,
          hint: 'Check that the peer runs, that the interface of the replication is up on both nodes, and that no firewall holds its port.',
          until: ask(statusCommand, (output) => {
            const state = drbdProbe.parse(output).minors[settings.resources[subject]?.minor ?? -1]
            return { done: isConnected(state) || state?.connection === 'StandAlone', text: spell(state) }
          }),
        },
      ],
    },
  })

/** Brings up what is missing, also attaches what is diskless; never promotes. */
const adjust = (name: string, on: string, cuts?: string): Step & { readonly on: string } => ({
  kind: 'run',
  on,
  title: `adjust ${name}`,
  command: sh`drbdadm adjust ${name} </dev/null`,
  ...(cuts === undefined ? {} : { interrupts: `${name} on ${on} loses its disk or its peer for a moment (${cuts})` }),
})

/**
 * `--force` answers drbdmeta's question, which without a terminal counts as no; it does not override its refusals to
 * truncate a filesystem. What is on the device was judged before.
 */
const createMetadata = (name: string, on: string): Step & { readonly on: string } => ({
  kind: 'run',
  on,
  title: `create metadata of ${name}`,
  command: sh`drbdadm create-md --force ${name} </dev/null`,
})
