import { describe, expect, it } from 'vitest'
import { messagesOf } from '../../plugins/db2/parse/messages.js'
import { obstacle } from './sandbox.js'
import { container, type Said, saidIn } from './sections.js'

const codes = ({ text }: Said): readonly string[] => messagesOf(text).map(({ code }) => code)
const run = (script: string) => {
  const found = saidIn(`${container}\n${script}`)
  return (name: string): Said => {
    const own = found[name]
    if (!own) throw new Error(`${name} was not recorded: ${Object.keys(found).join(' ')}`)
    return own
  }
}
const shop = `quiet "db2start; db2 create db shop on $base/data; db2 connect to shop; db2 'create table t (n integer not null primary key)'; db2 'insert into t values 1, 2'; db2 terminate"`
const archived = `${shop}; quiet "db2 update db cfg for shop using LOGARCHMETH1 DISK:$base/logs; db2 backup db shop to /dev/null"`
const rows = (name: string, db = 'shop') =>
  `say ${name} "db2 connect to ${db} >/dev/null; db2 -x 'select n from t order by n'; db2 terminate >/dev/null"`
const numbers = ({ text }: Said): readonly number[] => text.split('\n').filter(Boolean).map(Number)

describe.skipIf(obstacle)(`the engine of the stand-in (${obstacle ?? 'seen here'})`, () => {
  it('keeps every row that it acknowledged to a client, over two kills', () => {
    const client = '/opt/ibm/db2/V11.5/samples/client'
    const said = run(`${archived}; C="python3 ${client}"
$C insert --table R --log /tmp/rows 127.0.0.1 50000 SHOP 2>/tmp/client.err & c=$!
sleep 1.5; quiet db2nkill; sleep 0.5; quiet db2start; sleep 1.5; quiet db2nkill; quiet db2start; sleep 1; kill $c
before() { printf '\\n@@%s\\n' $1; shift; "$@"; printf '\\n@@=%s\\n' $?; }
before missing $C missing --table R --log /tmp/rows 127.0.0.1 50000 SHOP; before count $C count --table R 127.0.0.1 50000 SHOP
before logged wc -l </tmp/rows; before lost cat /tmp/client.err
su - db2inst1 -c "db2 connect to shop user app; db2 'delete from r where n = 2'; db2 terminate" >/dev/null
before broken $C missing --table R --log /tmp/rows 127.0.0.1 50000 SHOP`)
    const logged = Number(said('logged').text)
    expect(said('missing')).toEqual({ text: '', code: 0 })
    expect(logged).toBeGreaterThan(50)
    expect(Number(said('count').text)).toBeGreaterThanOrEqual(logged)
    // It was really away meanwhile, and the client tells when a row is not there.
    expect(said('lost').text).toContain('Connection refused')
    expect(said('broken').text).toBe('2\n')
  }, 60_000)

  it('applies the log after a crash between the log and the data', () => {
    const said = run(`${archived}; quiet db2nkill
log=$base/data/db2inst1/NODE0000/SQL00001/LOGSTREAM0000/S0000000.LOG
python3 - >>$log <<'END'
import json
print(json.dumps({'lsn': 0})); print(json.dumps({'lsn': 2, 'time': 1.0, 'sql': 'insert into "DB2INST1.T" values (77)'})); print('{"lsn": 3, "ti', end='')
END
chown db2inst1: $log; quiet db2start; ${rows('after')}; say diag 'cat sqllib/db2dump/db2diag.log'`)
    expect(numbers(said('after'))).toEqual([1, 2, 77])
    expect(said('diag').text).toContain('crash recovery of SHOP: 1 records applied')
  }, 60_000)

  it('rolls forward to the end of the backup, of the logs, or not', () => {
    const said =
      run(`${archived}; quiet "db2 backup db shop online to $base/bk"; quiet "db2 connect to shop; db2 'insert into t values 3, 4'; db2 terminate"; quiet db2nkill; quiet db2start
say inplace "db2 restore db shop from $base/bk without prompting"; say pending 'db2 connect to shop'; say early 'db2 rollforward db shop stop'
say status 'db2 rollforward db shop query status'; say logs 'db2 rollforward db shop to end of logs and stop'; ${rows('all')}
say other "db2 restore db shop from $base/bk on $base/moved into other logtarget $base/moved without prompting"; say nolog 'db2 rollforward db other to end of backup and stop'
say end "db2 'rollforward db other to end of backup and stop overflow log path ($base/moved)'"; ${rows('backup', 'other')}; say twice 'db2 rollforward db other stop'
say offline "db2 deactivate db other; db2 backup db other to $base/bk"; say direct "db2 restore db other from $base/bk into third without rolling forward without prompting"; ${rows('third', 'third')}
say online "db2 restore db shop from $base/bk into fourth without rolling forward without prompting"; say over "db2 restore db shop from $base/bk into third replace existing"; say dir 'db2 list db directory | grep -c alias'`)
    expect([codes(said('inplace')), said('inplace').code]).toEqual([['SQL2540W'], 2])
    expect(codes(said('pending'))).toEqual(['SQL1117N'])
    expect(codes(said('early'))).toEqual(['SQL1276N'])
    expect(said('status').text).toContain('= DB  working')
    expect(codes(said('logs'))).toEqual(['DB20000I'])
    expect(numbers(said('all'))).toEqual([1, 2, 3, 4])
    expect(codes(said('other'))).toEqual(['DB20000I'])
    expect(codes(said('nolog'))).toEqual(['SQL4970N'])
    expect(codes(said('end'))).toEqual(['DB20000I'])
    expect(numbers(said('backup'))).toEqual([1, 2])
    expect(codes(said('twice'))).toEqual(['SQL1260N'])
    expect(said('offline').code).toBe(0)
    expect(codes(said('direct'))).toEqual(['DB20000I'])
    expect(numbers(said('third'))).toEqual([1, 2])
    expect(codes(said('online'))).toEqual(['SQL2537N'])
    expect([codes(said('over')), said('over').code]).toEqual([['SQL2529W', 'DB20000I'], 2])
    expect(said('dir').text).toBe('3\n')
  }, 60_000)

  it('rolls an offline image forward as well, also to a moment', () => {
    const said =
      run(`${archived}; quiet "db2 backup db shop to $base/bk"; insert() { quiet "db2 connect to shop; db2 'insert into t values $1'; db2 terminate"; }
insert 3; sleep 1.1; moment=$(date -u +%Y-%m-%d-%H.%M.%S.000000); sleep 1.1; insert 4; quiet 'db2 deactivate db shop'
quiet "db2 restore db shop from $base/bk without prompting"; say moment "db2 rollforward db shop to $moment and stop"; ${rows('then')}
insert 5; quiet "db2 restore db shop from $base/bk without prompting"; say logs "db2 rollforward db shop to end of logs"; say more 'db2 connect to shop'; say stop 'db2 rollforward db shop stop'; ${rows('end')}
say archive "find $base/logs -name '*.LOG' | sed 's/.*DB/DB/' | sort"`)
    expect([codes(said('moment')), numbers(said('then'))]).toEqual([['DB20000I'], [1, 2, 3]])
    expect(said('logs').text).toContain('= DB  working')
    expect(codes(said('more'))).toEqual(['SQL1117N'])
    expect([codes(said('stop')), numbers(said('end'))]).toEqual([['DB20000I'], [1, 2, 3, 5]])
  }, 60_000)

  it('reads commands from a file and from stdin, and keeps a connection between commands', () => {
    const said =
      run(`${shop}; printf 'connect to shop;\n-- a comment\nselect n\n  from t;\ndelete from t where n = 9;\nselect * from nix;\nterminate;\n' >/tmp/s.sql
say file 'db2 -tvf /tmp/s.sql'; say stdin 'printf "connect to shop\nselect sum(n) from t\nquit\n" | db2'; say nofile 'db2 -tf /nowhere'
say kept 'db2 connect to shop >/dev/null; db2 -x "values 1"; db2 +w "select n from t where n = 0" >/dev/null; echo $?; db2 connect reset >/dev/null; db2 "select n from t"; db2 terminate >/dev/null'
say old 'env -u DB2INSTANCE db2 list db directory'`)
    expect(said('file').code).toBe(5)
    expect(codes(said('file'))).toEqual(['SQL0100W', 'DB21034E', 'SQL0204N', 'DB20000I'])
    expect(said('stdin')).toMatchObject({ code: 0, text: expect.stringContaining('record(s) selected') })
    expect(said('nofile').code).toBe(4)
    expect(said('kept').text).toMatch(/^ +1\n0\nSQL1024N /)
    expect(said('old')).toMatchObject({ code: 8, text: expect.stringContaining('SQL10007N') })
  }, 60_000)

  it('refuses what Db2 refuses, by its codes', () => {
    const said = run(`say down 'db2 create db a'; ${shop}
say path 'db2 create db b on /nowhere'; say exists 'db2 create db shop'; say long 'db2 create db muchtoolong'; say unknown 'db2 connect to nix'
say circular "db2 backup db shop online to $base/bk"; say nodir 'db2 backup db shop to /nowhere'; say noimage "db2 restore db shop from $base/moved"
say key 'db2 update db cfg for shop using NONSENSE 1'; say arch 'db2 update db cfg for shop using LOGARCHMETH1 DISK:/nowhere'; say dbm 'db2 update dbm cfg using DIAGLEVEL 4'
say held "db2 connect to shop >/dev/null; sleep 3; db2 'select n from t'; echo; db2 terminate >/dev/null" >/tmp/held & sleep 1
say apps 'db2 list applications for database shop'; say drop 'db2 drop db shop'; say stop db2stop; say activate 'db2 activate db shop'; say force 'db2 force applications all'; wait; cat /tmp/held
say left 'db2 list applications'; say pending "db2 deactivate db shop >/dev/null; db2 update db cfg for shop using LOGARCHMETH1 DISK:$base/logs >/dev/null; db2 connect to shop"
say token 'db2 frobnicate'; say rows "db2 backup db shop to /dev/null >/dev/null; db2 connect to shop >/dev/null; db2 'select n from t where n = 9'"; quiet 'sleep 1.5; db2 drop db shop'; say empty 'db2 list db directory'`)
    const expected: Readonly<Record<string, readonly [readonly string[], number]>> = {
      down: [['SQL1032N'], 4],
      path: [['SQL1052N'], 4],
      exists: [['SQL1005N'], 4],
      long: [['SQL1001N'], 4],
      unknown: [['SQL1013N'], 4],
      circular: [['SQL2413N'], 4],
      nodir: [['SQL2036N'], 4],
      noimage: [['SQL2539W', 'SQL2512N'], 4],
      key: [['SQL0104N'], 4],
      arch: [['SQL5099N'], 4],
      dbm: [['DB20000I', 'SQL1362W'], 2],
      drop: [['SQL1035N'], 4],
      stop: [['SQL1025N', 'SQL1025N'], 4],
      activate: [['SQL1494W'], 2],
      force: [['DB20000I', 'DB21024I'], 0],
      left: [['SQL1611W'], 2],
      pending: [['SQL1116N'], 4],
      token: [['SQL0104N'], 4],
      rows: [[], 1],
      empty: [['SQL1057W'], 2],
    }
    expect(
      Object.fromEntries(Object.keys(expected).map((name) => [name, [codes(said(name)), said(name).code]])),
    ).toEqual(expected)
    expect(said('apps').text).toMatch(/^DB2INST1 db2bp +\d+ +\*LOCAL\.db2inst1\.\d{12} +SHOP +1/m)
    expect(codes(said('held'))).toContain('SQL1224N')
  }, 60_000)

  it('starts only where it belongs', () => {
    const said =
      run(`say no 'db2pd -'; printf '9:9\\n' >~db2inst1/sqllib/.ftok; say ftok db2start; su - db2inst1 -c 'rm sqllib/.ftok; db2ftok'
echo '0 elsewhere 0' >~db2inst1/sqllib/db2nodes.cfg; say host db2start; rm ~db2inst1/sqllib/db2nodes.cfg; say express db2start; say other 'db2stop force dbpartitionnum 0'
say number 'db2start dbpartitionnum 3'; python3 -c 'import socket,time; s=socket.socket(); s.setsockopt(1,2,1); s.bind(("0.0.0.0",50000)); s.listen(); time.sleep(30)' & p=$!; sleep 0.5
say port db2start; kill $p; quiet db2stop; cp -a ~db2inst1 /tmp/copy; mount -t tmpfs -o nosuid x ~db2inst1; cp -a /tmp/copy/. ~db2inst1/; quiet 'rm sqllib/.ftok; db2ftok'; say nosuid db2start
printf '\\n@@root\\n'; (. ~db2inst1/sqllib/db2profile; db2start); printf '\\n@@=%s\\n' $?; say gcf 'db2gcf -s -i db2inst1'; say via 'db2 db2stop'`)
    expect(codes(said('ftok'))).toEqual(['SQL1042C', 'SQL1042C'])
    expect(codes(said('host'))).toEqual(['SQL6031N', 'SQL6031N'])
    expect([codes(said('express')), said('express').code]).toEqual([['SQL1063N', 'SQL1063N'], 0])
    expect(said('other').code).toBe(0)
    expect(codes(said('number'))).toEqual(['SQL6030N', 'SQL6030N'])
    expect(codes(said('port'))).toEqual(['SQL5043N', 'SQL5043N', 'SQL1063N', 'SQL1063N'])
    expect(codes(said('nosuid'))).toEqual(['SQL1641N', 'SQL1641N'])
    expect(codes(said('root'))).toEqual(['SQL1092N', 'SQL1092N'])
    expect(said('gcf')).toMatchObject({ text: expect.stringContaining('DB2 State : Operable'), code: 1 })
    expect(codes(said('via'))).toEqual(['SQL1032N'])
  }, 60_000)

  it('a back end keeps the home busy until it is ended', () => {
    const said = run(`${shop}; quiet 'db2stop force'; mount --bind ~db2inst1 ~db2inst1
su - db2inst1 -c 'db2 list db directory >/dev/null; sleep 2; db2 terminate >/dev/null; sleep 1; :' & sleep 1.2
busy() { printf '\\n@@%s\\n' $1; ls -l /proc/[0-9]*/cwd 2>/dev/null | grep -c "$base/config/db2inst1$"; ps -u db2inst1 -o comm= | grep -c db2bp; printf '\\n@@=0\\n'; }
busy held; sleep 1.3; busy ended; wait; su - db2inst1 -c 'db2 list db directory >/dev/null'; sleep 1.6; busy gone`)
    expect(said('held').text.split('\n').map(Number)[1]).toBe(1)
    expect(said('ended').text.split('\n')[1]).toBe('0')
    expect(said('gone').text.split('\n')[1]).toBe('0')
  }, 60_000)

  it('a database is moved, renamed and found again', () => {
    const said =
      run(`${shop}; quiet "db2 create db second on $base/bk dbpath on $base/data"; printf '\\n@@files\\n'; ls $base/data/db2inst1/NODE0000 $base/bk/db2inst1/NODE0000; printf '\\n@@=0\\n'
quiet 'db2stop force'; quiet "mv $base/data/db2inst1 $base/moved/"
printf 'DB_NAME=SHOP,STORE\\nDB_PATH=%s,%s\\nINSTANCE=db2inst1\\n' $base/data $base/moved >/tmp/r.cfg
printf 'DB_NAME=SECOND\\nDB_PATH=%s,%s\\nINSTANCE=db2inst1\\nSTORAGE_PATH=%s,%s\\n' $base/data $base/moved $base/bk $base/bk >/tmp/s.cfg
say lost 'db2start >/dev/null; db2 connect to shop'; quiet 'db2stop force'; say rename 'db2relocatedb -f /tmp/r.cfg'; say second 'db2relocatedb -f /tmp/s.cfg'; say again 'db2relocatedb -f /tmp/r.cfg'
quiet db2start; ${rows('rows', 'store')}; say dir 'db2 list db directory'; say paths "db2 connect to store >/dev/null; db2 -x 'select path from sysibmadm.dbpaths'; db2 terminate >/dev/null"; say open 'db2 connect to second; db2 terminate'`)
    expect(said('files').text.split('\n').filter(Boolean)).toEqual(
      expect.arrayContaining(['SQL00001', 'SQL00002', 'SHOP', 'SECOND', 'sqldbdir']),
    )
    expect(said('lost').code).toBe(4)
    expect([codes(said('rename')), codes(said('second')), codes(said('again'))]).toEqual([
      ['DBT1000I'],
      ['DBT1000I'],
      ['DBT1006N', 'DBT1011N'],
    ])
    expect(numbers(said('rows'))).toEqual([1, 2])
    expect(said('dir').text).toMatch(/alias += STORE\n.*name += STORE\n.*= \/srv\/database\/moved\n/)
    expect(
      said('paths')
        .text.split('\n')
        .filter(Boolean)
        .every((path) => path.startsWith('/srv/database/moved/')),
    ).toBe(true)
    expect(said('open').code).toBe(0)
  }, 60_000)
})
