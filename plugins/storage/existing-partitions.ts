import { kernelName, stableName, type Table } from './existing.js'
import type { ByNode, Node, Options } from './reconstruct.js'

type Partitions = NonNullable<Options['partitions']>
const isLabel = (name: string): boolean => /^[A-Za-z0-9_-]{1,36}$/.test(name)

const partsOf = ({ partitions, freeMiB }: Table): Partitions[string] =>
  partitions.map(({ name, sizeMiB }, i) =>
    // The last one without a size took all that was free.
    i === partitions.length - 1 && freeMiB < 1 ? { label: name } : { label: name, sizeMiB: Math.round(sizeMiB) },
  )

/**
 * Partitions of disks of which a volume group or a filesystem of the config uses one by its label. Others are evidence
 * that `check` needs no description of.
 */
export function existingPartitions(nodes: ByNode<Node>, used: readonly string[]): Record<string, Partitions[string]> {
  const found: Record<string, Partitions[string]> = {}
  const tables = Object.values(nodes).map(({ devices }) =>
    Object.entries(devices.tables).filter(([, { label, partitions }]) => {
      const labels = partitions.map(({ name }) => name)
      const isUsed = partitions.some(({ node }) =>
        used.some((path) => path.startsWith('/dev/disk/by-partlabel/') && kernelName(devices, path) === node),
      )
      return label === 'gpt' && isUsed && labels.every(isLabel) && new Set(labels).size === labels.length
    }),
  )
  const [first = [], ...others] = tables
  for (const [disk, table] of first) {
    const parts = partsOf(table)
    const twins = others.map(
      (list) => list.find(([, other]) => JSON.stringify(partsOf(other)) === JSON.stringify(parts))?.[0],
    )
    if (twins.some((twin) => twin === undefined)) continue
    const names = Object.values(nodes).map(
      ({ devices }, i) => devices.names[i === 0 ? disk : (twins[i - 1] ?? '')] ?? [],
    )
    const name = stableName(names) ?? (twins.every((twin) => twin === disk) ? disk : undefined)
    if (name !== undefined) found[name] = parts
  }
  return found
}
