import { definePlugin, type InputOf } from 'ha-provision'
import drbd from '../drbd/index.js'
import heartbeat from '../heartbeat/index.js'
import { schema } from './schema.js'

export { asOwner, type Database, type Db2, databasePath, type Instance } from './layout.js'

declare module 'ha-provision' {
  interface PluginOptions {
    db2: InputOf<typeof db2>
  }
}

/** IBM Db2 instances that live on a replicated filesystem and move with it. */
const db2 = definePlugin({
  name: 'db2',
  schema,
  requires: [drbd, heartbeat],
  tasks: () => [],
})
export default db2
