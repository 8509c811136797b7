import type { Settings } from 'ha-provision'
import { bare } from './ipv4.js'
import type { schema } from './schema.js'

export type Network = Settings<typeof schema>

/** The interface that node names resolve to: the first that has addresses and no DHCP. */
export const firstLink = (network: Network): string | undefined =>
  Object.entries(network.interfaces).find(([, { dhcp, addresses }]) => !dhcp && Object.keys(addresses).length > 0)?.[0]

/** A node's address on an interface, without prefix length. */
export function addressOn(network: Pick<Network, 'interfaces'>, name: string, node: string): string | undefined {
  const address = network.interfaces[name]?.addresses[node]
  return address === undefined ? undefined : bare(address)
}

/** The address that a node's name stands for. */
export function addressOf(network: Network, node: string): string | undefined {
  const link = firstLink(network)
  return link === undefined ? undefined : addressOn(network, link, node)
}

/** All addresses of a node that the config knows, without prefix length, in the config's order. */
export const addressesOf = (network: Pick<Network, 'interfaces'>, node: string): readonly string[] =>
  Object.keys(network.interfaces).flatMap((name) => addressOn(network, name, node) ?? [])
