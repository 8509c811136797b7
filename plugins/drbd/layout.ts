import type { Context, Settings, TaskBuilder } from 'ha-provision'
import type network from '../network/index.js'
import type storage from '../storage/index.js'
import { volumePath } from '../storage/index.js'
import type { schema } from './schema.js'

export type Drbd = Settings<typeof schema>
export type Resource = Drbd['resources'][string]
export type At = Context<Drbd, typeof network | typeof storage>
export type Builder = TaskBuilder<Drbd, typeof network | typeof storage>

export const devicePath = ({ minor }: Resource): string => `/dev/drbd${minor}`
const pathOf = (volume: string): string => (volume.startsWith('/') ? volume : volumePath(volume))
export const backingPath = ({ volume }: Resource): string => pathOf(volume)
/** As `meta-disk` says it. */
export const metadataPath = ({ metadata }: Resource): string => (metadata === 'internal' ? metadata : pathOf(metadata))
export const resourceFile = (name: string): string => `/etc/drbd.d/${name}.res`

/** One spelling for the two that udev has for a logical volume: /dev/mapper/vg0-my--data is /dev/vg0/my-data. */
export function devicePlain(path: string): string {
  const [, group, volume] = /^\/dev\/mapper\/((?:[^-]|--)+)-((?:[^-]|--)+)$/.exec(path) ?? []
  const plain = (name = '') => name.replaceAll('--', '-')
  return group === undefined ? path : `/dev/${plain(group)}/${plain(volume)}`
}
