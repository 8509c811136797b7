import type { Context, Settings, TaskBuilder } from 'ha-provision'
import drbd, { devicePath } from '../drbd/index.js'
import network, { bare, cidr, contains, ipv4 } from '../network/index.js'
import type { schema } from './schema.js'

export type Heartbeat = Settings<typeof schema>
export type At = Context<Heartbeat, typeof network | typeof drbd>

/** What the files are made from. */
export interface Plan {
  readonly settings: Heartbeat
  readonly cluster: { readonly nodes: readonly { readonly name: string }[] }
  readonly of: At['of']
  readonly offered: At['offered']
}

export type Builder = TaskBuilder<Heartbeat, typeof network | typeof drbd>

/** A resource of the group that another plugin offers as `cluster-resource`: started after the addresses. */
export interface ClusterResource {
  /** `AGENT::ARGUMENT::…`, as in haresources. */
  readonly words: string
  /** The agent, where the distribution has none: a file of /etc/ha.d/resource.d. */
  readonly agent?: { readonly name: string; readonly content: string }
  /** Units that systemd must not start, since the agent does. */
  readonly units?: readonly string[]
}
export const offeredResources = (at: Pick<Plan, 'offered'>): readonly ClusterResource[] =>
  at.offered('cluster-resource') as readonly ClusterResource[]
export const agentPath = (name: string): string => `/etc/ha.d/resource.d/${name}`

export const paths = {
  config: '/etc/ha.d/ha.cf',
  resources: '/etc/ha.d/haresources',
  key: '/etc/ha.d/authkeys',
  pid: '/run/heartbeat.pid',
} as const
export const service = 'heartbeat.service'

export const homeOf = (at: Plan): string => at.settings.home ?? at.of(drbd).primary

/** The interface whose subnet an address is in. */
export function interfaceFor(at: Pick<Plan, 'of'>, address: string): string | undefined {
  const number = ipv4(bare(address))
  return Object.entries(at.of(network).interfaces).find(([, { addresses }]) =>
    Object.values(addresses).some((own) => {
      const net = cidr(own)
      return net !== undefined && number !== undefined && contains(net, number)
    }),
  )?.[0]
}

/** Replicated devices with a filesystem: what the group mounts. */
export const mounts = (
  at: Pick<Plan, 'of'>,
): readonly { readonly resource: string; readonly device: string; readonly mount: string; readonly type: string }[] =>
  Object.entries(at.of(drbd).resources).flatMap(([resource, own]) =>
    own.filesystem
      ? [{ resource, device: devicePath(own), mount: own.filesystem.mount, type: own.filesystem.type }]
      : [],
  )
