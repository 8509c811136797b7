import type { Remark } from 'ha-provision'
import { kernelName, stableName } from './existing.js'
import { isByHand } from './filesystems.js'
import type { ByNode, Node, Options } from './reconstruct.js'

type Filesystem = NonNullable<Options['filesystems']>[string]
interface Entry {
  readonly mount: string
  /** The kernel's name of what is mounted. */
  readonly real: string
  readonly type: string
  readonly options: string
}

/** Entries of fstab(5) for block devices of the node. DRBD's devices belong to the cluster, swap has no mount point. */
function entries({ devices, fstab }: Node): readonly Entry[] {
  return fstab.split('\n').flatMap((line) => {
    const [spec = '', mount = '', type = '', options = ''] = line.replace(/#.*/, '').trim().split(/\s+/)
    const real = kernelName(devices, spec)
    return mount.startsWith('/') && real.startsWith('/dev/') && !/^\/dev\/drbd/.test(real)
      ? [{ mount, real, type, options }]
      : []
  })
}

/** Kind that the kernel has mounted there, where fstab leaves it open. */
const typeOf = ({ devices }: Node, { mount, type }: Entry): string =>
  type === 'auto' ? (devices.mounted.find(({ at }) => at === mount)?.type ?? type) : type

/** Local filesystems: those on volumes of the config, and on partitions with a name that holds on all nodes. */
export function existingFilesystems(
  nodes: ByNode<Node>,
  volumes: readonly string[],
): { readonly options: Record<string, Filesystem>; readonly remarks: readonly Remark[] } {
  const options: Record<string, Filesystem> = {}
  const remarks: Remark[] = []
  const all = Object.entries(nodes).map(([node, own]) => ({ node, own, entries: entries(own) }))
  for (const mount of new Set(all.flatMap((one) => one.entries.map((entry) => entry.mount)))) {
    const found = all.flatMap(({ node, own, entries: list }) => {
      const entry = list.find((one) => one.mount === mount)
      return entry ? [{ node, own, entry }] : []
    })
    const volume = volumes.find((name) =>
      found.every(({ own, entry }) => kernelName(own.devices, `/dev/${name}`) === entry.real),
    )
    const partition = stableName(
      found.map(({ own, entry }) =>
        (own.devices.names[entry.real] ?? []).filter((name) => name.includes('/by-partlabel/')),
      ),
    )
    const device = volume === undefined ? partition : `/dev/${volume}`
    // What the operating system lives on has neither.
    if (device === undefined) continue
    const other = (why: string) => remarks.push({ kind: 'other', path: ['filesystems'], why: `${mount}: ${why}` })
    const kinds = new Set(found.map(({ own, entry }) => typeOf(own, entry)))
    const [type = ''] = kinds
    const [mountOptions = 'defaults'] = found.map(({ entry }) => entry.options || 'defaults')
    const byHand = found.filter(({ entry }) => isByHand(entry.options)).map(({ node }) => node)
    if (byHand.length > 0) other(`fstab has it with noauto on ${byHand.join(' and ')}: something else mounts it`)
    else if (found.length < all.length) other(`only ${found.map(({ node }) => node).join(' and ')} mounts it`)
    else if (kinds.size > 1 || (type !== 'ext4' && type !== 'xfs'))
      other(`${[...kinds].join(' and ')} cannot be said in a config`)
    else if (found.some(({ entry }) => (entry.options || 'defaults') !== mountOptions))
      remarks.push({
        kind: 'differs',
        path: ['filesystems', mount, 'options'],
        values: Object.fromEntries(found.map(({ node, entry }) => [node, entry.options])),
      })
    else options[mount] = { device, type: type as 'ext4' | 'xfs', options: mountOptions }
  }
  return { options, remarks }
}
