import { definePlugin, type InputOf } from 'ha-provision'
import db2 from '../db2/index.js'
import drbd from '../drbd/index.js'
import { packageTask } from '../packages/index.js'
import { ageTask } from './age.js'
import { coverageTask, staleTask } from './coverage.js'
import { drillCommand } from './drill.js'
import { toolOf } from './layout.js'
import { programTask } from './program.js'
import { reconstruct } from './reconstruct.js'
import { schema } from './schema.js'

declare module 'ha-provision' {
  interface PluginOptions {
    backup: InputOf<typeof backup>
  }
}

/** Backups of every Db2 database of the cluster, and the proof that they are good. */
const backup = definePlugin({
  name: 'backup',
  schema,
  requires: [db2, drbd],
  packages: (at) => toolOf(at).packages(at.settings),
  validate: (at) => toolOf(at).faults(at),
  tasks: (t) => [
    packageTask(t, (at) => toolOf(at).packages(at.settings)),
    programTask(t),
    coverageTask(t),
    ageTask(t),
    staleTask(t),
  ],
  commands: [drillCommand],
  reconstruct,
})
export default backup
