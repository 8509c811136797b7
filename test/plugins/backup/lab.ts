import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { program } from '../../../plugins/backup/tools/native.js'

export const recorded = (name: string): string =>
  readFileSync(new URL(`../db2/outputs/${name}.txt`, import.meta.url), 'utf8')

const entry = (n: number, alias: string, name: string, type: string): string =>
  `Database ${n} entry:

 Database alias                       = ${alias}
 Database name                        = ${name}
${type === 'Remote' ? ' Node name                            = FAR' : ' Local database directory             = /db'}
 Database release level               = 15.00
 Comment                              =
 Directory entry type                 = ${type}
 Catalog database partition number    = 0
 Alternate server hostname            =
 Alternate server port number         =
`

/** `list database directory` of `ALIAS NAME TYPE` entries, in the form of the recorded one. */
export const directory = (...entries: readonly string[]): string =>
  `\n System Database Directory\n\n Number of entries in the directory = ${entries.length}\n\n${entries
    .map((text, i) => {
      const [alias = '', name = '', type = ''] = text.split(' ')
      return entry(i + 1, alias, name, type)
    })
    .join('\n')}`

export const config = (method: string, pending = 'NO', restore = 'NO'): string =>
  ` Backup pending                                          = ${pending}
 Rollforward pending                                     = NO
 Restore pending                                         = ${restore}
 First log archive method                 (LOGARCHMETH1) = ${method}
`

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A node on which the instance db2inst1 is active with the database SHOP, for the program alone. */
export function node(settings: Readonly<Record<string, string>> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'ha-db2-backup-'))
  const at = (...parts: string[]) => join(dir, ...parts)
  const write = (path: string, text: string) => writeFileSync(at(path), text)
  for (const path of ['home/db2inst1/sqllib/sqldbdir', 'tables', 'copy/instance'])
    mkdirSync(at(path), { recursive: true })
  // An owner's profile may set a language; what is judged must not follow it.
  write('home/db2inst1/sqllib/db2profile', 'LANG=de_DE.UTF-8; LC_ALL=; export LANG LC_ALL\n')
  write('copy/instance/db2ilist', '#!/bin/sh\necho db2inst1\n')
  chmodSync(at('copy/instance/db2ilist'), 0o755)
  write('processes.db2inst1', 'db2wdog\ndb2sysc\n')
  write('directory', directory('SHOP SHOP Indirect'))
  write('cfg', config('DISK:/logs/'))
  write('tables/SHOP', '3 "SALES"."ORDERS"\n41 "SALES"."LINES OF THEM"\n')
  write('calls', '')
  write('list', '# INSTANCE DATABASE\ndb2inst1 SHOP\n')
  const values = {
    DIRECTORY: at('images'),
    LIST: at('list'),
    DB2DIR: at('copy'),
    KEEP: '3',
    COMPRESS: 'yes',
    ...settings,
  }
  write(
    'conf',
    Object.entries(values)
      .map(([key, value]) => `${key}='${value}'\n`)
      .join(''),
  )
  write('program', program())
  const env = {
    ...process.env,
    FAKE: dir,
    LANG: 'de_DE.UTF-8',
    PATH: `${fileURLToPath(new URL('fake', import.meta.url))}:${process.env.PATH}`,
  }
  const folder = (database = 'SHOP') => at('images', 'db2inst1', database)
  return {
    at,
    env,
    write,
    folder,
    read: (path: string) => readFileSync(at(path), 'utf8'),
    has: (path: string) => existsSync(at(path)),
    calls: () => readFileSync(at('calls'), 'utf8').split('\n').filter(Boolean),
    images: (database?: string) =>
      existsSync(folder(database))
        ? readdirSync(folder(database))
            .filter((name) => name.endsWith('.001'))
            .sort()
        : [],
    files: (database?: string) => readdirSync(folder(database)).sort(),
    status: (database?: string) => JSON.parse(readFileSync(join(folder(database), 'status.json'), 'utf8')),
    nodeStatus: () => JSON.parse(readFileSync(at('images', 'status.json'), 'utf8')),
    connections: () => readdirSync(dir).filter((name) => name.startsWith('conn.')),
    run(...args: string[]): Ended {
      try {
        const stdout = execFileSync('sh', [at('program'), '-c', at('conf'), ...args], {
          env,
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'pipe'],
        })
        return { code: 0, stdout, stderr: '' }
      } catch (error) {
        const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string }
        return { code: status, stdout, stderr }
      }
    },
    start: (...args: string[]) =>
      spawn('sh', [at('program'), '-c', at('conf'), ...args], { env, stdio: 'ignore', detached: true }),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  }
}
export type Node = ReturnType<typeof node>
