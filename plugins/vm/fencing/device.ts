import { readFileSync } from 'node:fs'
import type { FencingDevice } from '../../heartbeat/index.js'
import { packaged } from '../../packaged.js'

/** How a node has the machine of its peer switched off: `node.sh` asks `host.sh` through QEMU's own network. */
export const fencingDevice = (): FencingDevice => ({
  name: 'ha-qemu',
  program: readFileSync(packaged('vm', 'fencing', 'node.sh'), 'utf8'),
  silent:
    'A machine gets its fencing when it starts: `ha-provision vm stop NODE` and `vm start NODE`, the node without the service first, and the other when both sides are UpToDate.',
})
