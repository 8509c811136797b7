import { type AnyPlugin, type Finding, finding, type Step, sh, type Task, type TaskBuilder } from 'ha-provision'
import { bare, cidr, contains, ipv4 } from './ipv4.js'
import type { Network } from './layout.js'
import { type IpFact, ipProbe } from './probes.js'
import { networkdFile } from './render.js'

type Id =
  | 'no-interface'
  | 'address'
  | 'address-by-hand'
  | 'other-prefix'
  | 'address-elsewhere'
  | 'route'
  | 'route-by-hand'
  | 'other-route'

const byHand = (what: string): string =>
  `This node's interfaces are not systemd-networkd's. Add the ${what} to its own configuration (ifupdown: /etc/network/interfaces, NetworkManager: nmcli connection modify) and bring it up in a way that does not cut your connection.`

/** The interface whose subnet a gateway is in, on this node. */
export const deviceFor = (network: Network, node: string, via: string): string | undefined =>
  Object.keys(network.interfaces).find((name) => {
    const net = cidr(network.interfaces[name]?.addresses[node] ?? '')
    const gateway = ipv4(via)
    return net !== undefined && gateway !== undefined && contains(net, gateway)
  })

/** `ip route` leaves `/32` out. */
const sameDestination = (a: string, b: string): boolean => a.replace(/\/32$/, '') === b.replace(/\/32$/, '')

function addressFindings(network: Network, node: string, facts: IpFact): readonly Finding<Id>[] {
  return Object.entries(network.interfaces).flatMap(([name, { addresses }]): readonly Finding<Id>[] => {
    const found = facts.interfaces.find((i) => i.name === name)
    const present = facts.interfaces.map((i) => i.name).filter((other) => other !== 'lo')
    if (!found) return [finding('no-interface', { subject: name, desired: name, actual: present.join(' ') || 'none' })]
    const desired = addresses[node]
    if (desired === undefined || found.addresses.includes(desired)) return []
    const actual = found.addresses.join(' ') || 'none'
    const same = (other: string): boolean => bare(other) === bare(desired)
    if (found.addresses.some(same)) return [finding('other-prefix', { subject: name, desired, actual })]
    const elsewhere = facts.interfaces.find((i) => i.addresses.some(same))
    if (elsewhere)
      return [
        finding('address-elsewhere', {
          subject: name,
          desired: `${desired} on ${name}`,
          actual: `on ${elsewhere.name}`,
        }),
      ]
    return [finding(facts.networkd ? 'address' : 'address-by-hand', { subject: name, desired, actual })]
  })
}

function routeFindings(network: Network, facts: IpFact): readonly Finding<Id>[] {
  return network.routes.flatMap(({ to, via }): readonly Finding<Id>[] => {
    const found = facts.routes.filter((route) => sameDestination(route.to, to))
    if (found.some((route) => route.via === via)) return []
    const desired = `${to} via ${via}`
    if (found.length > 0) {
      const actual = found.map((route) => `${to} ${route.via ? `via ${route.via}` : `on ${route.dev}`}`).join(', ')
      return [finding('other-route', { subject: to, desired, actual })]
    }
    return [finding(facts.networkd ? 'route' : 'route-by-hand', { subject: to, desired, actual: 'no route' })]
  })
}

/** Kept for the next boot in systemd-networkd's files, and set now by ip(8): a reload would take virtual addresses away. */
function keep(network: Network, node: string, device: string, facts: IpFact): Step {
  const address = network.interfaces[device]?.addresses[node]
  const routes = network.routes.filter(({ via }) => deviceFor(network, node, via) === device)
  const applies = facts.interfaces.find(({ name }) => name === device)?.networkFile
  return { kind: 'write', ...networkdFile(device, applies, address, routes), mode: '0644' }
}

export const addressTask = (t: TaskBuilder<Network, AnyPlugin>): Task =>
  t.perNode({
    id: 'addresses',
    title: 'addresses and routes',
    probes: () => ({ ip: ipProbe }),
    check: ({ settings, node, facts }) => [
      ...addressFindings(settings, node, facts.ip),
      ...routeFindings(settings, facts.ip),
    ],
    fix: {
      'no-interface': {
        manual:
          'Name an interface that the node has, or give the network card that name (systemd.link(5)); nothing is renamed while a run uses it.',
      },
      address: ({ settings, node, facts, finding: { subject = '', desired } }) => [
        keep(settings, node, subject, facts.ip),
        {
          kind: 'run',
          title: `${desired} on ${subject}`,
          command: sh`ip link set ${subject} up && ip addr add ${String(desired)} brd + dev ${subject}`,
        },
      ],
      'address-by-hand': { manual: byHand('address') },
      'other-prefix': {
        manual:
          'Correct the prefix length in the config or in the node’s own configuration; an address in use is not taken away.',
      },
      'address-elsewhere': {
        manual:
          'Move the address, or name the interface that has it in the config; an address in use is not taken away.',
      },
      route: ({ settings, node, facts, finding: { subject = '', desired } }) => {
        const route = settings.routes.find(({ to }) => to === subject)
        const device = route && deviceFor(settings, node, route.via)
        if (!route || !device) return []
        return [
          keep(settings, node, device, facts.ip),
          {
            kind: 'run',
            title: `route ${desired}`,
            command: sh`ip route add ${route.to} via ${route.via} dev ${device}`,
          },
        ]
      },
      'route-by-hand': { manual: byHand('route') },
      'other-route': {
        manual:
          'Another gateway serves this destination. Change it on the node or in the config; a route in use is not replaced.',
      },
    },
  })
