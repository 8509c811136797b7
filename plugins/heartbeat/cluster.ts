import {
  ask,
  type Finding,
  finding,
  given,
  type NodeContext,
  type Output,
  type Probe,
  type Progress,
  type Step,
  sh,
  type Task,
  type TaskBuilder,
  units,
} from 'ha-provision'
import type drbd from '../drbd/index.js'
import { drbdProbe } from '../drbd/index.js'
import type network from '../network/index.js'
import { bare } from '../network/index.js'
import { type At, type Heartbeat, homeOf, mounts, service } from './layout.js'

type Builder = TaskBuilder<Heartbeat, typeof network | typeof drbd>
type R = typeof network | typeof drbd

/** What a node says of the cluster and of the group's resources on it. */
interface ClusterFact {
  /** Heartbeat runs here. */
  readonly running: boolean
  /** `active`, `up`, `init`, `dead`… as this node sees each node. */
  readonly seen: Readonly<Record<string, string>>
  /** Virtual addresses that are on this node. */
  readonly addresses: readonly string[]
  /** Virtual addresses that answer when asked from here. */
  readonly answering: readonly string[]
  readonly mounted: readonly string[]
  readonly uuid: string
}

function clusterProbe(at: NodeContext<Heartbeat, R>): Probe<ClusterFact> {
  const names = at.cluster.nodes.map(({ name }) => name)
  const ips = at.settings.virtualIps.map(bare)
  return ask(
    sh`cl_status hbstatus >/dev/null 2>&1 && echo running && for n in ${names}; do printf 'seen %s %s\n' "$n" "$(cl_status nodestatus "$n" 2>/dev/null)"; done
all=$(ip -o -4 addr); for i in ${ips}; do case $all in *" $i/"*) printf 'address %s\n' "$i" ;; esac; ping -n -q -c 1 -W 2 "$i" >/dev/null 2>&1 && printf 'answers %s\n' "$i"; done
for m in ${mounts(at).map(({ mount }) => mount)}; do grep -q " $m " /proc/mounts && printf 'mounted %s\n' "$m"; done
[ -s /var/lib/heartbeat/hb_uuid ] && printf 'uuid %s\n' "$(od -An -tx1 /var/lib/heartbeat/hb_uuid | tr -d ' \n')"; true`,
    ({ stdout }: Output) => {
      const all = (word: string) =>
        [...stdout.matchAll(new RegExp(`^${word} (.*)$`, 'gm'))].map(([, rest = '']) => rest)
      return {
        running: /^running$/m.test(stdout),
        seen: Object.fromEntries(all('seen').map((line) => line.split(' ') as [string, string])),
        addresses: all('address'),
        answering: all('answers'),
        mounted: all('mounted'),
        uuid: all('uuid')[0] ?? '',
      }
    },
  )
}

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
          command: sh`rm -f /var/lib/heartbeat/hb_uuid /var/lib/heartbeat/hostcache`,
        },
      ],
      'cloned-uuid-running': {
        manual:
          'Stop heartbeat on that node at a quiet moment (systemctl stop heartbeat), remove /var/lib/heartbeat/hb_uuid and hostcache there, and start it again.',
      },
    },
  })

/** Heartbeat asks only the first resource whether a group is held: a device that is primary and not mounted would pass for all of it. */
const start = (at: At, on: string): Step & { readonly on: string } => ({
  kind: 'run',
  on,
  title: 'start heartbeat',
  command: given(
    sh`for r in ${mounts(at).map(({ resource, mount }) => `${resource}:${mount}`)}; do grep -q " \${r#*:} " /proc/mounts || drbdadm secondary "\${r%%:*}"; done
systemctl reset-failed ${service} 2>/dev/null; systemctl start ${service}`,
    { timeoutS: 180 },
  ),
})

export const runningTask = (t: Builder): Task =>
  t.perCluster({
    id: 'running',
    title: 'heartbeat runs on both nodes',
    probes: () => ({ units: units(service) }),
    check: ({ nodes }) =>
      Object.entries(nodes).flatMap(
        ([
          node,
          {
            units: { [service]: unit },
          },
        ]) =>
          unit.active === 'active'
            ? []
            : [finding('not-running', { subject: node, desired: 'active', actual: unit.active })],
      ),
    // The home node first: the group starts where it belongs.
    fix: { 'not-running': (at) => [start(at, at.finding.subject ?? '')] },
  })

type Holding = { readonly node: string; readonly held: number; readonly of: number }

function holdings(
  at: At & { readonly nodes: Readonly<Record<string, { readonly cluster: ClusterFact }>> },
): readonly Holding[] {
  return Object.entries(at.nodes).map(([node, { cluster }]) => ({
    node,
    held: cluster.addresses.length + cluster.mounted.length,
    of: at.settings.virtualIps.length + mounts(at).length,
  }))
}

type UpId = 'peer-not-active' | 'group-nowhere' | 'group-half' | 'group-twice' | 'address-silent'

const groupProgress = (at: At): Probe<Progress> => {
  const want = [...at.settings.virtualIps.map((ip) => ` ${bare(ip)}/`), ...mounts(at).map(({ mount }) => ` ${mount} `)]
  return ask(sh`ip -o -4 addr; cat /proc/mounts`, ({ stdout }) => {
    const missing = want.filter((word) => !stdout.includes(word))
    return {
      done: missing.length === 0,
      text: missing.length === 0 ? 'the group runs' : `not here yet:${missing.join('').replaceAll('/', '')}`,
      ratio: 1 - missing.length / Math.max(1, want.length),
    }
  })
}

const waitForGroup = (at: At, on: string): Step & { readonly on: string } => ({
  kind: 'wait',
  on,
  title: `the group starts on ${on}`,
  until: groupProgress(at),
  timeoutS: at.settings.initdeadS + 240,
  hint: `journalctl -u heartbeat on ${on} says which resource did not start`,
})

/** The end of the run: both nodes active, the whole group on one of them, and its addresses answering from the other. */
export const upTask = (t: Builder): Task =>
  t.perCluster({
    id: 'up',
    title: 'both nodes active, the group on one of them',
    probes: (at) => ({ cluster: clusterProbe(at), drbd: drbdProbe }),
    check(at): readonly Finding<UpId>[] {
      const found: Finding<UpId>[] = []
      for (const [node, { cluster }] of Object.entries(at.nodes)) {
        const dead = at.cluster.nodes
          .filter(({ name }) => cluster.seen[name] !== 'active')
          .map(({ name }) => `${name} ${cluster.seen[name] ?? 'unknown'}`)
        if (dead.length > 0)
          found.push(finding('peer-not-active', { subject: node, desired: 'both active', actual: dead.join(', ') }))
      }
      const held = holdings(at)
      const actual = held.map(({ node, held: n, of }) => `${node} holds ${n} of ${of}`).join('; ')
      const holders = held.filter((one) => one.held > 0)
      const home = homeOf(at)
      const desired = 'the whole group on one node'
      if (held.every(({ of }) => of === 0)) return found
      if (holders.length === 0) found.push(finding('group-nowhere', { subject: home, desired, actual }))
      else if (holders.length > 1)
        found.push(finding('group-twice', { subject: holders.map(({ node }) => node).join(', '), desired, actual }))
      // A failover that happened is not fought: whoever holds the group keeps it.
      else if (holders[0] && holders[0].held < holders[0].of)
        found.push(finding('group-half', { subject: holders[0].node, desired, actual }))
      else {
        for (const [node, { cluster }] of Object.entries(at.nodes)) {
          const silent = at.settings.virtualIps.map(bare).filter((ip) => !cluster.answering.includes(ip))
          if (silent.length > 0)
            found.push(
              finding('address-silent', { subject: node, desired: 'answers', actual: `silent: ${silent.join(', ')}` }),
            )
        }
      }
      return found
    },
    fix: {
      'peer-not-active': (at) => [
        {
          kind: 'wait',
          on: at.finding.subject ?? '',
          title: `${at.finding.subject} sees both nodes active`,
          timeoutS: at.settings.initdeadS + 120,
          hint: 'journalctl -u heartbeat on both nodes; the links and the UDP port must pass between them, and the keys be equal',
          until: ask(
            sh`for n in ${at.cluster.nodes.map(({ name }) => name)}; do printf '%s %s\n' "$n" "$(cl_status nodestatus "$n" 2>/dev/null)"; done`,
            ({ stdout }) => ({
              done: at.cluster.nodes.every(({ name }) => stdout.split('\n').includes(`${name} active`)),
              text: stdout.trim().replaceAll('\n', ', '),
            }),
          ),
        },
      ],
      'group-nowhere': (at) => {
        const on = homeOf(at)
        const primaries = Object.entries(at.nodes).filter(([, facts]) =>
          Object.values(facts.drbd.minors).some(({ role }) => role === 'Primary'),
        )
        const [stuck] = primaries
        // Primary, and nothing else of the group: Heartbeat believes that it runs, and starts it when told to take over.
        return stuck?.[1].cluster.running && stuck[1].cluster.seen[stuck[0]] === 'active'
          ? [takeOver(stuck[0]), waitForGroup(at, stuck[0])]
          : [waitForGroup(at, on)]
      },
      'group-half': (at) => [waitForGroup(at, at.finding.subject ?? '')],
      'group-twice': {
        manual:
          'Both nodes hold parts of the group: each may take the other for dead. Look at the links between them and at `cl_status nodestatus` on both, stop heartbeat on the node whose data is older, and only then start it again.',
      },
      'address-silent': (at) => [
        {
          kind: 'wait',
          on: at.finding.subject ?? '',
          title: 'the virtual addresses answer',
          timeoutS: 60,
          until: ask(
            sh`for i in ${at.settings.virtualIps.map(bare)}; do ping -n -q -c 1 -W 2 "$i" >/dev/null 2>&1 || echo "$i"; done`,
            ({ stdout }) => ({ done: stdout.trim() === '', text: `silent: ${stdout.trim()}` }),
          ),
          hint: 'the interface of the address must be up on both nodes, and in one segment',
        },
      ],
    },
  })

const takeOver = (on: string): Step & { readonly on: string } => ({
  kind: 'run',
  on,
  title: 'have heartbeat take its resources over',
  command: given(
    sh`for h in /usr/share/heartbeat/hb_takeover /usr/lib/heartbeat/hb_takeover /usr/lib64/heartbeat/hb_takeover; do if [ -x $h ]; then $h; exit; fi; done; exit 1`,
    { timeoutS: 180 },
  ),
})
