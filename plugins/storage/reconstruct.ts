import { agreed, files, type Input, type Reconstructed, type Remark, reconstruction } from 'ha-provision'
import { type Devices, devicesProbe, existingLvm, kernelName, type Lvm, stableName } from './existing.js'
import { existingFilesystems } from './existing-filesystems.js'
import { existingPartitions } from './existing-partitions.js'
import { sharedUuid } from './lvm.js'
import type { schema } from './schema.js'

export type Options = Input<typeof schema>
export type ByNode<T> = Readonly<Record<string, T>>
export interface Node {
  readonly lvm: Lvm | undefined
  readonly devices: Devices
  readonly fstab: string
}

const MiB = 1024 * 1024
/** Mount points of the operating system: what it lives on is not the cluster's. */
const system = new Set(['/', '/usr', '/boot', '/boot/efi', '/var', '/home', '/tmp'])

/** Groups on which the operating system lives, by node. */
function systemGroups({ lvm, devices, fstab }: Node): readonly string[] {
  const swaps = fstab.split('\n').flatMap((line) => {
    const [device = '', , type] = line.trim().split(/\s+/)
    return type === 'swap' && !device.startsWith('#') ? [kernelName(devices, device)] : []
  })
  const roots = devices.mounted.filter(({ at }) => system.has(at)).map(({ source }) => kernelName(devices, source))
  return (lvm?.lvs ?? []).flatMap(({ group, name }) =>
    [...roots, ...swaps].includes(kernelName(devices, `/dev/${group}/${name}`)) ? [group] : [],
  )
}

/** The devices of a group by names that hold on all nodes; undefined with a remark where there are none. */
function devicesOf(
  group: string,
  nodes: ByNode<Node>,
): { readonly devices?: readonly string[]; readonly remarks: readonly Remark[] } {
  const path = ['volumeGroups', group, 'devices']
  const own = Object.fromEntries(
    Object.entries(nodes).map(([node, { lvm }]) => [
      node,
      (lvm?.pvs ?? []).filter((pv) => pv.group === group).map(({ device }) => device),
    ]),
  )
  const lists = Object.entries(own)
  const [first = '', firstDevices = []] = lists[0] ?? []
  const named = firstDevices.map((device) => {
    // The counterpart is found by a common name first: kernels count disks as they find them.
    const links = (node: string, real: string) =>
      nodes[node]?.devices.names[kernelName(nodes[node].devices, real)] ?? []
    const name = stableName([links(first, device)])
    const candidates = links(first, device).filter((link) =>
      lists.every(([node, devices]) => devices.some((other) => links(node, other).includes(link))),
    )
    return (
      stableName([candidates]) ??
      (lists.every(([, devices]) => devices.includes(device)) ? device : undefined) ??
      (lists.length === 1 ? name : undefined)
    )
  })
  if (named.every((name) => name !== undefined) && lists.every(([, devices]) => devices.length === named.length))
    return { devices: named as string[], remarks: [] }
  return {
    remarks: [
      { kind: 'differs', path, values: own, why: 'no name below /dev/disk is that of the same disk on all nodes' },
    ],
  }
}

function groupsOf(nodes: ByNode<Node>): { readonly options: Options; readonly remarks: readonly Remark[] } {
  const remarks: Remark[] = []
  const volumeGroups: Record<string, { devices: readonly string[] }> = {}
  const volumes: Record<string, { sizeMiB: number }> = {}
  const theirs = new Set(Object.values(nodes).flatMap(systemGroups))
  const names = Object.keys(nodes)
  for (const group of new Set(Object.values(nodes).flatMap(({ lvm }) => (lvm?.vgs ?? []).map(({ name }) => name)))) {
    const path = ['volumeGroups', group]
    const other = (why: string) => remarks.push({ kind: 'other', path, why })
    const has = names.filter((node) => nodes[node]?.lvm?.vgs.some(({ name }) => name === group))
    const uuid = sharedUuid(group, nodes)
    if (theirs.has(group)) other('the operating system lives on it')
    else if (has.length < names.length) other(`only ${has.join(' and ')} has it`)
    else if (names.some((node) => nodes[node]?.lvm?.vgs.some(({ name, missing }) => name === group && missing > 0)))
      other('it lacks a disk')
    else if (uuid !== undefined) other(`shared disk, or a copy of one: both nodes report its UUID as ${uuid}`)
    else {
      const { devices, remarks: own } = devicesOf(group, nodes)
      remarks.push(...own)
      if (!devices) continue
      volumeGroups[group] = { devices }
      for (const [volume, sizeMiB] of volumesOf(group, nodes, remarks)) volumes[volume] = { sizeMiB }
    }
  }
  return { options: { volumeGroups, volumes }, remarks }
}

/** Plain volumes that all nodes have, with their sizes. */
function volumesOf(group: string, nodes: ByNode<Node>, remarks: Remark[]): readonly (readonly [string, number])[] {
  const all = Object.values(nodes).flatMap(({ lvm }) => (lvm?.lvs ?? []).filter((lv) => lv.group === group))
  return [...new Set(all.map(({ name }) => `${group}/${name}`))].flatMap(
    (volume): readonly (readonly [string, number])[] => {
      const path = ['volumes', volume]
      const found = Object.fromEntries(
        Object.entries(nodes).map(([node, { lvm }]) => [
          node,
          lvm?.lvs.find((lv) => `${lv.group}/${lv.name}` === volume)?.bytes,
        ]),
      )
      const has = Object.keys(found).filter((node) => found[node] !== undefined)
      const kinds = Object.values(nodes).map(({ lvm }) => lvm?.kinds[volume] ?? '-')
      if (has.length < Object.keys(nodes).length)
        remarks.push({ kind: 'other', path: ['volumes'], why: `only ${has.join(' and ')} has the volume ${volume}` })
      else if (!kinds.every((kind) => kind === '-' || kind === 'o'))
        remarks.push({
          kind: 'other',
          path: ['volumes'],
          why: `${volume} is no plain volume (lv_attr ${kinds.join(', ')})`,
        })
      else {
        const sizes = agreed(
          Object.fromEntries(Object.entries(found).map(([node, bytes]) => [node, Math.floor((bytes ?? 0) / MiB)])),
        )
        if ('value' in sizes) return [[volume, sizes.value]]
        remarks.push({ kind: 'differs', path: [...path, 'sizeMiB'], values: sizes.values })
      }
      return []
    },
  )
}

/** Writes the options from LVM's report, partition tables and fstab. */
export const reconstruct = reconstruction({
  probes: { lvm: existingLvm, devices: devicesProbe, files: files({ fstab: '/etc/fstab' }) },
  build({ nodes: facts }): Reconstructed<Options> {
    const nodes = Object.fromEntries(
      Object.entries(facts).map(([node, { lvm, devices, files: own }]) => [
        node,
        { lvm, devices, fstab: own.fstab?.content ?? '' },
      ]),
    )
    const lvm = groupsOf(nodes)
    const filesystems = existingFilesystems(nodes, Object.keys(lvm.options.volumes ?? {}))
    const used = [
      ...Object.values(lvm.options.volumeGroups ?? {}).flatMap(({ devices }) => devices),
      ...Object.values(filesystems.options).map(({ device }) => device),
    ]
    const partitions = existingPartitions(nodes, used)
    const options = { partitions, ...lvm.options, filesystems: filesystems.options }
    const remarks = [...lvm.remarks, ...filesystems.remarks]
    const sources = [
      { path: [], from: 'lvm fullreport, and the names below /dev' },
      { path: ['partitions'], from: 'sfdisk -J' },
      { path: ['filesystems'], from: '/etc/fstab' },
    ]
    return Object.values(options).every((part) => Object.keys(part ?? {}).length === 0)
      ? { sources, remarks }
      : { options, sources, remarks }
  },
})
