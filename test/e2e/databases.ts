import { describe, expect, it } from 'vitest'
import { asOwner, differences, type Lab, nodes, notOk } from './lab.js'

/** Files of a node that a run could change, with their attributes and checksums; logs and process state left out. */
const state = (lab: Lab, node: string) =>
  lab.on(
    node,
    `find /etc /home /opt /srv /usr/local /var/db2 /var/backups /var/lib/ha-provision -xdev ! -name '*.log' ! -name '*.sock' \\
  -printf '%p %M %u:%g %s %l\\n' 2>/dev/null | sort
find /etc /home /srv /usr/local /var/db2 -xdev -type f ! -name '*.log' -exec sha256sum {} + | sort -k 2; getent passwd; getent group`,
  )

/** Instances and databases on the replicated disk, and their backups. Db2 is the stand-in. */
export function databases(lab: () => Lab): void {
  describe('databases', () => {
    it('answer behind the virtual address, with a verified backup', async () => {
      expect(await lab().on('db-a', asOwner('db2inst1', 'db2 connect to SHOP; db2 terminate'))).toContain('= SHOP')
      expect(await lab().on('db-a', 'ha-db2-backup last db2inst1 SHOP')).toMatch(/^\d{10}\n$/)
      expect(await lab().on('db-b', 'timeout 5 bash -c "exec 3<>/dev/tcp/10.77.0.100/50000" && echo open')).toBe(
        'open\n',
      )
      expect(await lab().on('db-b', 'ps -u db2inst1 -o comm= | grep -c db2sysc; ls -A /srv/db; true')).toBe('0\n')
    })

    it('drift of Db2 and its backup is named and mended on just these nodes', async () => {
      await lab().on('db-b', 'sed -i /^DB2_db2inst1_1/d /etc/services; systemctl disable -q --now ha-db2-backup.timer')
      await lab().on('db-a', asOwner('db2inst1', 'db2set DB2AUTOSTART=YES'))
      expect(differences(await lab().report(['check'])).toSorted()).toEqual([
        '- db2/instance variable',
        '- db2/stub no-service',
        'db-b backup/program timer',
      ])
      const mended = await lab().report(['create'])
      expect({ exitCode: mended.exitCode, steps: mended.steps }).toEqual({ exitCode: 0, steps: 3 })
      expect(notOk(await lab().report(['check']))).toEqual([])
    })

    it('one made by hand is found uncovered, and gets its backup', async () => {
      await lab().on(
        'db-a',
        asOwner(
          'db2inst1',
          `db2 "create database EXTRA on /srv/db/db2inst1" && db2 connect to EXTRA && db2 "create table t (n integer not null primary key, word varchar(20))"
i=0; while [ $i -lt 40 ]; do i=$((i+1)); db2 "insert into t values ($i, 'row $i')" >/dev/null || exit; done; db2 connect reset; db2 terminate; true`,
        ),
      )
      expect(differences(await lab().report(['check']))).toContain('- backup/coverage uncovered')
      const report = await lab().report(['create'])
      expect(report.exitCode, JSON.stringify(notOk(report))).toBe(0)
      for (const node of nodes)
        expect(await lab().on(node, 'ha-db2-backup covered')).toBe('db2inst1/EXTRA\ndb2inst1/SHOP\n')
      expect(await lab().on('db-a', 'ha-db2-backup last db2inst1 EXTRA')).toMatch(/^\d{10}\n$/)
    })

    it('a drill restores the backup and compares it, and fails when one byte is corrupt', async () => {
      const drill = () => lab().ha(['restore-drill', 'EXTRA'])
      const passed = await drill()
      expect(passed, passed.stderr).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('1 tables, 40 rows restored'),
      })
      await lab().on(
        'db-a',
        `f=$(ls /var/backups/db2/db2inst1/EXTRA/*.001 | tail -n 1); at=$(($(stat -c %s "$f") / 2))
old=$(dd if="$f" bs=1 skip=$at count=1 status=none | od -An -tu1); printf "\\\\$(printf %o $(( (old + 1) % 256 )))" | dd of="$f" bs=1 seek=$at conv=notrunc status=none`,
      )
      const failed = await drill()
      expect(failed.code).toBe(1)
      expect(failed.stderr).toContain('is corrupt')
      expect(await lab().on('db-a', asOwner('db2inst1', 'db2 list database directory'))).not.toContain('HADRILL')
      await lab().on('db-a', 'ha-db2-backup run db2inst1 EXTRA')
      expect((await drill()).code).toBe(0)
    })

    it('an instance that is not of the cluster, on the secondary: refused, and nothing changes on either node', async () => {
      await lab().on(
        'db-b',
        `useradd -u 1099 -g db2iadm1 -m -s /bin/bash legacy && /opt/ibm/db2/V11.5/instance/db2icrt -p 50099 -s ese -u db2fenc1 legacy`,
      )
      // A difference that any other run would mend.
      await lab().on('db-a', 'sysctl -q -w vm.swappiness=60')
      const before = await Promise.all(nodes.map((node) => state(lab(), node)))
      const report = await lab().report(['create'])
      const after = await Promise.all(nodes.map((node) => state(lab(), node)))
      expect(report).toMatchObject({ exitCode: 1, steps: 0 })
      const [refused] = report.outcomes.filter(({ status }) => status === 'refused')
      expect(refused).toMatchObject({
        stage: 'db2/evidence',
        reason: expect.stringContaining('the instance legacy in /home/legacy'),
      })
      expect(after).toEqual(before)
      expect(await lab().on('db-a', 'cat /proc/sys/vm/swappiness')).toBe('60\n')
      await lab().on(
        'db-b',
        '/opt/ibm/db2/V11.5/instance/db2idrop legacy && userdel -r legacy && sed -i "/_legacy/d" /etc/services',
      )
      const mended = await lab().report(['create'])
      expect({ exitCode: mended.exitCode, steps: mended.steps }, JSON.stringify(notOk(mended))).toEqual({
        exitCode: 0,
        steps: 1,
      })
    })
  })
}
