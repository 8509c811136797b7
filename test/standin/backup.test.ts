import { describe, expect, it } from 'vitest'
import { program } from '../../plugins/backup/tools/native.js'
import { parseDirectory } from '../../plugins/db2/parse/database.js'
import { obstacle, sandbox } from './sandbox.js'
import { container, recorder, saidIn } from './sections.js'

/** ha-db2-backup as a node has it, with SHOP (logs archived) and STILL (circular) covered, and LOOSE in no backup. */
const setup = `${container}
quiet "db2start; for d in shop still loose; do db2 create db \\$d on $base/data; done; db2 update db cfg for shop using LOGARCHMETH1 DISK:$base/logs; db2 backup db shop to /dev/null"
for d in shop still loose; do quiet "db2 connect to $d; db2 'create table sales.orders (n integer not null primary key, w varchar(20))'; db2 'insert into sales.orders (n) with s(n) as (values 1 union all select n + 1 from s where n < 300) select n from s'; db2 'create table \\"small case\\" (a integer)'; db2 terminate"; done
mkdir -p /tmp/b; cat >/tmp/b/program <<'PROGRAM'
${program()}PROGRAM
printf 'db2inst1 SHOP\\ndb2inst1 STILL\\n' >/tmp/b/list
printf '%s\\n' DIRECTORY=/var/tmp/images LIST=/tmp/b/list DB2DIR=/opt/ibm/db2/V11.5 KEEP=2 COMPRESS=yes OFFLINE=yes EXCLUDE= COPY= >/tmp/b/conf
ha() { printf '\\n@@%s\\n' "$1"; shift; sh /tmp/b/program -c /tmp/b/conf "$@" 2>&1; printf '\\n@@=%s\\n' $?; }
show() { printf '\\n@@%s\\n' "$1"; shift; "$@" 2>&1; printf '\\n@@=%s\\n' $?; }
F=/var/tmp/images/db2inst1`
const corrupt = (name: string, at: string) =>
  `python3 -c 'import sys; p=sys.argv[1]; d=bytearray(open(p,"rb").read()); d[${at}] ^= 1; open(p,"wb").write(d)' ${name}`

describe.skipIf(obstacle)(`backups of the stand-in (${obstacle ?? 'seen here'})`, () => {
  it('ha-db2-backup makes, verifies, drills and keeps them', () => {
    const said = saidIn(`${setup}
ha run run; show files ls $F/SHOP $F/STILL; show status cat $F/SHOP/status.json; show node cat /var/tmp/images/status.json; show rows sh -c "cat $F/SHOP/*.rows"
# While somebody is connected.
su - db2inst1 -c 'db2 connect to still >/dev/null; sleep 8' & sleep 0.5; ha offline run db2inst1 STILL
ha drill drill db2inst1 SHOP; ha drill2 drill db2inst1 STILL; say dir 'db2 list db directory'; ha last last db2inst1 SHOP; ha covered covered
quiet "db2 connect to shop; db2 'insert into sales.orders (n) values (1000)'; db2 terminate"; ha third run db2inst1 SHOP; ha fourth run db2inst1 SHOP; show kept sh -c "ls $F/SHOP/*.001 | wc -l"; ha drill3 drill db2inst1 SHOP
show busy ls /var/tmp/images/db2inst1/.drill`)
    expect(said.run).toMatchObject({
      code: 0,
      text: expect.stringMatching(
        /SHOP: online backup[\s\S]*is verified[\s\S]*STILL: offline backup[\s\S]*is verified/,
      ),
    })
    expect(said.files?.text).toMatch(
      /SHOP\.0\.db2inst1\.DBPART000\.\d{14}\.001\n[\s\S]*STILL\.0\.db2inst1\.DBPART000\.\d{14}\.001\n/,
    )
    expect(JSON.parse(said.status?.text ?? '')).toMatchObject({ mode: 'online', verified: true, lastFailure: null })
    expect(JSON.parse(said.node?.text ?? '')).toMatchObject({ uncovered: ['db2inst1/LOOSE'], unreadable: [] })
    expect(said.rows?.text.split('\n').sort()).toEqual(
      ['', '0 0 "DB2INST1"."small case"', '300 300 "SALES"."ORDERS"'].sort(),
    )
    expect(said.offline?.code).toBe(0)
    for (const name of ['drill', 'drill2'])
      expect(said[name]).toMatchObject({
        code: 0,
        text: expect.stringContaining('2 tables, 300 rows restored\ndrill passed'),
      })
    expect(said.drill3).toMatchObject({ code: 0, text: expect.stringContaining('2 tables, 301 rows restored') })
    expect(parseDirectory(said.dir?.text ?? '').map(({ name }) => name)).toEqual(['SHOP', 'STILL', 'LOOSE'])
    expect(Number(said.last?.text)).toBeGreaterThan(1_700_000_000)
    expect(said.covered?.text).toBe('db2inst1/SHOP\ndb2inst1/STILL\n')
    expect(said.kept?.text).toBe('2\n')
    expect(said.busy?.code).not.toBe(0)
  }, 90_000)

  it('a byte that was changed is found: by the drill, by db2ckbkp, by a restore', () => {
    const said = saidIn(`${setup}
ha run run db2inst1 SHOP; image=$(ls $F/SHOP/*.001); cp $image $base/bk/; copy=$base/bk/$(basename $image); chmod 644 $copy
${corrupt('$image', 'len(d)//2')}; ha drill drill db2inst1 SHOP; ${corrupt('$copy', '-40')}
say check "db2ckbkp $copy"; say restore "db2 restore db shop from $base/bk into other without prompting"; say dir 'db2 list db directory'; say missing 'db2ckbkp /nowhere'
say full "db2 backup db shop online to /tmp/tiny"; mkdir /tmp/tiny; mount -t tmpfs -o size=4k,mode=777 x /tmp/tiny; say full2 "db2 backup db shop online to /tmp/tiny"; show left ls /tmp/tiny`)
    expect(said.run?.code).toBe(0)
    expect(said.drill).toMatchObject({ code: 1, text: expect.stringContaining('is corrupt') })
    expect(said.check?.text).not.toContain('successful')
    expect(said.check?.code).not.toBe(0)
    expect(said.restore).toMatchObject({ code: 4, text: expect.stringContaining('SQL2530N') })
    expect(parseDirectory(said.dir?.text ?? '').map(({ name }) => name)).toEqual(['SHOP', 'STILL', 'LOOSE'])
    expect(said.missing?.code).not.toBe(0)
    expect(said.full?.text).toContain('SQL2036N')
    expect(said.full2?.text).toContain('SQL2419N')
    expect(said.left?.text).toBe('')
  }, 90_000)

  it('whichever byte of an image it is', () => {
    const { stdout } = sandbox(`${recorder}
${container}
quiet "db2start; db2 create db shop on $base/data; db2 backup db shop to $base/bk compress"
python3 - $base/bk/*.001 <<'END'
import sys
sys.path.insert(0, '/opt/ibm/db2/V11.5/lib/python/standin')
import image
path = sys.argv[1]
good = open(path, 'rb').read()
image.load(path)
missed = 0
for at in range(len(good)):
    with open('/tmp/bad', 'wb') as file:
        file.write(good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1 :])
    try:
        image.load('/tmp/bad')
        missed += 1
    except image.Corrupt:
        pass
for size in (0, 10, len(good) // 2, len(good) - 1):
    with open('/tmp/bad', 'wb') as file:
        file.write(good[:size])
    try:
        image.load('/tmp/bad')
        missed += 1
    except image.Corrupt:
        pass
print('tried', len(good), 'missed', missed)
END`)
    expect(stdout).toMatch(/tried [1-9]\d{2,} missed 0\n/)
  }, 60_000)
})
