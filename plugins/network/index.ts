import { definePlugin, type InputOf } from 'ha-provision'
import { addressTask } from './addresses.js'
import { hostnameTask } from './hostname.js'
import { hostsTask } from './hosts.js'
import { reconstruct } from './reconstruct.js'
import { resolverTask } from './resolver.js'
import { schema } from './schema.js'
import { sshTask } from './ssh.js'
import { validate } from './validate.js'

export { bare, type Cidr, cidr, contains, ipv4, overlap } from './ipv4.js'
export { addressesOf, addressOf, addressOn, firstLink, type Network } from './layout.js'

declare module 'ha-provision' {
  interface PluginOptions {
    network: InputOf<typeof network>
  }
}

/** Names, addresses, routes, and ssh between the nodes. hosts(5), systemd.network(5), sshd(8) */
const network = definePlugin({
  name: 'network',
  schema,
  validate: ({ settings, cluster }) =>
    validate(
      settings,
      cluster.nodes.map(({ name }) => name),
    ),
  reconstruct,
  tasks: (t) => [hostnameTask(t), hostsTask(t), addressTask(t), resolverTask(t), sshTask(t)],
})
export default network
