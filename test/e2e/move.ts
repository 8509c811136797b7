import { describe, expect, it } from 'vitest'
import { asOwner, type Lab, notOk } from './lab.js'

const home = '/srv/two/db2inst2'
/** The cluster with one more replicated disk, and on it an instance that is there already, on the primary's own disk. */
export const wanted = [
  '--set',
  'drbd.resources.r1={volume: vg0/second, minor: 1, port: 7789, interface: link0, disk: {fencing: resource-and-stonith}, filesystem: {type: ext4, mount: /srv/two}}',
  '--set',
  `db2.instances.db2inst2={home: ${home}, uid: 1002, port: 50001}`,
]

/** A program of the node that kills what called it at one call, as a power cut would, and is itself otherwise. */
const trap = (program: string, words: string) => `cat >/usr/local/bin/${program} <<'END'
#!/bin/sh
real=$(PATH=/usr/bin:/bin command -v ${program})
case "$*" in
  ${words})
    rm -f /usr/local/bin/${program}
    [ ${program} != rsync ] || { timeout -s KILL 0.7 "$real" --bwlimit=200 "$@"; }
    kill -9 $PPID
    exit 137 ;;
esac
exec "$real" "$@"
END
chmod 755 /usr/local/bin/${program}`

const rows = (lab: Lab) =>
  lab.on(
    'db-a',
    asOwner(
      'db2inst2',
      'db2 connect to OLD >/dev/null; db2 -x "select count(*), sum(n) from t"; db2 terminate >/dev/null',
    ),
  )
const special = (lab: Lab, top: string) =>
  lab.on(
    'db-a',
    `cd ${top} && find . -xdev \\( -perm /6000 -o -links +1 -type f -o -type l \\) -printf '%p %M %U:%G %n %l\\n' | sort`,
  )

/** An instance made by hand on a local disk comes onto a replicated one. */
export function move(lab: () => Lab): void {
  describe('an instance on the local disk of the primary', () => {
    let before = ''
    it('is there, with data', async () => {
      await lab().on(
        'db-a',
        `useradd -u 1002 -g db2iadm1 -d ${home} -M -s /bin/bash db2inst2 && install -d -o db2inst2 -g db2iadm1 ${home} &&
/opt/ibm/db2/V11.5/instance/db2icrt -p 50001 -s ese -u db2fenc1 db2inst2 && /opt/ibm/db2/V11.5/instance/db2iauto -on db2inst2`,
      )
      await lab().on(
        'db-a',
        asOwner(
          'db2inst2',
          `db2start; db2 "create database OLD on ${home}" && db2 connect to OLD && db2 "create table t (n integer not null primary key)" &&
db2 "insert into t with s(n) as (values 1 union all select n + 1 from s where n < 500) select n from s"; s=$?; db2 terminate; exit $s`,
        ),
      )
      await lab().on(
        'db-a',
        `cd ${home} && echo one >file && ln file link && truncate -s 3M sparse && chmod 2750 sqllib/function`,
      )
      expect((await rows(lab())).trim().split(/\s+/)).toEqual(['500', '125250'])
      before = await special(lab(), '/srv/two')
      expect(before).toMatch(/ -rws/)
    })

    it('is not moved unasked: it is in use', async () => {
      const report = await lab().report(['create', ...wanted])
      const [refused] = report.outcomes.filter(({ status }) => status === 'refused')
      expect(refused).toMatchObject({ stage: 'db2/move', reason: expect.stringContaining('--allow interruption') })
      expect((await rows(lab())).trim().split(/\s+/)).toEqual(['500', '125250'])
    })

    it.each([
      ['after its backups', 'mv', '*/images.new\\ */images'],
      ['while it stops', 'sync', '*/db2inst2/stopped'],
      ['in the middle of the copy', 'rsync', '*/srv/two/*'],
      ['while the copy is compared', 'cmp', '*files.copy'],
      ['between the two directories', 'mkdir', '/srv/two'],
    ])('killed %s, nothing is lost', async (_, program, words) => {
      await lab().on('db-a', trap(program, words))
      const report = await lab().report(['create', ...wanted, '--allow', 'interruption'])
      const { status, reason } = report.outcomes.find(({ stage }) => stage === 'db2/move') ?? {}
      // Where the shell itself was killed, ssh ends without an exit code.
      expect(`${status}: ${reason}`).toMatch(/^failed: [\s\S]*exit 137|^unreachable: /)
      expect(await lab().on('db-a', `[ ! -e /usr/local/bin/${program} ] && ls /srv/two*/db2inst2/file`)).toMatch(
        /\/db2inst2\/file\n$/,
      )
    })

    it('goes on to its end: all rows, links, setuid bits, and the old directory is kept', async () => {
      const report = await lab().report(['create', ...wanted])
      expect(report.exitCode, JSON.stringify(notOk(report))).toBe(0)
      expect(await lab().on('db-a', 'findmnt -n -o SOURCE /srv/two')).toBe('/dev/drbd1\n')
      expect((await rows(lab())).trim().split(/\s+/)).toEqual(['500', '125250'])
      expect(await special(lab(), '/srv/two.before-ha-provision')).toBe(before)
      // db2start makes files of its own; what was there before has stayed as it was.
      const now = new Set((await special(lab(), '/srv/two')).split('\n'))
      expect(before.split('\n').filter((line) => !now.has(line))).toEqual([])
      expect(await lab().on('db-a', '/opt/ibm/db2/V11.5/bin/db2greg -dump | grep -c "^I,.*,db2inst2,.*,,0,"')).toBe(
        '1\n',
      )
      expect(await lab().on('db-a', 'ls /var/lib/ha-db2-move/db2inst2/images')).toMatch(
        /^OLD\.0\.db2inst2\.DBPART000\.\d{14}\.001\n$/,
      )
      expect(await lab().on('db-a', 'ha-db2-backup last db2inst2 OLD')).toMatch(/^\d{10}\n$/)
      expect(notOk(await lab().report(['check', ...wanted]))).toEqual([])
    })
  })
}
