import { resolve } from 'node:path'
import { type Command, type Context, quote, type Settings, sh, type TaskBuilder } from 'ha-provision'
import drbd from '../drbd/index.js'
import type heartbeat from '../heartbeat/index.js'
import type { schema } from './schema.js'

export type Db2 = Settings<typeof schema>
export type Instance = Db2['instances'][string]
export type Database = Instance['databases'][string]
export type Reads = typeof drbd | typeof heartbeat
export type At = Context<Db2, Reads>
export type Builder = TaskBuilder<Db2, Reads>

export const databasePath = (instance: Instance, database: Database): string => database.path ?? instance.home

/** The replicated filesystem that a path lies on: the longest mount point above it. */
export const mountOf = (at: Context<unknown, typeof drbd>, path: string): string | undefined =>
  Object.values(at.of(drbd).resources)
    .flatMap(({ filesystem }) => (filesystem ? [filesystem.mount] : []))
    .filter((mount) => path === mount || path.startsWith(`${mount}/`))
    .sort((one, other) => other.length - one.length)[0]

/**
 * A script run as the instance owner with the instance's environment, messages in English.
 * The back-end process that `db2` keeps for its shell would hold the home busy, so it is ended.
 */
export const asOwner = (instance: string, home: string, script: Command): Command =>
  sh`runuser -u ${instance} -- sh -c ${`HOME=${quote(home)}; export HOME; cd "$HOME" || exit 9; . ./sqllib/db2profile || exit 9; LANG=C; LC_ALL=C; export LANG LC_ALL
( ${script.script} ); s=$?; db2 terminate >/dev/null 2>&1; exit $s`}`

/** Commands for the command line processor, one after the other until one fails. 1 and 2 are warnings. */
export const clp = (commands: readonly string[]): Command =>
  sh`for c in ${commands}; do db2 "$c"; s=$?; [ $s -le 2 ] || { echo "db2 $c" >&2; exit $s; }; done`

/** A path of the config: relative to the config file. */
export const fromConfigDir = ({ configDir }: At['cluster'], path: string): string => resolve(configDir, path)
