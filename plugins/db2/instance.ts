import { type Finding, finding, given, type Step, sh, type Task } from 'ha-provision'
import { type At, asOwner, type Builder, clp, type Instance } from './layout.js'
import { parseConfiguration } from './parse/database.js'
import { parseGlobalRegistry, parseProfileRegistry } from './parse/instance.js'
import { activeOf, type Nodes } from './place.js'
import { type InstanceFact, instanceProbes, outputOf, unknownEnvironment } from './probes.js'

type Placed = Step & { readonly on: string }
type Id = 'no-instance' | 'starts-at-boot' | 'fault-monitor' | 'variable' | 'parameter' | 'not-running'

const words = (subject = ''): readonly string[] => subject.split(' ')

/** Variables that the cluster needs, below what the config says. Autostart would start the instance beside Heartbeat. */
const variables = ({ registry }: Instance): Readonly<Record<string, string>> => ({
  DB2COMM: 'TCPIP',
  ...registry,
  DB2AUTOSTART: 'NO',
})

const parameters = (instance: Instance): Readonly<Record<string, string>> => ({
  SVCENAME: String(instance.port),
  ...instance.config,
})

const isOff = (value: string | undefined): boolean => value === undefined || /^(no|off|false|0)$/i.test(value)

function differences(at: At, name: string, active: string, fact: InstanceFact): readonly Finding<Id>[] {
  const instance = at.settings.instances[name] as Instance
  const found: Finding<Id>[] = []
  const set = outputOf(fact, 'set')
  const dbm = outputOf(fact, 'dbm')
  if (!set || !dbm) throw unknownEnvironment(name, active)
  const registry = parseProfileRegistry(set.stdout)
  for (const [variable, desired] of Object.entries(variables(instance))) {
    const actual = registry.find((own) => own.level === 'i' && own.name === variable)?.value
    if (variable === 'DB2AUTOSTART' ? !isOff(actual) : actual?.toUpperCase() !== desired.toUpperCase())
      found.push(finding('variable', { subject: `${name} ${variable}`, desired, actual }))
  }
  const configuration = parseConfiguration(dbm.stdout)
  for (const [parameter, desired] of Object.entries(parameters(instance))) {
    const actual = configuration.get(parameter)
    if (actual !== desired) found.push(finding('parameter', { subject: `${name} ${parameter}`, desired, actual }))
  }
  if (!fact.running)
    found.push(finding('not-running', { subject: `${name} on ${active}`, desired: 'active', actual: 'down' }))
  return found
}

/** Switches that would start an instance beside Heartbeat, on whichever node. */
function switches(nodes: Nodes, name: string): readonly Finding<Id>[] {
  return Object.entries(nodes).flatMap(([node, facts]) => {
    const fact = facts[name] as InstanceFact
    const record =
      fact.registryDump && parseGlobalRegistry(fact.registryDump.stdout).instances.find((own) => own.instance === name)
    return [
      ...(record?.startAtBoot
        ? [finding('starts-at-boot', { subject: `${name} on ${node}`, desired: false, actual: true })]
        : []),
      ...(fact.faultMonitor
        ? [finding('fault-monitor', { subject: node, desired: 'db2fmcd does not run', actual: 'it runs' })]
        : []),
    ]
  })
}

/** Made where the replicated home is mounted: what belongs to it is in the home, so the other node needs only a stub. */
export const instanceTask = (t: Builder): Task =>
  t.perCluster({
    id: 'instance',
    title: 'instances on the replicated disk',
    probes: ({ settings }) => instanceProbes(settings),
    check(at): readonly Finding<Id>[] | { waits: string } {
      const nodes = at.nodes as Nodes
      const found: Finding<Id>[] = []
      for (const name of Object.keys(at.settings.instances)) {
        const active = activeOf(at, name, nodes)
        const fact = active === undefined ? undefined : nodes[active]?.[name]
        if (active === undefined || !fact) return { waits: `waits for heartbeat/up: no node has the home of ${name}` }
        if (!fact.hasSqllib)
          found.push(
            finding('no-instance', { subject: `${name} on ${active}`, desired: 'an instance', actual: undefined }),
          )
        else found.push(...differences(at, name, active, fact))
        found.push(...switches(nodes, name))
      }
      // A fault monitor serves every instance of its node.
      return found.filter(
        ({ id, subject }, i) =>
          id !== 'fault-monitor' || found.findIndex((own) => own.id === id && own.subject === subject) === i,
      )
    },
    fix: {
      'no-instance': (at): readonly Placed[] => {
        const [name = '', , on = ''] = words(at.finding.subject)
        const { home, port, group, fenced } = at.settings.instances[name] as Instance
        const dir = at.settings.installDir
        return [
          {
            kind: 'run',
            on,
            title: `create the instance ${name}`,
            // A running fault monitor would start the instance when db2icrt ends.
            command: given(
              sh`${dir}/bin/db2fmcu -d >/dev/null 2>&1
mkdir -p ${home} && chown ${`${name}:${group}`} ${home} || exit
for f in /etc/skel/.[!.]*; do [ -e "$f" ] && [ ! -e ${home}/"$(basename "$f")" ] && install -o ${name} -g ${group} -m 0644 "$f" ${home}; done
o=$(LANG=C LC_ALL=C ${dir}/instance/db2icrt -p ${port} -s ese -u ${fenced.name} ${name} 2>&1); s=$?
echo "$o"; [ $s -eq 0 ] && case $o in *DBI1070I*) ;; *) exit 1 ;; esac`,
              { timeoutS: 1800 },
            ),
          },
        ]
      },
      'starts-at-boot': (at): readonly Placed[] => {
        const [name = '', , on = ''] = words(at.finding.subject)
        const greg = `${at.settings.installDir}/bin/db2greg`
        return [
          {
            kind: 'run',
            on,
            title: `${name} does not start at boot`,
            command: sh`${greg} -updinstrec ${`instancename=${name}!startatboot=0`}`,
          },
        ]
      },
      'fault-monitor': (at): readonly Placed[] => [
        {
          kind: 'run',
          on: at.finding.subject ?? '',
          title: 'stop the fault monitor: it restarts what Heartbeat stops',
          command: sh`${at.settings.installDir}/bin/db2fmcu -d`,
        },
      ],
      variable: (at): readonly Placed[] => {
        const [name = '', variable = ''] = words(at.finding.subject)
        return asOwnerStep(
          at,
          name,
          `${variable}=${at.finding.desired}`,
          sh`db2set ${`${variable}=${at.finding.desired}`}`,
        )
      },
      parameter: (at): readonly Placed[] => {
        const [name = '', parameter = ''] = words(at.finding.subject)
        return asOwnerStep(
          at,
          name,
          `${parameter} = ${at.finding.desired}`,
          clp([`update database manager configuration using ${parameter} ${at.finding.desired}`]),
        )
      },
      'not-running': (at): readonly Placed[] => {
        const [name = '', , on = ''] = words(at.finding.subject)
        const { home } = at.settings.instances[name] as Instance
        return [
          {
            kind: 'run',
            on,
            title: `start ${name}`,
            command: given(sh`/etc/ha.d/resource.d/ha-db2 ${name} ${home} start`, { timeoutS: 600 }),
          },
        ]
      },
    },
  })

function asOwnerStep(
  at: At & { readonly nodes: Readonly<Record<string, unknown>> },
  name: string,
  title: string,
  script: ReturnType<typeof sh>,
): readonly Placed[] {
  const { home } = at.settings.instances[name] as Instance
  const on = activeOf(at, name, at.nodes as Nodes)
  return on === undefined ? [] : [{ kind: 'run', on, title: `${name}: ${title}`, command: asOwner(name, home, script) }]
}
