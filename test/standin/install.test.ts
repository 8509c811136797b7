import { describe, expect, it } from 'vitest'
import { says } from '../../plugins/db2/parse/messages.js'
import {
  parseCopies,
  parseFeatures,
  parseInstallation,
  parseLevel,
  parseLicences,
  parsePrerequisites,
} from '../../plugins/db2/parse/software.js'
import { obstacle, recorded, sandbox } from './sandbox.js'

const common = '-b $D -p SERVER -n -f NOPCMK -f NOTSAMP'
const remove = (name: string) => `rm -f $(command -v ${name})`

describe.skipIf(obstacle)(`the stand-in's installer (${obstacle ?? 'seen here'})`, () => {
  it("is a tarball laid out like IBM's, the same bytes each time", () => {
    const { stdout } = sandbox(`b=${new URL('db2/build.sh', import.meta.url).pathname}
$b /tmp/a.tar.gz; sleep 1; $b /tmp/b.tar.gz; cmp /tmp/a.tar.gz /tmp/b.tar.gz && echo same
tar -tvzf /tmp/a.tar.gz | awk '{ print $1, $2, $6 }'`)
    expect(stdout).toMatch(/^same$/m)
    expect(stdout).toContain('-rwxr-xr-x 0/0 server_dec/db2_install\n')
    expect(stdout).toContain('-rwxr-xr-x 0/0 server_dec/db2prereqcheck\n')
    expect(stdout).toContain('server_dec/db2/linuxamd64/copy/instance/db2icrt\n')
  })

  describe('prerequisites', () => {
    // Quoted words, versions and the time differ between computers.
    const shape = (text: string) =>
      new Set(text.split('\n').map((line) => line.replace(/"[^"]*"/g, '""').replace(/^\w{3} \w{3} .*/, 'TIME')))

    it('are met, and every line of a real check is there', () => {
      const { code, stdout } = sandbox('$T/db2prereqcheck -v 11.5.9.0')
      expect(code).toBe(0)
      expect(parsePrerequisites(stdout)).toEqual({ unmet: [], isMet: true })
      const own = shape(stdout)
      const unknown = [...shape(recorded('db2prereqcheck_ok_1150.txt'))].filter((line) => !own.has(line))
      expect(unknown).toEqual([])
    })

    it.each([
      ['a 32-bit library', 'rm $small/libpam.so.0', 'DBT3514W', true],
      ['ksh', remove('ksh'), 'DBT3507E', false],
      ['libaio.so.1', 'find /usr/lib* -name "libaio.so.1*" -delete', 'DBT3507E', false],
      ['libnuma.so.1', 'find /usr/lib* -name "libnuma.so.1*" -delete', 'DBT3507E', false],
    ])('lack %s', (_, spoil, message, isMet) => {
      const { code, stdout } = sandbox(`${spoil}; $T/db2prereqcheck -i -s`)
      expect(code).toBe(1)
      expect(parsePrerequisites(stdout)).toEqual({ unmet: [message], isMet })
      expect(stdout).not.toContain('Requirement matched')
    })
  })

  describe('db2_install', () => {
    it('installs a copy that db2ls knows, and ends as a real one ends', () => {
      const { code, stdout } = sandbox(`$T/db2_install ${common} -y >/tmp/said; s=$?
tail -n 4 /tmp/said; echo @@; /usr/local/bin/db2ls -c; echo @@; $D/install/db2ls; echo @@; $D/bin/db2greg -dump; exit $s`)
      expect(code).toBe(0)
      const [end = '', colons = '', plain = '', registry = ''] = stdout.split('@@\n')
      expect(end.replace(/\d+(?="\.)/, '26071')).toBe(recorded('db2_install_end.txt'))
      expect(parseInstallation(end)).toMatchObject({ verdict: 'done' })
      const copies = parseCopies(colons)
      expect(copies).toMatchObject([{ path: '/opt/ibm/db2/V11.5', level: '11.5.9.0', fixPack: '0', installerUid: 0 }])
      expect(parseCopies(plain)).toEqual(copies)
      expect(registry).toMatch(/^S,DB2,11\.5\.9\.0,\/opt\/ibm\/db2\/V11\.5,,,0,0,,\d{10},0$/m)
    })

    it.each([
      ['the licence is not accepted', ':', `$T/db2_install ${common}`, 'license agreement'],
      ['ksh is missing', remove('ksh'), `$T/db2_install ${common} -y`, 'DBT3507E'],
      ['the directory has something in it', 'mkdir -p $D; touch $D/x', `$T/db2_install ${common} -y`, 'not empty'],
      ['the product is unknown', ':', '$T/db2_install -b $D -p DATABASE -n -y', 'DATABASE'],
      [
        'the caller is not root',
        'chmod -R go+rX /tmp/image',
        `runuser -u db2inst1 -- $T/db2_install ${common} -y`,
        'DBI1066E',
      ],
    ])('refuses where %s', (_, before, command, reason) => {
      const { stdout } = sandbox(`${before}; ${command}; echo "@@$?"; ls $D /var/db2/global.reg 2>/dev/null; echo end`)
      const [said = '', rest = ''] = stdout.split('@@')
      expect(said.replace(/\s+/g, ' ')).toContain(reason)
      expect(rest).toMatch(/^1\n(\/opt\/ibm\/db2\/V11.5:\n)?(x\n)?end\n$/)
      expect(parseInstallation(said).verdict).toBe('failed')
    })

    it('goes on without prerequisites when told so, and not over a copy', () => {
      const { stdout } = sandbox(
        `${remove('ksh')}; $T/db2_install ${common} -y -f sysreq | tail -n 4; $T/db2_install ${common} -y -f sysreq; echo "@@$?"`,
      )
      expect(parseInstallation(stdout.split('DBI1324W')[0] ?? '').verdict).toBe('done')
      expect(stdout).toMatch(/is installed in[\s\S]*@@1\n$/)
    })

    it('turns the fault monitor on, as IBM does; db2fmcu turns it off', () => {
      const there = 'cat /proc/[0-9]*/comm 2>/dev/null | sort -u | grep -x db2fmcd || echo none'
      const { stdout } = sandbox(
        `: >/var/db2/standin.conf; install; sleep 0.3; ${there}; $D/bin/db2fmcu -s; echo $?; $D/bin/db2fmcu -d; echo $?; ${there}`,
      )
      expect(stdout).toBe('db2fmcd\n0\n0\nnone\n')
    })

    it('keeps copies apart', () => {
      const { stdout } = sandbox(
        `install; echo RELEASE=11.5.8.0 >>/var/db2/standin.conf; install /opt/other; db2ls -c; /opt/other/bin/db2level`,
      )
      expect(parseCopies(stdout).map(({ path, level }) => `${path} ${level}`)).toEqual([
        '/opt/ibm/db2/V11.5 11.5.9.0',
        '/opt/other 11.5.8.0',
      ])
      expect(parseLevel(stdout)).toMatchObject({ level: '11.5.8.0', path: '/opt/other', ptf: 'DYN2209201700AMD64' })
      expect(parseLevel(stdout)).not.toHaveProperty('instance')
    })
  })

  it.each([
    ['db2ls_1150.txt', 'TZ=UTC $D/install/db2ls', 'S,DB2,11.5.0.0,/opt/ibm/db2/V11.5,,,0,0,,1561762988,0'],
    ['db2ls_c_1158.txt', 'TZ=PST8 $D/install/db2ls -c', 'S,DB2,11.5.8.0,/opt/ibm/db2/v1158,,,0,0,,1732661787,0'],
  ])('prints %s byte for byte', (name, command, record) => {
    expect(sandbox(`install; echo ${record} >/var/db2/global.reg; ${command}`).stdout).toBe(recorded(name))
  })

  it('names the level as a real instance does', () => {
    const { stdout } = sandbox(
      'echo RELEASE=11.5.8.0 >>/var/db2/standin.conf; install; DB2INSTANCE=db2inst1 $D/bin/db2level',
    )
    expect(stdout).toBe(recorded('db2level_1158.txt'))
  })

  it('lists features; a client has no engine', () => {
    const { stdout } =
      sandbox(`echo RELEASE=10.5.0.7 >>/var/db2/standin.conf; install /opt/ibm/db2/V10.5; db2ls -q -b /opt/ibm/db2/V10.5
$T/db2_install -b /opt/client -p CLIENT -n -y >/dev/null; echo @@; db2ls -q -b /opt/client`)
    const [server = '', client = ''] = stdout.split('@@\n')
    const real = parseFeatures(recorded('db2ls_q_105.txt'))
    expect(parseFeatures(server)).toEqual(real)
    expect(parseFeatures(client).features).toEqual(real.features.filter(({ id }) => id !== 'BASE_DB2_ENGINE'))
  })

  it('has licences like a real one, and says that it is a stand-in', () => {
    const { stdout } =
      sandbox(`install; l=$D/adm/db2licm; $l -l; echo @@; $l -a /tmp/none; echo $?; echo x >/tmp/x.lic; $l -a /tmp/x.lic; echo $?
printf '[LicenseCertificate]\\nProductName=DB2 Standard Edition\\nProductVersion=11.5\\n' >/tmp/s.lic; $l -a /tmp/s.lic; echo $?; echo @@; $l -l; $l -r db2std >/dev/null; echo @@; $l -l`)
    const [first = '', adding = '', second = '', third = ''] = stdout.split('@@\n')
    expect(first.trim()).toBe(
      recorded('db2licm_l_115_community.txt').replace('"DB2 Community', '"Stand-in for DB2 Community').trim(),
    )
    expect(adding).toMatch(
      /^LIC1408N .*\n1\nLIC1400N .*\n1\n\nLIC1402I {2}License added successfully\.\n\n\nLIC1426I .*\n0\n$/,
    )
    expect(parseLicences(second)).toMatchObject([
      { 'Product name': 'Stand-in for DB2 Standard Edition', 'Product identifier': 'db2std' },
    ])
    expect(third).toBe(first)
  })

  it('finds files of a copy that are not as they were installed', () => {
    const { stdout } = sandbox('install; $D/bin/db2val -o; echo $?; echo >>$D/bin/db2greg; $D/bin/db2val -o; echo $?')
    const [good = '', bad = ''] = stdout.split(/^0$/m)
    expect(says(good, 'DBI1335I')).toBe(true)
    expect(says(bad, 'DBI1336E')).toBe(true)
    expect(bad).toMatch(/\n1\n$/)
  })

  it.each(['BLANK_LINES=off', 'TRAILING_BLANK=on', 'WRAP=off'])('says the same with %s', (variant) => {
    const all = '$D/bin/db2level; echo @@; db2ls; echo @@; db2ls -c; echo @@'
    const { stdout } = sandbox(
      `install; export DB2INSTANCE=db2inst1; ${all}; echo ${variant} >>/var/db2/standin.conf; ${all}`,
    )
    const [level = '', plain = '', colons = '', otherLevel = '', otherPlain = '', otherColons = ''] =
      stdout.split('@@\n')
    expect(`${otherLevel}${otherPlain}${otherColons}`).not.toBe(`${level}${plain}${colons}`)
    expect(parseLevel(otherLevel)).toEqual(parseLevel(level))
    expect(parseCopies(otherPlain)).toEqual(parseCopies(plain))
    expect(parseCopies(otherColons)).toEqual(parseCopies(colons))
  })

  it('speaks German where it is asked to, with the same codes', () => {
    const { stdout } = sandbox(
      'install; export LC_ALL=de_DE.UTF-8 DB2INSTANCE=db2inst1; $D/bin/db2level; echo @@; $D/adm/db2licm -l; $T/db2prereqcheck -i -s',
    )
    expect(stdout).toContain('Exemplar')
    expect(stdout).toContain('Produktname:')
    expect(parseLevel(stdout.split('@@')[0] ?? '')).toMatchObject({ instance: 'db2inst1', level: '11.5.9.0' })
    expect(parsePrerequisites(stdout)).toMatchObject({ isMet: true })
  })
})
