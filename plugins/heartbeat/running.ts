import { type Finding, files, finding, given, type Step, sh, type Task, units } from 'ha-provision'
import drbd from '../drbd/index.js'
import { strangers } from './group.js'
import { type At, type Builder, homeOf, mounts, paths, service } from './layout.js'
import { clusterProbe } from './probes.js'

type IdentityId = 'cloned-uuid' | 'cloned-uuid-running'

/** Two nodes with one identity are one node to Heartbeat: what a copied machine brings along. */
export const identityTask = (t: Builder): Task =>
  t.perCluster({
    id: 'identity',
    title: 'identity of each node',
    probes: (at) => ({ cluster: clusterProbe(at) }),
    check: ({ nodes }): readonly Finding<IdentityId>[] => {
      const [first, second] = Object.entries(nodes)
      if (!first || !second || first[1].cluster.uuid === '' || first[1].cluster.uuid !== second[1].cluster.uuid)
        return []
      const id = first[1].cluster.running || second[1].cluster.running ? 'cloned-uuid-running' : 'cloned-uuid'
      return [finding(id, { subject: second[0], desired: 'an identity of its own', actual: `the one of ${first[0]}` })]
    },
    fix: {
      'cloned-uuid': ({ finding: { subject = '' } }) => [
        {
          kind: 'run',
          on: subject,
          title: 'remove the copied identity',
          command: sh`rm -f /var/lib/heartbeat/hb_uuid /var/lib/heartbeat/hostcache /var/lib/heartbeat/delhostcache`,
        },
      ],
      'cloned-uuid-running': {
        manual:
          'Stop heartbeat on that node at a quiet moment (systemctl stop heartbeat), remove /var/lib/heartbeat/hb_uuid, hostcache and delhostcache there, and start it again.',
      },
    },
  })

/** Heartbeat asks only the first resource whether a group is held: a device that is primary and not in use would pass for all of it. */
function start(at: At, on: string, takes: readonly string[]): Step & { readonly on: string } {
  const used = new Map(mounts(at).map(({ resource, mount }) => [resource, mount]))
  const demote = Object.keys(at.of(drbd).resources).map((resource) => `${resource}:${used.get(resource) ?? ''}`)
  return {
    kind: 'run',
    on,
    title: 'start heartbeat',
    ...(takes.length > 0
      ? {
          interrupts: `auto_failback is on: with its start ${on} takes home what no option says: ${takes.join('; ')}`,
        }
      : {}),
    // drbdadm refuses to demote what is open.
    command: given(
      sh`for r in ${demote}; do grep -q " \${r#*:} " /proc/mounts || drbdadm secondary "\${r%%:*}" 2>/dev/null; done
systemctl reset-failed ${service} 2>/dev/null; systemctl start ${service}`,
      { timeoutS: 180 },
    ),
  }
}

export const runningTask = (t: Builder): Task =>
  t.perCluster({
    id: 'running',
    title: 'heartbeat runs on both nodes',
    probes: () => ({ units: units(service), files: files({ resources: paths.resources }) }),
    check(at) {
      const { nodes } = at
      const home = homeOf(at)
      // The home node first: the group starts where it belongs. The other follows at once, within initdead.
      return Object.keys(nodes)
        .toSorted((a, b) => Number(b === home) - Number(a === home))
        .flatMap((node) => {
          const active = nodes[node]?.units[service].active
          return active === 'active'
            ? []
            : [finding('not-running', { subject: node, desired: 'active', actual: active })]
        })
    },
    fix: {
      'not-running': (at) => {
        const on = at.finding.subject ?? ''
        const isHeld = Object.values(at.nodes).some((node) => node.units[service].active === 'active')
        // The config's own group goes home by its option; those who own the rest asked for nothing.
        return [start(at, on, isHeld && at.settings.autoFailback ? strangers(at, at.nodes, on) : [])]
      },
    },
  })
