import { definePlugin, type InputOf, type PackageNeed } from 'ha-provision'
import drbd from '../drbd/index.js'
import network from '../network/index.js'
import { packageTask } from '../packages/index.js'
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
    ...[configTask, reloadTask, keyTask, identityTask, bootTask, runningTask, upTask].map((task) =>
      unlessPacemaker(task(t)),
    ),
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
