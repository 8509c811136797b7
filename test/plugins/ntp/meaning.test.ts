import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import ntp from '../../../plugins/ntp/index.js'
import { filled } from '../../support/law.js'
import { nodeContextOf } from '../../support/task.js'
import {
  both,
  centos,
  checked,
  created,
  type Machine,
  type Machines,
  machine,
  network,
  read,
  written,
} from './machines.js'

describe('real drift is still found', () => {
  const options = { servers: ['ntp1.house', 'ntp2.house'] }
  const conf = 'server ntp1.house\nserver ntp2.house\nconfdir /etc/chrony/conf.d\n'
  const house = both(machine('chrony', { '/etc/chrony/chrony.conf': conf }))
  const dropIn = '/etc/chrony/conf.d/ha-provision.conf'
  it('a server that a node lacks', () => {
    const machines = {
      ...house,
      'db-b': machine('chrony', { '/etc/chrony/chrony.conf': conf.replace('server ntp2', '# server ntp2') }),
    }
    expect(checked(options, machines)).toEqual([`db-b: config-file ${dropIn}`])
  })
  it('a server too many in a file that is not ours is commented out, and the rest stays', () => {
    expect(written({ servers: ['ntp1.house'] }, house)).toEqual(
      Object.fromEntries(
        ['db-a', 'db-b'].map((node) => [
          `${node}:/etc/chrony/chrony.conf`,
          conf.replace('server ntp2', '# not in the config of ha-provision: server ntp2'),
        ]),
      ),
    )
  })
  it('also where a line goes on in the next one', () => {
    const main = '[Time]\nNTP=ntp1.house \\\n  ntp2.house\nPollIntervalMinSec=64\n'
    const machines = both(machine('systemd-timesyncd', { '/etc/systemd/timesyncd.conf': main }))
    const wanted = { daemon: 'systemd-timesyncd', servers: ['ntp9.house'] }
    expect(written(wanted, machines)['db-a:/etc/systemd/timesyncd.conf']).toBe(
      '[Time]\n# not in the config of ha-provision: NTP=ntp1.house \n# not in the config of ha-provision:   ntp2.house\nPollIntervalMinSec=64\n',
    )
  })
  it('and then check finds nothing more', () => {
    const wanted = { servers: ['ntp9.house'], allow: ['10.0.0.0/8'] }
    const files: Record<string, string> = { ...house['db-a'].files }
    for (const [key, text] of Object.entries(written(wanted, house)))
      if (key.startsWith('db-a:')) files[key.slice(5)] = String(text)
    expect(files[dropIn]).toContain('server ntp9.house')
    expect(files['/etc/chrony/chrony.conf']).toContain('provision: server ntp1.house')
    expect(checked(wanted, both({ ...house['db-a'], files }))).toEqual([])
  })
  it('a changed value in our own file, but not another order or a comment', () => {
    const settings = filled(ntp, options)
    const machines = both(created(settings, 'db-a', network))
    const text = machines['db-a'].files[dropIn] ?? ''
    const changed = (content: string) =>
      checked(options, both({ ...machines['db-a'], files: { ...machines['db-a'].files, [dropIn]: content } }))
    expect(changed(`# mine\n${text.trimEnd().split('\n').reverse().join('\n\n')}`)).toEqual([])
    for (const content of [text.replace('iburst', ''), `${text}server ntp3.house\n`, `${text}local\n`, ''])
      expect(changed(content)).toEqual([`db-a: config-file ${dropIn}`, `db-b: config-file ${dropIn}`])
  })
  it('ntpd that may no longer be asked by a subnet', () => {
    const machines = both(machine('ntpd', { '/etc/ntp.conf': `${centos}restrict 10.9.0.0 mask 255.255.0.0 ignore\n` }))
    const wanted = { daemon: 'ntpd', servers: ['ntp1.example.com', 'ntp2.example.com'], allow: ['10.9.1.0/24'] }
    expect(checked(wanted, machines)).toHaveLength(2)
    expect(checked({ ...wanted, allow: ['10.8.1.0/24'] }, machines)).toEqual([])
  })
})

describe('who may ask', () => {
  const pair = (allowed: string): Machines => ({
    'db-a': machine('chrony', { '/etc/chrony/chrony.conf': `local\n${allowed}\n` }),
    'db-b': machine('chrony', { '/etc/chrony/chrony.conf': 'server db-a\n' }),
  })
  it.each(['allow', 'allow all', 'allow 10.77.0.2', 'allow 10.77', 'allow 10.77.0.0/16', 'ALLOW 10.77.1.0/24'])(
    '%s serves the other node',
    (allowed) => {
      expect(checked({}, pair(allowed))).toEqual([])
    },
  )
  it.each(['', 'allow 10.78', 'allow 10.77\ndeny 10.77.0.0/23', 'allow all\ndeny all'])('%s does not', (allowed) => {
    expect(checked({}, pair(allowed)).filter((text) => text.startsWith('db-a'))).not.toEqual([])
  })
  it('a node without a clock of its own does not serve', () => {
    const machines = pair('allow')
    const conf = { '/etc/chrony/chrony.conf': 'allow\nconfdir /etc/chrony/conf.d\n' }
    expect(checked({}, { ...machines, 'db-a': machine('chrony', conf) })).toEqual([
      'db-a: config-file /etc/chrony/conf.d/ha-provision.conf',
    ])
  })
  it('more than the links on one node only is shown and not chosen', () => {
    const { options, remarks } = read(pair('allow 10.77.0.0/24\nallow 10.200.0.0/16'))
    expect({ options, remarks }).toEqual({ options: {}, remarks: ['differs allow'] })
  })
})

describe('whatever stands in their files', () => {
  const words = {
    chrony: [
      ...[
        'server a.house',
        'server 10.77.0.1',
        'server db-b iburst',
        'pool p.house',
        'pool 2.debian.pool.ntp.org',
        'local',
        'allow',
      ],
      ...[
        'allow 10.77.0.0/24',
        'deny 10.77.0.2',
        'allow 10.9',
        'peer db-a',
        'refclock PPS /dev/pps0',
        'server k.house key 3',
        '# no',
      ],
    ],
    ntpd: [
      ...[
        'server a.house',
        'server 10.77.0.1',
        'server db-b iburst',
        'pool p.house',
        'pool 0.centos.pool.ntp.org',
        'tos orphan 5',
      ],
      ...[
        'server 127.127.1.0',
        'restrict default ignore',
        'restrict 10.77.0.0 mask 255.255.255.0',
        'peer db-a',
        'broadcastclient',
      ],
      ...[
        'restrict 10.9.0.0 mask 255.255.0.0 noserve',
        'server k.house autokey',
        'restrict -6 ::1',
        'fudge 127.127.1.0 stratum 9',
      ],
    ],
  }
  const paths = { chrony: '/etc/chrony/chrony.conf', ntpd: '/etc/ntp.conf' }
  const pairs = fc.constantFrom('chrony' as const, 'ntpd' as const).chain((daemon) => {
    const conf = fc.shuffledSubarray(words[daemon]).map((lines) => lines.join('\n'))
    const one = conf.map((text) => machine(daemon, { [paths[daemon]]: text }))
    return fc.oneof(fc.record({ 'db-a': one, 'db-b': one }), one.map(both))
  })
  it('what a fix writes leaves nothing to find, and loses no line', () => {
    const wanted = fc.constantFrom(
      ...[
        {},
        { servers: ['a.house'] },
        { servers: ['z.house'], pools: ['p.house'] },
        { source: 'db-b', allow: ['10.9.0.0/16'] },
      ],
    )
    fc.assert(
      fc.property(pairs, wanted, (machines, more) => {
        const isChrony = Object.keys(machines['db-a'].units).some((unit) => unit.startsWith('chrony'))
        const options = { daemon: isChrony ? 'chrony' : 'ntpd', ...more }
        const writes = written(options, machines)
        const mended = (node: 'db-a' | 'db-b'): Machine => {
          const files: Record<string, string> = { ...machines[node].files }
          for (const [key, text] of Object.entries(writes))
            if (key.startsWith(`${node}:`)) files[key.slice(5)] = String(text)
          return { ...machines[node], files }
        }
        expect(checked(options, { 'db-a': mended('db-a'), 'db-b': mended('db-b') })).toEqual([])
        const main = '/etc/chrony/chrony.conf'
        for (const line of (machines['db-a'].files[main] ?? '').split('\n'))
          expect(mended('db-a').files[main] ?? '').toContain(line)
      }),
      { numRuns: 500 },
    )
  })
  it('check finds nothing that was not named', () => {
    let judged = 0
    fc.assert(
      fc.property(pairs, (machines) => {
        const { options, remarks } = read(machines)
        if (options === undefined || remarks.some((text) => text.startsWith('differs'))) return
        const settings = filled(ntp, options)
        const at = { ...nodeContextOf({ settings, others: { network } }) }
        if (ntp.validate?.(at as never)?.length) return
        for (const found of checked(options, machines)) {
          judged++
          const [node = '', , subject = ''] = found.split(/:? /)
          expect(remarks.some((text) => text.startsWith(`other: ${node}: ${subject} `))).toBe(true)
        }
      }),
      { numRuns: 1000 },
    )
    expect(judged).toBeGreaterThan(20)
  })
})
