import { agreed, type Input, type OptionPath, type Reconstructed, type Remark, reconstruction } from 'ha-provision'
import drbd from '../drbd/index.js'
import { type Account, type Db2Fact, type Existing, existingProbe } from './existing.js'
import { changed, databaseDefaults, managerDefaults } from './parameters.js'
import { parseConfiguration, parseDirectory } from './parse/database.js'
import { parseProfileRegistry, portOf } from './parse/instance.js'
import type { schema } from './schema.js'

type Options = Input<typeof schema>
type Instance = Options['instances'][string]
type Database = NonNullable<Instance['databases']>[string]
type ByNode<T> = Readonly<Record<string, T>>

function databasesOf(
  name: string,
  home: string,
  { outputs, hasDirectory }: Existing,
): { readonly databases: Record<string, Database>; readonly remarks: readonly Remark[] } {
  const remarks: Remark[] = []
  const path: OptionPath = ['instances', name, 'databases']
  const other = (why: string) => remarks.push({ kind: 'other', path, why })
  const databases: Record<string, Database> = {}
  if (!hasDirectory) return { databases, remarks }
  for (const entry of parseDirectory(outputs.directory?.stdout ?? '')) {
    if (!entry.isLocal) {
      other(`the catalog entry ${entry.alias} is of a database on ${entry.node}`)
      continue
    }
    if (entry.alias !== entry.name) other(`${entry.alias} is another name of ${entry.name}`)
    if (databases[entry.name]) continue
    const answer = outputs[`cfg:${entry.name}`]
    if (answer?.code !== 0)
      throw new Error(`the configuration of ${entry.name} could not be read: ${answer?.stdout.trim() || 'no answer'}`)
    const configuration = parseConfiguration(answer.stdout)
    if (configuration.get('HADR_LOCAL_HOST')) other(`${entry.name} takes part in HADR`)
    const pageSize = Number(configuration.get('Database page size')) as NonNullable<Database['pageSize']>
    databases[entry.name] = {
      ...(entry.directory === home ? {} : { path: entry.directory ?? '' }),
      codeSet: configuration.get('Database code set') ?? '',
      territory: configuration.get('Database territory') ?? '',
      pageSize,
      config: changed(configuration, databaseDefaults),
    }
  }
  return { databases, remarks }
}

/** What the owner of an instance says, on the node that has its home. */
function environmentOf(
  name: string,
  own: Existing,
  services: string,
): { readonly options: Partial<Instance>; readonly remarks: readonly Remark[] } {
  const { set, dbm } = own.outputs
  if (set?.code !== 0 || dbm?.code !== 0)
    throw new Error(`the environment of ${name} could not be read: look at ${own.home}/sqllib/db2profile`)
  const registry = Object.fromEntries(
    parseProfileRegistry(set.stdout)
      .filter(
        ({ level, name: key, value }) =>
          level === 'i' && key !== 'DB2AUTOSTART' && !(key === 'DB2COMM' && /^tcpip$/i.test(value)),
      )
      .map(({ name: key, value }) => [key, value]),
  )
  const configuration = parseConfiguration(dbm.stdout)
  const service = configuration.get('SVCENAME') ?? ''
  const port = portOf(service, services, name)
  const { databases, remarks } = databasesOf(name, own.home, own)
  return {
    options: {
      registry,
      config: changed(configuration, managerDefaults),
      databases,
      ...(port === undefined ? {} : { port }),
    },
    remarks:
      port === undefined
        ? [
            ...remarks,
            {
              kind: 'undecided',
              path: ['instances', name, 'port'],
              why:
                service === ''
                  ? 'it listens on no port, and behind a virtual IP it has to'
                  : `SVCENAME is ${service}, no name that db2icrt gives: /etc/services says its port`,
            },
          ]
        : remarks,
  }
}

const userOf = ({ name, uid, group, gid }: Account) => ({ name, uid, group, gid })

function instanceOf(
  name: string,
  nodes: ByNode<Db2Fact>,
  mounts: readonly string[],
): { readonly options?: Instance; readonly remarks: readonly Remark[] } {
  const path: OptionPath = ['instances', name]
  const known = Object.entries(nodes).flatMap(([node, { instances, services }]) =>
    instances[name] ? [{ node, own: instances[name], services }] : [],
  )
  const remarks: Remark[] = []
  for (const node of Object.keys(nodes))
    if (!known.some((one) => one.node === node))
      remarks.push({ kind: 'other', path, why: `${node} has no record of it; check asks for one` })
  const homes = agreed(Object.fromEntries(known.map(({ node, own }) => [node, own.home])))
  if ('values' in homes)
    return { remarks: [...remarks, { kind: 'differs', path: [...path, 'home'], values: homes.values }] }
  const home = homes.value
  if (!mounts.some((mount) => home === mount || home.startsWith(`${mount}/`)))
    return { remarks: [...remarks, { kind: 'other', path, why: `its home ${home} is on no replicated filesystem` }] }
  const owners = agreed(Object.fromEntries(known.map(({ node, own }) => [node, own.owner && userOf(own.owner)])))
  if ('values' in owners) remarks.push({ kind: 'differs', path: [...path, 'uid'], values: owners.values })
  const active = known.find(({ own }) => own.outputs.dbm !== undefined)
  const fenced = active?.own.fenced
  const { options, remarks: own } = active
    ? environmentOf(name, active.own, active.services)
    : {
        options: {},
        remarks: [
          { kind: 'unknown', path, why: 'no node has its home now; start the service and run this again' } as const,
          { kind: 'undecided', path: [...path, 'port'], why: 'it could not be asked' } as const,
        ],
      }
  const owner = 'value' in owners ? owners.value : undefined
  return {
    options: {
      home,
      ...(owner ? { uid: owner.uid, group: owner.group, gid: owner.gid } : {}),
      ...(fenced ? { fenced: userOf(fenced) } : {}),
      ...options,
    },
    remarks: [...remarks, ...own],
  }
}

/** Writes the options from the global registry, and from what the owner of each instance says. */
export const reconstruct = reconstruction({
  probes: { db2: existingProbe },
  build({ nodes, of }): Reconstructed<Options> {
    const facts = Object.fromEntries(Object.entries(nodes).map(([node, { db2 }]) => [node, db2]))
    const mounts = Object.values(of(drbd)?.resources ?? {}).flatMap(({ filesystem }) => filesystem?.mount ?? [])
    const instances: Record<string, Instance> = {}
    const remarks: Remark[] = []
    for (const name of new Set(Object.values(facts).flatMap((own) => Object.keys(own.instances)))) {
      const { options, remarks: own } = instanceOf(name, facts, mounts)
      remarks.push(...own)
      if (options) instances[name] = options
    }
    const sources = [
      { path: [], from: 'db2greg -dump, and as its owner db2, db2set' },
      ...Object.keys(instances).flatMap((name) => [
        { path: ['instances', name, 'fenced'], from: 'the owner of sqllib/adm/.fenced' },
        ...['uid', 'group', 'gid'].map((key) => ({
          path: ['instances', name, key],
          from: 'getent passwd, getent group',
        })),
      ]),
    ]
    if (Object.keys(instances).length === 0) return { sources, remarks }
    const copies = Object.values(facts).flatMap((own) =>
      Object.entries(own.instances).flatMap(([name, { installDir }]) => (instances[name] ? [installDir] : [])),
    )
    const dirs = [...new Set(copies)]
    if (dirs.length > 1)
      remarks.push({ kind: 'other', path: ['installDir'], why: `several copies of Db2 are in use: ${dirs.join(', ')}` })
    return { options: { installDir: dirs[0] ?? '', instances }, sources, remarks }
  },
  untraced: {
    acceptLicence: 'a statement of a person; needed only to install Db2',
    installer: 'where Db2 came from shows nowhere; needed only to install it',
    licenceFiles: 'the same holds for licences',
    packages: 'which packages were installed for Db2 shows nowhere',
    level: 'a config without it takes the level that is installed, on both nodes the same',
    'instances.*.config.others':
      'Db2 chooses most of its parameters by the machine: only FEDERATED, DIAGLEVEL and NOTIFYLEVEL are written back',
    'instances.*.databases.*.config.others':
      'the same holds for a database: written back are those of its logs and recovery (plugins/db2/parameters.ts)',
  },
})
