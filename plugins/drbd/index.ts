import { type Context, definePlugin, type Fault, type InputOf, type PackageNeed, type Settings } from 'ha-provision'
import network from '../network/index.js'
import { packageTask } from '../packages/index.js'
import storage from '../storage/index.js'
import { configTask } from './config.js'
import { filesystemTask } from './filesystem.js'
import { metadataTask } from './metadata.js'
import { moduleTask } from './module.js'
import { reconstruct } from './reconstruct.js'
import { rolesTask } from './roles.js'
import { schema } from './schema.js'
import { syncTask } from './sync.js'

export { backingPath, type Drbd, devicePath } from './layout.js'
export { inSync } from './picture.js'
export { drbdProbe, isConnected, type ResourceState, spell } from './status.js'

declare module 'ha-provision' {
  interface PluginOptions {
    drbd: InputOf<typeof drbd>
  }
}

const needs: readonly PackageNeed[] = [{ apt: 'drbd-utils', dnf: 'drbd-utils', zypper: 'drbd-utils' }]

function validate({
  settings,
  of,
  cluster,
}: Context<Settings<typeof schema>, typeof network | typeof storage>): readonly Fault[] {
  const faults: Fault[] = []
  const nodes = cluster.nodes.map(({ name }) => name)
  if (nodes.length !== 2)
    faults.push({
      path: 'nodes',
      message: `drbd replicates between two nodes; there ${nodes.length === 1 ? 'is 1' : `are ${nodes.length}`}`,
      hint: 'name just two',
    })
  const taken = new Map<string, string>()
  const claim = (what: string, value: unknown, path: string, option: string) => {
    const other = taken.get(`${what} ${value}`)
    if (other)
      faults.push({
        path: `${path}.${option}`,
        message: `${what} ${value} is used by ${other} too`,
        hint: 'give each resource its own',
      })
    else taken.set(`${what} ${value}`, path)
  }
  const { interfaces } = of(network)
  const { volumes } = of(storage)
  for (const [name, { volume, metadata, minor, port, interface: link, filesystem }] of Object.entries(
    settings.resources,
  )) {
    const path = `drbd.resources.${name}`
    claim('minor', minor, path, 'minor')
    claim('port', port, path, 'port')
    claim('volume', volume, path, 'volume')
    if (metadata !== 'internal') claim('volume', metadata, path, 'metadata')
    if (filesystem) claim('mount point', filesystem.mount, path, 'filesystem.mount')
    const places = [
      ['volume', volume],
      ...(metadata === 'internal' ? [] : [['metadata', metadata.replace(/\[\d+\]$/, '')] as const]),
    ] as const
    for (const [option, place] of places) {
      if (place.startsWith('/') || volumes[place]) continue
      faults.push({
        path: `${path}.${option}`,
        message: `nobody defines the volume "${place}"`,
        hint:
          Object.keys(volumes).length > 0
            ? `defined in storage.volumes: ${Object.keys(volumes).join(', ')}`
            : 'define it in storage.volumes',
      })
    }
    const own = interfaces[link]
    if (!own)
      faults.push({
        path: `${path}.interface`,
        message: `there is no interface "${link}"`,
        hint: `defined in network.interfaces: ${Object.keys(interfaces).join(', ')}`,
      })
    else
      for (const node of nodes)
        if (!own.addresses[node])
          faults.push({
            path: `${path}.interface`,
            message: `${node} has no address on "${link}"`,
            hint: `add it in network.interfaces.${link}.addresses`,
          })
  }
  return faults
}

/** Replicated block devices, module 8.4 or 9. drbd.conf(5), drbdadm(8) */
const drbd = definePlugin({
  name: 'drbd',
  schema,
  requires: [network, storage],
  packages: () => needs,
  validate,
  reconstruct,
  tasks: (t) => [
    packageTask(t, needs),
    moduleTask(t),
    configTask(t),
    metadataTask(t),
    rolesTask(t),
    filesystemTask(t),
    syncTask(t),
  ],
})
export default drbd
