import { definePlugin, type Fault, type InputOf } from 'ha-provision'
import network from '../network/index.js'
import { packageTask } from '../packages/index.js'
import { clockTask } from './clock.js'
import { reconstruct } from './reconstruct.js'
import { type At, daemonOf } from './roles.js'
import { schema } from './schema.js'
import { configTask, otherDaemonTask, serviceTask } from './service.js'

export { type At, daemonOf, roleOf, sourceOf } from './roles.js'

declare module 'ha-provision' {
  interface PluginOptions {
    ntp: InputOf<typeof ntp>
  }
}

function validate(at: At): readonly Fault[] {
  const { servers, pools, source, daemon } = at.settings
  const isAsking = servers.length + pools.length > 0
  const faults: Fault[] = []
  if (isAsking && source !== undefined) {
    faults.push({
      path: 'ntp.source',
      message: `"${source}" cannot be the source: there are ${servers.length > 0 ? 'servers' : 'pools'}`,
      hint: `Leave out one of "source" and "${servers.length > 0 ? 'servers' : 'pools'}".`,
    })
  }
  if (pools.length > 0 && daemonOf(at).name === 'systemd-timesyncd') {
    faults.push({
      path: 'ntp.pools',
      message: 'systemd-timesyncd asks one server at a time and knows no pools',
      hint: 'Name them in "servers": it takes one of the addresses that a name stands for.',
    })
  }
  if (!isAsking && !daemonOf(at).serves) {
    faults.push({
      path: 'ntp.servers',
      message: `${daemon} only asks for the time and cannot serve the other node`,
      hint: 'Name at least one server, or choose "chrony".',
    })
  }
  if (
    !isAsking &&
    Object.values(at.of(network).interfaces).every(({ addresses }) => Object.keys(addresses).length === 0)
  ) {
    faults.push({
      path: 'ntp.servers',
      message: 'no server, and no link between the nodes over which one could serve the other',
      hint: 'Name at least one server, or give an interface in network.interfaces addresses.',
    })
  }
  return faults
}

/** One time daemon on every node, and clocks that agree. chrony.conf(5), ntp.conf(5), timesyncd.conf(5) */
const ntp = definePlugin({
  name: 'ntp',
  requires: [network],
  schema,
  validate,
  reconstruct,
  packages: (at) => [daemonOf(at).package],
  tasks: (t) => [
    packageTask(t, (at) => [daemonOf(at).package]),
    otherDaemonTask(t),
    configTask(t),
    serviceTask(t),
    clockTask(t),
  ],
})
export default ntp
