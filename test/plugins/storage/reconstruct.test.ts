import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import storage from '../../../plugins/storage/index.js'
import { lvmCommand } from '../../../plugins/storage/lvm.js'
import type { InputOf, Output, Settings } from '../../../src/index.js'
import { filesOutput } from '../../support/files.js'
import { filled, holdsLaw, type NodeName, nodes, rebuilt, type World } from '../../support/law.js'
import { factsOf, findingsOf, nodeContextOf, output, taskOf } from '../../support/task.js'

type Options = InputOf<typeof storage>
type Storage = Settings<typeof storage.schema>
const MiB = 1024 * 1024

interface Partition {
  readonly sizeMiB: number
  readonly name?: string
}
interface Machine {
  /** Names below /dev by the kernel's. */
  readonly names: Readonly<Record<string, readonly string[]>>
  readonly disks: Readonly<Record<string, { label: 'gpt' | 'dos'; freeMiB: number; partitions: readonly Partition[] }>>
  readonly pvs: Readonly<Record<string, string>>
  readonly lvs: readonly { group: string; name: string; sizeMiB: number; attr?: string }[]
  readonly mounts: readonly string[]
  readonly fstab: string
  /** By which LVM tells groups apart; the machine's own where a test says none. */
  readonly vgUuid?: string
}
type Pair = Readonly<Record<NodeName, Machine>>
const both = (machine: Machine): Pair => ({ 'db-a': machine, 'db-b': machine })

const table = (disk: string, { label, freeMiB, partitions }: Machine['disks'][string]): string => {
  let start = 2048
  const list = partitions.map(({ sizeMiB, name }, i) => {
    const part = { node: `${disk}${i + 1}`, start, size: sizeMiB * 2048, type: '8e', ...(name ? { name } : {}) }
    start += part.size
    return part
  })
  return JSON.stringify({
    partitiontable: {
      label,
      device: disk,
      unit: 'sectors',
      ...(label === 'gpt' ? { firstlba: 2048, lastlba: start + freeMiB * 2048 + 500 } : {}),
      sectorsize: 512,
      partitions: list,
    },
  })
}

/** `lvm fullreport`. */
const lvm = ({ pvs, lvs, vgUuid = randomUUID() }: Machine): string =>
  JSON.stringify({
    report: [...new Set(Object.values(pvs))].map((group) => ({
      vg: [
        {
          vg_name: group,
          vg_uuid: `${vgUuid} ${group}`,
          vg_extent_size: '4194304',
          vg_free: '1027604480',
          vg_missing_pv_count: '0',
        },
      ],
      pv: Object.entries(pvs)
        .filter(([, own]) => own === group)
        .map(([pv_name]) => ({
          pv_name,
          pv_major: '254',
          pv_minor: String(Object.keys(pvs).indexOf(pv_name)),
          vg_name: group,
        })),
      lv: lvs
        .filter((lv) => lv.group === group)
        .map(({ name, sizeMiB, attr = '-wi-ao----' }) => ({
          vg_name: group,
          lv_name: name,
          lv_size: String(sizeMiB * MiB),
          lv_attr: attr,
          lv_tags: '',
        })),
      pvseg: [],
      seg: [],
    })),
  })

const devices = ({ names, disks, lvs, mounts }: Machine): string =>
  [
    ...Object.entries(names).flatMap(([real, links]) => links.map((link) => `link ${link} ${real}`)),
    // udev's, of which one is relative as they are on a node.
    ...lvs.flatMap(({ group, name }, i) => [
      `link /dev/${group}/${name} ../dm-${i}`,
      `link /dev/mapper/${group.replaceAll('-', '--')}-${name.replaceAll('-', '--')} ../dm-${i}`,
    ]),
    ...mounts.map((line) => `mount ${line}`),
    ...Object.entries(disks).map(([disk, own]) => `@@table ${disk.replace('/dev/', '')}\n${table(disk, own)}`),
    '',
    '@@end',
    '',
  ].join('\n')

const said =
  (machines: Pair) =>
  (node: NodeName, probe: string): Output => {
    const machine = machines[node]
    if (probe === 'lvm') return output(lvm(machine))
    return output(probe === 'devices' ? devices(machine) : filesOutput({ '/etc/fstab': machine.fstab }))
  }

/** Kernel's name of a path on a machine. */
const real = ({ names, lvs }: Machine, path: string): string => {
  const volume = lvs.findIndex(({ group, name }) =>
    [`/dev/${group}/${name}`, `/dev/mapper/${group}-${name}`].includes(path),
  )
  if (volume >= 0) return `/dev/dm-${volume}`
  return Object.entries(names).find(([, links]) => links.includes(path))?.[0] ?? path
}

/** What the probe of evidence prints of devices in use, as they are on such a machine. */
const evidence = (machine: Machine, paths: readonly string[]): string =>
  paths
    .map((path) => {
      const own = real(machine, path)
      const pv = Object.keys(machine.pvs).indexOf(own)
      const mount = machine.mounts.find((line) => real(machine, line.split(' ')[0] ?? '') === own)
      const [, at, type] = mount?.split(' ') ?? []
      const tabled = machine.disks[own]
      const kind = pv >= 0 ? 'TYPE=LVM2_member' : tabled ? `PTTYPE=${tabled.label}` : `TYPE=${type ?? 'ext4'}`
      return `@@device ${path}\nreal ${own}\nnumber 254:${pv}\nbytes 1073741824\n${pv >= 0 ? 'holder dm-0\n' : ''}${at ? `mount ${at}\n` : ''}readable\nblkid 0\n${kind}\nnonzero 0 1 0${pv >= 0 ? ' 1' : ''}\n`
    })
    .join('')

function findings(machines: Pair, options: unknown): readonly string[] {
  const settings = filled(storage, options ?? {}) as Storage
  return nodes.flatMap((node) =>
    ['partitions', 'volumes', 'filesystems'].flatMap((id) => {
      const machine = machines[node]
      const task = taskOf(storage, id)
      const at = nodeContextOf({ settings }, node)
      const probes = task.probes(at)
      const paths = (probes.evidence as { items?: readonly string[] } | undefined)?.items ?? []
      const tables = Object.keys(settings.partitions).map((disk) => {
        const own = machine.disks[real(machine, disk)]
        return `@@disk ${disk}\n${own ? table(disk, own) : ''}\n`
      })
      const outputs = {
        evidence: output(evidence(machine, paths)),
        lvm: output(lvm(machine)),
        tables: output(tables.join('')),
        files: output(filesOutput({ '/etc/fstab': machine.fstab })),
        full: output(''),
      }
      return findingsOf(task.check({ ...at, facts: factsOf(task, at, outputs) })).map(
        (found) => `${node} ${found.id} ${found.subject}`,
      )
    }),
  )
}

/** What `create` leaves on a node; disks are counted from `first`. */
function made({ partitions, volumeGroups, volumes, filesystems }: Storage, first: string): Machine {
  const letters = 'abcdefghijklmnop'
  const paths = [...Object.keys(partitions), ...Object.values(volumeGroups).flatMap(({ devices: own }) => own)].filter(
    (path) => !path.startsWith('/dev/disk/by-partlabel/'),
  )
  const kernel = (path: string) =>
    path.startsWith('/dev/disk/') ? `/dev/${first}${letters[paths.indexOf(path)]}` : path
  const names: Record<string, string[]> = {}
  const disks: Record<string, Machine['disks'][string]> = {}
  for (const path of paths)
    if (path.startsWith('/dev/disk/'))
      names[kernel(path)] = [
        path,
        `/dev/disk/by-path/pci-${first}-${paths.indexOf(path)}`,
        `/dev/disk/by-id/lvm-pv-uuid-${first}${paths.indexOf(path)}`,
      ]
  for (const [disk, parts] of Object.entries(partitions)) {
    const open = parts.at(-1)?.sizeMiB === undefined
    disks[kernel(disk)] = {
      label: 'gpt',
      freeMiB: open ? 0 : 16,
      partitions: parts.map(({ label, sizeMiB }) => ({ name: label, sizeMiB: sizeMiB ?? 77 })),
    }
    parts.forEach(({ label }, i) => {
      names[`${kernel(disk)}${i + 1}`] = [`/dev/disk/by-partlabel/${label}`, `/dev/disk/by-id/x-${i}-part${i + 1}`]
    })
  }
  const machine = {
    names,
    disks,
    pvs: Object.fromEntries(
      Object.entries(volumeGroups).flatMap(([group, { devices: own }]) =>
        own.map((path) => [Object.entries(names).find(([, links]) => links.includes(path))?.[0] ?? path, group]),
      ),
    ),
    lvs: Object.entries(volumes).map(([volume, { sizeMiB }]) => {
      const [group = '', name = ''] = volume.split('/')
      return { group, name, sizeMiB }
    }),
  }
  return {
    ...machine,
    mounts: [
      '/dev/root / ext4',
      ...Object.entries(filesystems).map(([mount, { device, type }]) => `${device} ${mount} ${type}`),
    ],
    fstab: `# /etc/fstab\nUUID=1-2-3 / ext4 errors=remount-ro 0 1\n/dev/drbd0 /srv/db ext4 noauto 0 0\n${Object.entries(
      filesystems,
    )
      .map(([mount, { device, type, options }]) => `${device} ${mount} ${type} ${options} 0 0\n`)
      .join('')}`,
  }
}
const pair = (settings: Storage): Pair => ({ 'db-a': made(settings, 'vd'), 'db-b': made(settings, 'sd') })

const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,7}$/)
const worlds: fc.Arbitrary<World<Options>> = fc
  .record({
    groups: fc.uniqueArray(
      fc.record({
        name,
        disks: fc.integer({ min: 1, max: 3 }),
        volumes: fc.uniqueArray(fc.tuple(name, fc.integer({ min: 1, max: 900 })), {
          maxLength: 4,
          selector: ([own]) => own,
        }),
      }),
      {
        maxLength: 3,
        selector: (group) => group.name,
      },
    ),
    partitioned: fc.option(
      fc.record({
        last: fc.boolean(),
        sizes: fc.array(fc.integer({ min: 8, max: 900 }), { minLength: 1, maxLength: 3 }),
      }),
      { nil: undefined },
    ),
    mounts: fc.uniqueArray(
      fc.tuple(
        fc.stringMatching(/^\/srv\/[a-z]{1,6}$/),
        fc.constantFrom('ext4', 'xfs'),
        fc.constantFrom('defaults', 'noatime,nodev'),
      ),
      { maxLength: 2, selector: ([own]) => own },
    ),
  })
  .filter(({ groups, partitioned }) => groups.length > 0 || partitioned !== undefined)
  .map(({ groups, partitioned, mounts }) => {
    const parts = partitioned?.sizes.map((sizeMiB, i) => ({
      label: `part${i}`,
      ...(partitioned.last && i === partitioned.sizes.length - 1 ? {} : { sizeMiB }),
    }))
    const volumes = groups.flatMap((group) =>
      group.volumes.map(([own, extents]) => [`${group.name}/${own}`, { sizeMiB: extents * 4 }] as const),
    )
    const free = volumes.map(([volume]) => volume)
    return {
      options: {
        ...(parts ? { partitions: { '/dev/disk/by-id/virtio-parts': parts } } : {}),
        ...(groups.length + (parts ? 1 : 0) > 0
          ? {
              volumeGroups: {
                ...(parts ? { onparts: { devices: parts.map(({ label }) => `/dev/disk/by-partlabel/${label}`) } } : {}),
                ...Object.fromEntries(
                  groups.map((group) => [
                    group.name,
                    {
                      devices: Array.from(
                        { length: group.disks },
                        (_, i) => `/dev/disk/by-id/virtio-${group.name}${i}x`,
                      ),
                    },
                  ]),
                ),
              },
            }
          : {}),
        ...(volumes.length > 0 ? { volumes: Object.fromEntries(volumes) } : {}),
        ...(mounts.length > 0 && mounts.length <= free.length
          ? {
              filesystems: Object.fromEntries(
                mounts.map(([mount, type, options], i) => [
                  mount,
                  { device: `/dev/${free[i]}`, type: type as 'ext4', options },
                ]),
              ),
            }
          : {}),
      },
    }
  })

describe('reconstruct of storage', () => {
  it('gives back what a config made, though the nodes call their disks otherwise', () => {
    holdsLaw(storage, worlds, (settings: Storage) => said(pair(settings)))
  })
  it('check finds nothing on these machines', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const machines = pair(filled(storage, world.options))
        expect(findings(machines, rebuilt(storage, world, said(machines)).options)).toEqual([])
      }),
      { numRuns: 200 },
    )
  })
})

const old: Machine = {
  names: {
    '/dev/sda1': ['/dev/disk/by-id/ata-SYS-part1'],
    '/dev/sdb': ['/dev/disk/by-id/ata-DATA', '/dev/disk/by-id/wwn-0x5000', '/dev/disk/by-path/pci-1'],
    '/dev/sdb1': ['/dev/disk/by-id/ata-DATA-part1', '/dev/disk/by-path/pci-1-part1'],
    '/dev/dm-1': ['/dev/disk/by-label/dump'],
  },
  disks: {
    '/dev/sda': { label: 'dos', freeMiB: 0, partitions: [{ sizeMiB: 4000 }] },
    '/dev/sdb': { label: 'dos', freeMiB: 0, partitions: [{ sizeMiB: 500 }] },
  },
  pvs: { '/dev/sdb1': 'vgdata' },
  lvs: [
    { group: 'vgdata', name: 'lvdrbd', sizeMiB: 192 },
    { group: 'vgdata', name: 'lvdump', sizeMiB: 64 },
  ],
  mounts: ['/dev/sda1 / ext4', '/dev/mapper/vgdata-lvdump /var/dump ext4'],
  fstab:
    '# by hand\n/dev/sda1\t/\text4\tdefaults 0 1\nLABEL=dump\t/var/dump\text4\tnoatime\t0 2 # nightly\n/dev/drbd3 /srv/www ext4 noauto 0 0\n',
}
const wanted: Options = {
  volumeGroups: { vgdata: { devices: ['/dev/disk/by-id/ata-DATA-part1'] } },
  volumes: { 'vgdata/lvdrbd': { sizeMiB: 192 }, 'vgdata/lvdump': { sizeMiB: 64 } },
  filesystems: { '/var/dump': { device: '/dev/vgdata/lvdump', options: 'noatime' } },
}
const read = (machines: Pair) => rebuilt(storage, { options: {} }, said(machines))

describe('storage made by hand', () => {
  it('a group on a dos partition, a filesystem by its label', () => {
    expect(read(both(old))).toEqual({ options: wanted, remarks: [] })
    expect(findings(both(old), wanted)).toEqual([])
  })
  it('by UUID and by the mapper’s name, mounted by hand as well', () => {
    const fstab = old.fstab.replace('LABEL=dump', 'UUID=77-88').replace('ext4\tnoatime', 'auto noatime')
    const machine = { ...old, fstab, names: { ...old.names, '/dev/dm-1': ['/dev/disk/by-uuid/77-88'] } }
    expect(read(both(machine)).options).toEqual(wanted)
    const mapped = { ...old, fstab: old.fstab.replace('LABEL=dump', '/dev/mapper/vgdata-lvdump') }
    expect(read(both(mapped)).options).toEqual(wanted)
    expect(findings(both(mapped), wanted)).toEqual([])
  })
  it('disks that only the kernel names', () => {
    const machine = { ...old, names: { '/dev/dm-1': ['/dev/disk/by-label/dump'] } }
    expect(read(both(machine)).options).toMatchObject({ volumeGroups: { vgdata: { devices: ['/dev/sdb1'] } } })
    const other = { ...machine, pvs: { '/dev/sdc1': 'vgdata' } }
    const { options, remarks } = read({ 'db-a': machine, 'db-b': other })
    expect(options).toBeUndefined()
    expect(remarks).toMatchObject([{ kind: 'differs', values: { 'db-a': ['/dev/sdb1'], 'db-b': ['/dev/sdc1'] } }])
  })
  it('the operating system’s group is not the cluster’s', () => {
    const machine: Machine = {
      ...old,
      pvs: { ...old.pvs, '/dev/sda1': 'rootvg' },
      lvs: [
        ...old.lvs,
        { group: 'rootvg', name: 'root', sizeMiB: 3000 },
        { group: 'rootvg', name: 'swap', sizeMiB: 512 },
      ],
      mounts: ['/dev/mapper/rootvg-root / ext4', ...old.mounts.slice(1)],
    }
    expect(read(both(machine))).toEqual({
      options: wanted,
      remarks: [{ kind: 'other', path: ['volumeGroups', 'rootvg'], why: 'the operating system lives on it' }],
    })
  })
  it('snapshots, thin volumes, another filesystem, a group of one node: named and left alone', () => {
    const machine: Machine = {
      ...old,
      lvs: [
        ...old.lvs,
        { group: 'vgdata', name: 'snap', sizeMiB: 8, attr: 'swi-a-s---' },
        { group: 'vgdata', name: 'old', sizeMiB: 16 },
      ],
      mounts: [...old.mounts, '/dev/vgdata/old /old ext3'],
      fstab: `${old.fstab}/dev/vgdata/old /old ext3 defaults 0 0\n`,
    }
    const lonely = { ...machine, pvs: { ...machine.pvs, '/dev/sdz': 'scratch' } }
    const { options, remarks } = read({ 'db-a': machine, 'db-b': lonely })
    expect(options).toEqual({ ...wanted, volumes: { ...wanted.volumes, 'vgdata/old': { sizeMiB: 16 } } })
    expect(remarks.map((remark) => ('why' in remark ? remark.why : ''))).toEqual([
      'vgdata/snap is no plain volume (lv_attr s, s)',
      'only db-b has it',
      '/old: ext3 cannot be said in a config',
    ])
    expect(findings({ 'db-a': machine, 'db-b': lonely }, options)).toEqual([])
  })
  it('what fstab does not mount by itself is somebody else’s to mount', () => {
    const fstab = old.fstab.replace('noatime\t0 2', 'noatime,noauto\t0 2')
    const { options, remarks } = read({ 'db-a': old, 'db-b': { ...old, fstab } })
    expect(options).toEqual({ volumeGroups: wanted.volumeGroups, volumes: wanted.volumes })
    expect(remarks).toEqual([
      {
        kind: 'other',
        path: ['filesystems'],
        why: '/var/dump: fstab has it with noauto on db-b: something else mounts it',
      },
    ])
  })
  it('a group of one UUID on both nodes is on a shared disk, and nobody’s to change', () => {
    const { options, remarks } = read(both({ ...old, vgUuid: 'kJ2x' }))
    expect(options).toBeUndefined()
    expect(lvmCommand.script).toContain('vg -o vg_name,vg_uuid,')
    expect(remarks).toEqual([
      {
        kind: 'other',
        path: ['volumeGroups', 'vgdata'],
        why: 'shared disk, or a copy of one: both nodes report its UUID as kJ2x vgdata',
      },
    ])
  })
  it('sizes that differ: both, none chosen', () => {
    const smaller = { ...old, lvs: old.lvs.map((lv) => (lv.name === 'lvdrbd' ? { ...lv, sizeMiB: 96 } : lv)) }
    const { options, remarks } = read({ 'db-a': old, 'db-b': smaller })
    expect((options as Options).volumes).toEqual({ 'vgdata/lvdump': { sizeMiB: 64 } })
    expect(remarks).toEqual([
      { kind: 'differs', path: ['volumes', 'vgdata/lvdrbd', 'sizeMiB'], values: { 'db-a': 192, 'db-b': 96 } },
    ])
  })
  it('nothing there, and answers that are cut off', () => {
    const bare: Machine = { names: {}, disks: {}, pvs: {}, lvs: [], mounts: ['/dev/sda1 / ext4'], fstab: '' }
    expect(read(both(bare))).toEqual({ options: undefined, remarks: [] })
    expect(() =>
      rebuilt(storage, { options: {} }, (node, probe) =>
        probe === 'devices' ? output('link a b\n') : said(both(old))(node, probe),
      ),
    ).toThrow('cut off')
  })
})
