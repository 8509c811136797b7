import { describe, expect, it } from 'vitest'
import {
  isGoodImage,
  isRelocated,
  parseBackup,
  parseHistory,
  parseImageHeader,
  parseRestore,
  parseRollforward,
  parseSample,
} from '../../plugins/db2/parse/backup.js'
import { parseActive, parseConfiguration, parseConnection, parseDirectory } from '../../plugins/db2/parse/database.js'
import { parseCurrentInstance, parseEngine } from '../../plugins/db2/parse/instance.js'
import { engineVerdict, messagesOf, says } from '../../plugins/db2/parse/messages.js'
import { obstacle, recorded } from './sandbox.js'
import { container, type Said, saidIn } from './sections.js'

const moved = `printf 'DB_NAME=TESTDB\\nDB_PATH=%s,%s\\nINSTANCE=db2inst1\\n' $base/data $base/moved >/tmp/relocate.cfg`
const script = `${container}
say stopped 'db2stop'; say never 'db2 list db directory'; say start db2start; say again db2start; say engine 'db2pd -'; say instance 'db2 get instance'
say sample 'db2sampl'; quiet 'db2 drop db sample'; say empty 'db2 list database directory'
say create "db2 create database testdb on $base/data using codeset UTF-8 territory US pagesize 8192"; say one 'db2 list db directory'
say connect 'db2 connect to testdb; db2 terminate >/dev/null'; quiet 'db2 drop db testdb'
quiet "db2 create database sample on $base/data pagesize 8192; db2 update db cfg for sample using LOGARCHMETH1 DISK:$base/logs/; db2 backup db sample to /dev/null; db2 archive log for db sample; db2 archive log for db sample; db2 activate db sample; db2 terminate"
say active 'db2 connect to sample >/dev/null; db2 list active databases; db2 terminate >/dev/null'; say cfg 'db2 get db cfg for sample'; say dbm 'db2 get dbm cfg'
say inuse "db2 backup db sample to $base/bk without prompting"; quiet 'db2 deactivate db sample; db2 drop db sample'
quiet "db2 create database testdb on $base/data pagesize 8192"; say backup "db2 backup db testdb to $base/bk compress without prompting"
say history 'db2 list history backup all for testdb'; say header "db2ckbkp -h $base/bk/*.001"; say check "db2ckbkp $base/bk/*.001"
say prompt "echo y | db2 restore db testdb from $base/bk"; say declined "echo n | db2 restore db testdb from $base/bk"
quiet "db2 update db cfg for testdb using LOGARCHMETH1 DISK:$base/logs/; db2 backup db testdb to /dev/null; db2 archive log for db testdb; rm $base/bk/*; db2 backup db testdb online to $base/bk; db2 restore db testdb from $base/bk without prompting"
say pending 'db2 connect to testdb'; say forward 'db2 rollforward db testdb to end of logs and stop'
quiet 'db2stop force'; mv $base/data/db2inst1 $base/moved/; ${moved}; say relocate 'db2relocatedb -f /tmp/relocate.cfg'; say start2 db2start
say alive 'db2 connect to testdb; db2 terminate >/dev/null'; say stop 'db2stop'`

/** What changes from run to run, and where the instance lies. */
const common = (text: string): string =>
  text
    .replaceAll('/srv/database', '/database')
    .replace(/\d\d([/-])\d\d\1\d{4} \d\d:\d\d:\d\d/g, 'DATE')
    .replace(/\d{4}-\d\d-\d\d-\d\d\.\d\d\.\d\d(\.\d{6})?/g, 'MOMENT')
    .replace(/\b\d{14}(001)?\b/g, 'STAMP')
    .replace(/\d+ days \d\d:\d\d:\d\d/, 'TIME')

const exact: Readonly<Record<string, string>> = {
  start: 'db2start_1158.txt',
  stop: 'db2stop_1158.txt',
  engine: 'db2pd_up_1158.txt',
  instance: 'get_instance.txt',
  sample: 'db2sampl_1158.txt',
  empty: 'listdb_empty.txt',
  one: 'listdb_one_1158.txt',
  connect: 'connect_1158.txt',
  active: 'list_active_1158.txt',
  cfg: 'dbcfg_sample_1158.txt',
  inuse: 'backup_fail_in_use_R.txt',
  backup: 'backup_ok_1158.txt',
  forward: 'rollforward_status_111_R.txt',
  relocate: 'db2relocatedb_ok.txt',
}

describe.skipIf(obstacle)(`outputs of the stand-in (${obstacle ?? 'seen here'})`, () => {
  let found: Readonly<Record<string, Said>> | undefined
  const said = (name: string): Said => {
    found ??= saidIn(script)
    const own = found[name]
    if (!own) throw new Error(`nothing was recorded of ${name}: ${Object.keys(found).join(' ')}`)
    return own
  }
  const text = (name: string): string => common(said(name).text)

  it.each(Object.entries(exact))(
    '%s is as recorded in %s',
    (name, file) => {
      const { text: own } = said(name)
      expect(common(own)).toBe(common(recorded(file)))
    },
    60_000,
  )

  it('a history has the recorded lines', () => {
    const shape = (own: string): string =>
      common(own)
        .replace(/ {2}Contains[\s\S]*?-{76}/, 'SPACES')
        .replace(/S\d{7}\.LOG/g, 'LOG')
        .replace(/mysample|testdb/gi, 'NAME')
        .replace(/EID: \d+ Location: \S+/, 'PLACE')
    expect(shape(said('history').text)).toBe(shape(recorded('history_101_R.txt')))
    expect(parseHistory(said('history').text)).toMatchObject([
      { type: 'F', device: 'D', status: 'A', location: '/srv/database/bk' },
    ])
  })

  it('a media header has the recorded labels, and a check its sentence', () => {
    const shape = (own: string): string =>
      own
        .replace(/ -- ?.*/g, ' --')
        .replace(/^ {4,}\S+(\.\S+)+.*\n/gm, '')
        .replace(/#+/g, '#')
        .replace(/^\S+\.DBPART.*$/m, 'FILE')
    expect(shape(said('header').text)).toBe(shape(recorded('db2ckbkp_h_1112.txt')))
    expect(said('check').text.replace(/#+/, '#')).toBe(recorded('db2ckbkp_ok_111.txt').replace(/#+/, '#'))
    const { header, fileName } = parseImageHeader(said('header').text)
    expect(header).toMatchObject({
      'Server Database Name': 'TESTDB',
      'Backup Mode': '0 (Offline)',
      Compression: '1 (Compressed)',
    })
    expect(fileName).toBe(`TESTDB.0.db2inst1.DBPART000.${header.Timestamp}.001`)
  })

  it('a restore asks as recorded', () => {
    const flat = (own: string): string => own.replace('(y/n) y\n', '(y/n) ').replace(/ \n/g, '\n')
    expect(flat(said('prompt').text)).toBe(flat(recorded('restore_prompt_1158.txt')))
    expect(said('prompt').code).toBe(0)
    expect(messagesOf(said('declined').text).map(({ code }) => code)).toEqual(['SQL2539W', 'SQL2512N'])
    expect(said('declined').code).toBe(4)
  })

  it('the database manager configuration has the recorded lines', () => {
    const left = (own: string) =>
      own.split('\n').flatMap((line) => (line.includes(' =') ? [line.slice(0, line.indexOf(' ='))] : []))
    expect(left(said('dbm').text)).toEqual(expect.arrayContaining(left(recorded('dbmcfg_115_excerpt.txt'))))
    expect(parseConfiguration(said('dbm').text).get('SVCENAME')).toBe('db2c_db2inst1')
  })

  it('the plugin reads all of it', () => {
    expect(engineVerdict(said('stopped').text)).toBe('down')
    expect(engineVerdict(said('start').text)).toBe('up')
    expect(engineVerdict(said('again').text)).toBe('up')
    expect(engineVerdict(said('stop').text)).toBe('down')
    expect(parseEngine(said('engine').text)).toMatchObject({ isActive: true })
    expect(parseCurrentInstance(said('instance').text)).toBe('db2inst1')
    expect(parseSample(said('sample').text)).toBe('SAMPLE')
    expect(says(said('never').text, 'SQL1031N')).toBe(true)
    expect(parseDirectory(said('empty').text)).toEqual([])
    expect(parseDirectory(said('one').text)).toMatchObject([
      { alias: 'TESTDB', isLocal: true, directory: '/srv/database/data', release: '15.00' },
    ])
    expect(parseConnection(said('connect').text)).toEqual({
      server: 'DB2/LINUXX8664 11.5.8.0',
      user: 'DB2INST1',
      alias: 'TESTDB',
    })
    expect(parseConnection(said('pending').text)).toBeUndefined()
    expect(parseActive(said('active').text)).toMatchObject([{ name: 'SAMPLE', connections: 1 }])
    expect(parseConfiguration(said('cfg').text).get('LOGARCHMETH1')).toBe('DISK:/srv/database/logs/')
    expect(parseBackup(said('inuse').text)).toEqual({ failed: 'SQL1035N' })
    expect(parseBackup(said('backup').text)).toEqual({ timestamp: expect.stringMatching(/^\d{14}$/) })
    expect(isGoodImage(said('check').text)).toBe(true)
    expect(parseRestore(said('prompt').text)).toEqual({ done: true, warnings: ['SQL2539W'] })
    expect(parseRollforward(said('forward').text)).toEqual({ alias: 'testdb', isPending: false })
    expect(isRelocated(said('relocate').text)).toBe(true)
    expect(parseConnection(said('alive').text)?.alias).toBe('TESTDB')
  })

  it('exit codes are those of the command line: 0, 1, 2, 4', () => {
    const codes = ['never', 'empty', 'one', 'inuse', 'backup', 'stopped', 'again'].map((name) => said(name).code)
    expect(codes).toEqual([4, 2, 0, 4, 0, 1, 1])
    expect(text('pending')).toContain('SQL1117N')
  })
})
