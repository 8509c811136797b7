import { readFileSync } from 'node:fs'
import { daemons, otherUnits } from '../../../plugins/ntp/daemons.js'
import ntp from '../../../plugins/ntp/index.js'
import { roleOf } from '../../../plugins/ntp/roles.js'
import type { Output } from '../../../src/index.js'
import { filesOutput } from '../../support/files.js'
import { filled, type NodeName, rebuilt } from '../../support/law.js'
import { factsOf, findingsOf, nodeContextOf, output, taskOf } from '../../support/task.js'

/** A machine as far as ntp looks at it. */
export interface Machine {
  readonly files: Readonly<Record<string, string>>
  /** Units by their names, own name first; `active enabled` where nothing is said. */
  readonly units: Readonly<Record<string, string>>
  readonly packages?: readonly string[]
  readonly manager?: string
  /** Files that are newer than the daemon. */
  readonly newer?: readonly string[]
}

const asked = [...new Set([...daemons.flatMap(({ units }) => units), ...otherUnits])]

/** What `systemctl show` prints: a block for every unit that was asked for, one that is not there among them. */
const unitsOutput = (units: Machine['units']): string =>
  asked
    .map((name) => {
      const [names = name, state = ''] = Object.entries(units).find(([own]) => own.split(' ').includes(name)) ?? []
      const [active = 'inactive', enabled = ''] = state.split(' ')
      return `Id=${names.split(' ')[0]}\nNames=${names}\nLoadState=${state ? 'loaded' : 'not-found'}\nActiveState=${active}\nUnitFileState=${enabled}\n`
    })
    .join('\n')

const timesOutput = ({ files, units, newer = [] }: Machine): string =>
  [
    ...Object.keys(units).map((names) => `1000 /run/systemd/units/invocation:${names.split(' ')[0]}`),
    ...Object.keys(files)
      .filter((path) => path !== '/etc/hosts')
      .map((path) => `${newer.includes(path) ? 2000 : 500} ${path}`),
  ].join('\n')

/** What the probes of reconstruct, and those of check by other names, are answered. */
export const said = (machine: Machine, probe: string): Output => {
  const { packages = ['chrony', 'ntp', 'ntpsec', 'systemd-timesyncd'], manager = 'apt-get' } = machine
  if (probe === 'units') return output(unitsOutput(machine.units))
  if (probe === 'files') return output(filesOutput(machine.files))
  if (probe === 'times' || probe === 'changed') return output(timesOutput(machine))
  if (probe === 'manager') return output(`${manager}\n`)
  return output(packages.map((name) => `installed ${name} 1.0\n`).join(''))
}

export const link = (a: string, b: string) => ({ dhcp: false, addresses: { 'db-a': a, 'db-b': b } })
export const network = {
  interfaces: {
    eth0: { dhcp: true, addresses: {} },
    link0: link('10.77.0.1/24', '10.77.0.2/24'),
    link1: link('10.77.1.1/24', '10.77.1.2/24'),
  },
  hosts: {},
}

export type Machines = Readonly<Record<NodeName, Machine>>
/** What check finds on machines with these options, `NODE: ID SUBJECT` each. */
export function checked(options: unknown, machines: Machines, links: object = network): readonly string[] {
  const situation = { settings: filled(ntp, options), others: { network: links } }
  return Object.entries(machines).flatMap(([node, machine]) =>
    ['packages', 'other-daemons', 'config', 'service'].flatMap((id) => {
      const task = taskOf(ntp, id)
      const at = nodeContextOf(situation, node)
      const outputs = Object.fromEntries(Object.keys(task.probes(at)).map((probe) => [probe, said(machine, probe)]))
      return findingsOf(task.check({ ...at, facts: factsOf(task, at, outputs) })).map(
        (finding) => `${node}: ${finding.id} ${finding.subject ?? finding.desired}`,
      )
    }),
  )
}

/** What check would write, by node and path. */
export function written(
  options: unknown,
  machines: Machines,
  links: object = network,
): Readonly<Record<string, unknown>> {
  const situation = { settings: filled(ntp, options), others: { network: links } }
  const task = taskOf(ntp, 'config')
  return Object.fromEntries(
    Object.entries(machines).flatMap(([node, machine]) => {
      const at = nodeContextOf(situation, node)
      const facts = factsOf(task, at, { files: said(machine, 'files') })
      return findingsOf(task.check({ ...at, facts })).map(({ subject, desired }) => [`${node}:${subject}`, desired])
    }),
  )
}

export const debian = readFileSync(new URL('recorded/chrony.conf.txt', import.meta.url), 'utf8')
export const hosts = '127.0.0.1 localhost\n10.77.0.1 db-a\n10.77.0.2 db-b\n'
export const units = {
  chrony: { 'chrony.service chronyd.service': 'active enabled' },
  ntpd: { 'ntp.service': 'active enabled' },
  ntpsec: { 'ntpsec.service ntp.service ntpd.service': 'active enabled' },
  'systemd-timesyncd': { 'systemd-timesyncd.service': 'active enabled' },
} as const

/** A machine as `create` leaves it. */
export function created(settings: never, node: string, links: object): Machine {
  const at = { ...nodeContextOf({ settings, others: { network: links } }, node) } as never
  const { daemon } = settings as { daemon: keyof typeof units }
  const row = daemons.find(({ name }) => name === daemon)
  if (!row) throw new Error(daemon)
  const main = daemon === 'chrony' ? { '/etc/chrony/chrony.conf': debian } : {}
  return { files: { ...main, [row.config]: row.render(roleOf(at, node)), '/etc/hosts': hosts }, units: units[daemon] }
}

export const machine = (
  daemon: keyof typeof units,
  files: Record<string, string>,
  more: Partial<Machine> = {},
): Machine => ({
  files: { ...files, '/etc/hosts': hosts },
  units: units[daemon],
  ...more,
})
export const both = (one: Machine): Machines => ({ 'db-a': one, 'db-b': one })
export const read = (machines: Machines, links: object = network) => {
  const { options, remarks } = rebuilt(ntp, { options: {}, others: { network: links } }, (node, probe) =>
    said(machines[node], probe),
  )
  const text = remarks.map((one) => (one.kind === 'differs' ? `differs ${one.path}` : `${one.kind}: ${one.why}`))
  return { options, remarks: text }
}

export const centos = `# For more information about this file, see the man pages
driftfile /var/lib/ntp/drift
restrict default kod nomodify notrap nopeer noquery
restrict -6 default kod nomodify notrap nopeer noquery
restrict 127.0.0.1
restrict -6 ::1
#restrict 192.168.1.0 mask 255.255.255.0 nomodify notrap
server ntp1.example.com iburst   # main
server\tntp2.example.com
includefile /etc/ntp/crypto/pw
keys /etc/ntp/keys
`
