import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { probes } from '../../../plugins/heartbeat/existing.js'
import { output } from '../../support/task.js'
import { both, group, reconstructed, remarksOf, roundTrip, simple } from './nodes.js'

describe('what a config does not say is named, and check finds just that', () => {
  it.each([
    [
      'a port behind the link',
      'udpPort: links use ports 694, 700',
      simple.replace('udpport 694\nbcast link0', 'bcast link0\nudpport 700\nmcast link1 239.0.0.1 700 1 0'),
    ],
    ['initdead that is deadtime', 'initdeadS: ha.cf has 20 s', simple.replace('initdead 60\n', '')],
    ['a warning that comes too late', 'warntimeS: ha.cf has 20 s', simple.replace('warntime 8', 'warntime 20')],
    ['an unknown interface', 'links: bcast on eth9', simple.replace('bcast link0', 'bcast link0 eth9')],
    [
      'multicast beyond the segment',
      ': ha.cf of db-b says something about links',
      simple.replace('bcast link0', 'mcast link0 239.0.0.1 694 4 0'),
    ],
  ])('%s', (_, why, config) => {
    const { told, ids } = roundTrip(both({ config, resources: `${group}\n` }))
    expect(told.join('\n')).toContain(why)
    expect(ids).toEqual(['db-a config-file', 'db-b config-file'])
  })
  it.each([
    ['a service before the replication', 'apache2 starts before drbddisk::www', group.replace('db-a', 'db-a apache2')],
    ['no mount', 'Filesystem::/dev/drbd3::/srv/www::ext4 is not in the group', 'db-a drbddisk::www apache2'],
  ])('%s', (_, why, line) => {
    const { told, ids } = roundTrip(both({ config: simple, resources: `${line}\n` }))
    expect(told.join('\n')).toContain(why)
    expect(ids).toEqual(['db-a resources-file', 'db-b resources-file'])
  })
  it.each([
    ['no key', { key: '-' }, 'has no key', ['no-key']],
    ['a checksum for a key', { key: 'auth 1\n1 crc\n' }, 'has no key', ['no-key']],
    ['a checksum with a word after it', { key: 'auth 1\n1 crc Hello!\n' }, 'has no key', ['no-key']],
    ['a checksum beside the key', { key: 'auth 1\n1 sha1 0123456789abcdef\n2 crc\n' }, 'more keys', ['authkeys']],
    [
      'keys of former days',
      { key: 'auth 2\n1 sha1 old-0123456789abcdef\n2 sha1 new-0123456789abcdef\n' },
      'more keys',
      ['authkeys'],
    ],
    ['a key for everybody', { keyMode: '0640' }, '0640 root:root', ['authkeys-mode', 'authkeys-mode']],
    [
      'passwords for everybody',
      { config: `${simple}stonith_host * external/ipmi a b\n`, configMode: '0644' },
      'lines for fencing',
      ['db-a config-mode', 'db-b config-mode'],
    ],
    ['no agent', { agent: '-' }, 'no agent drbddisk', ['db-a no-agent', 'db-b no-agent']],
    [
      'not at boot',
      { enabled: 'disabled' },
      'heartbeat.service of db-a is disabled',
      ['db-a not-at-boot', 'db-b not-at-boot'],
    ],
  ])('%s', (_, held, why, expected) => {
    const { told, ids } = roundTrip(both({ config: simple, resources: `${group}\n`, ...held }))
    expect(told.join('\n')).toContain(why)
    expect(ids).toEqual(expected)
  })
  it('a service that systemd starts too', () => {
    const { remarks } = reconstructed(
      both({ config: simple, resources: `${group} apache2\n`, signs: 'enabled apache2.service\n' }),
    )
    expect(remarksOf(remarks, 'other')[0]).toContain('apache2.service of db-a starts at boot')
  })
})

describe('nodes that disagree', () => {
  const differing = (config: string, resources = `${group}\n`) =>
    reconstructed({ 'db-a': { config: simple, resources: `${group}\n` }, 'db-b': { config, resources } })
  it.each([
    ['udpPort', simple.replace('694', '695'), '{"db-a":[694],"db-b":[695]}'],
    [
      'links',
      simple.replace('link0', 'link1'),
      '{"db-a":["bcast link0 (port 694)"],"db-b":["bcast link1 (port 694)"]}',
    ],
    ['deadtimeS', simple.replace('20', '21'), '{"db-a":20,"db-b":21}'],
    ['autoFailback', simple.replace('off', 'on'), '{"db-a":false,"db-b":true}'],
  ])('%s: both values are shown, none is chosen', (option, config, values) => {
    const { options, remarks } = differing(config)
    expect(remarksOf(remarks, 'differs')).toEqual([`${option}: ${values}`])
    expect(options).not.toHaveProperty(option)
  })
  it('about the group', () => {
    const { options, remarks } = differing(simple, `${group} apache2\n`)
    expect(remarksOf(remarks, 'differs')).toEqual([`resources: {"db-a":["${group}"],"db-b":["${group} apache2"]}`])
    expect(options).not.toHaveProperty('resources')
  })
  it('about the key: it is told, and not shown', () => {
    const { remarks } = reconstructed({
      'db-a': { config: simple, resources: group },
      'db-b': { config: simple, resources: group, key: 'auth 1\n1 sha1 fedcba9876543210\n' },
    })
    expect(remarksOf(remarks, 'other')).toEqual([
      ': the nodes have different keys, or numbers of keys; check asks for the one of home',
    ])
  })
  it('a node without ha.cf', () => {
    const { options, remarks } = reconstructed({ 'db-a': { config: simple }, 'db-b': {} })
    expect(options).toBeUndefined()
    expect(remarksOf(remarks, 'differs')).toEqual([': {"db-a":"/etc/ha.d/ha.cf","db-b":"none"}'])
  })
})

describe('what is no cluster of ours', () => {
  it('nothing there: no options and no remarks', () => {
    const { options, remarks } = reconstructed(both({}))
    expect([options, remarks]).toEqual([undefined, []])
  })
  it('Pacemaker has the resources', () => {
    const { options, remarks } = reconstructed(both({ config: simple.concat('crm respawn\n') }))
    expect(options).toBeUndefined()
    expect(remarksOf(remarks, 'other')).toEqual([': ha.cf of db-a has crm on: Pacemaker has the resources'])
  })
  it.each(['keepalive soon', 'udpport none', 'auto_failback perhaps', 'mcast link0 239.0.0.1 x 1 0'])(
    'unreadable: %s',
    (line) => {
      expect(() => reconstructed(both({ config: `${simple}${line}\n` }))).toThrow(
        `/etc/ha.d/ha.cf of db-a cannot be read: "${line}"`,
      )
    },
  )
})

describe('the probe of signs', () => {
  it('lists what systemd starts, in a shell of Debian', () => {
    const dir = mkdtempSync(join(tmpdir(), 'signs-'))
    writeFileSync(
      join(dir, 'systemctl'),
      '#!/bin/sh\necho "ssh.service      enabled enabled"\necho "apache2.service  enabled disabled"\n',
    )
    chmodSync(join(dir, 'systemctl'), 0o755)
    const command = 'command' in probes.signs ? probes.signs.command.script : ''
    const stdout = execFileSync('sh', ['-c', command], {
      encoding: 'utf8',
      env: { PATH: `${dir}:${process.env.PATH}` },
    })
    rmSync(dir, { recursive: true })
    expect(probes.signs.parse(output(stdout)).enabled).toEqual(['ssh.service', 'apache2.service'])
  })
  it('reads what this tool wrote for others', () => {
    expect(probes.signs.parse(output('agent /etc/ha.d/resource.d/ha-db2\ndb2\n'))).toEqual({
      enabled: [],
      ownAgents: ['ha-db2'],
      db2: true,
    })
  })
})
