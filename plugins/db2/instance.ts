import { type Finding, finding, given, type Step, sh, type Task } from 'ha-provision'
import { type At, asOwner, type Builder, clp, type Instance } from './layout.js'
import { parseConfiguration } from './parse/database.js'
import { parseGlobalRegistry, parseProfileRegistry, portOf } from './parse/instance.js'
import { activeOf, type Nodes } from './place.js'
import { type InstanceFact, instanceProbes, outputOf, unknownEnvironment } from './probes.js'

type Placed = Step & { readonly on: string }
type Id =
  | 'no-instance'
  | 'starts-at-boot'
  | 'fault-monitor'
  | 'variable'
  | 'parameter'
  | 'not-running'
  | 'not-listening'
type SettingId = 'variable' | 'parameter'

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

/** Variables and parameters that an instance has otherwise, wherever its home is. */
export function settingsOf(at: At, name: string, node: string, fact: InstanceFact): readonly Finding<SettingId>[] {
  const instance = at.settings.instances[name] as Instance
  const found: Finding<SettingId>[] = []
  const set = outputOf(fact, 'set')
  const dbm = outputOf(fact, 'dbm')
  if (!set || !dbm) throw unknownEnvironment(name, node)
  const registry = parseProfileRegistry(set.stdout)
  for (const [variable, desired] of Object.entries(variables(instance))) {
    const actual = registry.find((own) => own.level === 'i' && own.name === variable)?.value
    if (variable === 'DB2AUTOSTART' ? !isOff(actual) : actual?.toUpperCase() !== desired.toUpperCase())
      found.push(finding('variable', { subject: `${name} ${variable}`, desired, actual }))
  }
  const configuration = parseConfiguration(dbm.stdout)
  for (const [parameter, desired] of Object.entries(parameters(instance))) {
    const actual = configuration.get(parameter)
    // A name of /etc/services, as db2icrt writes it, stands for its port.
    const isSame =
      actual === desired ||
      (parameter === 'SVCENAME' &&
        actual !== undefined &&
        String(portOf(actual, fact.services.join('\n'), name)) === desired)
    if (!isSame) found.push(finding('parameter', { subject: `${name} ${parameter}`, desired, actual }))
  }
  return found
}

/** The step that sets one of them, as the owner; it holds from the next start of the instance. */
export function settingStep({ id, subject, desired }: Finding, home: string, on: string): Placed {
  const [name = '', key = ''] = words(subject)
  const script =
    id === 'variable'
      ? sh`db2set ${`${key}=${desired}`}`
      : clp([`update database manager configuration using ${key} ${desired}`])
  const title = `${name}: ${key}${id === 'variable' ? '=' : ' = '}${desired}`
  return { kind: 'run', on, title, command: asOwner(name, home, script) }
}

/** The port of a running instance, where its settings promise one and nothing listens there. */
function silentPort(instance: Instance, fact: InstanceFact): number | undefined {
  const port = Number(parameters(instance).SVCENAME)
  const isPromised = variables(instance).DB2COMM?.toUpperCase().split(',').includes('TCPIP') && Number.isInteger(port)
  return isPromised && !fact.listening.includes(port) ? port : undefined
}

function differences(at: At, name: string, active: string, fact: InstanceFact): readonly Finding<Id>[] {
  const settings = settingsOf(at, name, active, fact)
  const subject = `${name} on ${active}`
  if (!fact.running) return [...settings, finding('not-running', { subject, desired: 'active', actual: 'down' })]
  // What it should listen on it reads when it starts.
  const port = settings.length === 0 ? silentPort(at.settings.instances[name] as Instance, fact) : undefined
  return port === undefined
    ? settings
    : [finding('not-listening', { subject, desired: `port ${port}`, actual: 'nothing listens there' })]
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
      variable: (at) => set(at),
      parameter: (at) => set(at),
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
      'not-listening': (at): readonly Placed[] => {
        const [name = '', , on = ''] = words(at.finding.subject)
        const { home } = at.settings.instances[name] as Instance
        const agent = '/etc/ha.d/resource.d/ha-db2'
        return [
          {
            kind: 'run',
            on,
            title: `stop and start ${name}: it reads at its start on what to listen`,
            interrupts: `${name} is stopped and started`,
            command: given(sh`${agent} ${name} ${home} stop && ${agent} ${name} ${home} start`, { timeoutS: 900 }),
          },
        ]
      },
    },
  })

function set(
  at: At & { readonly nodes: Readonly<Record<string, unknown>>; readonly finding: Finding },
): readonly Placed[] {
  const [name = ''] = words(at.finding.subject)
  const { home } = at.settings.instances[name] as Instance
  const on = activeOf(at, name, at.nodes as Nodes)
  return on === undefined ? [] : [settingStep(at.finding, home, on)]
}
