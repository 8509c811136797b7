import { ask, type Output, type Probe, quote, raw, sh } from 'ha-provision'
import { asOwner, type Db2 } from './layout.js'
import { type DirectoryEntry, parseDirectory } from './parse/database.js'

export interface Place {
  /** Mount point of the filesystem on which a path lies, or would lie. */
  readonly target: string
  readonly source: string
}

/** What one node says of one instance. */
export interface InstanceFact {
  readonly account?: { readonly uid: number; readonly gid: number; readonly home: string }
  readonly place: Place
  readonly hasSqllib: boolean
  /** There is a database directory: without one, no database was ever made in the instance. */
  readonly hasDirectory: boolean
  /** Its engine, db2sysc, runs. */
  readonly running: boolean
  /** TCP ports on which anything of the node listens. */
  readonly listening: readonly number[]
  /** Output of `db2greg -dump`; undefined where there is no global registry. */
  readonly registryDump?: Output
  /** Lines of /etc/services of Db2 instances, whichever they belong to. */
  readonly services: readonly string[]
  readonly faultMonitor: boolean
  /** Outputs of commands run as the owner, by their name; empty where the instance is not there. */
  readonly outputs: Readonly<Record<string, Output>>
}

/** Closes a section: what a command printed may lack its last line break. */
export const close = (name: string): string => `printf '\\n@@%s %s\\n' '${name}' $?`

/** Cuts the output of one script at its `@@name code` lines; each follows what it closes. */
export function sections(stdout: string): Readonly<Record<string, Output>> {
  const found: Record<string, Output> = {}
  let from = 0
  for (const match of stdout.matchAll(/\n@@(\S+) (\d+)\n/g)) {
    found[match[1] ?? ''] = { code: Number(match[2]), stdout: stdout.slice(from, match.index), stderr: '' }
    from = match.index + match[0].length
  }
  return found
}

const need = (found: Readonly<Record<string, Output>>, name: string): Output => {
  const output = found[name]
  if (!output) throw new Error(`the answer ends before "${name}"`)
  return output
}

function account(line: string): InstanceFact['account'] {
  const [, , uid, gid, , home] = line.trim().split(':')
  return home === undefined ? undefined : { uid: Number(uid), gid: Number(gid), home }
}

/** Lines of /proc/net/tcp in the state LISTEN, 0A; ports are hexadecimal. proc_net_tcp of the kernel's documentation */
const listening = (sockets: string): readonly number[] => [
  ...new Set(
    [...sockets.matchAll(/^ *\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:0000 0A /gm)].map(([, port = '']) =>
      Number.parseInt(port, 16),
    ),
  ),
]

const databaseConfig = (name: string): string => `cfg:${name}`
const databaseAnswer = (name: string): string => `answer:${name}`

/** Whether a database answers a query; 1 and 2 are warnings. */
const query = (database: string): string =>
  `w() { "$@"; [ $? -le 2 ]; }; w db2 connect to ${quote(database)} && w db2 'select 1 from sysibm.sysdummy1'; s=$?; db2 connect reset; ( exit $s )`

/**
 * Everything about an instance in one script: as root what is local, as its owner what is in its home. One script for all
 * stages, since each shell in which `db2` is called starts a back-end process of its own, some seconds on a small machine.
 */
export function instanceProbe(db2: Db2, name: string): Probe<InstanceFact> {
  const { home, databases } = db2.instances[name] as Db2['instances'][string]
  const greg = `${db2.installDir}/bin/db2greg`
  const asked: readonly (readonly [string, string])[] = [
    ['directory', 'db2 list database directory'],
    ['dbm', 'db2 get database manager configuration'],
    ['set', 'db2set -all'],
    ...Object.keys(databases).flatMap((database) => [
      [databaseConfig(database), `db2 get database configuration for ${quote(database)}`] as const,
      [databaseAnswer(database), query(database)] as const,
    ]),
  ]
  const own = asked.map(([key, command]) => `${command}; ${close(key)}`).join('\n')
  return ask(
    sh`getent passwd ${name}; ${raw(close('passwd'))}
p=${home}; until [ -e "$p" ]; do p=$(dirname "$p"); done; findmnt -n -o TARGET,SOURCE -T "$p"; ${raw(close('place'))}
[ -e ${`${home}/sqllib`} ]; ${raw(close('sqllib'))}
[ -e ${`${home}/sqllib/sqldbdir`} ]; ${raw(close('sqldbdir'))}
ps -u ${name} -o comm= 2>/dev/null; ${raw(close('processes'))}
if [ -e /var/db2/global.reg ]; then ${greg} -dump; ${raw(close('greg'))}; else true; ${raw(close('no-greg'))}; fi
grep -E '^(DB2|db2c)_' /etc/services; ${raw(close('services'))}
cat /proc/[0-9]*/comm 2>/dev/null | grep -x db2fmcd; ${raw(close('fmcd'))}
cat /proc/net/tcp /proc/net/tcp6 2>/dev/null; ${raw(close('sockets'))}
if [ -r ${`${home}/sqllib/db2profile`} ]; then ${asOwner(name, home, { script: own })}; fi
true; ${raw(close('end'))}`,
    ({ stdout }) => {
      const found = sections(stdout)
      need(found, 'end')
      const place = need(found, 'place')
      const [target, source] = place.stdout.trim().split(/\s+/)
      if (target === undefined || source === undefined) throw new Error(`findmnt said nothing about ${home}`)
      const owner = account(need(found, 'passwd').stdout)
      return {
        ...(owner ? { account: owner } : {}),
        place: { target, source },
        hasSqllib: need(found, 'sqllib').code === 0,
        hasDirectory: need(found, 'sqldbdir').code === 0,
        running: /^db2sysc$/m.test(need(found, 'processes').stdout),
        listening: listening(need(found, 'sockets').stdout),
        ...(found.greg ? { registryDump: found.greg } : {}),
        services: need(found, 'services')
          .stdout.split('\n')
          .filter((line) => line.trim() !== ''),
        faultMonitor: need(found, 'fmcd').code === 0,
        outputs: Object.fromEntries(asked.flatMap(([key]) => (found[key] ? [[key, found[key]]] : []))),
      }
    },
  )
}

export const outputOf = (fact: InstanceFact, key: 'directory' | 'dbm' | 'set'): Output | undefined => fact.outputs[key]
export const configOf = (fact: InstanceFact, database: string): Output | undefined =>
  fact.outputs[databaseConfig(database)]

/** What is said of a query; undefined where the home is not, or its owner could not be asked. */
export const answerOf = (fact: InstanceFact, database: string): Output | undefined =>
  fact.outputs[databaseAnswer(database)]

/** Entries of the database directory; undefined where the instance's owner could not be asked. */
export function entriesOf(fact: InstanceFact): readonly DirectoryEntry[] | undefined {
  const output = outputOf(fact, 'directory')
  return output && (fact.hasDirectory ? parseDirectory(output.stdout) : [])
}

/** The instance is there, and its owner could not say what it has. */
export const unknownEnvironment = (name: string, node = ''): Error =>
  new Error(`the environment of ${name} on ${node} could not be read: look at ~${name}/sqllib/db2profile`)

/** One probe for each instance of the config, by its name. */
export const instanceProbes = (db2: Db2): Readonly<Record<string, Probe<InstanceFact>>> =>
  Object.fromEntries(Object.keys(db2.instances).map((name) => [name, instanceProbe(db2, name)]))

/** `db2ls -c`, or nothing where no copy of Db2 is. */
export const copiesProbe = (db2: Db2): Probe<Output | undefined> =>
  ask(
    sh`for l in /usr/local/bin/db2ls ${raw(quote(`${db2.installDir}/install/db2ls`))}; do [ -x "$l" ] && { LANG=C LC_ALL=C "$l" -c; exit; }; done; exit 99`,
    (output) => (output.code === 99 ? undefined : output),
  )
