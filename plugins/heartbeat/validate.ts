import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Fault } from 'ha-provision'
import drbd from '../drbd/index.js'
import network, { addressesOf, bare, cidr, contains } from '../network/index.js'
import { type At, interfaceFor } from './layout.js'

/** What no schema can say: names that nobody defined, addresses out of place, times in the wrong order. */
export function validate(at: At): readonly Fault[] {
  const { settings, cluster } = at
  const faults: Fault[] = []
  const nodes = cluster.nodes.map(({ name }) => name)
  const { interfaces } = at.of(network)
  if (nodes.length !== 2)
    faults.push({
      path: 'nodes',
      message: `heartbeat without a resource manager takes two nodes; there ${nodes.length === 1 ? 'is 1' : `are ${nodes.length}`}`,
      hint: 'name just two',
    })
  settings.links.forEach(({ type, interface: link }, i) => {
    const path = `heartbeat.links[${i}].interface`
    const own = interfaces[link]
    if (!own)
      faults.push({
        path,
        message: `there is no interface "${link}"`,
        hint: `defined in network.interfaces: ${Object.keys(interfaces).join(', ')}`,
      })
    else if (type === 'ucast')
      for (const node of nodes)
        if (!own.addresses[node])
          faults.push({
            path,
            message: `${node} has no address on "${link}"`,
            hint: `add it in network.interfaces.${link}.addresses, or use bcast`,
          })
  })
  faults.push(...addressFaults(at))
  if (settings.keepaliveS >= settings.warntimeS)
    faults.push({
      path: 'heartbeat.warntimeS',
      message: `${settings.warntimeS} is not more than keepaliveS (${settings.keepaliveS})`,
      hint: 'keepaliveS < warntimeS < deadtimeS',
    })
  if (settings.warntimeS >= settings.deadtimeS)
    faults.push({
      path: 'heartbeat.deadtimeS',
      message: `${settings.deadtimeS} is not more than warntimeS (${settings.warntimeS})`,
      hint: 'keepaliveS < warntimeS < deadtimeS',
    })
  if (settings.initdeadS < 2 * settings.deadtimeS)
    faults.push({
      path: 'heartbeat.initdeadS',
      message: `${settings.initdeadS} is less than twice deadtimeS (${settings.deadtimeS})`,
      hint: `at least ${2 * settings.deadtimeS}`,
    })
  settings.stonith.forEach((line, i) => {
    const [from = ''] = line.split(' ')
    if (from !== '*' && !nodes.includes(from))
      faults.push({
        path: `heartbeat.stonith[${i}]`,
        message: `"${from}" is no node`,
        hint: `first the node that can do it: ${nodes.join(', ')}, or * for both`,
      })
  })
  faults.push(...keyFaults(at))
  const ports = Object.entries(at.of(drbd).resources).filter(([, { port }]) => port === settings.udpPort)
  for (const [name] of ports)
    faults.push({
      path: 'heartbeat.udpPort',
      message: `${settings.udpPort} is the port of drbd.resources.${name} too`,
      hint: 'two numbers are easier to tell apart in a firewall: choose another',
    })
  return faults
}

function addressFaults(at: At): readonly Fault[] {
  const faults: Fault[] = []
  const nodes = at.cluster.nodes.map(({ name }) => name)
  at.settings.virtualIps.forEach((address, i) => {
    const path = `heartbeat.virtualIps[${i}]`
    if (!interfaceFor(at, address))
      faults.push({
        path,
        message: `${address} is in the subnet of no interface`,
        hint: 'choose one that is, or add an interface to network.interfaces',
      })
    const owner = nodes.find((node) => addressesOf(at.of(network), node).includes(bare(address)))
    if (owner)
      faults.push({
        path,
        message: `${bare(address)} is the address of ${owner} itself`,
        hint: 'a virtual address must be free',
      })
    const subnet = subnetOf(at, address)
    if (subnet && subnet.prefix < 31 && [subnet.first, subnet.last].includes(cidr(address)?.address ?? -1))
      faults.push({
        path,
        message: `${bare(address)} is the network or broadcast address of its subnet`,
        hint: 'choose one in between',
      })
    if (at.settings.virtualIps.slice(0, i).some((other) => bare(other) === bare(address)))
      faults.push({ path, message: `${bare(address)} is there twice`, hint: 'leave one out' })
  })
  return faults
}

function subnetOf(at: At, address: string) {
  const own = cidr(address)
  return Object.values(at.of(network).interfaces)
    .flatMap(({ addresses }) => Object.values(addresses))
    .map(cidr)
    .find((net) => net && own && contains(net, own.address))
}

function keyFaults({ settings: { authKey, authKeyFile }, cluster }: At): readonly Fault[] {
  const path = 'heartbeat.authKeyFile'
  if (authKeyFile === undefined) return []
  if (authKey !== undefined)
    return [{ path, message: 'there is authKey as well', hint: 'give the key in one of the two' }]
  try {
    const key = readFileSync(resolve(cluster.configDir, authKeyFile), 'utf8').trim()
    return /^\S{16,}$/.test(key)
      ? []
      : [
          {
            path,
            message: `${authKeyFile} holds no key`,
            hint: 'at least 16 characters without blanks: openssl rand -hex 24',
          },
        ]
  } catch {
    return [{ path, message: `${authKeyFile} cannot be read`, hint: 'a path relative to the config' }]
  }
}
