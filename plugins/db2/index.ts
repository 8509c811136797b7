import { readFileSync } from 'node:fs'
import { definePlugin, type Fault, type InputOf, type PackageNeed } from 'ha-provision'
import drbd from '../drbd/index.js'
import heartbeat, { type ClusterResource } from '../heartbeat/index.js'
import { packaged } from '../packaged.js'
import { packageTask } from '../packages/index.js'
import { databasesTask } from './databases.js'
import { evidenceTask } from './evidence.js'
import { instanceTask } from './instance.js'
import { type At, type Db2, databasePath, mountOf } from './layout.js'
import { moveTask } from './move.js'
import { reconstruct } from './reconstruct.js'
import { schema } from './schema.js'
import { softwareTask } from './software.js'
import { stubTask } from './stub.js'
import { upTask } from './up.js'
import { usersTask } from './users.js'

export { asOwner, type Database, type Db2, databasePath, type Instance } from './layout.js'

declare module 'ha-provision' {
  interface PluginOptions {
    db2: InputOf<typeof db2>
  }
}

const needs = ({ packages }: Db2): readonly PackageNeed[] =>
  packages.map((name) => ({ apt: name, dnf: name, zypper: name }))

function validate(at: At): readonly Fault[] {
  const faults: Fault[] = []
  const { acceptLicence, installer, instances } = at.settings
  if (acceptLicence === false || (installer !== undefined && !acceptLicence))
    faults.push({
      path: 'db2.acceptLicence',
      message: "Db2 cannot be installed without IBM's licence agreement",
      hint: 'read it, and say true if you accept it',
    })
  const mounts = Object.values(at.of(drbd).resources).flatMap(({ filesystem }) =>
    filesystem ? [filesystem.mount] : [],
  )
  const hint =
    mounts.length > 0 ? `mounted by drbd.resources: ${mounts.join(', ')}` : 'add a filesystem in drbd.resources'
  const taken = new Map<string, string>()
  const claim = (what: string, path: string) => {
    const other = taken.get(what)
    if (other) faults.push({ path, message: `${what} is that of ${other} too`, hint: 'give each instance its own' })
    else taken.set(what, path)
  }
  for (const [name, instance] of Object.entries(instances)) {
    const path = `db2.instances.${name}`
    claim(`port ${instance.port}`, `${path}.port`)
    claim(`uid ${instance.uid}`, `${path}.uid`)
    claim(`home ${instance.home}`, `${path}.home`)
    if (mountOf(at, instance.home) === undefined)
      faults.push({ path: `${path}.home`, message: `"${instance.home}" is on no replicated filesystem`, hint })
    for (const [key, database] of Object.entries(instance.databases)) {
      const place = databasePath(instance, database)
      if (database.path !== undefined && mountOf(at, place) === undefined)
        faults.push({
          path: `${path}.databases.${key}.path`,
          message: `"${place}" is on no replicated filesystem`,
          hint,
        })
    }
  }
  return faults
}

/** IBM Db2 instances that live on a replicated filesystem and move with it. */
const db2 = definePlugin({
  name: 'db2',
  schema,
  requires: [drbd, heartbeat],
  packages: ({ settings }) => needs(settings),
  offers: ({ settings }) => ({
    'cluster-resource': Object.entries(settings.instances).map(
      ([name, { home }]): ClusterResource => ({
        words: `ha-db2::${name}::${home}`,
        agent: { name: 'ha-db2', content: readFileSync(packaged('db2', 'agents', 'ha-db2.sh'), 'utf8') },
      }),
    ),
  }),
  validate,
  reconstruct,
  tasks: (t) => [
    evidenceTask(t),
    packageTask(t, ({ settings }) => needs(settings), { before: 'heartbeat' }),
    moveTask(t),
    softwareTask(t),
    usersTask(t),
    instanceTask(t),
    stubTask(t),
    databasesTask(t),
    upTask(t),
  ],
})
export default db2
