import type { AnyPlugin } from 'ha-provision'
import backup from './backup/index.js'
import db2 from './db2/index.js'
import drbd from './drbd/index.js'
import heartbeat from './heartbeat/index.js'
import iso from './iso/index.js'
import network from './network/index.js'
import ntp from './ntp/index.js'
import storage from './storage/index.js'
import vm from './vm/index.js'

/** The built-in plugins in their order; ties between `requires` and `after` keep it. */
export const builtins: readonly AnyPlugin[] = [vm, iso, network, ntp, storage, drbd, heartbeat, db2, backup]

export { example } from './example.js'
