import { ask, type Probe, quote, raw, sh } from 'ha-provision'
import drbd, { devicePath } from '../drbd/index.js'
import { type At, asOwner, mountOf } from './layout.js'
import { parseConfiguration } from './parse/database.js'
import { close, entriesOf, type InstanceFact, outputOf, sections } from './probes.js'

/** What an instance on a local disk keeps where: undefined on a node that has none. */
export interface LocalFact {
  /** Paths of each local database, by its alias; empty where it could not be asked. */
  readonly databases: Readonly<Record<string, readonly string[]>>
  /** Mounts below the directory that the replicated filesystem will cover, and that directory itself if it is one. */
  readonly mounts: readonly string[]
}

/** What a move leaves behind on the node: backups, settings, and the paths that can be asked only while the instance runs. */
export const stateOf = (name: string): string => `/var/lib/ha-db2-move/${name}`
export const pathsFile = (name: string): string => `${stateOf(name)}/paths`

/** As the query prints them. */
export const spellPaths = (databases: LocalFact['databases']): string =>
  Object.entries(databases)
    .map(([alias, paths]) => [`== ${alias}`, ...paths, ''].join('\n'))
    .join('')

const query = `for d in $(db2 list database directory | awk -F ' = *' '{ sub(/[ \\r]+$/, "") } /^ Database alias/ { a = $2 } /^ Directory entry type/ && $2 ~ /^(Indirect|Home)$/ { print a }'); do
echo "== $d"; db2 connect to "$d" >/dev/null && db2 -x 'select path from sysibmadm.dbpaths'; db2 connect reset >/dev/null; done`

/** Asked only where the home lies on a local disk. A connection starts a database, and changes nothing in it. */
export function localProbe(at: At, name: string): Probe<LocalFact | undefined> {
  const { home } = at.settings.instances[name] as At['settings']['instances'][string]
  const mount = mountOf(at, home) ?? home
  return ask(
    sh`[ -e ${`${home}/sqllib`} ] || exit 0
case $(findmnt -n -o SOURCE -T ${home}) in /dev/drbd*) exit 0 ;; esac
findmnt -rn -o TARGET; ${raw(close('mounts'))}
if ps -u ${name} -o comm= | grep -q -x db2sysc; then ${asOwner(name, home, { script: query })}; else cat ${pathsFile(name)}; fi; ${raw(close('paths'))}`,
    ({ stdout }) => {
      if (stdout === '') return undefined
      const found = sections(stdout)
      const databases: Record<string, string[]> = {}
      let current: string[] | undefined
      for (const line of (found.paths?.stdout ?? '').split('\n')) {
        const alias = /^== (\S+)/.exec(line)?.[1]
        if (alias !== undefined) current = databases[alias] = []
        else if (line.startsWith('/')) current?.push(line.trim())
      }
      return {
        databases,
        mounts: (found.mounts?.stdout ?? '').split('\n').filter((own) => own === mount || own.startsWith(`${mount}/`)),
      }
    },
  )
}

/** Parameters of the database manager that name a place. */
const places = [
  'DFTDBPATH',
  'DIAGPATH',
  'ALT_DIAGPATH',
  'SPM_LOG_PATH',
  'KEYSTORE_LOCATION',
  'SSL_SVR_KEYDB',
  'SSL_SVR_STASH',
] as const

/** Places outside the replicated filesystem that a database manager's configuration names: `PARAMETER: /path`. */
export function placesOutside(at: At, home: string, configuration: ReadonlyMap<string, string>): readonly string[] {
  const mount = mountOf(at, home)
  return places.flatMap((key) => {
    const path = (configuration.get(key) ?? '').split(' ')[0] ?? ''
    return path.startsWith('/') && mountOf(at, path) !== mount ? [`${key}: ${path}`] : []
  })
}

/** Reasons for which an instance on a local disk is not moved; none when it can be. */
export function againstMove(at: At, name: string, fact: InstanceFact, local: LocalFact | undefined): readonly string[] {
  const { home } = at.settings.instances[name] as At['settings']['instances'][string]
  const mount = mountOf(at, home)
  if (!fact.hasSqllib) return ['its engine runs, and its home has no sqllib']
  if (!local) return ['its paths could not be asked']
  const dbm = outputOf(fact, 'dbm')
  const entries = entriesOf(fact)
  if (!dbm || !entries) return [`its environment could not be read: look at ${home}/sqllib/db2profile`]
  return [
    ...local.mounts.map((target) => `${target} is a mount point of its own`),
    ...placesOutside(at, home, parseConfiguration(dbm.stdout)).map((place) => `${place} is not below ${mount}`),
    ...entries.flatMap(({ alias: database, isLocal }) => {
      if (!isLocal) return []
      const own = local.databases[database] ?? []
      return own.length === 0
        ? [`${database} could not be asked for its paths: it must accept connections`]
        : own
            .filter((path) => mountOf(at, path) !== mount)
            .map((path) => `${database} uses ${path}, which is not below ${mount}`)
    }),
  ]
}

/** The replicated filesystem that an instance's home belongs on. */
export function targetOf(
  at: At,
  home: string,
): { readonly resource: string; readonly device: string; readonly mount: string } {
  const mount = mountOf(at, home)
  const found = Object.entries(at.of(drbd).resources).find(([, { filesystem }]) => filesystem?.mount === mount)
  if (!found || mount === undefined) throw new Error(`no replicated filesystem holds ${quote(home)}`)
  return { resource: found[0], device: devicePath(found[1]), mount }
}
