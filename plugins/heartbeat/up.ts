import {
  ask,
  type FileFact,
  type Finding,
  files,
  finding,
  given,
  type Probe,
  type Progress,
  type Step,
  sh,
  type Task,
} from 'ha-provision'
import drbd, { drbdProbe } from '../drbd/index.js'
import { bare } from '../network/index.js'
import { strangers } from './group.js'
import { type At, type Builder, homeOf, mounts, paths } from './layout.js'
import { type ClusterFact, clusterProbe, scriptsRun } from './probes.js'

type Placed = Step & { readonly on: string }
interface Facts {
  readonly cluster: ClusterFact
  readonly files: { readonly resources: FileFact | undefined }
  readonly drbd: { readonly minors: Readonly<Record<number, { readonly role: string; readonly disk: string }>> }
}
type Nodes = Readonly<Record<string, Facts>>

/** Seconds for the scripts of a takeover; 18 on an emulated machine. */
const scriptsS = 240

export const waitForActive = (at: At, on: string): Placed => ({
  kind: 'wait',
  on,
  title: `${on} sees both nodes active`,
  timeoutS: at.settings.initdeadS + 120,
  hint: 'journalctl -u heartbeat -t heartbeat on both nodes; the links and the UDP port must pass between them, and the keys be equal',
  until: ask(
    sh`for n in ${at.cluster.nodes.map(({ name }) => name)}; do echo "$n $(cl_status nodestatus "$n" 2>/dev/null)"; done`,
    ({ stdout }): Progress => ({
      done: at.cluster.nodes.every(({ name }) => stdout.split('\n').includes(`${name} active`)),
      text: stdout.trim().replaceAll('\n', ', '),
    }),
  ),
})

/** Words that stand in the node's lists of addresses and mounts when the group is there. */
const groupWords = (at: At): readonly string[] => [
  ...mounts(at).map(({ mount }) => ` ${mount} `),
  ...at.settings.virtualIps.map((ip) => ` ${bare(ip)}/`),
]

export function groupProgress(at: At): Probe<Progress> {
  const want = groupWords(at)
  return ask(sh`ip -o -4 addr; cat /proc/mounts; ${scriptsRun} && echo @@busy`, ({ stdout }) => {
    const isBusy = stdout.endsWith('@@busy\n')
    const missing = want.filter((word) => !stdout.includes(word)).map((word) => word.trim().replace(/(\d)\/$/, '$1'))
    // What is there may go again: Heartbeat gives everything up when a later resource fails.
    return {
      done: missing.length === 0 && !isBusy,
      text:
        missing.length > 0 ? `not here yet: ${missing.join(', ')}` : isBusy ? 'resource scripts run' : 'the group runs',
      ratio: 1 - missing.length / Math.max(1, want.length),
    }
  })
}

const waitForGroup = (at: At, on: string): Placed => ({
  kind: 'wait',
  on,
  title: `the group starts on ${on}`,
  until: groupProgress(at),
  timeoutS: at.settings.initdeadS + scriptsS,
  hint: `journalctl -t heartbeat -t 'ResourceManager(default)' on ${on} says which resource did not start`,
})

/**
 * Heartbeat takes a group whose first resource runs for started, and nothing watches it afterwards: what is missing then
 * comes with a takeover by the node that has the rest. Waits first until no resource script has run for a while.
 * A takeover knows no groups: what others have in haresources, maybe running on the other node, moves with ours.
 */
const startMissing = (at: At, on: string, more: readonly string[]): Placed => ({
  kind: 'run',
  on,
  title: 'have heartbeat start what is missing',
  ...(more.length > 0
    ? {
        interrupts: `hb_takeover moves all that haresources has to ${on}, not only what the config says: ${more.join('; ')}`,
      }
    : {}),
  command: given(
    sh`here() { all=$(ip -o -4 addr; cat /proc/mounts); for w in ${groupWords(at)}; do case $all in *"$w"*) ;; *) return 1 ;; esac; done; }
n=0; idle=0
while [ $n -lt 120 ] && [ $idle -lt 10 ]; do
  here && exit 0
  if ${scriptsRun}; then idle=0; else idle=$((idle+1)); fi
  n=$((n+1)); sleep 1.5
done
for h in /usr/share/heartbeat/hb_takeover /usr/lib/heartbeat/hb_takeover /usr/lib64/heartbeat/hb_takeover; do if [ -x $h ]; then $h; exit; fi; done
echo 'there is no hb_takeover' >&2; exit 1`,
    { timeoutS: 360 },
  ),
})

const roleOf = (at: At, facts: Facts): readonly string[] =>
  Object.entries(at.of(drbd).resources).flatMap(([name, { minor }]) =>
    facts.drbd.minors[minor]?.role === 'Primary' ? [name] : [],
  )

/** What of the group is on a node, and what is not. */
function holding(at: At, facts: Facts): { readonly held: number; readonly missing: readonly string[] } {
  const primary = roleOf(at, facts)
  const words: readonly (readonly [string, boolean])[] = [
    ...Object.keys(at.of(drbd).resources).map((name) => [`${name} primary`, primary.includes(name)] as const),
    ...mounts(at).map(({ mount }) => [mount, facts.cluster.mounted.includes(mount)] as const),
    ...at.settings.virtualIps.map((ip) => [bare(ip), facts.cluster.addresses.includes(bare(ip))] as const),
  ]
  return {
    held: words.filter(([, here]) => here).length,
    missing: words.flatMap(([word, here]) => (here ? [] : [word])),
  }
}

/** Where a group that runs nowhere belongs: home, unless only the other side's data is good. */
function targetOf(at: At, nodes: Nodes): string {
  const isGood = (node: string) =>
    Object.values(at.of(drbd).resources).every(({ minor }) => nodes[node]?.drbd.minors[minor]?.disk === 'UpToDate')
  const home = homeOf(at)
  return isGood(home) ? home : (Object.keys(nodes).find(isGood) ?? home)
}

/** Heartbeat says that it has started everything; before that it is only waited for. */
const isSettled = ({ cluster }: Facts): boolean =>
  ['local', 'all'].includes(cluster.claims) && Object.values(cluster.seen).every((status) => status === 'active')

type Id = 'peer-not-active' | 'group-nowhere' | 'group-half' | 'group-moving' | 'group-twice' | 'address-silent'

/** The end of the run: both nodes active, the whole group on one of them, and its addresses answering from the other. */
export const upTask = (t: Builder): Task =>
  t.perCluster({
    id: 'up',
    title: 'both nodes active, the group on one of them',
    probes: (at) => ({ cluster: clusterProbe(at), drbd: drbdProbe, files: files({ resources: paths.resources }) }),
    check(at): readonly Finding<Id>[] {
      const found: Finding<Id>[] = []
      for (const [node, { cluster }] of Object.entries(at.nodes)) {
        const other = at.cluster.nodes
          .filter(({ name }) => cluster.seen[name] !== 'active')
          .map(({ name }) => `${name} ${cluster.seen[name] || 'unknown'}`)
        if (other.length > 0)
          found.push(finding('peer-not-active', { subject: node, desired: 'both active', actual: other.join(', ') }))
      }
      const held = Object.entries(at.nodes).map(([node, facts]) => ({ node, ...holding(at, facts) }))
      const holders = held.filter((one) => one.held > 0)
      const [holder] = holders
      const desired = 'the whole group on one node'
      if (!holder) {
        if (held.some(({ missing }) => missing.length > 0))
          found.push(
            finding('group-nowhere', { subject: targetOf(at, at.nodes), desired, actual: 'nothing of it anywhere' }),
          )
      } else if (holders.length > 1) {
        const actual = held.map(({ node, missing }) => `${node} lacks ${missing.join(', ') || 'nothing'}`).join('; ')
        found.push(
          finding('group-twice', {
            subject: holders.map(({ node }) => node).join(', '),
            desired,
            actual,
            note: actual,
          }),
        )
      } else if (holder.missing.length > 0) {
        // A failover that happened is not fought: whoever holds the group keeps it.
        found.push(
          finding('group-half', { subject: holder.node, desired, actual: `missing: ${holder.missing.join(', ')}` }),
        )
      } else if (Object.values(at.nodes).some(({ cluster }) => cluster.busy)) {
        // Databases start after mounts and addresses.
        found.push(
          finding('group-moving', { subject: holder.node, desired, actual: 'heartbeat starts or stops its resources' }),
        )
      } else {
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
      'peer-not-active': (at) => [waitForActive(at, at.finding.subject ?? '')],
      'group-nowhere': (at) => mend(at, at.nodes),
      'group-half': (at) => mend(at, at.nodes),
      'group-moving': (at) => [waitForGroup(at, at.finding.subject ?? '')],
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
            ({ stdout }) => ({ done: stdout.trim() === '', text: `silent: ${stdout.trim().replaceAll('\n', ', ')}` }),
          ),
          hint: 'the interface of the address must be up on both nodes, and in one segment',
        },
      ],
    },
  })

function mend(at: At & { readonly finding: Finding }, nodes: Nodes): readonly Placed[] {
  const on = at.finding.subject ?? ''
  const facts = nodes[on]
  return facts && isSettled(facts)
    ? [startMissing(at, on, strangers(at, nodes)), waitForGroup(at, on)]
    : [waitForGroup(at, on)]
}
