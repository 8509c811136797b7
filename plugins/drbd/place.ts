import { agreed, type Reconstructed, type Remark } from 'ha-provision'
import { type Place, placesOf, type Signs, tellers } from './filesystem-signs.js'
import { devicePlain } from './layout.js'
import type { ResourceInput } from './merge.js'
import { schema } from './schema.js'

type Filesystem = NonNullable<ResourceInput['filesystem']>
const { properties } = schema.properties.resources.additionalProperties.properties.filesystem
const isType = (type: string): type is NonNullable<Filesystem['type']> =>
  (properties.type.enum as readonly string[]).includes(type)
const isMount = (mount: string): boolean => new RegExp(properties.mount.pattern).test(mount)

/** A resource's device as both nodes call it, and the backing devices below. */
export interface Device {
  readonly name: string
  readonly minor: number
  readonly disks: readonly string[]
}

/** By number where it is mounted; else by any of the names that udev has for it. */
const isOf =
  ({ name, minor, disks }: Device) =>
  (place: Place): boolean =>
    place.minor === undefined
      ? [
          `/dev/drbd${minor}`,
          `/dev/drbd_${name}`,
          `/dev/drbd/by-res/${name}`,
          `/dev/drbd/by-res/${name}/0`,
          ...disks.map((disk) => `/dev/drbd/by-disk${disk.replace(/^\/dev/, '')}`),
        ].includes(place.device)
      : place.minor === minor

/** The filesystem of a resource: where it is mounted, else where it is to be, and what lies on the backing device. */
export function placeOf(device: Device, nodes: Readonly<Record<string, Signs>>): Reconstructed<Filesystem> {
  const path = ['resources', device.name, 'filesystem']
  const none = (...remarks: readonly Remark[]) => ({ sources: [], remarks })
  const other = (why: string) => none({ kind: 'other', path, why })
  const disks = device.disks.map(devicePlain)
  const content = Object.values(nodes).flatMap(({ devices: { contents } }) =>
    Object.entries(contents).flatMap(([disk, type]) => (disks.includes(devicePlain(disk)) ? [type] : [])),
  )[0]
  const signs = Object.entries(nodes).flatMap(([node, own]) =>
    placesOf(own)
      .filter(isOf(device))
      .map((place) => ({ node, ...place })),
  )
  const from = tellers.find((source) => signs.some((sign) => sign.from === source))
  if (from === undefined) {
    if (content === undefined) return none()
    return isType(content)
      ? none({ kind: 'unknown', path, why: `there is ${content} on it; nothing says where it is mounted` })
      : other(`there is ${content} on it, which is no filesystem of a config`)
  }
  const best = signs.filter((sign) => sign.from === from)
  const mounts = agreed(Object.fromEntries(best.map(({ node, mount }) => [node, mount])))
  if ('values' in mounts) return none({ kind: 'differs', path: [...path, 'mount'], values: mounts.values })
  const several = new Set(best.map(({ mount }) => mount))
  if (several.size > 1) return other(`${from} has it in several places: ${[...several].join(', ')}`)
  const mount = mounts.value
  // What lies on the disk counts for `check`; a table may be wrong about it.
  const type = content ?? best.flatMap((sign) => sign.type ?? [])[0]
  if (!isMount(mount) || (type !== undefined && !isType(type)))
    return other(`${type ?? 'something'} at ${mount} cannot be said in a config`)
  const remarks: Remark[] = []
  const elsewhere = signs.find((sign) => sign.mount !== mount)
  if (elsewhere)
    remarks.push({
      kind: 'inferred',
      path: [...path, 'mount'],
      why: `${from} says so; ${elsewhere.from} of ${elsewhere.node} says ${elsewhere.mount}`,
    })
  if (type === undefined)
    remarks.push({ kind: 'inferred', path: [...path, 'type'], why: 'nothing says it; the default' })
  return {
    options: { ...(type === undefined ? {} : { type }), mount },
    sources: [{ path, from: content === undefined ? from : `${from}, blkid` }],
    remarks,
  }
}
