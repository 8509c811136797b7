import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import backup from '../../../plugins/backup/index.js'
import { dropInsProbe } from '../../../plugins/backup/program.js'
import { type Schedule, schedulesProbe } from '../../../plugins/backup/schedules.js'
import type { Probe } from '../../../src/index.js'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ha-backup-probes-'))
  put('/bin/getent', '#!/bin/sh\n[ "$2" = db2inst1 ] && echo "db2inst1:x:1001:1001::$ROOT/home/db2inst1:/bin/ksh"\n')
  chmodSync(join(root, 'bin/getent'), 0o755)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

/** The probe's own script, on the files of this test. */
function asked<T>(probe: Probe<T>): { readonly fact: T; readonly stdout: string } {
  if (!('command' in probe)) throw new Error('no command of its own')
  const script = probe.command.script.replace(/(?<![\w"])\/(etc|run|var\/spool)\//g, `${root}/$1/`)
  const stdout = execFileSync('sh', ['-c', `(\n${script}\n) </dev/null`], {
    encoding: 'utf8',
    env: { ...process.env, ROOT: root, PATH: `${root}/bin:${process.env.PATH}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return { fact: probe.parse({ code: 0, stdout, stderr: '' }), stdout }
}

const found = () =>
  asked(schedulesProbe).fact.map(
    ({ file, line, program, sign }: Schedule) => `${file.slice(root.length)}:${line} ${program} ${sign}`,
  )

describe('backups of an administrator', () => {
  it('are none where cron and systemd know none', () => {
    expect(found()).toEqual([])
    put('/etc/crontab', 'SHELL=/bin/sh\n17 * * * * root cd / && run-parts --report /etc/cron.hourly\n')
    put('/etc/cron.d/e2scrub', '30 3 * * 0 root test -e /run/systemd/system || /usr/lib/e2fsprogs/e2scrub_all\n')
    put('/etc/cron.daily/dpkg', '#!/bin/sh\n# backup db of dpkg, not of db2\ncp /var/lib/dpkg/status /var/backups/\n')
    expect(found()).toEqual([])
  })
  it('a line of a crontab, whatever its quoting', () => {
    put(
      '/var/spool/cron/crontabs/db2inst1',
      '# m h\n0 2 * * * . ~/sqllib/db2profile; db2 "backup db SHOP online to /backup"\n',
    )
    put(
      '/etc/crontab',
      '5 1 * * 7 root su - db2inst1 -c "db2 -v BACKUP  DATABASE shop user u using geheim" >/dev/null\n',
    )
    expect(found()).toEqual(['/etc/crontab:1 db2 backs-up', '/var/spool/cron/crontabs/db2inst1:2 db2 backs-up'])
    expect(asked(schedulesProbe).stdout).not.toContain('geheim')
  })
  it('a script that a line calls, by an absolute path, from a home, or as an owner’s relative path', () => {
    const script =
      '#!/bin/ksh\n. ~/sqllib/db2profile\ndb2 connect to shop\ndb2 "backup database shop online compress"\n'
    for (const path of ['/home/db2inst1/bin/a.sh', '/home/db2inst1/b.sh', '/home/db2inst1/c/c.sh', '/srv/d'])
      put(path, script)
    put(
      '/var/spool/cron/db2inst1',
      `0 1 * * * $HOME/bin/a.sh >>$HOME/log 2>&1\n0 2 * * * ~/b.sh;true\n0 3 * * * c/c.sh pw=geheim\n0 4 * * * nice "${root}/srv/d" -x\n#0 5 * * * ~/b.sh`,
    )
    expect(found()).toEqual([
      '/var/spool/cron/db2inst1:1 a.sh backs-up',
      '/var/spool/cron/db2inst1:2 b.sh backs-up',
      '/var/spool/cron/db2inst1:3 c.sh backs-up',
      '/var/spool/cron/db2inst1:4 d backs-up',
    ])
    expect(asked(schedulesProbe).stdout).not.toContain('geheim')
  })
  it('a last line without a line break, and a script of cron.daily itself', () => {
    put('/etc/cron.daily/db2', '#!/bin/sh\nsu - db2inst1 <<END\ndb2 -tv\nbackup db shop to /b;\nEND')
    put('/etc/cron.d/shop', '0 3 * * * db2inst1 db2 backup db shop')
    expect(found()).toEqual(['/etc/cron.d/shop:1 db2 backs-up', '/etc/cron.daily/db2:4 db2 backs-up'])
  })
  it('a service that a timer starts; our own is not one', () => {
    put('/srv/nightly', 'db2 backup db shop\n')
    put('/etc/systemd/system/nightly.service', `[Service]\nType=oneshot\nExecStart=-${root}/srv/nightly --all\n`)
    put('/etc/systemd/system/ha-db2-backup.service', `[Service]\nExecStart=${root}/srv/nightly run\n`)
    expect(found()).toEqual(['/etc/systemd/system/nightly.service:3 nightly backs-up'])
  })
  it('a script on a disk that is not mounted here is called so by its name', () => {
    put(
      '/var/spool/cron/crontabs/db2inst1',
      '0 2 * * * /db2/home/bin/db2_backup.ksh SHOP\n0 3 * * * /db2/home/bin/runstats.ksh\n',
    )
    expect(found()).toEqual(['/var/spool/cron/crontabs/db2inst1:1 db2_backup.ksh absent'])
  })
  it('old copies are no crontabs', () => {
    for (const name of ['db2~', 'db2.bak', 'db2.dpkg-old', 'db2.rpmsave'])
      put(`/etc/cron.d/${name}`, '0 3 * * * root db2 backup db shop\n')
    expect(found()).toEqual([])
  })
})

describe('drop-ins', () => {
  it('of our units only, with their text', () => {
    put('/etc/systemd/system/ha-db2-backup.timer.d/override.conf', '[Timer]\nOnCalendar=\nOnCalendar=*-*-* 05:00:00')
    put('/etc/systemd/system/ha-db2-backup.service.d/nice.conf', '\n[Service]\nNice=19\n')
    put('/etc/systemd/system/cron.service.d/x.conf', '[Service]\nNice=1\n')
    put('/etc/systemd/system/ha-db2-backup.timer.d/old.conf.bak', '[Timer]\n')
    const { stdout } = asked(dropInsProbe)
    expect(dropInsProbe.parse({ code: 0, stdout: stdout.replaceAll(root, ''), stderr: '' })).toEqual({
      'ha-db2-backup.timer': [
        {
          path: '/etc/systemd/system/ha-db2-backup.timer.d/override.conf',
          content: '[Timer]\nOnCalendar=\nOnCalendar=*-*-* 05:00:00\n',
        },
      ],
      'ha-db2-backup.service': [
        { path: '/etc/systemd/system/ha-db2-backup.service.d/nice.conf', content: '\n[Service]\nNice=19\n' },
      ],
    })
  })
  it('none, and empty ones, say nothing', () => {
    expect(asked(dropInsProbe).stdout).toBe('@@end\n')
    put('/etc/systemd/system/ha-db2-backup.timer.d/empty.conf', '')
    expect(asked(dropInsProbe).stdout).toBe('@@end\n')
  })
})

it('asking leaves the files as they are', () => {
  put('/etc/crontab', '0 1 * * * root db2 backup db shop\n')
  const before = readdirSync(root, { recursive: true }).sort()
  for (const probe of Object.values(backup.reconstruct?.probes ?? {})) if ('command' in probe) asked(probe)
  expect(readdirSync(root, { recursive: true }).sort()).toEqual(before)
})
