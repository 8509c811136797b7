import { describe, expect, it } from 'vitest'
import { parseBackup, parseHistory, parseRestore, parseRollforward } from '../../plugins/db2/parse/backup.js'
import { parseActive, parseConfiguration, parseConnection, parseDirectory } from '../../plugins/db2/parse/database.js'
import { parseCurrentInstance, parseEngine } from '../../plugins/db2/parse/instance.js'
import { engineVerdict, messagesOf } from '../../plugins/db2/parse/messages.js'
import { obstacle } from './sandbox.js'
import { container, saidIn } from './sections.js'

/** Lines of standin.conf, or a language; the facts must be the same in each. */
const variants: Readonly<Record<string, string>> = {
  plain: ':',
  'without empty lines': 'echo BLANK_LINES=off >>/var/db2/standin.conf',
  'long messages in one line': 'echo WRAP=off >>/var/db2/standin.conf',
  'no blanks at the ends of lines': 'printf "CLP_TRAILING_BLANK=off\\nCFG_BLANK=off\\n" >>/var/db2/standin.conf',
  'only the summary of db2start': 'printf "PARTITION_LINES=off\\nMEMBER_WORD=Partition\\n" >>/var/db2/standin.conf',
  'blanks before wraps of db2start': 'echo TRAILING_BLANK=on >>/var/db2/standin.conf',
  German: 'LANGUAGE=de_DE.UTF-8',
}

const once = (
  n: number,
): string => `say ${n}-down 'db2stop force'; say ${n}-pdown 'db2pd -'; say ${n}-up db2start; say ${n}-pd 'db2pd -'; say ${n}-instance 'db2 get instance'
say ${n}-directory 'db2 list db directory'; say ${n}-connect 'db2 connect to shop; db2 terminate >/dev/null'; say ${n}-none 'db2 list active databases'
quiet 'db2 activate db shop'; say ${n}-active 'db2 list active databases'; say ${n}-again 'db2 activate db shop'; say ${n}-used "db2 backup db shop to $base/bk"
say ${n}-cfg 'db2 get db cfg for shop'; say ${n}-dbm 'db2 get dbm cfg'; say ${n}-query 'db2 connect to shop >/dev/null; db2 -x "select count(*) from t"; db2 terminate >/dev/null'
rm -f $base/bk/*; say ${n}-backup "db2 backup db shop online to $base/bk"; say ${n}-history 'db2 list history backup since 20200101000000 for shop'
say ${n}-restore "db2 restore db shop from $base/bk into copy logtarget $base/moved without prompting"; say ${n}-pending 'db2 connect to copy'
say ${n}-forward "db2 'rollforward db copy to end of backup and stop overflow log path ($base/moved)'"; quiet 'db2 drop db copy'; say ${n}-unknown 'db2 connect to copy'`

const script = `${container}
quiet "db2start; db2 create db shop on $base/data; db2 update db cfg for shop using LOGARCHMETH1 DISK:$base/logs; db2 backup db shop to /dev/null; db2 connect to shop; db2 'create table t (n integer not null primary key)'; db2 'insert into t values 1, 2'; db2 catalog tcpip node far remote x server 1; db2 catalog db gone at node far; db2 terminate"
cp /var/db2/standin.conf /tmp/plain.conf
${Object.values(variants)
  .map((set, n) => `cp /tmp/plain.conf /var/db2/standin.conf; LANGUAGE=; ${set}\n${once(n)}`)
  .join('\n')}`

describe.skipIf(obstacle)(`variants of the stand-in (${obstacle ?? 'seen here'})`, () => {
  let found: ReturnType<typeof saidIn> | undefined
  it.each(Object.keys(variants))(
    '%s: the plugin reads the same facts',
    (name) => {
      found ??= saidIn(script)
      const n = Object.keys(variants).indexOf(name)
      const all = found
      const text = (key: string): string => {
        const own = all[`${n}-${key}`]
        if (!own) throw new Error(`${key} was not recorded`)
        return own.text
      }
      expect(engineVerdict(text('down'))).toBe('down')
      expect(engineVerdict(text('up'))).toBe('up')
      expect(parseEngine(text('pdown'))).toEqual({ isActive: false })
      expect(parseEngine(text('pd'))).toMatchObject({ isActive: true })
      expect(parseCurrentInstance(text('instance'))).toBe('db2inst1')
      expect(
        parseDirectory(text('directory')).map(({ alias, isLocal, release }) => ({ alias, isLocal, release })),
      ).toEqual([
        { alias: 'SHOP', isLocal: true, release: '15.00' },
        { alias: 'GONE', isLocal: false, release: '15.00' },
      ])
      expect(parseConnection(text('connect'))).toMatchObject({ user: 'DB2INST1', alias: 'SHOP' })
      expect(parseActive(text('none'))).toEqual([])
      expect(parseActive(text('active'))).toEqual([
        { name: 'SHOP', connections: 0, path: '/srv/database/data/db2inst1/NODE0000/SQL00001/MEMBER0000/' },
      ])
      expect(messagesOf(text('again')).map(({ code }) => code)).toEqual(['SQL1490W'])
      expect(parseBackup(text('used'))).toEqual({ failed: 'SQL1035N' })
      const cfg = parseConfiguration(text('cfg'))
      expect(['LOGARCHMETH1', 'NEWLOGPATH', 'LOCKLIST', 'NUM_LOG_SPAN'].map((key) => cfg.get(key))).toEqual([
        'DISK:/srv/database/logs',
        '',
        'AUTOMATIC(4096)',
        '0',
      ])
      expect(parseConfiguration(text('dbm')).get('SYSADM_GROUP')).toBe('DB2IADM1')
      expect(text('query').trim()).toBe('2')
      const made = parseBackup(text('backup'))
      expect(parseHistory(text('history')).at(-1)).toMatchObject({ ...made, type: 'N', location: '/srv/database/bk' })
      expect(parseRestore(text('restore'))).toEqual({ done: true, warnings: [] })
      expect(parseConnection(text('pending'))).toBeUndefined()
      expect(parseRollforward(text('forward'))).toMatchObject({ alias: 'copy' })
      expect(messagesOf(text('unknown')).map(({ code }) => code)).toEqual(['SQL1013N'])
    },
    90_000,
  )
})
