import { agreed, files, type Input, type Remark, reconstruction } from 'ha-provision'
import { parseHaresources } from '../heartbeat/haresources.js'
import { namesOf } from './hosts.js'
import { bare, cidr, contains, ipv4 } from './ipv4.js'
import { type Live, type LiveAddress, liveProbe } from './live.js'
import type { schema } from './schema.js'
import { lacking, sshProbes } from './ssh.js'

type Options = Input<typeof schema>
type Interfaces = Options['interfaces']
type ByNode<T> = Readonly<Record<string, T>>

const probes = {
  live: liveProbe,
  hosts: files({ hosts: '/etc/hosts', resolver: '/etc/resolv.conf', haresources: '/etc/ha.d/haresources' }),
  ...sshProbes(),
}
type Facts = { readonly [K in keyof typeof probes]: ReturnType<(typeof probes)[K]['parse']> }

const mapValues = <T, U>(record: ByNode<T>, to: (value: T, key: string) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value, key)]))

/** Addresses of Heartbeat's groups on all nodes: each moves with its group, so no node has it for itself. */
const virtualOf = (nodes: ByNode<Facts>): ReadonlySet<string> =>
  new Set(
    Object.values(nodes).flatMap(({ hosts: { haresources } }) =>
      parseHaresources(haresources?.content ?? '').flatMap(({ words }) =>
        words.flatMap((word) => (word.kind === 'address' ? [word.ip] : [])),
      ),
    ),
  )

/**
 * A static address that follows another one of its subnet: how a cluster manager's looks where nothing names it. The kernel's
 * word for it is not enough, for the one that it follows may be a virtual one that came first.
 */
const isFollower = ({ text, dynamic, secondary }: LiveAddress, i: number, list: readonly LiveAddress[]): boolean => {
  const net = cidr(text)
  return (
    !dynamic &&
    secondary &&
    list.slice(0, i).some((before) => {
      const other = cidr(before.text)
      return other?.first === net?.first && other?.prefix === net?.prefix
    })
  )
}

/** One interface from what each node has on it; undefined with a remark where that cannot be said. */
function interfaceOf(
  name: string,
  nodes: ByNode<Live>,
  virtual: ReadonlySet<string>,
): { readonly options?: Interfaces[string]; readonly remarks: readonly Remark[] } {
  const path = ['interfaces', name]
  const other = (why: string) => ({ remarks: [{ kind: 'other', path, why } as const] })
  const addresses = mapValues(nodes, (live) =>
    (live.interfaces.find((own) => own.name === name)?.addresses ?? []).filter(
      ({ text, labelled }) => !labelled && !virtual.has(bare(text)),
    ),
  )
  const has = Object.keys(addresses).filter((node) => addresses[node]?.length)
  if (has.length === 0) return other('it has virtual addresses only')
  if (has.length < Object.keys(nodes).length) return other(`only ${has.join(' and ')} has an address there`)
  const followers = mapValues(addresses, (list) => list.filter(isFollower))
  const own = mapValues(addresses, (list, node) =>
    list.filter((address) => !address.dynamic && !followers[node]?.includes(address)),
  )
  const named = (lists: ByNode<readonly LiveAddress[]>): string =>
    Object.entries(lists)
      .flatMap(([node, list]) => list.map(({ text }) => `${text} on ${node}`))
      .join(', ')
  const remarksOn = (more: string): readonly Remark[] => [
    ...(named(followers) === ''
      ? []
      : [
          {
            kind: 'inferred',
            path,
            why: `${named(followers)} comes after another one of its subnet and is in no haresources: taken for a virtual one`,
          } as const,
        ]),
    ...(more === '' ? [] : [{ kind: 'other', path, why: `more addresses: ${more}` } as const]),
  ]
  const first = mapValues(own, (list) => list[0]?.text)
  const missing = Object.keys(first).filter((node) => first[node] === undefined)
  const isDynamic = Object.values(addresses).every((list) => list.some(({ dynamic }) => dynamic))
  if (missing.length > 0 && isDynamic) return { options: { dhcp: true }, remarks: remarksOn(named(own)) }
  if (missing.length > 0) return other(`the address of ${missing.join(' and ')} comes by DHCP, the other one does not`)
  const nets = Object.values(first).map((text) => cidr(text ?? ''))
  if (new Set(nets.map((net) => `${net?.first}/${net?.prefix}`)).size > 1)
    return {
      remarks: [
        { kind: 'differs', path: [...path, 'addresses'], values: first, why: 'both ends of a link need one subnet' },
      ],
    }
  return {
    options: { addresses: first as Record<string, string> },
    remarks: remarksOn(named(mapValues(own, (list) => list.slice(1)))),
  }
}

/** The link whose addresses the nodes' names stand for goes first: that is how a config says it. */
function ordered(interfaces: Interfaces, nodes: ByNode<ReadonlyMap<string, readonly string[]>>): Interfaces {
  const isNamed = ([, { addresses = {} }]: [string, Interfaces[string]]) =>
    Object.keys(addresses).length > 0 &&
    Object.entries(addresses).every(([node, text]) =>
      Object.values(nodes).every((names) => names.get(node)?.join() === bare(text)),
    )
  const all = Object.entries(interfaces)
  const links = all.filter(([, { dhcp }]) => !dhcp)
  const front = links.find(isNamed)
  return Object.fromEntries([
    ...all.filter(([, { dhcp }]) => dhcp),
    ...(front ? [front] : []),
    ...links.filter((link) => link !== front),
  ])
}

const isHostName = (name: string): boolean => /^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(name)

/** Further names of /etc/hosts; those of the machine itself, and of other protocols, are nobody's concern. */
function hostsOf(
  nodes: ByNode<ReadonlyMap<string, readonly string[]>>,
  addresses: ByNode<string | undefined>,
): { readonly hosts: Record<string, string>; readonly remarks: readonly Remark[] } {
  const hosts: Record<string, string> = {}
  const remarks: Remark[] = []
  const own = Object.keys(nodes)
  for (const [name, wanted] of Object.entries(addresses))
    for (const [node, names] of Object.entries(nodes)) {
      const actual = names.get(name)?.join(' and ')
      if (wanted !== undefined && actual !== wanted)
        remarks.push({
          kind: 'other',
          path: ['hosts'],
          why: `${name} stands for ${actual ?? 'no address'} in /etc/hosts of ${node}; check asks for ${wanted}`,
        })
    }
  for (const name of new Set(Object.values(nodes).flatMap((names) => [...names.keys()]))) {
    if (own.includes(name) || name === 'localhost' || !isHostName(name)) continue
    const values = mapValues(nodes, (names) => names.get(name)?.join(' and '))
    const found = Object.values(values).flatMap((value) => value ?? [])
    if (found.every((value) => value.startsWith('127.') || ipv4(value) === undefined)) continue
    const one = agreed(values)
    if ('value' in one && one.value !== undefined) hosts[name] = one.value
    else if (found.length === own.length) remarks.push({ kind: 'differs', path: ['hosts', name], values })
    else remarks.push({ kind: 'other', path: ['hosts'], why: `only one node has a line for ${name} (${found.join()})` })
  }
  return { hosts, remarks }
}

function routesOf(
  nodes: ByNode<Live>,
  interfaces: Interfaces,
): { readonly routes: { to: string; via: string }[]; readonly remarks: readonly Remark[] } {
  const routes: { to: string; via: string }[] = []
  const remarks: Remark[] = []
  const other = (why: string) => remarks.push({ kind: 'other', path: ['routes'], why })
  const nets = Object.values(interfaces).flatMap(({ addresses = {} }) =>
    Object.values(addresses).flatMap((text) => cidr(text) ?? []),
  )
  const spelt = mapValues(nodes, ({ routes: own }) => own.map(({ to, via }) => `${to} via ${via}`))
  for (const text of new Set(Object.values(spelt).flat())) {
    const [to = '', via = ''] = text.split(' via ')
    const on = Object.keys(spelt).filter((node) => spelt[node]?.includes(text))
    const gateway = ipv4(via)
    if (on.length < Object.keys(nodes).length) other(`only ${on.join(' and ')} has the route ${text}`)
    else if (gateway === undefined || !nets.some((net) => contains(net, gateway)))
      other(`the gateway of ${text} is on no link of both nodes`)
    else if (routes.some((route) => route.to === to)) other(`a second route: ${text}`)
    else routes.push({ to, via })
  }
  return { routes, remarks }
}

/** What root lacks to reach root of the other node. */
function sshOf(nodes: ByNode<Facts>, interfaces: Interfaces): { readonly rootSsh: boolean; readonly why?: string } {
  const settings = { interfaces: mapValues(interfaces, ({ addresses = {} }) => ({ dhcp: false, addresses })) }
  const missing = lacking(settings, nodes)
  return missing.length === 0 ? { rootSsh: true } : { rootSsh: false, why: missing.join('; ') }
}

/** Writes the options from the addresses and routes of the kernel, /etc/hosts, and the keys of ssh. */
export const reconstruct = reconstruction({
  probes,
  build({ nodes }) {
    const live = mapValues(nodes, (facts) => facts.live)
    const virtual = virtualOf(nodes as ByNode<Facts>)
    const names = mapValues(nodes, (facts) => namesOf(facts.hosts.hosts?.content ?? ''))
    const remarks: Remark[] = []
    const found: Record<string, Interfaces[string]> = {}
    const addressed = Object.values(live).flatMap(({ interfaces }) =>
      interfaces.filter(({ name, addresses }) => name !== 'lo' && addresses.length > 0).map(({ name }) => name),
    )
    for (const name of new Set(addressed)) {
      const { options, remarks: own } = interfaceOf(name, live, virtual)
      remarks.push(...own)
      if (!options) continue
      const dhcp = options.dhcp && Object.entries(found).find(([, other]) => other.dhcp)
      if (dhcp)
        remarks.push({
          kind: 'other',
          path: ['interfaces', name],
          why: `a second interface with DHCP beside ${dhcp[0]}`,
        })
      else found[name] = options
    }
    const sources = [
      { path: [], from: 'ip -j addr, ip -j route' },
      { path: ['hosts'], from: '/etc/hosts' },
      { path: ['rootSsh'], from: 'authorized_keys and known_hosts of root' },
    ]
    if (Object.keys(found).length === 0) return { sources, remarks }
    const interfaces = ordered(found, names)
    const link = Object.values(interfaces).find(({ addresses }) => addresses)
    const { hosts, remarks: aboutHosts } = hostsOf(
      names,
      mapValues(nodes, (_, node) => (link?.addresses?.[node] === undefined ? undefined : bare(link.addresses[node]))),
    )
    const { routes, remarks: aboutRoutes } = routesOf(live, interfaces)
    const { rootSsh, why } = sshOf(nodes as ByNode<Facts>, interfaces)
    if (why !== undefined) remarks.push({ kind: 'inferred', path: ['rootSsh'], why })
    return {
      options: { interfaces, routes, hosts, rootSsh },
      sources,
      remarks: [...remarks, ...aboutHosts, ...aboutRoutes],
    }
  },
  untraced: {
    resolvers:
      'nodes keep their name servers where a config says none; whether a config or DHCP gave them shows nowhere',
    search: 'the same holds for search domains',
  },
})
