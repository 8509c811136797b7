import { describe, expect, it } from 'vitest'
import drbd from '../../../plugins/drbd/index.js'
import { holdsLaw, type NodeName } from '../../support/law.js'
import { output } from '../../support/task.js'
import { mounted, recorded, type Said, status, unit } from './nodes.js'
import { dropin, reconstructed, remarksOf, type Situation } from './situations.js'
import { clusters, model } from './worlds.js'

it('gives back what its own files, the kernel and the signs of a cluster say', () => {
  holdsLaw(drbd, clusters, model)
}, 240_000)

describe('nodes that disagree', () => {
  it('both values are shown, none is chosen', () => {
    const conf = (node: NodeName) => recorded('dropin', node, '9')
    const { options, remarks } = reconstructed({
      ...dropin,
      more: {
        'db-b': { conf: conf('db-b').replace('al-extents       3389', 'al-extents 257').replaceAll(':7790', ':7791') },
      },
    })
    expect(remarksOf(remarks, 'differs')).toEqual([
      'resources.r0.port: {"db-a":{"db-a":7790,"db-b":7790},"db-b":{"db-a":7791,"db-b":7791}}',
      'resources.r0.disk.al-extents: {"db-a":"3389","db-b":"257"}',
    ])
    expect(options).not.toHaveProperty('resources.r0.port')
    expect(options).not.toHaveProperty('resources.r0.disk')
  })
  it('a resource that only one of them describes', () => {
    const { options, remarks } = reconstructed({
      ...dropin,
      more: { 'db-b': { conf: '@@main /etc/drbd.conf\n@@dump\nglobal {\n    usage-count no;\n}\n@@code 0\n' } },
    })
    expect(options).toBeUndefined()
    expect(remarksOf(remarks, 'differs')).toEqual([
      'resources.r0: {"db-a":"/etc/drbd.d/r0.res:1","db-b":"not described"}',
    ])
  })
  it('keys that differ are told without them', () => {
    const conf = recorded('dropin', 'db-b', '9').replace('fish and chips', 'egg and chips')
    const { remarks } = reconstructed({ ...dropin, more: { 'db-b': { conf } } })
    expect(remarksOf(remarks, 'other')).toContain('resources.r0.authentication: the nodes have different keys')
    expect(JSON.stringify(remarks)).not.toContain('chips')
  })
})

describe('the primary', () => {
  const primaryOf = (more: Situation['more']) => {
    const { options, remarks } = reconstructed({ ...dropin, ...(more ? { more } : {}) })
    return [(options as { primary: string }).primary, ...remarksOf(remarks, 'inferred')]
  }
  const haresources = { '/etc/ha.d/haresources': 'db-b drbddisk::r0\n' }
  const second = (own: object) => ({ drbd: status([3], { major: 9, ...own }) })
  it.each([
    [
      'the only side that is UpToDate',
      {
        'db-a': {
          ...second({ disk: 'Inconsistent', isPrimary: true }),
          tables: { '/etc/ha.d/haresources': 'db-a x\n' },
        },
      },
      'db-b',
      'only its side is UpToDate',
    ],
    [
      'home of the service, also after a takeover',
      { 'db-a': { tables: haresources } },
      'db-b',
      '/etc/ha.d/haresources has the service at home there',
    ],
    ['the one that is Primary', {}, 'db-a', 'it is Primary now'],
    ['no sign at all', { 'db-a': second({}) }, 'db-a', 'nothing says which; it is the node that was named first'],
  ])('%s', (_, more, node, why) => {
    expect(primaryOf(more)).toEqual([node, `primary: ${why}`])
  })
})

describe('the filesystem', () => {
  const filesystemOf = (a: Partial<Said>, b: Partial<Said> = {}) => {
    const { options, remarks } = reconstructed({ ...dropin, more: { 'db-a': a, 'db-b': b } })
    const { filesystem } = (options as { resources: { r0: { filesystem?: object } } }).resources.r0
    const own = remarks.filter(({ path }) => path.includes('filesystem'))
    return [filesystem, ...remarksOf(own, 'inferred', 'unknown', 'other', 'differs')]
  }
  const inner = (type: string) => ({ devices: `inner /dev/mapper/vg0-my--data ${type}\n` })
  const group = (words: string) => ({ tables: { '/etc/ha.d/haresources': `db-a ${words}\n` } })
  const fstab = (line: string) => ({ tables: { '/etc/fstab': `/dev/sda1 / ext4 defaults 0 1\n${line}\n` } })
  const at = (type: string, mount: string) => (type === 'ext4' ? { mount } : { type, mount })
  it.each([
    ['mounted', { devices: mounted(3, '/srv/db', 'xfs') }, {}, [at('xfs', '/srv/db')]],
    ['in haresources', group('Filesystem::/dev/drbd3::/srv/db::ext3'), {}, [at('ext3', '/srv/db')]],
    [
      'there without a type: what lies on the disk',
      { ...group('Filesystem::/dev/drbd3::/srv/db'), ...inner('xfs') },
      {},
      [at('xfs', '/srv/db')],
    ],
    ['in fstab by resource', fstab('/dev/drbd/by-res/r0 /srv/db xfs noauto 0 0'), {}, [at('xfs', '/srv/db')]],
    ['of nobody', {}, {}, [undefined]],
    [
      'nowhere, and there is one of another kind',
      inner('btrfs'),
      {},
      [undefined, 'resources.r0.filesystem: there is btrfs on it, which is no filesystem of a config'],
    ],
    [
      'nowhere, and there is one',
      inner('xfs'),
      {},
      [undefined, 'resources.r0.filesystem: there is xfs on it; nothing says where it is mounted'],
    ],
    [
      'another one',
      { devices: mounted(3, '/srv/db', 'btrfs') },
      {},
      [undefined, 'resources.r0.filesystem: btrfs at /srv/db cannot be said in a config'],
    ],
    [
      'told in two ways',
      { ...fstab('/dev/drbd3 /mnt/old xfs noauto 0 0'), devices: mounted(3, '/srv/db', 'xfs') },
      {},
      [
        at('xfs', '/srv/db'),
        'resources.r0.filesystem.mount: /proc/self/mountinfo says so; /etc/fstab of db-a says /mnt/old',
      ],
    ],
    [
      'told by the nodes in two ways',
      group('Filesystem::/dev/drbd3::/a'),
      group('Filesystem::/dev/drbd3::/b'),
      [undefined, 'resources.r0.filesystem.mount: {"db-a":"/a","db-b":"/b"}'],
    ],
    [
      'told without any type',
      group('Filesystem::/dev/drbd3::/srv/db'),
      {},
      [at('ext4', '/srv/db'), 'resources.r0.filesystem.type: nothing says it; the default'],
    ],
    ['of another device', { devices: mounted(4, '/srv/db', 'xfs') }, {}, [undefined]],
  ])('%s', (_, a, b, expected) => {
    expect(filesystemOf(a, b)).toEqual(expected)
  })
})

describe('the rest', () => {
  const nothing = { conf: '@@dump\n@@code 0\n', drbd: '' }
  it('there is nothing: no options and no remarks', () => {
    const { options, remarks } = reconstructed({ ...dropin, more: { 'db-a': nothing, 'db-b': nothing } })
    expect([options, remarks]).toEqual([undefined, []])
  })
  it('a device that no file describes is named', () => {
    const { remarks } = reconstructed({ ...dropin, minors: [3, 7] })
    expect(remarksOf(remarks, 'other')).toContain('resources: db-a: /dev/drbd7 is up and no configuration describes it')
  })
  it('a service that is off at boot is named, as check finds it', () => {
    const { remarks } = reconstructed({ ...dropin, more: { 'db-b': { units: unit('disabled') } } })
    expect(remarksOf(remarks, 'other').at(-2)).toBe(
      ': db-b: drbd.service is disabled; check asks for enabled, so that resources come up at boot',
    )
  })
  it('what drbdadm refuses, or an answer that is cut off, is not read as nothing', () => {
    const conf = drbd.reconstruct?.probes.conf
    const told = "/etc/drbd.d/r0.res:2: Parse error: 'x' expected,\nbut got 'not for the log'\n"
    const refused = output('@@main /etc/drbd.conf\n@@dump\n@@code 10\n', 0, told)
    expect(() => conf?.parse(refused)).toThrow(
      'drbdadm refuses /etc/drbd.conf: /etc/drbd.d/r0.res:2; drbdadm dump says more',
    )
    expect(() => conf?.parse(output('@@main /etc/drbd.conf\n@@dump\nglobal {\n'))).toThrow('cut off')
    expect(conf?.parse(output('', 9))).toEqual({ installed: false, secrets: [] })
  })
  it('asking never registers the node with LINBIT, whatever its usage count says', () => {
    const asked = Object.values(drbd.reconstruct?.probes ?? {}).flatMap((probe) =>
      'command' in probe ? [probe.command.script] : [],
    )
    expect(asked.join('\n')).toContain('INIT_VERSION=1 drbdadm dump')
  })
})
