import { type Finding, finding, quote, type Step, sh, type Task } from 'ha-provision'
import type { Builder, Instance } from './layout.js'
import { parseGlobalRegistry } from './parse/instance.js'
import { activeOf, type Nodes } from './place.js'
import { type InstanceFact, instanceProbes } from './probes.js'

type Placed = Step & { readonly on: string }
type Id = 'no-record' | 'other-record' | 'no-service' | 'other-service'

/** Lines of /etc/services of one instance, by their name: `DB2_inst_1` → `60001/tcp`. */
function servicesOf(name: string, { services }: InstanceFact): ReadonlyMap<string, string> {
  return new Map(
    services.flatMap((line) => {
      const [entry = '', port = ''] = line.split(/\s+/)
      const owner = /^(?:DB2|db2c)_(.+?)(?:_\d+|_END)?$/.exec(entry)?.[1]
      return owner === name ? [[entry, port] as const] : []
    }),
  )
}

const recordOf = (name: string, { registryDump }: InstanceFact) =>
  registryDump && parseGlobalRegistry(registryDump.stdout).instances.find(({ instance }) => instance === name)

/** What a node must know of an instance whose home is mounted elsewhere: its record, its ports. Nothing in the home. */
export const stubTask = (t: Builder): Task =>
  t.perCluster({
    id: 'stub',
    title: 'the other node knows the instances',
    probes: ({ settings }) => instanceProbes(settings),
    check(at): readonly Finding<Id>[] | { waits: string } {
      const nodes = at.nodes as Nodes
      const found: Finding<Id>[] = []
      for (const name of Object.keys(at.settings.instances)) {
        const active = activeOf(at, name, nodes)
        const own = active === undefined ? undefined : nodes[active]?.[name]
        const record = own && recordOf(name, own)
        if (!own?.hasSqllib || !record) return { waits: `waits for db2/instance: ${name} is not there yet` }
        for (const [node, facts] of Object.entries(nodes)) {
          const fact = facts[name] as InstanceFact
          if (node === active) continue
          const other = recordOf(name, fact)
          const subject = `${name} on ${node}`
          const desired = `${record.home}, ${record.installDir}`
          if (!other) found.push(finding('no-record', { subject, desired, actual: undefined }))
          else if (`${other.home}, ${other.installDir}` !== desired)
            found.push(finding('other-record', { subject, desired, actual: `${other.home}, ${other.installDir}` }))
          const have = servicesOf(name, fact)
          for (const [entry, port] of servicesOf(name, own)) {
            const actual = have.get(entry)
            if (actual === undefined)
              found.push(finding('no-service', { subject: `${entry} on ${node}`, desired: port, actual }))
            else if (actual !== port)
              found.push(finding('other-service', { subject: `${entry} on ${node}`, desired: port, actual }))
          }
        }
      }
      return found
    },
    fix: {
      'no-record': (at): readonly Placed[] => {
        const [name = '', , on = ''] = (at.finding.subject ?? '').split(' ')
        const { home } = at.settings.instances[name] as Instance
        const greg = quote(`${at.settings.installDir}/bin/db2greg`)
        return [
          {
            kind: 'run',
            on,
            title: `register ${name} on the node that does not have its home`,
            command: sh`{ [ -e ${home} ] && [ -e ${`${home}/sqllib`} ] && echo 'the home is here by now; nothing was done' >&2 && exit 1; }
${{ script: greg }} -addinstrec ${`service=DB2,instancename=${name}`} && ${{ script: greg }} -updinstrec ${`instancename=${name}!startatboot=0`}`,
          },
        ]
      },
      'no-service': (at): readonly Placed[] => {
        const [entry = '', , on = ''] = (at.finding.subject ?? '').split(' ')
        return [
          {
            kind: 'run',
            on,
            title: `port of ${entry} in /etc/services`,
            command: sh`printf '%s\\t%s\\n' ${entry} ${String(at.finding.desired)} >>/etc/services`,
          },
        ]
      },
      'other-record': {
        manual:
          'The node has another record of this instance. If nothing of it is needed, remove it with db2greg -delinstrec instancename=NAME and run again.',
      },
      'other-service': {
        manual:
          'The ports of an instance must be the same on both nodes, or clients and members do not find it after a takeover. Correct the line in /etc/services.',
      },
    },
  })
