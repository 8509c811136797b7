import { type Finding, finding, given, type Step, sh, type Task } from 'ha-provision'
import { type At, type Builder, service } from './layout.js'
import { type ClusterFact, clusterProbe } from './probes.js'
import { waitForActive } from './up.js'

/**
 * `-r` has a running Heartbeat read ha.cf and authkeys again. For ha.cf it starts itself anew, without letting go of
 * anything: address, mount and process id stay, its peer takes it for alive. heartbeat(8)
 */
export const reload = sh`if systemctl is-active -q ${service}; then for h in /usr/libexec/heartbeat/heartbeat /usr/lib/heartbeat/heartbeat /usr/lib64/heartbeat/heartbeat; do if [ -x $h ]; then $h -r; exit; fi; done; exit 1; fi`

/** A reload takes a few seconds without heartbeats; below this it is a gamble whether the peer waits that long. */
const safeMs = 10_000

/** Why a reload may end the service: who is silent for longer than the old or the new deadtime is dead to its peer. */
function interruption(at: At, nodes: Readonly<Record<string, { readonly cluster: ClusterFact }>>): string | undefined {
  const running = Object.values(nodes).filter(({ cluster }) => cluster.running)
  const old = running.map(({ cluster }) => cluster.deadtimeMs ?? 0)
  const shortest = Math.min(at.settings.deadtimeS * 1000, ...old)
  if (shortest >= safeMs) return undefined
  const told = shortest === 0 ? 'that it does not say' : `of ${shortest / 1000} s`
  return `heartbeat starts itself anew, which takes seconds, and with a deadtime ${told} the other node may take this one for dead and start the group as well`
}

type Placed = Step & { readonly on: string }

export const reloadTask = (t: Builder): Task =>
  t.perCluster({
    id: 'reload',
    title: 'the running heartbeat knows its ha.cf',
    probes: (at) => ({ cluster: clusterProbe(at) }),
    check({ nodes }): readonly Finding<'old-config'>[] {
      const stale = Object.keys(nodes).filter((node) => nodes[node]?.cluster.running && nodes[node].cluster.stale)
      return stale.length === 0
        ? []
        : [
            finding('old-config', {
              subject: stale.join(', '),
              desired: 'the ha.cf on the disk',
              actual: 'an older one',
            }),
          ]
    },
    fix: {
      // Without a pause between the nodes: with another port or link they don't hear each other until both know it.
      'old-config': (at): readonly Placed[] => {
        const interrupts = interruption(at, at.nodes)
        const stale = (at.finding.subject ?? '').split(', ')
        const load = (node: string) => at.nodes[node]?.cluster.addresses.length ?? 0
        const passiveFirst = stale.toSorted((a, b) => load(a) - load(b))
        return [
          ...passiveFirst.map(
            (on): Placed => ({
              kind: 'run',
              on,
              title: 'have heartbeat read ha.cf again',
              ...(interrupts === undefined ? {} : { interrupts }),
              command: given(reload, { timeoutS: 60 }),
            }),
          ),
          ...stale.map((on) => waitForActive(at, on)),
        ]
      },
    },
  })
