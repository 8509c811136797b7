import { definePlugin, type Fault, type InputOf, type PackageNeed } from 'ha-provision'
import drbd from '../drbd/index.js'
import network, { addressesOf, bare } from '../network/index.js'
import { packageTask } from '../packages/index.js'
import { identityTask, runningTask, upTask } from './cluster.js'
import { keyTask } from './key.js'
import { type At, type Heartbeat, interfaceFor } from './layout.js'
import { bootTask, configTask } from './node-tasks.js'
import { schema } from './schema.js'

declare module 'ha-provision' {
  interface PluginOptions {
    heartbeat: InputOf<typeof heartbeat>
  }
}

const needs: readonly PackageNeed[] = [
  { apt: 'heartbeat', dnf: 'heartbeat', zypper: 'heartbeat' },
  { apt: 'resource-agents', dnf: 'resource-agents', zypper: 'resource-agents' },
]

function validate(at: At): readonly Fault[] {
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
  settings.virtualIps.forEach((address, i) => {
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
  })
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
  const ports = Object.entries(at.of(drbd).resources).filter(([, { port }]) => port === settings.udpPort)
  for (const [name] of ports)
    faults.push({
      path: 'heartbeat.udpPort',
      message: `${settings.udpPort} is the port of drbd.resources.${name} too`,
      hint: 'two numbers are easier to tell apart in a firewall: choose another',
    })
  return faults
}

/** Heartbeat with haresources: who is alive, and where the group runs. heartbeat(8), ha.cf(5) */
const heartbeat = definePlugin({
  name: 'heartbeat',
  schema,
  requires: [network, drbd],
  after: ['ntp'],
  packages: () => needs,
  validate,
  unique(options) {
    const { udpPort, authKey } = (options ?? {}) as { readonly udpPort?: unknown; readonly authKey?: unknown }
    return [
      ...(udpPort === undefined ? [] : [{ path: 'udpPort', value: udpPort, what: `UDP port ${udpPort}` }]),
      ...(authKey === undefined ? [] : [{ path: 'authKey', value: authKey, what: 'this key' }]),
    ]
  },
  tasks: (t) => [
    packageTask(t, needs),
    configTask(t),
    keyTask(t),
    identityTask(t),
    bootTask(t),
    runningTask(t),
    upTask(t),
  ],
  hooks: {
    'before-run': ({ settings, log }) => {
      const { stonith, links } = settings('heartbeat') as Heartbeat
      if (stonith.length > 0) return
      log(
        'WARNING heartbeat: there is no fencing (heartbeat.stonith): a node that is only cut off goes on with the service beside its peer',
      )
      if (links.length < 2)
        log('WARNING heartbeat: and there is only one link, so that one broken cable is enough for it')
    },
  },
})
export default heartbeat
