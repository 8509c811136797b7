import { type Finding, finding, given, type Step, sh, type Task } from 'ha-provision'
import { type Builder, service } from './layout.js'
import { clusterProbe } from './probes.js'
import { waitForActive } from './up.js'

/**
 * `-r` has a running Heartbeat read ha.cf and authkeys again. For ha.cf it starts itself anew, without letting go of
 * anything: address, mount and process id stay, its peer takes it for alive. heartbeat(8)
 */
export const reload = sh`if systemctl is-active -q ${service}; then for h in /usr/libexec/heartbeat/heartbeat /usr/lib/heartbeat/heartbeat /usr/lib64/heartbeat/heartbeat; do if [ -x $h ]; then $h -r; exit; fi; done; exit 1; fi`

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
        const stale = (at.finding.subject ?? '').split(', ')
        const load = (node: string) => at.nodes[node]?.cluster.addresses.length ?? 0
        const passiveFirst = stale.toSorted((a, b) => load(a) - load(b))
        return [
          ...passiveFirst.map(
            (on): Placed => ({
              kind: 'run',
              on,
              title: 'have heartbeat read ha.cf again',
              command: given(reload, { timeoutS: 60 }),
            }),
          ),
          ...stale.map((on) => waitForActive(at, on)),
        ]
      },
    },
  })
