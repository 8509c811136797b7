import { definePlugin, type InputOf, type PackageNeed } from 'ha-provision'
import drbd, { type Drbd } from '../drbd/index.js'
import network from '../network/index.js'
import { packageTask } from '../packages/index.js'
import { fencingTask } from './fencing.js'
import { keyTask } from './key.js'
import type { Heartbeat } from './layout.js'
import { managerTask, unlessPacemaker } from './manager.js'
import { bootTask, configTask } from './node-tasks.js'
import { reconstruct } from './reconstruct.js'
import { reloadTask } from './reload.js'
import { identityTask, runningTask } from './running.js'
import { schema } from './schema.js'
import { upTask } from './up.js'
import { validate } from './validate.js'

export type { FencingDevice } from './fencing.js'
export type { ClusterResource } from './layout.js'

declare module 'ha-provision' {
  interface PluginOptions {
    heartbeat: InputOf<typeof heartbeat>
  }
}

const needs: readonly PackageNeed[] = [
  { apt: 'heartbeat', dnf: 'heartbeat', zypper: 'heartbeat' },
  { apt: 'resource-agents', dnf: 'resource-agents', zypper: 'resource-agents' },
]

/** A hook sees options, not what plugins offer. */
function fencingWarnings(settings: (plugin: string) => unknown): readonly string[] {
  const { stonith, links } = settings('heartbeat') as Heartbeat
  const vm = settings('vm') as { readonly driver?: string; readonly fencing?: boolean } | undefined
  if (stonith.length === 0 && !vm?.fencing)
    return [
      `heartbeat: there is no fencing (heartbeat.stonith${vm?.driver === 'qemu' ? ', or vm.fencing' : ''}): a node that is only cut off goes on with the service beside its peer`,
      ...(links.length < 2 ? ['heartbeat: and there is only one link, so that one broken cable is enough for it'] : []),
    ]
  const { resources } = settings('drbd') as Drbd
  return Object.entries(resources)
    .filter(([, { net, disk }]) => ({ ...net, ...disk }).fencing === undefined)
    .map(
      ([name]) =>
        `drbd: ${name} does not wait for fencing (disk: { fencing: 'resource-and-stonith' }): what a node that is cut off acknowledges until it is switched off is lost`,
    )
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
  reconstruct,
  tasks: (t) => [
    managerTask(t),
    packageTask(t, needs),
    ...[configTask, reloadTask, keyTask, identityTask, bootTask, runningTask, upTask, fencingTask].map((task) =>
      unlessPacemaker(task(t)),
    ),
  ],
  hooks: {
    'before-run': ({ settings, log }) => {
      for (const warning of fencingWarnings(settings)) log(`WARNING ${warning}`)
    },
  },
})
export default heartbeat
