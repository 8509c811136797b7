import heartbeat from '../../../plugins/heartbeat/index.js'
import type { Finding, Output, Remark, Step } from '../../../src/index.js'
import { filled, type NodeName, nodes, rebuilt } from '../../support/law.js'
import { contextOf, factsOf, findingsOf, nodeContextOf, output, stepsOf, taskOf } from '../../support/task.js'
import { filesOutput, unitsOutput } from './lab.js'

/** What one node holds. */
export interface Held {
  readonly config?: string
  readonly configMode?: string
  readonly resources?: string
  readonly key?: string
  readonly keyMode?: string
  readonly agent?: string
  readonly enabled?: string
  /** Lines of the probe `signs`. */
  readonly signs?: string
}
export type Cluster = Readonly<Record<NodeName, Held>>
export const both = (held: Held): Cluster => ({ 'db-a': held, 'db-b': held })

export const goodKey = 'auth 1\n1 sha1 0123456789abcdef0123\n'
const held = (own: Held) => ({ key: goodKey, agent: '#!/bin/sh\n', enabled: 'enabled', ...own })

/** What the probes of `reconstruct` answer on a node. */
export function said(own: Held, probe: string): Output {
  const { config, configMode, resources, key, keyMode, agent, enabled, signs } = held(own)
  const file = (path: string, content: string | undefined, mode = '0600') =>
    content === undefined || content === '-' ? [] : [[path, content, mode] as const]
  if (probe === 'files')
    return output(
      filesOutput(
        ...file('/etc/ha.d/ha.cf', config, configMode),
        ...file('/etc/ha.d/haresources', resources, '0644'),
        ...file('/etc/ha.d/authkeys', key, keyMode),
        ...file('/etc/ha.d/resource.d/drbddisk', agent, '0755'),
      ),
    )
  if (probe === 'units') return output(unitsOutput({ 'heartbeat.service': ['active', enabled] }))
  return output(signs ?? '')
}

const link = (a: string, b: string) => ({ dhcp: false, addresses: { 'db-a': a, 'db-b': b } })
export const others = {
  network: {
    interfaces: {
      mgmt: { dhcp: true, addresses: {} },
      link0: link('10.77.0.1/24', '10.77.0.2/24'),
      link1: link('10.77.1.1/24', '10.77.1.2/24'),
      eth0: link('192.168.4.11/23', '192.168.5.12/23'),
    },
  },
  drbd: {
    primary: 'db-a',
    resources: {
      www: {
        volume: 'vg0/www',
        minor: 3,
        port: 7790,
        interface: 'link0',
        filesystem: { type: 'ext4', mount: '/srv/www' },
      },
    },
  },
}
type Others = typeof others

export const reconstructed = (cluster: Cluster, own: object = others) =>
  rebuilt(heartbeat, { options: {}, others: own as Others }, (node, probe) => said(cluster[node], probe))

export const remarksOf = (remarks: readonly Remark[], ...kinds: readonly Remark['kind'][]) =>
  remarks.flatMap((remark) =>
    kinds.includes(remark.kind)
      ? [`${remark.path.join('.')}: ${remark.kind === 'differs' ? JSON.stringify(remark.values) : remark.why}`]
      : [],
  )

/** Findings of the tasks that look at files, keys and units, with their steps. */
export function judged(cluster: Cluster, options: unknown, own: object = others, offered: readonly unknown[] = []) {
  const situation = {
    settings: filled(heartbeat, options),
    others: own as Others,
    offered: { 'cluster-resource': offered },
  }
  const found: { readonly on: string; readonly finding: Finding; readonly steps: () => readonly Step[] }[] = []
  const facts = (id: string, node: NodeName) => {
    const task = taskOf(heartbeat, id)
    const at = nodeContextOf(situation, node)
    const { agent } = held(cluster[node])
    const agents = agent === '-' ? '' : filesOutput(['/etc/ha.d/resource.d/drbddisk', agent, '0755'])
    const outputs = {
      files: said(cluster[node], 'files'),
      crm: said(cluster[node], 'files'),
      agents: output(agents),
      dir: output(''),
      units: said(cluster[node], 'units'),
    }
    return { task, at, facts: factsOf(task, at, outputs) }
  }
  for (const node of nodes)
    for (const id of ['config', 'boot']) {
      const one = facts(id, node)
      const at = { ...one.at, facts: one.facts }
      for (const finding of findingsOf(one.task.check(at)))
        found.push({ on: node, finding, steps: () => stepsOf(one.task, at, finding) })
    }
  const task = taskOf(heartbeat, 'key')
  const at = {
    ...contextOf(situation),
    nodes: { 'db-a': facts('key', 'db-a').facts, 'db-b': facts('key', 'db-b').facts },
  }
  for (const finding of findingsOf(task.check(at)))
    found.push({ on: '', finding, steps: () => stepsOf(task, at, finding) })
  return { found, ids: found.map(({ on, finding }) => `${on} ${finding.id}`.trim()) }
}

/** A group and an ha.cf that are as this tool would have them, in other words. */
export const group = 'db-a drbddisk::www Filesystem::/dev/drbd3::/srv/www::ext4'
export const simple =
  'udpport 694\nbcast link0\nnode db-a db-b\nauto_failback off\nkeepalive 2\nwarntime 8\ndeadtime 20\ninitdead 60\n'

/** What is reconstructed, what is told about it, and what check finds then. */
export const roundTrip = (cluster: Cluster) => {
  const { options, remarks } = reconstructed(cluster)
  return {
    options,
    remarks,
    ids: judged(cluster, options).ids,
    told: remarksOf(remarks, 'other', 'differs', 'unknown'),
  }
}
