import { ask, type NodeContext, type Output, type Probe, sh } from 'ha-provision'
import type drbd from '../drbd/index.js'
import type network from '../network/index.js'
import { bare } from '../network/index.js'
import { milliseconds } from './ha-cf.js'
import { type Heartbeat, mounts, paths } from './layout.js'

/** What a node says of the cluster and of the group's resources on it. */
export interface ClusterFact {
  /** Heartbeat runs here and answers. */
  readonly running: boolean
  /** It runs with an older ha.cf than the one on the disk: each start and each reload makes a new pid file. */
  readonly stale: boolean
  /** Of the running Heartbeat, which may have read another ha.cf than the one on the disk; absent where it does not say. */
  readonly deadtimeMs?: number
  /** What it claims: `local` or `all` after a start or a takeover, `none`, `foreign`, or `transition` on the way. */
  readonly claims: string
  /** `active`, `up`, `init`, `dead`… as this node sees each node. */
  readonly seen: Readonly<Record<string, string>>
  /** Virtual addresses that are on this node. */
  readonly addresses: readonly string[]
  /** Virtual addresses that answer when asked from here. */
  readonly answering: readonly string[]
  readonly mounted: readonly string[]
  /** Its scripts start or stop resources now: what is there may go, what is not may come. */
  readonly busy: boolean
  /** Heartbeat's identity of this node; empty before its first start. */
  readonly uuid: string
}

/** Heartbeat starts or stops something now. */
export const scriptsRun = sh`cat /proc/[0-9]*/comm 2>/dev/null | grep -q -x -e ResourceManager -e mach_down -e req_resource`

export function parseCluster({ stdout }: Output): ClusterFact {
  const all = (word: string) => [...stdout.matchAll(new RegExp(`^${word} (.*)$`, 'gm'))].map(([, rest = '']) => rest)
  const claims = all('claims')[0] ?? ''
  const deadtimeMs = milliseconds(all('deadtime')[0]?.trim() ?? '')
  return {
    running: claims !== '',
    stale: /^stale$/m.test(stdout),
    ...(Number.isNaN(deadtimeMs) ? {} : { deadtimeMs }),
    claims,
    seen: Object.fromEntries(all('seen').map((line) => line.split(' ') as [string, string])),
    addresses: all('address'),
    answering: all('answers'),
    mounted: all('mounted'),
    busy: /^busy$/m.test(stdout),
    uuid: (all('uuid')[0] ?? '').replaceAll(' ', ''),
  }
}

export function clusterProbe(at: NodeContext<Heartbeat, typeof network | typeof drbd>): Probe<ClusterFact> {
  const names = at.cluster.nodes.map(({ name }) => name)
  const ips = at.settings.virtualIps.map(bare)
  return ask(
    sh`if c=$(cl_status rscstatus 2>/dev/null); then echo "claims $c"; for n in ${names}; do echo "seen $n $(cl_status nodestatus "$n" 2>/dev/null)"; done; echo "deadtime $(cl_status hbparameter -p deadtime 2>/dev/null)"; fi
${scriptsRun} && echo busy
[ -e ${paths.pid} ] && [ ${paths.config} -nt ${paths.pid} ] && echo stale
all=$(ip -o -4 addr); for i in ${ips}; do case $all in *" $i/"*) echo "address $i" ;; esac; ping -n -q -c 1 -W 2 "$i" >/dev/null 2>&1 && echo "answers $i"; done
all=$(cat /proc/mounts); for m in ${mounts(at).map(({ mount }) => mount)}; do case $all in *" $m "*) echo "mounted $m" ;; esac; done
[ -s /var/lib/heartbeat/hb_uuid ] && echo "uuid$(od -An -tx1 /var/lib/heartbeat/hb_uuid)"; true`,
    parseCluster,
  )
}
