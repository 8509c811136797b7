import type { Fault } from 'ha-provision'
import { type Cidr, cidr, contains, ipv4, overlap, quad } from './ipv4.js'
import type { Network } from './layout.js'

interface Placed extends Cidr {
  readonly path: string
  readonly node: string
  readonly on: string
}

/** What is wrong with an address by itself. */
function wrong(text: string, address: number, net?: Cidr): string | undefined {
  const top = Math.floor(address / 2 ** 24)
  if (top === 0 || top === 127 || top >= 224)
    return `"${text}" is reserved (this host, loopback, multicast or future use)`
  if (!net) return undefined
  if (net.prefix < 8 || net.prefix > 31)
    return `"${text}" has the prefix length ${net.prefix}, which fits no link between nodes`
  if (net.prefix === 31) return undefined
  if (address === net.first) return `"${text}" is the subnet itself: its host part is zero`
  if (address === net.last) return `"${text}" is the subnet's broadcast address`
  return undefined
}

function placed(network: Network, faults: Fault[]): readonly Placed[] {
  const found: Placed[] = []
  for (const [on, { addresses }] of Object.entries(network.interfaces)) {
    for (const [node, text] of Object.entries(addresses)) {
      const path = `network.interfaces.${on}.addresses.${node}`
      const net = cidr(text)
      const message = net ? wrong(text, net.address, net) : `"${text}" is no IPv4 address with its prefix length`
      if (message) faults.push({ path, message, hint: 'Write an address of a host, such as 10.77.0.1/24.' })
      if (net && !message) found.push({ ...net, path, node, on })
    }
  }
  return found
}

function interfaces(network: Network, nodes: readonly string[], faults: Fault[]): void {
  const dhcp = Object.keys(network.interfaces).filter((name) => network.interfaces[name]?.dhcp)
  for (const name of dhcp.slice(1)) {
    faults.push({
      path: `network.interfaces.${name}.dhcp`,
      message: `"${name}" and "${dhcp[0]}" both get their addresses by DHCP`,
      hint: 'Only one interface can be the management interface: give the other one an address for each node.',
    })
  }
  for (const [name, { dhcp, addresses }] of Object.entries(network.interfaces)) {
    const path = `network.interfaces.${name}`
    const missing = nodes.filter((node) => addresses[node] === undefined)
    if (dhcp && missing.length < nodes.length) {
      faults.push({
        path,
        message: `"${name}" has both DHCP and addresses`,
        hint: 'Leave out one of "dhcp" and "addresses".',
      })
    } else if (!dhcp && missing.length > 0) {
      faults.push({
        path: `${path}.addresses`,
        message: `no address for ${missing.join(' and ')} on "${name}"`,
        hint: `Add an address for each node${missing.length === nodes.length ? ', or "dhcp: true"' : ' in the same subnet'}.`,
      })
    }
  }
}

function subnets(all: readonly Placed[], faults: Fault[]): void {
  const byAddress = new Map<number, Placed>()
  const byInterface = new Map<string, Placed>()
  for (const place of all) {
    const twin = byAddress.get(place.address)
    if (twin) {
      faults.push({
        path: place.path,
        message: `"${place.text}" is also the address of ${twin.node} on "${twin.on}"`,
        hint: 'Each node needs an address of its own on each interface.',
      })
      continue
    }
    byAddress.set(place.address, place)
    const first = byInterface.get(place.on)
    if (first && (first.first !== place.first || first.prefix !== place.prefix)) {
      faults.push({
        path: place.path,
        message: `"${place.text}" is not in the subnet of ${first.node} (${quad(first.first)}/${first.prefix})`,
        hint: 'Both ends of a link need one subnet and one prefix length.',
      })
    }
    if (first) continue
    const other = [...byInterface.values()].find((seen) => overlap(seen, place))
    if (other) {
      faults.push({
        path: place.path,
        message: `the subnet of "${place.on}" overlaps that of "${other.on}" (${quad(other.first)}/${other.prefix})`,
        hint: 'Give each interface a subnet of its own; the kernel would send the traffic of both over one of them.',
      })
    }
    byInterface.set(place.on, place)
  }
}

function others(network: Network, nodes: readonly string[], all: readonly Placed[], faults: Fault[]): void {
  const seen = new Set<string>()
  network.routes.forEach(({ to, via }, i) => {
    const path = `network.routes.${i}`
    const net = to === 'default' ? undefined : cidr(to)
    if (to !== 'default' && (!net || net.address !== net.first)) {
      const hint = net ? `Write "${quad(net.first)}/${net.prefix}".` : 'Write a subnet such as 10.9.0.0/16.'
      faults.push({ path: `${path}.to`, message: `"${to}" is no subnet`, hint })
    }
    if (seen.has(to)) faults.push({ path: `${path}.to`, message: `"${to}" has two routes`, hint: 'Leave one of them.' })
    seen.add(to)
    const gateway = ipv4(via)
    const node = all.some((place) => place.address === gateway)
    if (gateway === undefined || node || !all.some((place) => contains(place, gateway))) {
      faults.push({
        path: `${path}.via`,
        message: `"${via}" is not a neighbour on any interface`,
        hint: 'A gateway is another machine in the subnet of one of network.interfaces.',
      })
    }
  })
  const list = [
    ...network.resolvers.map((text, i) => ({ path: `network.resolvers.${i}`, text })),
    ...Object.entries(network.hosts).map(([name, text]) => ({ path: `network.hosts.${name}`, text })),
  ]
  for (const { path, text } of list) {
    if (ipv4(text) === undefined)
      faults.push({ path, message: `"${text}" is no IPv4 address`, hint: 'Each of the four parts is 0 to 255.' })
  }
  for (const name of Object.keys(network.hosts).filter((name) => nodes.includes(name) || name === 'localhost')) {
    faults.push({
      path: `network.hosts.${name}`,
      message: `"${name}" has its address already`,
      hint: 'Nodes get theirs from the first of network.interfaces that has addresses.',
    })
  }
}

/** The rules that no schema can say. */
export function validate(network: Network, nodes: readonly string[]): readonly Fault[] {
  const faults: Fault[] = []
  interfaces(network, nodes, faults)
  const all = placed(network, faults)
  subnets(all, faults)
  others(network, nodes, all, faults)
  return faults
}
