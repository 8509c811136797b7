import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { daemons } from '../../../plugins/ntp/daemons.js'
import ntp from '../../../plugins/ntp/index.js'
import { filled, holdsLaw } from '../../support/law.js'
import { byHand } from './by-hand.js'
import { both, centos, checked, created, link, type Machines, machine, read, said, units } from './machines.js'

const quad = fc
  .tuple(fc.integer({ min: 1, max: 223 }), fc.nat(255), fc.nat(255), fc.integer({ min: 1, max: 254 }))
  .map((parts) => parts.join('.'))
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}(\.[a-z0-9]{1,5}){0,2}$/)
const subnet = fc.tuple(quad, fc.integer({ min: 0, max: 32 })).map(([address, bits]) => `${address}/${bits}`)
const servers = fc.uniqueArray(
  fc.oneof(quad, name, fc.constant('2001:db8::7b'), fc.constant('2.debian.pool.ntp.org')),
  { maxLength: 4 },
)
const interfaces = fc
  .integer({ min: 1, max: 4 })
  .map((count) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`link${i}`, link(`192.168.${i}.1/24`, `192.168.${i}.2/24`)]),
    ),
  )

const worlds = fc
  .record({
    daemon: fc.constantFrom(...daemons.map((row) => row.name)),
    servers,
    pools: fc.uniqueArray(name, { maxLength: 3 }),
    // The first node is what nothing said means.
    source: fc.constantFrom(undefined, 'db-b'),
    allow: fc.array(fc.oneof(subnet, fc.constant('192.168.0.0/24')), { maxLength: 4 }),
    interfaces,
  })
  .map(({ daemon, servers: asked, pools, source, allow, interfaces: links }) => {
    const isSimple = daemon === 'systemd-timesyncd'
    // What nothing of it can do is refused in a config, or not rendered: it only asks.
    const own = isSimple && asked.length === 0 ? ['ntp.test'] : asked
    const options = {
      daemon,
      servers: own,
      ...(isSimple ? {} : { pools, allow }),
      ...(own.length + (isSimple ? 0 : pools.length) === 0 && source ? { source } : {}),
    }
    return { options, others: { network: { interfaces: links, hosts: {} } } }
  })

describe('the law', () => {
  it('options → machines → options', () => {
    holdsLaw(ntp, worlds, (settings, world) => {
      const links = world.others?.network as object
      return (node, probe) => said(created(settings as never, node, links), probe)
    })
  })
  it('check finds nothing where create has been', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const links = world.others.network
        const settings = filled(ntp, world.options)
        const machines = { 'db-a': created(settings, 'db-a', links), 'db-b': created(settings, 'db-b', links) }
        expect(checked(world.options, machines, links)).toEqual([])
      }),
      { numRuns: 300 },
    )
  })
})

describe('by hand', () => {
  it.each(byHand)('%s', (_, machines, options, remarks) => {
    expect(read(machines)).toEqual({ options, remarks })
  })
  it.each(byHand)('%s: check finds nothing', (_, machines) => {
    expect(checked(read(machines).options, machines)).toEqual([])
  })
  const lines = centos.split('\n')
  it('whatever the order and the spacing', () => {
    const style = fc.tuple(fc.shuffledSubarray(lines, { minLength: lines.length }), fc.constantFrom(' ', '\t', '   '))
    fc.assert(
      fc.property(style, ([order, space]) => {
        const machines = both(
          machine('ntpd', { '/etc/ntp.conf': order.join('\n').replace(/^(?!#)(\S+) /gm, `$1${space}`) }),
        )
        const options = { daemon: 'ntpd', servers: ['ntp1.example.com', 'ntp2.example.com'] }
        expect(new Set((read(machines).options as typeof options).servers)).toEqual(new Set(options.servers))
        expect(checked(options, machines)).toEqual([])
      }),
      { numRuns: 100 },
    )
  })
})

describe('what no option says', () => {
  it('no secret of a file gets out', () => {
    const conf = `${centos}crypto pw hunter2\n`
    const machines = both(machine('ntpd', { '/etc/ntp.conf': conf }))
    expect(JSON.stringify(read(machines))).not.toContain('hunter2')
  })
  it('nodes that ask each other: none of them is the source', () => {
    const machines = {
      'db-a': machine('ntpd', { '/etc/ntp.conf': 'tos orphan 6\nserver db-b\n' }),
      'db-b': machine('ntpd', { '/etc/ntp.conf': 'tos orphan 6\nserver db-a\n' }),
    }
    const { options, remarks } = read(machines)
    expect(options).toEqual({ daemon: 'ntpd' })
    expect(remarks).toContain(
      'unknown: no file names a server outside of the cluster, and no one node serves the others',
    )
  })
  it('a follower that would serve, too, stays so', () => {
    const orphan = 'tos orphan 6\n'
    const machines = {
      'db-a': machine('ntpsec', { '/etc/ntpsec/ntp.conf': orphan }),
      'db-b': machine('ntpsec', { '/etc/ntpsec/ntp.conf': `${orphan}server db-a\n` }),
    }
    const { options, remarks } = read(machines)
    expect({ options, remarks }).toEqual({
      options: { daemon: 'ntpsec' },
      remarks: ['other: db-b serves its own clock as well when it has no better; it stays so'],
    })
    expect(checked(options, machines)).toEqual([])
  })
  it('is named, and left as it is', () => {
    const conf = `${centos}broadcast 10.77.0.255\nserver 127.127.20.0 mode 1\nserver safe.house key 7\ntinker panic 0\n`
    const machines = both(machine('ntpd', { '/etc/ntp.conf': conf }))
    const { options, remarks } = read(machines)
    expect(remarks.filter((text) => text.includes('db-a'))).toEqual(
      ['broadcast 10.77.0.255', 'server 127.127.20.0 mode 1', 'server safe.house key 7', 'tinker panic 0'].map(
        (text) => `other: db-a: /etc/ntp.conf: ${text} – no option says it`,
      ),
    )
    expect(checked(options, machines)).toEqual([])
    // Other servers would need our whole file, which has none of that.
    expect(checked({ daemon: 'ntpd', servers: ['ntp9.house'] }, machines)).toEqual([
      'db-a: other-settings /etc/ntp.conf',
      'db-b: other-settings /etc/ntp.conf',
    ])
  })
  it('a source that asks a better clock goes on doing so', () => {
    const machines: Machines = {
      'db-a': machine('chrony', {
        '/etc/chrony/chrony.conf': 'server ntp1.house\nlocal stratum 10\nallow 10.77.0.0/24\n',
      }),
      'db-b': machine('chrony', { '/etc/chrony/chrony.conf': 'server 10.77.0.1\n' }),
    }
    const { options, remarks } = read(machines)
    expect({ options, remarks }).toEqual({
      options: {},
      remarks: ['other: db-a: /etc/chrony/chrony.conf: server ntp1.house – no option says it'],
    })
    expect(checked(options, machines)).toEqual([])
  })
  it('what check would do differently is named: no clock of its own, nobody may ask, a second daemon, an old start, no package', () => {
    const machines: Machines = {
      'db-a': machine(
        'chrony',
        { '/etc/chrony/chrony.conf': 'server ntp1.house\nconfdir /etc/chrony/conf.d\n' },
        {
          units: { ...units.chrony, 'systemd-timesyncd.service': 'inactive enabled' },
          newer: ['/etc/chrony/chrony.conf'],
        },
      ),
      'db-b': machine('chrony', { '/etc/chrony/chrony.conf': 'server 10.77.0.1\n' }, { packages: ['ntp'] }),
    }
    const { options, remarks } = read(machines)
    expect(checked(options, machines)).toEqual([
      'db-a: other-daemon systemd-timesyncd.service',
      'db-a: config-file /etc/chrony/conf.d/ha-provision.conf',
      'db-a: old-config chrony.service',
      'db-b: missing-package chrony',
    ])
    expect(remarks).toEqual([
      'other: db-a: /etc/chrony/chrony.conf: server ntp1.house – no option says it',
      'other: db-a: systemd-timesyncd.service is stopped and enabled; check asks for one daemon',
      'other: db-a: chrony.service is older than /etc/chrony/chrony.conf; check asks for started after its configuration',
      'other: db-a: /etc/chrony/conf.d/ha-provision.conf does not do all that the options say, or more',
      'other: db-b: the package chrony is not installed, as apt knows it; check asks for it',
    ])
  })
  it('a daemon that is no option, and one that only lies there', () => {
    const machines: Machines = {
      'db-a': { files: {}, units: { 'openntpd.service': 'active enabled' } },
      'db-b': { files: {}, units: { 'chrony.service chronyd.service': 'inactive disabled' } },
    }
    expect(read(machines)).toEqual({
      options: undefined,
      remarks: [
        'other: db-a: openntpd.service keeps the time; no option says it',
        'other: db-b: chrony.service is installed, and neither running nor enabled',
      ],
    })
  })
})

describe('nodes that disagree', () => {
  it('about the daemon', () => {
    const machines = {
      'db-a': machine('ntpd', { '/etc/ntp.conf': centos }),
      'db-b': machine('chrony', { '/etc/chrony/chrony.conf': 'server ntp2.example.com\nserver ntp1.example.com\n' }),
    }
    expect(read(machines)).toEqual({
      options: { servers: ['ntp1.example.com', 'ntp2.example.com'] },
      remarks: ['differs daemon'],
    })
  })
  it('about servers and pools', () => {
    const machines = {
      'db-a': machine('chrony', { '/etc/chrony/chrony.conf': 'server ntp1.house\npool p.house\n' }),
      'db-b': machine('chrony', { '/etc/chrony/chrony.conf': 'server ntp2.house\n' }),
    }
    expect(read(machines)).toEqual({ options: {}, remarks: ['differs servers', 'differs pools'] })
  })
  it('one of them has no daemon at all', () => {
    const machines = { 'db-a': machine('ntpd', { '/etc/ntp.conf': centos }), 'db-b': { files: {}, units: {} } }
    expect(read(machines).remarks).toEqual(['differs daemon'])
  })
})

describe('what cannot be read', () => {
  it('says so', () => {
    const of = (probe: string) => ntp.reconstruct?.probes[probe]
    expect(() => of('units')?.parse({ code: 127, stdout: '', stderr: 'sh: systemctl: not found\n' })).toThrow(
      'systemctl show says nothing of any unit: sh: systemctl: not found',
    )
    expect(() =>
      of('files')?.parse({ code: 0, stdout: '@@file 0644 root:root 9 /etc/ntp.conf\n@@content YQ==\n', stderr: '' }),
    ).toThrow('changed while it was read')
  })
  it('nothing there is no options and no remark', () => {
    expect(read(both({ files: {}, units: {} }))).toEqual({ options: undefined, remarks: [] })
  })
})
