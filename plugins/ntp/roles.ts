import type { Context, Settings } from 'ha-provision'
import network, { addressesOf, cidr, type Network } from '../network/index.js'
import { quad } from '../network/ipv4.js'
import { chrony, daemons, type Role, type TimeDaemon } from './daemons.js'
import type { schema } from './schema.js'

export type Ntp = Settings<typeof schema>
export type At = Context<Ntp, typeof network>

export const daemonOf = (at: At): TimeDaemon => daemons.find(({ name }) => name === at.settings.daemon) ?? chrony

/** The node that serves the others; undefined when there are servers or pools. */
export const sourceOf = ({ settings, cluster }: At): string | undefined =>
  settings.servers.length + settings.pools.length > 0 ? undefined : (settings.source ?? cluster.nodes[0]?.name)

/** The subnets of the links between the nodes. */
export const subnetsOf = ({ interfaces }: Network): readonly string[] =>
  Object.values(interfaces).flatMap(({ addresses }) => {
    const net = cidr(Object.values(addresses)[0] ?? '')
    return net ? [`${quad(net.first)}/${net.prefix}`] : []
  })

export function roleOf(at: At, node: string): Role {
  const source = sourceOf(at)
  const { servers, pools, allow } = at.settings
  if (source === undefined) return { servers, pools, close: false, local: false, allow }
  if (source === node)
    return { servers: [], close: false, local: true, allow: [...new Set([...subnetsOf(at.of(network)), ...allow])] }
  // Over every link, so that one may fail.
  return { servers: addressesOf(at.of(network), source), close: true, local: false, allow }
}
