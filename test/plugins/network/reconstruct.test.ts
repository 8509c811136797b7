import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hostsFile, wantedNames } from '../../../plugins/network/hosts.js'
import network, { addressesOf, type Network } from '../../../plugins/network/index.js'
import type { Context, InputOf, Output, Probe, Remark } from '../../../src/index.js'
import { filesOutput } from '../../support/files.js'
import { filled, holdsLaw, type NodeName, nodes, rebuilt } from '../../support/law.js'

type Options = InputOf<typeof network>
const out = (stdout: string): Output => ({ code: 0, stdout, stderr: '' })
const other = (node: NodeName): NodeName => (node === 'db-a' ? 'db-b' : 'db-a')
const key = (what: string): string => `ssh-ed25519 ${Buffer.from(what.padEnd(32, '=')).toString('base64')}`

interface Address {
  readonly text: string
  readonly dynamic?: boolean
  readonly secondary?: boolean
  readonly label?: string
}
interface Machine {
  readonly addresses: Readonly<Record<string, readonly Address[]>>
  readonly routes?: readonly { dst: string; gateway?: string; protocol?: string }[]
  readonly hosts: string
  readonly haresources?: string
  readonly files?: Readonly<Record<string, string>>
}

/** Formats of ip-address(8) and ip-route(8) with -j. */
function ip({ addresses, routes = [] }: Machine): Output {
  const links = Object.entries({ lo: [{ text: '127.0.0.1/8' }], ...addresses }).map(([ifname, list], i) => ({
    ifindex: i + 1,
    ifname,
    addr_info: [
      ...list.map(({ text, ...rest }) => ({
        family: 'inet',
        local: text.split('/')[0],
        prefixlen: Number(text.split('/')[1]),
        label: ifname,
        ...rest,
      })),
      { family: 'inet6', local: 'fe80::1', prefixlen: 64 },
    ],
  }))
  const kernel = [{ dst: '10.77.0.0/24', dev: 'x', protocol: 'kernel' }]
  return out(`${JSON.stringify(links)}\n\n${JSON.stringify([...kernel, ...routes])}\n\nnetworkd\n`)
}

const said =
  (machines: Readonly<Record<NodeName, Machine>>) =>
  (node: NodeName, probe: string): Output => {
    const machine = machines[node]
    if (probe === 'live') return ip(machine)
    if (probe === 'hosts')
      return out(
        filesOutput({
          '/etc/hosts': machine.hosts,
          ...(machine.haresources === undefined ? {} : { '/etc/ha.d/haresources': machine.haresources }),
        }),
      )
    if (probe === 'usable') return out('ed25519\n')
    return out(filesOutput(machine.files ?? {}))
  }

/** Keys of root and of the hosts; known and authorised by the other one, or not. */
const ssh = (node: NodeName, settings: Pick<Network, 'interfaces'>, linked: boolean): Record<string, string> => ({
  '/root/.ssh/id_ed25519.pub': `${key(`root ${node}`)} root@${node}\n`,
  '/etc/ssh/ssh_host_ed25519_key.pub': `${key(`host ${node}`)}\n`,
  ...(linked
    ? {
        '/root/.ssh/authorized_keys': `# all of us\n${key(`root ${other(node)}`)} root@${other(node)}\n`,
        '/root/.ssh/known_hosts': `${[other(node), ...addressesOf(settings as Network, other(node))].join(',')} ${key(`host ${other(node)}`)}\n`,
      }
    : {}),
})

const quad = fc.integer({ min: 2, max: 250 })
const worlds = fc
  .record({
    dhcp: fc.option(fc.constantFrom('mgmt', 'eth0'), { nil: undefined }),
    links: fc.uniqueArray(
      fc.record({ name: fc.constantFrom('link0', 'link1', 'bond0.7', 'enp3s0'), net: quad, a: quad, b: quad }),
      {
        minLength: 1,
        maxLength: 3,
        selector: ({ name }) => name,
      },
    ),
    prefix: fc.constantFrom(24, 25, 30),
    hosts: fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9-]{0,8}(\.[a-z]{2,5})?$/), fc.tuple(quad, quad), {
      maxKeys: 3,
    }),
    routes: fc.uniqueArray(quad, { maxLength: 2 }),
    rootSsh: fc.option(fc.boolean(), { nil: undefined }),
  })
  .filter(
    ({ links, hosts, dhcp }) =>
      new Set(links.map(({ net }) => net)).size === links.length &&
      links.every(({ a, b, name }) => a !== b && String(name) !== dhcp) &&
      !['db-a', 'db-b', 'localhost'].some((name) => name in hosts),
  )
  .map(({ dhcp, links, hosts, routes, rootSsh }): { options: Options } => ({
    options: {
      interfaces: {
        ...(dhcp ? { [dhcp]: { dhcp: true } } : {}),
        ...Object.fromEntries(
          links.map(({ name, net, a, b }) => [
            name,
            { addresses: { 'db-a': `10.77.${net}.${a}/24`, 'db-b': `10.77.${net}.${b}/24` } },
          ]),
        ),
      },
      ...(routes.length > 0
        ? { routes: routes.map((net) => ({ to: `10.9.${net}.0/24`, via: `10.77.${links[0]?.net}.1` })) }
        : {}),
      ...(Object.keys(hosts).length > 0
        ? { hosts: Object.fromEntries(Object.entries(hosts).map(([name, [c, d]]) => [name, `192.0.${c}.${d}`])) }
        : {}),
      ...(rootSsh === undefined ? {} : { rootSsh }),
    },
  }))

function machine(settings: Network, node: NodeName): Machine {
  const at = { settings, cluster: { nodes: nodes.map((name) => ({ name })) } } as unknown as Context<Network>
  return {
    addresses: Object.fromEntries(
      Object.entries(settings.interfaces).map(([name, { dhcp, addresses }], i) => [
        name,
        dhcp
          ? [{ text: '10.0.2.15/24', dynamic: true }]
          : [
              { text: addresses[node] ?? '' },
              // A virtual address of the group, where it runs.
              ...(i > 0 && node === 'db-b'
                ? [{ text: `${(addresses[node] ?? '').replace(/\.\d+\/24$/, '.251')}/24`, secondary: true }]
                : []),
            ],
      ]),
    ),
    routes: [
      { dst: 'default', gateway: '10.0.2.2', protocol: 'dhcp' },
      ...settings.routes.map(({ to, via }) => ({ dst: to, gateway: via, protocol: 'static' })),
    ],
    hosts: hostsFile('127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n', wantedNames(at)),
    files: ssh(node, settings, settings.rootSsh),
  }
}

/** What `check` finds on such machines with the options written from them. */
function findings(machines: Readonly<Record<NodeName, Machine>>, options: unknown): readonly string[] {
  const settings = filled(network, options) as Network
  const cluster = { name: 'c', nodes: nodes.map((name) => ({ name })) }
  const tell = said(machines)
  const answer = (node: NodeName, name: string, probe: Probe): unknown =>
    probe.parse(
      name === 'ip'
        ? tell(node, 'live')
        : name === 'files'
          ? tell(node, 'hosts')
          : name === 'names'
            ? out(`${node}\n${node}\n`)
            : name === 'file'
              ? out('/etc/resolv.conf\nnameserver 192.0.2.1\n')
              : tell(node, name),
    )
  const builders = {
    perNode: (task: object) => ({ ...task, scope: 'node' }),
    perCluster: (task: object) => ({ ...task, scope: 'cluster' }),
  }
  return network.tasks(builders as never).flatMap((task) => {
    const facts = Object.fromEntries(
      nodes.map((node) => [
        node,
        Object.fromEntries(
          Object.entries(task.probes({ settings, cluster, node, peers: [other(node)] })).map(([name, probe]) => [
            name,
            answer(node, name, probe),
          ]),
        ),
      ]),
    )
    const found =
      task.scope === 'cluster'
        ? task.check({ settings, cluster, nodes: facts })
        : nodes.flatMap((node) => {
            const one = task.check({ settings, cluster, node, facts: facts[node] })
            return Array.isArray(one) ? one : []
          })
    return (found as { id: string; subject?: string }[]).map(({ id, subject }) => `${task.id} ${id} ${subject ?? ''}`)
  })
}

describe('reconstruct of network', () => {
  it('gives back what a config made', () => {
    holdsLaw(network, worlds, (settings: Network) =>
      said({ 'db-a': machine(settings, 'db-a'), 'db-b': machine(settings, 'db-b') }),
    )
  })

  it('check finds nothing on these machines', () => {
    fc.assert(
      fc.property(worlds, ({ options }) => {
        const settings = filled(network, options) as Network
        const machines = { 'db-a': machine(settings, 'db-a'), 'db-b': machine(settings, 'db-b') }
        expect(findings(machines, rebuilt(network, { options }, said(machines)).options)).toEqual([])
      }),
      { numRuns: 200 },
    )
  })

  const byHand = (node: NodeName, last: number): Machine => ({
    addresses: {
      eth0: [{ text: `10.0.2.${14 + last}/24`, dynamic: true }],
      eth1: [{ text: `192.168.9.${last}/29` }],
      eth2: [
        { text: `172.16.4.${last}/16` },
        ...(node === 'db-a' ? [{ text: '172.16.4.100/16', label: 'eth2:0' }] : []),
      ],
    },
    hosts: `127.0.0.1 localhost\n172.16.4.1   db-a.example.com db-a\n172.16.4.2\tdb-b.example.com db-b # the new one\n192.168.9.1 db-a-hb\n192.168.9.2 db-b-hb\n192.0.2.7 printer\n`,
  })
  const pair = (change: (machine: Machine, node: NodeName) => Machine = (own) => own) => ({
    'db-a': change(byHand('db-a', 1), 'db-a'),
    'db-b': change(byHand('db-b', 2), 'db-b'),
  })
  const read = (machines: Readonly<Record<NodeName, Machine>>) => {
    const { options, remarks } = rebuilt(network, { options: {} }, said(machines))
    return { options: options as Options, remarks }
  }

  it('reads a network made by hand: names decide which link is first, virtual addresses are not the nodes’ own', () => {
    const { options, remarks } = read(pair())
    expect(Object.keys(options.interfaces)).toEqual(['eth0', 'eth2', 'eth1'])
    expect(options).toEqual({
      interfaces: {
        eth0: { dhcp: true },
        eth2: { addresses: { 'db-a': '172.16.4.1/16', 'db-b': '172.16.4.2/16' } },
        eth1: { addresses: { 'db-a': '192.168.9.1/29', 'db-b': '192.168.9.2/29' } },
      },
      hosts: {
        'db-a.example.com': '172.16.4.1',
        'db-b.example.com': '172.16.4.2',
        'db-a-hb': '192.168.9.1',
        'db-b-hb': '192.168.9.2',
        printer: '192.0.2.7',
      },
      rootSsh: false,
    })
    expect(remarks.map(({ kind, path }) => `${kind} ${path.join('.')}`)).toEqual(['inferred rootSsh'])
    expect(findings(pair(), options)).toEqual([])
  })

  const dhcp = (last: number): Address => ({ text: `10.0.2.${last}/24`, dynamic: true })
  const active = (eth0: readonly Address[], eth2: readonly Address[], haresources?: string) =>
    pair((own, node) => ({
      ...own,
      addresses: {
        ...own.addresses,
        ...(node === 'db-a' ? { eth0, eth2 } : { eth2: [{ text: '172.16.4.2/16' }] }),
      },
      ...(haresources === undefined ? {} : { haresources }),
    }))
  const eth0 = { dhcp: true }
  const eth2 = { addresses: { 'db-a': '172.16.4.1/16', 'db-b': '172.16.4.2/16' } }
  const own = [{ text: '172.16.4.1/16' }]
  const about = (remarks: readonly Remark[]) => remarks.filter(({ path }) => path[0] === 'interfaces')

  it.each([
    ['a second one of the subnet', [dhcp(15), { text: '10.0.2.100/24', secondary: true }]],
    ['one that is a subnet of its own', [dhcp(15), { text: '10.0.2.100/32' }]],
    ['one that was there before DHCP gave its', [{ text: '10.0.2.100/24' }, { ...dhcp(15), secondary: true }]],
  ])('an interface with DHCP stays one under a virtual address: %s', (_, addresses) => {
    const known = active(addresses, own, '# ours\ndb-a drbddisk::r0 \\\n  IPaddr2::10.0.2.100/24/eth0 db2\n')
    const { options, remarks } = read(known)
    expect(options.interfaces).toMatchObject({ eth0, eth2 })
    expect(about(remarks)).toEqual([])
    expect(findings(known, options)).toEqual([])
    // Nothing tells whose it is: it is named, and the interface is not lost for it.
    const unknown = read(active(addresses, own))
    expect(unknown.options.interfaces).toMatchObject({ eth0, eth2 })
    expect(JSON.stringify(about(unknown.remarks))).toContain('10.0.2.100')
  })

  it.each([
    ['IPaddr', 'db-b IPaddr::172.16.4.100/16/eth2:0'],
    ['no agent', 'db-b 172.16.4.100 db2'],
    ['a group beside', 'db-a drbddisk::r0\ndb-b IPaddr2::172.16.4.100'],
  ])('a virtual address that the kernel lists first is not the node’s: %s', (_, haresources) => {
    for (const first of [
      [{ text: '172.16.4.100/16' }, { text: '172.16.4.1/16', secondary: true }],
      [{ text: '172.16.4.100/24' }, { text: '172.16.4.1/16' }],
      [{ text: '172.16.4.100/16' }, { text: '10.5.0.9/16', dynamic: true }, { text: '172.16.4.1/16', secondary: true }],
    ]) {
      const machines = active([dhcp(15)], first, haresources)
      const { options, remarks } = read(machines)
      expect(options.interfaces).toMatchObject({ eth0, eth2 })
      expect(about(remarks)).toEqual([])
      expect(findings(machines, options)).toEqual([])
    }
  })

  it('a second address of which nothing tells whose it is, is taken for a virtual one and named', () => {
    const { options, remarks } = read(active([dhcp(15)], [...own, { text: '172.16.4.9/16', secondary: true }]))
    expect(options.interfaces).toMatchObject({ eth2 })
    expect(about(remarks)).toEqual([
      {
        kind: 'inferred',
        path: ['interfaces', 'eth2'],
        why: '172.16.4.9/16 on db-a comes after another one of its subnet and is in no haresources: taken for a virtual one',
      },
    ])
  })

  it('an interface that has nothing but virtual addresses', () => {
    const machines = pair((machine) => ({
      ...machine,
      addresses: { ...machine.addresses, eth3: [{ text: '192.0.2.50/24' }] },
      haresources: 'db-a 192.0.2.50',
    }))
    expect(about(read(machines).remarks)).toEqual([
      { kind: 'other', path: ['interfaces', 'eth3'], why: 'it has virtual addresses only' },
    ])
  })

  it('ssh that reaches by name only is not what rootSsh says', () => {
    const machines = pair((own, node) => ({
      ...own,
      files: { ...ssh(node, { interfaces: {} }, true) },
    }))
    const { options, remarks } = read(machines)
    expect(options.rootSsh).toBe(false)
    expect(JSON.stringify(remarks)).toContain('172.16.4.2,192.168.9.2')
    expect(findings(machines, options)).toEqual([])
  })

  it('names what one node has alone, and what differs', () => {
    const machines = pair((own, node) =>
      node === 'db-a'
        ? {
            ...own,
            addresses: { ...own.addresses, docker0: [{ text: '172.17.0.1/16' }] },
            routes: [{ dst: '10.9.0.0/16', gateway: '172.16.0.1' }],
            hosts: own.hosts.replace('192.0.2.7 printer', '192.0.2.8 printer\n192.0.2.9 scanner'),
          }
        : own,
    )
    const { options, remarks } = read(machines)
    expect(Object.keys(options.interfaces)).not.toContain('docker0')
    expect(remarks).toEqual([
      { kind: 'other', path: ['interfaces', 'docker0'], why: 'only db-a has an address there' },
      expect.objectContaining({ kind: 'inferred', path: ['rootSsh'] }),
      {
        kind: 'differs',
        path: ['hosts', 'printer'],
        values: { 'db-a': '192.0.2.8', 'db-b': '192.0.2.7' },
      },
      { kind: 'other', path: ['hosts'], why: 'only one node has a line for scanner (192.0.2.9)' },
      { kind: 'other', path: ['routes'], why: 'only db-a has the route 10.9.0.0/16 via 172.16.0.1' },
    ])
    expect(findings(machines, options)).toEqual([])
  })

  it('names a host name that stands for another address, as Debian’s installer writes it', () => {
    const machines = pair((own, node) => ({ ...own, hosts: `127.0.0.1 localhost\n127.0.1.1 ${node}\n` }))
    const { options, remarks } = read(machines)
    expect(remarks.filter(({ kind }) => kind === 'other').length).toBe(4)
    expect(findings(machines, options)).toEqual(['hosts hosts-file /etc/hosts', 'hosts hosts-file /etc/hosts'])
  })

  it('a routed pair cannot be said: both values, none chosen', () => {
    const machines = pair((own, node) => ({
      ...own,
      addresses: { ...own.addresses, eth1: [{ text: node === 'db-a' ? '10.1.0.5/24' : '10.2.0.5/24' }] },
    }))
    const { options, remarks } = read(machines)
    expect(Object.keys(options.interfaces)).not.toContain('eth1')
    expect(remarks[0]).toMatchObject({ kind: 'differs', values: { 'db-a': '10.1.0.5/24', 'db-b': '10.2.0.5/24' } })
  })

  it('nothing there, and an answer that cannot be read', () => {
    const bare = { addresses: {}, hosts: '' }
    expect(read({ 'db-a': bare, 'db-b': bare }).options).toBeUndefined()
    expect(() =>
      rebuilt(network, { options: {} }, (node, probe) => (probe === 'live' ? out('') : said(pair())(node, probe))),
    ).toThrow('ip -j says nothing')
  })
})
