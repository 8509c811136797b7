import { describe, expect, it } from 'vitest'
import { type Finding, reveal } from '../../../src/index.js'
import { here } from './nodes.js'
import { dropin, ids, judged, reconstructed, remarksOf, type Situation } from './situations.js'

const single: Situation = {
  name: 'single',
  version: '84',
  minors: [0, 1],
  more: {
    'db-a': { devices: 'inner /dev/vg0/data ext3\n' },
    'db-b': {
      tables: {
        '/etc/ha.d/haresources':
          '# who has it\n\ndb-b drbddisk::data \\\n  Filesystem::/dev/drbd0::/srv/data::ext3::noatime \\\n\tIPaddr::10.77.0.200/24 # vip\n',
      },
    },
  },
}
const shared = (version: '84' | '9'): Situation => ({ name: 'shared', version, minors: [0, 1] })
const elsewhere: Situation = { name: 'elsewhere', version: '84', minors: [0] }
const nine: Situation = { name: 'nine', version: '9', minors: [2, 5] }
const foreign: Situation = { name: 'foreign', version: '9', minors: [0, 1, 2, 4, 6, 9] }

describe('one /etc/drbd.conf of 2010', () => {
  const { options, remarks } = reconstructed(single)
  const common = {
    disk: { 'c-plan-ahead': 20 },
    startup: { 'wfc-timeout': 15, 'degr-wfc-timeout': 60, 'outdated-wfc-timeout': 0 },
    handlers: {
      'pri-on-incon-degr': 'echo o > /proc/sysrq-trigger ; halt -f',
      'split-brain': '/usr/lib/drbd/notify-split-brain.sh root',
    },
  }
  it('is read with its common section, its syncer and two resources', () => {
    expect(options).toEqual({
      primary: 'db-b',
      resources: {
        mysql: {
          ...common,
          volume: '/dev/sda7',
          minor: 1,
          port: 7789,
          interface: 'link0',
          resyncRate: '33M',
          authentication: false,
          net: {
            'verify-alg': 'md5',
            'tcp-cork': 'no',
            'after-sb-0pri': 'discard-younger-primary',
            'max-buffers': 8000,
            'ping-timeout': 5,
          },
          disk: { ...common.disk, 'on-io-error': 'detach', 'md-flushes': 'no' },
        },
        data: {
          ...common,
          volume: 'vg0/data',
          minor: 0,
          port: 7788,
          interface: 'link0',
          protocol: 'B',
          resyncRate: '33M',
          authentication: false,
          net: { 'verify-alg': 'md5', 'ping-timeout': 5 },
          filesystem: { type: 'ext3', mount: '/srv/data' },
        },
      },
    })
    expect(remarksOf(remarks, 'inferred')).toEqual(['primary: /etc/ha.d/haresources has the service at home there'])
  })
  it('check finds what was remarked: the usage count', () => {
    expect(remarksOf(remarks, 'other', 'unknown', 'differs')).toEqual([
      ': db-a: usage-count is yes; check asks for no',
      ': db-b: usage-count is yes; check asks for no',
    ])
    expect(ids(judged(single, options).findings)).toEqual(['usage-count db-a', 'usage-count db-b'])
  })
  it('a changed value is told, and nothing of the file is lost', () => {
    const { findings, task } = judged(single, options, (conf) => conf.replace('33M', '66M'))
    const own = findings.filter(({ id }) => id !== 'usage-count')
    expect(own).toMatchObject(
      ['mysql on db-a', 'data on db-a', 'mysql on db-b', 'data on db-b'].map((subject) => ({
        id: 'resource-by-hand',
        subject,
        desired: 'disk.resync-rate 33M',
        actual: 'disk.resync-rate 66M',
        note: expect.stringMatching(/^described in \/etc\/drbd\.conf:\d+$/),
      })),
    )
    expect(task.fix['resource-by-hand']).toHaveProperty('manual')
  })
  it('the usage count is changed where it stands, and the rest of that file stays', () => {
    const { findings, steps } = judged(single, options)
    const [write] = steps(findings[0] as Finding)
    expect(write).toMatchObject({ kind: 'write', on: 'db-a', path: '/etc/drbd.conf', mode: '0644' })
    const before = here('single/etc/drbd.conf')
    const after = write?.kind === 'write' ? reveal(write.content) : ''
    expect(after).toBe(before.replace('usage-count yes', 'usage-count no'))
  })
})

describe('a drop-in with another order, a key, volume 0 and device minor 3', () => {
  const { options, remarks } = reconstructed(dropin)
  it('says no more than what differs from this tool’s own files', () => {
    expect(options).toEqual({
      primary: 'db-a',
      resources: {
        r0: {
          volume: 'vg0/my-data',
          minor: 3,
          port: 7790,
          interface: 'link0',
          net: { 'max-buffers': 8000, 'max-epoch-size': 8000 },
          disk: { 'al-extents': 3389 },
        },
      },
    })
  })
  it('check finds what was remarked: a key that others can read', () => {
    expect(remarksOf(remarks, 'other', 'unknown', 'differs')).toEqual([
      ': db-a: /etc/drbd.d/r0.res holds a key and has mode 0644; check asks for 0600',
      ': db-b: /etc/drbd.d/r0.res holds a key and has mode 0644; check asks for 0600',
    ])
    const { findings, steps } = judged(dropin, options)
    expect(findings).toMatchObject([
      { id: 'resource-file', subject: 'r0 on db-a', desired: '0600', actual: '0644' },
      { id: 'resource-file', subject: 'r0 on db-b', desired: '0600', actual: '0644' },
    ])
    expect(steps(findings[0] as Finding)).toMatchObject([
      { kind: 'run', on: 'db-a', command: { script: 'chmod 0600 -- /etc/drbd.d/r0.res' } },
    ])
    expect(judged({ ...dropin, mode: '0600' }, options).findings).toEqual([])
  })
  it('its key is neither in the options, nor in a remark, nor in a finding', () => {
    const changed = judged(dropin, options, (conf) => conf.replace('8000', '9000').replace('fish and', 'egg and'))
    expect(changed.findings).toHaveLength(2)
    expect(JSON.stringify([options, remarks, changed.findings, changed.findings.map(changed.steps)])).not.toMatch(
      /fish|egg|chips/,
    )
  })
  it('a file of its own is written anew for a changed value, with all that the config says', () => {
    const { findings, steps } = judged(dropin, options, (conf) => conf.replace('3389', '257'))
    expect(ids(findings)).toEqual(['resource-file r0 on db-a', 'resource-file r0 on db-b'])
    expect(findings[0]?.desired).toContain('al-extents 3389;')
    expect(findings[0]?.desired).toContain('max-epoch-size 8000;')
    const kinds = steps(findings[0] as Finding).map((step) => step.kind)
    expect(kinds).toEqual(['run', 'write', 'run'])
  })
})

describe.each(['84', '9'] as const)(
  'two resources in all.res, external metadata with an index, by drbdadm %s',
  (version) => {
    const { options, remarks } = reconstructed(shared(version))
    it('are read', () => {
      expect(options).toMatchObject({
        primary: 'db-a',
        resources: {
          r0: {
            metadata: '/dev/sdc1[0]',
            net: {
              'cram-hmac-alg': 'md5',
              'after-sb-0pri': 'discard-zero-changes',
              'after-sb-1pri': 'discard-secondary',
            },
            disk: { 'disk-flushes': 'no', 'md-flushes': 'no' },
            resyncRate: '10M',
          },
          web: { volume: '/dev/vg0/web', metadata: '/dev/sdc1[1]', protocol: 'A', net: { 'sndbuf-size': '512k' } },
        },
      })
      expect(options).not.toHaveProperty('resources.r0.authentication')
      expect(options).toHaveProperty('resources.web.authentication', false)
      expect(JSON.stringify([options, remarks])).not.toContain('s3cret')
    })
    it('check finds what was remarked', () => {
      expect(remarksOf(remarks, 'other', 'unknown', 'differs')).toEqual(
        ['db-a', 'db-b'].map(
          (node) => `: ${node}: /etc/drbd.d/all.res holds a key and has mode 0644; check asks for 0600`,
        ),
      )
      expect(ids(judged(shared(version), options).findings)).toEqual([
        'readable-key /etc/drbd.d/all.res on db-a',
        'readable-key /etc/drbd.d/all.res on db-b',
      ])
    })
  },
)

describe('files that are included from elsewhere', () => {
  const { options, remarks } = reconstructed(elsewhere)
  it('are read, and check finds nothing', () => {
    expect(options).toMatchObject({ resources: { r0: { volume: '/dev/sdb1', resyncRate: '250K' } } })
    expect(remarksOf(remarks, 'other', 'unknown', 'differs')).toEqual([])
    expect(judged(elsewhere, options).findings).toEqual([])
  })
  it('a second description is never written beside the one that is there', () => {
    const { findings } = judged(elsewhere, options, (conf) => conf.replaceAll(':7788', ':7789'))
    expect(findings).toMatchObject([
      { id: 'resource-by-hand', actual: expect.stringContaining('db-a.address 10.77.0.1:7789') },
      { id: 'resource-by-hand', note: 'described in /etc/cluster/drbd/20-r0.conf:1' },
    ])
  })
})

describe('the words of version 9: connections, node ids, volume sections', () => {
  const { options, remarks } = reconstructed(nine)
  it('are read, and check finds nothing', () => {
    expect(options).toMatchObject({
      resources: {
        r0: {
          volume: 'vg0/data',
          minor: 2,
          net: { 'verify-alg': 'crc32c' },
          options: { quorum: 'off', 'auto-promote': 'yes' },
        },
        mesh: { metadata: 'vg0/meta', minor: 5, disk: { 'al-extents': 257 } },
      },
    })
    expect(remarksOf(remarks, 'other', 'unknown', 'differs')).toEqual([])
    expect(judged(nine, options).findings).toEqual([])
  })
  it('ids are in the metadata: a file that says them is not replaced', () => {
    const { findings } = judged(nine, options, (conf) => conf.replace('crc32c', 'md5'))
    expect(findings).toMatchObject([
      { id: 'resource-by-hand', note: '/etc/drbd.d/r0.res also holds resource mesh' },
      { id: 'resource-by-hand' },
    ])
  })
})

describe('what a config cannot say', () => {
  const { options, remarks } = reconstructed(foreign)
  it('is named, and left out where it is another thing', () => {
    expect(remarksOf(remarks, 'other', 'differs')).toEqual([
      'resources.two: it is left out: several volumes',
      'resources.fl: it is left out: 0 nodes, floating ipv4 10.77.0.1:7799, floating ipv4 10.77.0.2:7799',
      'resources.uneven.volume: {"db-a":"/dev/sda7","db-b":"/dev/sdb1"}',
      'resources.uneven.metadata: {"db-a":"internal","db-b":"/dev/sdb2[0]"}',
      'resources.named: its device is also called /dev/drbd_named',
      'resources.public.interface: 192.0.2.1 and 192.0.2.2: on no one interface of network on both nodes',
    ])
    expect(Object.keys((options as { resources: object }).resources)).toEqual(['uneven', 'named', 'public'])
  })
  it('check leaves it alone, and finds nothing in what can be said', () => {
    const { named } = (options as { resources: Record<string, object> }).resources
    expect(judged(foreign, { primary: 'db-a', resources: { named } }).findings).toEqual([])
  })
})
