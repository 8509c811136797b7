import { type FileFact, files, finding, type Task } from 'ha-provision'
import { parseHaCf } from './ha-cf.js'
import { type Builder, paths } from './layout.js'

const probe = files({ config: paths.config })
type Crm = { readonly crm: { readonly config: FileFact | undefined } }

/** Pacemaker has the resources there: haresources is read by nobody, and a reload would stop or start them all. */
const isPacemakers = ({ crm }: Crm): boolean => parseHaCf(crm.config?.content ?? '').crm
const pacemakers = (nodes: Readonly<Record<string, Crm>>): readonly string[] =>
  Object.entries(nodes).flatMap(([node, facts]) => (isPacemakers(facts) ? [node] : []))

/** Looked at before anything changes on a node: such a cluster is another product, whatever its ha.cf has in common with ours. */
export const managerTask = (t: Builder): Task =>
  t.perNode({
    id: 'manager',
    title: 'heartbeat has the resources',
    before: 'network',
    probes: () => ({ crm: probe }),
    check: ({ facts }) =>
      isPacemakers(facts)
        ? [
            finding('pacemaker', {
              subject: paths.config,
              desired: 'resources in haresources',
              actual: 'ha.cf gives them to Pacemaker',
            }),
          ]
        : [],
    fix: {
      pacemaker: {
        manual:
          'Pacemaker has the resources of this cluster (crm or pacemaker in ha.cf), and this tool knows only haresources. Leave heartbeat out of the config; or move the resources to haresources at a quiet moment, with heartbeat stopped on both nodes and "crm no" in their ha.cf.',
      },
    },
  })

/** The same stage, but one that finds and mends nothing under Pacemaker: also where a hook waived that finding. */
export const unlessPacemaker = (task: Task): Task => ({
  ...task,
  probes: (at) => ({ ...task.probes(at), crm: probe }),
  check(at: { readonly node: string; readonly facts: Crm; readonly nodes?: Readonly<Record<string, Crm>> }) {
    const found = pacemakers(at.nodes ?? { [at.node]: at.facts })
    return found.length === 0
      ? task.check(at)
      : {
          waits: `Pacemaker has the resources of ${found.join(' and ')} (ha.cf): nothing is judged, and nothing changed`,
        }
  },
})
