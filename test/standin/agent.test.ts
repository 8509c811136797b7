import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { courtroom, judge, verdicts } from './judge.js'
import { obstacle, sandbox } from './sandbox.js'

const reason =
  obstacle ?? (judge === undefined ? 'Debian’s resource-agents, heartbeat and ksh cannot be had' : undefined)
const agent = fileURLToPath(new URL('../../plugins/db2/agents/ha-db2.sh', import.meta.url))
const court = `install; icrt; $D/instance/db2iauto -off db2inst1; ${courtroom}
own 'db2start; db2 create database shop on $HOME; db2 create database two on $HOME; db2 terminate; db2stop' >/dev/null`

/** Every case by name with its exit code, and a table for whoever reads the run. */
function judged(expected: Readonly<Record<string, number>>, script: string): void {
  const { stdout } = sandbox(`${court}\n${script}`)
  const found = verdicts(stdout)
  console.table(
    Object.entries(expected).map(([name, code]) => ({ case: name, 'exit code': found[name], expected: code })),
  )
  expect(found).toEqual(expected)
}

describe.skipIf(reason)(`the agents judge the stand-in (${reason ?? 'run here'})`, () => {
  it('ocf:heartbeat:db2 of resource-agents 4.12, unmodified: ClusterLabs’ own cases', () => {
    judged(
      {
        'validate-all': 0,
        start: 0,
        'start twice': 0,
        monitor: 0,
        stop: 0,
        'stop twice': 0,
        'monitor stopped': 7,
        'start after a stop': 0,
        'monitor after db2nkill': 7,
        'probe after db2nkill': 7,
        'start after db2nkill': 0,
        'monitor of another partition': 7,
        'unknown command': 3,
        'unknown instance': 5,
        'instance named by admin': 0,
        'snapshot after start': 0,
        'one database of dblist': 0,
        'database that is not there': 1,
        'without ksh': 5,
        'without sqllib: start': 5,
        'without sqllib: probe': 7,
        'with one new database': 0,
        'with never a database': 5,
      },
      `ocf validate-all validate-all; ocf start start; ocf 'start twice' start; ocf monitor monitor; ocf stop stop; ocf 'stop twice' stop
ocf 'monitor stopped' monitor; ocf 'start after a stop' start; own 'db2nkill 0'; ocf 'monitor after db2nkill' monitor
OCF_RESKEY_CRM_meta_interval=0 ocf 'probe after db2nkill' monitor; ocf 'start after db2nkill' start
OCF_RESKEY_dbpartitionnum=1 ocf 'monitor of another partition' monitor
ocf 'unknown command' nothing; OCF_RESKEY_instance=no_such ocf 'unknown instance' start
OCF_RESKEY_instance=no_such OCF_RESKEY_admin=db2inst1 ocf 'instance named by admin' start
own 'db2 get snapshot for database on shop >/dev/null'; echo "@snapshot after start|$?"
ocf 'stop again' stop >/dev/null; OCF_RESKEY_dblist=SHOP ocf 'one database of dblist' start
OCF_RESKEY_dblist=SHOP,NIX ocf 'database that is not there' start
mv /usr/bin/ksh /usr/bin/ksh.off; ocf 'without ksh' start; mv /usr/bin/ksh.off /usr/bin/ksh
ocf 'stop for the next' stop >/dev/null
mv ~db2inst1/sqllib ~db2inst1/aside; ocf 'without sqllib: start' start; OCF_RESKEY_CRM_meta_interval=0 ocf 'without sqllib: probe' monitor; mv ~db2inst1/aside ~db2inst1/sqllib
own 'db2start; db2 drop database shop; db2 drop database two; db2 create database x on $HOME; db2 terminate; db2stop' >/dev/null
ocf 'with one new database' start; ocf 'stop at the end' stop >/dev/null; rm -r ~db2inst1/sqllib/sqldbdir; ocf 'with never a database' start`,
    )
  }, 90_000)

  it('ocf:heartbeat:db2 kills an engine whose db2stop hangs or lies', () => {
    judged(
      { 'start 1': 0, 'stop that hangs': 0, 'monitor 1': 7, 'start 2': 0, 'stop that lies': 0, 'monitor 2': 7 },
      `ocf 'start 1' start; printf '#!/bin/sh\\nsleep 1000\\n' >/usr/local/bin/db2stop; chmod 755 /usr/local/bin/db2stop
OCF_RESKEY_CRM_meta_timeout=4000 ocf 'stop that hangs' stop; ocf 'monitor 1' monitor; ocf 'start 2' start
printf '#!/bin/sh\\nexit 0\\n' >/usr/local/bin/db2stop; ocf 'stop that lies' stop; ocf 'monitor 2' monitor`,
    )
  }, 90_000)

  it('Heartbeat’s wrapper of it, as haresources calls it', () => {
    judged(
      {
        start: 0,
        'start twice': 0,
        status: 0,
        stop: 0,
        'stop twice': 0,
        'status stopped': 7,
        'unknown command': 1,
        'status killed': 7,
        'two words': 1,
      },
      `r1 start db2inst1 start; r1 'start twice' db2inst1 start; r1 status db2inst1 status; r1 stop db2inst1 stop; r1 'stop twice' db2inst1 stop
r1 'status stopped' db2inst1 status; r1 'unknown command' db2inst1 nothing; r1 'two words' db2inst1
/etc/ha.d/resource.d/db2 db2inst1 start >/dev/null 2>&1; own db2_kill >/dev/null; r1 'status killed' db2inst1 status`,
    )
  }, 90_000)

  it('ha-db2 takes an instance over, with its rows, after the other node died', () => {
    const { stdout } =
      sandbox(`mkdir -p /srv/db; mount -t tmpfs /dev/drbd0 /srv/db; usermod -m -d /srv/db/db2inst1 db2inst1 2>/dev/null
${court}
cp ${agent} /etc/ha.d/resource.d/ha-db2; chmod 755 /etc/ha.d/resource.d/ha-db2
ha() { n=$1; shift; timeout 50 /etc/ha.d/resource.d/ha-db2 db2inst1 /srv/db/db2inst1 "$@" >/tmp/said 2>&1; echo "@$n|$?"; }
own 'db2start; db2 catalog tcpip node far remote nowhere server 50000; db2 catalog database gone at node far; db2stop' >/dev/null
ha 'status stopped' status; ha start start; ha 'start twice' start; ha status status
own 'db2 connect to shop; db2 "create table t (n integer not null primary key)"; db2 "insert into t values 1, 2, 3"; db2 terminate' >/dev/null; own db2nkill; sleep 1.5
# The other node: its own name, another filesystem below the same path.
cp -a /srv/db /tmp/device && umount /srv/db; echo "@umount after the crash|$?"; mount -t tmpfs /dev/drbd0 /srv/db && cp -a /tmp/device/. /srv/db/
unshare --uts sh -c 'hostname db-b; su - db2inst1 -c db2start; cat /srv/db/db2inst1/sqllib/db2nodes.cfg
timeout 50 /etc/ha.d/resource.d/ha-db2 db2inst1 /srv/db/db2inst1 start >/tmp/said 2>&1; echo "@start on the other node|$?"
cat /srv/db/db2inst1/sqllib/db2nodes.cfg; su - db2inst1 -c "db2 connect to shop >/dev/null; db2 -x \\"select count(*), sum(n) from t\\"; db2 list active databases | grep -c -w SHOP"
timeout 50 /etc/ha.d/resource.d/ha-db2 db2inst1 /srv/db/db2inst1 stop >/tmp/said 2>&1; echo "@stop|$?"; timeout 50 /etc/ha.d/resource.d/ha-db2 db2inst1 /srv/db/db2inst1 stop >/tmp/said 2>&1; echo "@stop twice|$?"
sleep 1.5; umount /srv/db; echo "@umount|$?"; timeout 50 /etc/ha.d/resource.d/ha-db2 db2inst1 /srv/db/db2inst1 start >/dev/null 2>&1; echo "@start without the disk|$?"'`)
    expect(verdicts(stdout)).toEqual({
      'status stopped': 3,
      start: 0,
      'start twice': 0,
      status: 0,
      'start on the other node': 0,
      stop: 0,
      'stop twice': 0,
      'umount after the crash': 0,
      umount: 0,
      'start without the disk': 1,
    })
    expect(stdout).toMatch(/SQL6031N .*\n0 (?!db-b )\S+ 0\n/)
    expect(stdout).toContain('\n0 db-b 0\n')
    expect(stdout).toMatch(/^ +3 +6$/m)
  }, 90_000)
})
