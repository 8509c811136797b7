import { describe, expect, it } from 'vitest'
import {
  parseGlobalRegistry,
  parseInstances,
  parseNodes,
  parseProfileHomes,
  parseProfileRegistry,
  parseServices,
} from '../../plugins/db2/parse/instance.js'
import { completedProgram, says } from '../../plugins/db2/parse/messages.js'
import { obstacle, recorded, sandbox } from './sandbox.js'

const parts = (script: string): readonly string[] => sandbox(`install; ${script}`).stdout.split('@@\n')
const record = 'I,DB2,11.5.9.0,db2inst1,/home/db2inst1/sqllib,,1,0,/opt/ibm/db2/V11.5,,'
const create = '$D/instance/db2icrt -p 50000 -s ese -u db2fenc1'

describe.skipIf(obstacle)(`instances of the stand-in (${obstacle ?? 'seen here'})`, () => {
  describe('db2icrt', () => {
    it.each([
      ['db2icrt_1158_ssh.txt', 'auto'],
      ['db2icrt_105_tty.txt', 'tty'],
    ])('prints %s byte for byte', (name, order) => {
      const { code, stdout } = sandbox(
        `install; echo ICRT_ORDER=${order} >>/var/db2/standin.conf; ${create} db2inst1; s=$?; ls /tmp/db2icrt.log.* >/dev/null && exit $s`,
      )
      const number = /(?<=db2icrt\.log\.)\d+/
      expect(code).toBe(0)
      expect(stdout.replace(number, 'N')).toBe(recorded(name).replace(number, 'N'))
      expect(completedProgram(stdout)).toBe('db2icrt')
    })

    it('prints only that it is done in old releases, and German where asked', () => {
      const old = sandbox(`echo RELEASE=10.1.0.5 >>/var/db2/standin.conf; install; ${create} db2inst1`).stdout
      expect(old).not.toContain('Task')
      expect(completedProgram(old)).toBe('db2icrt')
      const german = sandbox(`install; LC_ALL=de_DE.UTF-8 ${create} db2inst1`).stdout
      expect(german).toContain('wurde erfolgreich')
      expect(completedProgram(german)).toBe('db2icrt')
    })

    it('leaves the files, owners and bits that an instance has', () => {
      const [stat = '', ftok = '', nodes = '', use = '', links = ''] = parts(`icrt; cd ~db2inst1/sqllib
stat -c '%n %a %U %G' . adm adm/.fenced db2profile security/db2ckpw adm/db2dclgn adm/db2audit profile.env; echo @@
[ "$(cat .ftok)" = "$(stat -c %i:%d .)" ] && rm .ftok && own 'db2ftok' && [ "$(cat .ftok)" = "$(stat -c %i:%d .)" ] && stat -c %U .ftok; echo @@
cat db2nodes.cfg; echo @@; . ./.instuse; echo $V.$R.$M.$F; echo @@; readlink bin lib instance; find . -user root ! -perm /6000; [ -e sqldbdir ] && echo too early`)
      expect(stat.trim().split('\n')).toEqual([
        '. 2775 db2inst1 db2iadm1',
        'adm 2755 db2inst1 db2iadm1',
        'adm/.fenced 444 db2fenc1 db2fadm1',
        'db2profile 755 db2inst1 db2iadm1',
        'security/db2ckpw 4511 root db2iadm1',
        'adm/db2dclgn 4755 root db2iadm1',
        'adm/db2audit 2755 db2inst1 db2iadm1',
        'profile.env 644 db2inst1 db2iadm1',
      ])
      expect(ftok).toBe('db2inst1\n')
      expect(parseNodes(nodes)).toEqual([{ number: 0, host: sandbox('uname -n').stdout.trim(), port: 0 }])
      expect(use).toBe('11.5.9.0\n')
      expect(links).toBe('/opt/ibm/db2/V11.5/bin\n/opt/ibm/db2/V11.5/lib\n/opt/ibm/db2/V11.5/instance\n')
    })

    it('registers ports, record and variables, and is read by login shells once', () => {
      const [services = '', dump = '', names = '', profile = '', login = ''] =
        parts(`icrt; grep '^DB2_\\|^db2c_' /etc/services; echo @@
$D/bin/db2greg -dump; echo @@; $D/instance/db2ilist; echo @@; cat ~db2inst1/.profile; echo @@; own 'echo $DB2INSTANCE; command -v db2set'`)
      expect(services).toBe(recorded('services_111.txt'))
      expect(dump).toContain(`${record}\n`)
      expect(parseGlobalRegistry(dump).instances).toMatchObject([
        { instance: 'db2inst1', home: '/home/db2inst1', startAtBoot: true },
      ])
      expect(dump).toContain('V,DB2GPRF,DB2INSTDEF,db2inst1,/opt/ibm/db2/V11.5,\n')
      expect(parseInstances(names)).toEqual(['db2inst1'])
      expect(parseProfileHomes(profile)).toEqual(['/home/db2inst1'])
      expect(profile.match(/db2profile$/gm)).toHaveLength(1)
      expect(login).toBe('db2inst1\n/home/db2inst1/sqllib/bin/db2set\n')
    })

    it('uses the ports of 12.1, and numbers for names where told so', () => {
      const { stdout } = sandbox(
        `echo RELEASE=12.1.0.0 >>/var/db2/standin.conf; install; $D/instance/db2icrt -u db2fenc1 db2inst1 >/dev/null; cat /etc/services`,
      )
      expect(parseServices(stdout, 'db2inst1')).toEqual(parseServices(recorded('services_121.txt'), 'db2inst1'))
      const [system = '', services = ''] = parts(
        'echo ICRT_SVCENAME=number >>/var/db2/standin.conf; icrt; cat ~db2inst1/sqllib/db2systm; echo @@; cat /etc/services',
      )
      expect(system).toContain('SVCENAME=50000\n')
      expect(parseServices(services, 'db2inst1').has('db2c_db2inst1')).toBe(false)
    })

    it.each(['sh -u', 'sh -eu', 'bash -u', 'ksh'])('has a profile for %s', (shell) => {
      // Where ksh is a stand-in's own (no shell), bash says it.
      const { stdout } =
        sandbox(`install; icrt; s='${shell}'; [ "$s" != ksh ] || echo 'echo x' | ksh 2>/dev/null | grep -q x || s='bash --posix'
env -i PATH=/usr/bin:/bin $s -c '. /home/db2inst1/sqllib/db2profile; . /home/db2inst1/sqllib/db2profile; echo "$DB2INSTANCE $INSTHOME $PATH"'`)
      const at = '/home/db2inst1/sqllib'
      expect(stdout).toBe(`db2inst1 /home/db2inst1 /usr/bin:/bin:${at}/bin:${at}/adm:${at}/misc\n`)
    })

    it.each([
      ['the name is too long', 'useradd -m db2instances', `${create} db2instances`, 'DBI1132E'],
      ['the name has capitals', 'useradd -m --badname Db2inst', `${create} Db2inst`, 'DBI1132E'],
      ['the name begins with sql', 'useradd -m sqlinst', `${create} sqlinst`, 'DBI1132E'],
      ['there is no such user', ':', `${create} db2inst2`, 'DBI1131E'],
      ['there is no such fenced user', ':', '$D/instance/db2icrt -u nobody2 db2inst1', 'DBI1131E'],
      ['no fenced user is named', ':', '$D/instance/db2icrt db2inst1', 'DBI1001I'],
      ['the user is root', ':', `${create} root`, 'DBI1131E'],
      ['the account is expired', 'usermod -e 2020-01-01 db2inst1', `${create} db2inst1`, 'DBI1131E'],
      ['the shell refuses', 'usermod -s /usr/sbin/nologin db2inst1', `${create} db2inst1`, 'DBI1131E'],
      ['the group is users', 'usermod -g users db2inst1', `${create} db2inst1`, 'DBI1131E'],
      ['the home is missing', 'rmdir ~db2inst1 2>/dev/null || mv ~db2inst1 /home/x', `${create} db2inst1`, 'DBI1081E'],
      ['the home is another’s', 'chown root /home/db2inst1', `${create} db2inst1`, 'DBI1131E'],
      ['the port is taken', "printf 'other\\t50000/tcp\\n' >>/etc/services", `${create} db2inst1`, 'DBI1072E'],
      [
        'the registry has it',
        '$D/bin/db2greg -addinstrec service=DB2,instancename=db2inst1',
        `${create} db2inst1`,
        'DBI1073E',
      ],
      ['the caller is not root', ':', `runuser -u db2inst1 -- ${create} db2inst1`, 'DBI1066E'],
    ])('refuses where %s, and changes nothing', (_, before, command, message) => {
      const state = 'cat /etc/services /etc/passwd; cat /var/db2/global.reg; ls -lA /home /home/*'
      const { stdout } = sandbox(
        `install; { ${before}; } >/dev/null; { ${state}; } >/tmp/before 2>&1; ${command}; echo "@@$?"; { ${state}; } >/tmp/after 2>&1; cmp /tmp/before /tmp/after && echo same`,
      )
      const [said = '', rest] = stdout.split('@@')
      expect(said).toContain(message)
      expect(completedProgram(said)).toBeUndefined()
      expect(rest).toBe('1\nsame\n')
    })

    it('refuses to make it twice, and leaves the first as it is', () => {
      const [said = '', rest = ''] = parts(
        `icrt; f='find /home/db2inst1 -printf "%p %m %u %s %T@\\n"'; eval "$f" >/tmp/a; ${create} db2inst1; echo "@@"; eval "$f" | cmp - /tmp/a && $D/bin/db2greg -dump | grep -c ^I`,
      )
      expect(says(said, 'DBI1082E')).toBe(true)
      expect(says(said, 'DBI1264E')).toBe(true)
      expect(rest).toBe('1\n')
    })

    it('gives a second instance ports of its own', () => {
      const [services = ''] = parts(
        'useradd -g db2iadm1 -m db2inst; icrt; $D/instance/db2icrt -u db2fenc1 db2inst >/dev/null; cat /etc/services',
      )
      expect([...parseServices(services, 'db2inst')]).toContainEqual(['DB2_db2inst', 60006])
      expect(parseServices(services, 'db2inst').get('db2c_db2inst')).toBe(50001)
      expect(parseServices(services, 'db2inst1').get('DB2_db2inst1')).toBe(60000)
    })
  })

  it('is brought to another level by db2iupdt', () => {
    const [said = '', state = ''] =
      parts(`icrt; echo RELEASE=11.5.8.0 >>/var/db2/standin.conf; install /opt/other; chmod 755 ~db2inst1/sqllib/security/db2ckpw
/opt/other/instance/db2iupdt db2inst1; echo @@; cat ~db2inst1/sqllib/.instuse; readlink ~db2inst1/sqllib/bin; stat -c %a ~db2inst1/sqllib/security/db2ckpw; $D/instance/db2ilist; echo -; /opt/other/instance/db2ilist`)
    expect(completedProgram(said)).toBe('db2iupdt')
    expect(state).toBe('V=11\nR=5\nM=8\nF=0\n/opt/other/bin\n4511\n-\ndb2inst1\n')
  })

  it('is dropped alone: its databases, its neighbour and the account stay', () => {
    const [said = '', services = '', dump = '', home = '', last = ''] =
      parts(`useradd -g db2iadm1 -m db2inst; $D/instance/db2icrt -p 50010 -u db2fenc1 db2inst >/dev/null; cp ~db2inst1/.profile /tmp/p; icrt
mkdir -p ~db2inst1/db2inst1/NODE0000; $D/instance/db2idrop db2inst1; echo @@; cat /etc/services; echo @@; $D/bin/db2greg -dump; echo @@; cd ~db2inst1; ls; diff -B .profile /tmp/p && echo same; $D/instance/db2idrop db2inst1 >/dev/null; echo $?; icrt; $D/instance/db2idrop db2inst >/dev/null; echo @@; cat /etc/services`)
    expect(completedProgram(said)).toBe('db2idrop')
    expect(parseServices(services, 'db2inst1').size).toBe(0)
    expect(parseServices(services, 'db2inst').size).toBe(7)
    expect(parseGlobalRegistry(dump).instances.map(({ instance }) => instance)).toEqual(['db2inst'])
    expect(home).toBe('db2inst1\nsame\n1\n')
    // Also where its name is the beginning of the neighbour's.
    expect(parseServices(last, 'db2inst').size).toBe(0)
    expect(parseServices(last, 'db2inst1').size).toBe(7)
  })

  it('is not dropped while its home is elsewhere', () => {
    const [said = '', names = ''] = parts(
      'icrt; mv ~db2inst1/sqllib /tmp; $D/instance/db2idrop db2inst1; echo @@; $D/instance/db2ilist',
    )
    expect(says(said, 'DBI1081E')).toBe(true)
    expect(names).toBe('db2inst1\n')
  })

  it('has a record on a node without its home, which can be changed and removed', () => {
    const greg = '$D/bin/db2greg'
    const [added = '', changed = '', removed = ''] = parts(`rm -rf ~db2inst1
${greg} -getinstrec instancename=db2inst1 | grep InstanceName || ${greg} -addinstrec service=DB2,instancename=db2inst1; ${greg} -dump; ${greg} -addinstrec service=DB2,instancename=db2inst1; echo $?; echo @@
${greg} -updinstrec 'instancename=db2inst1!startatboot=0'; echo $?; ${greg} -getinstrec instancename=db2inst1; ${greg} -updinstrec 'instancename=db2inst9!startatboot=0'; echo $?; echo @@
${greg} -delinstrec instancename=db2inst1; echo $?; ${greg} -getinstrec instancename=db2inst1; echo $?; runuser -u db2fenc1 -- ${greg} -addinstrec service=DB2,instancename=db2inst1; echo $?; ${greg} -dump`)
    expect(added).toMatch(new RegExp(`^${record}\\n.*exists.*\\n[1-9]\\n$`, 'm'))
    expect(changed).toMatch(
      /^0\n(.*\n)* {3}InstanceName = \|db2inst1\|\n(.*\n)* {3}StartAtBoot {2}= 0\n(.*\n)*No matching record found\.\n[1-9]\n$/,
    )
    expect(removed).toMatch(/^0\nNo matching record found\.\n[1-9]\n.*denied.*\n[1-9]\nS,DB2,/)
    expect(parseGlobalRegistry(removed).instances).toEqual([])
  })

  describe('profile registry', () => {
    it('prints db2set_all_105.txt byte for byte', () => {
      const [stdout = ''] =
        parts(`icrt; i=$D/instance/db2iset; own 'db2set DB2COMM=TCPIP'; $i -g DB2SYSTEM=; $i -g DB2INSTDEF=
$i -g DB2_COMPATIBILITY_VECTOR=MYS; $i -g DB2SYSTEM=waylau.com; $i -g DB2INSTDEF=db2inst1; own 'db2set -all'`)
      expect(stdout).toBe(recorded('db2set_all_105.txt'))
    })

    it('takes the first level that has a variable; unset is silent or DBI1303W', () => {
      const [stdout = ''] = parts(
        `icrt; $D/instance/db2iset -g DB2AUTOSTART=yes; own 'db2set DB2AUTOSTART; db2set DB2AUTOSTART=NO; db2set DB2AUTOSTART; DB2AUTOSTART=X db2set -all DB2AUTOSTART; db2set DB2AUTOSTART=; db2set DB2AUTOSTART; db2set DB2COMM'; echo DB2SET_UNSET=message >>/var/db2/standin.conf; own 'db2set DB2COMM; db2set DB2NONSENSE=1; echo $?; db2set -g DB2COMM=X; echo $?'`,
      )
      expect(stdout).toMatch(
        /^yes\nNO\n\[e\] DB2AUTOSTART=X\n\[i\] DB2AUTOSTART=NO\n\[g\] DB2AUTOSTART=yes\nyes\nDBI1303W .*\n\nDBI1302E .*\n\n1\nDBI1309E .*\n\n1\n$/,
      )
      expect(parseProfileRegistry(stdout).map(({ level, value }) => level + value)).toEqual(['eX', 'iNO', 'gyes'])
    })

    it('has nothing on any level of a copy without instances', () => {
      const [stdout = 'x'] = parts('$D/instance/db2iset -g DB2SYSTEM=; $D/bin/db2set -all')
      expect(parseProfileRegistry(stdout)).toEqual([])
      expect(stdout).toBe('')
    })
  })

  describe('start at boot', () => {
    const states = "$D/bin/db2greg -dump | grep -c '^I.*,,1,0,'; cat ~db2inst1/sqllib/profile.env"

    it('is switched by db2iauto, silently, on both places', () => {
      const [on = '', off = '', elsewhere = ''] =
        parts(`icrt; $D/instance/db2iauto -on db2inst1; ${states}; echo @@; $D/instance/db2iauto -off db2inst1; ${states}; stat -c %U ~db2inst1/sqllib/profile.env; echo @@
mv ~db2inst1/sqllib /tmp; $D/instance/db2iauto -off db2inst1; echo $?`)
      expect(on).toBe('1\nDB2AUTOSTART=YES\n')
      expect(off).toBe('0\ndb2inst1\n')
      expect(elsewhere).toMatch(/^DBI1081E .*\n1\n$/)
    })

    // The start itself is another program's: here it only tells that it was called, by whom and with what environment.
    const told = `printf '#!/bin/sh\\nid -un >/tmp/told; echo "$DB2INSTANCE" >>/tmp/told\\n' >~db2inst1/sqllib/adm/db2start; chmod 755 ~db2inst1/sqllib/adm/db2start`
    const watch =
      '$D/bin/db2fmcu -u -p $D/bin/db2fmcd; n=0; until [ -s /tmp/told ] || [ $n -ge 20 ]; do sleep 0.1; n=$((n + 1)); done; cat /tmp/told; $D/bin/db2fmcu -d'
    it('lets the fault monitor start what is down', () => {
      const [boot = '', auto = '', off = 'x'] = parts(`icrt; ${told}; ${watch}; echo @@; rm /tmp/told
$D/bin/db2greg -updinstrec 'instancename=db2inst1!startatboot=0'; own 'db2set DB2AUTOSTART=YES'; ${watch}; echo @@; rm /tmp/told; own 'db2set DB2AUTOSTART=NO'; ${watch} 2>/dev/null`)
      expect(boot).toBe('db2inst1\ndb2inst1\n')
      expect(auto).toBe('db2inst1\ndb2inst1\n')
      expect(off).toBe('')
    })
  })
})
