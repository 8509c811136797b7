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
export const backingPath = ({ volume }: Resource): string => (volume.startsWith('/') ? volume : volumePath(volume))
export const resourceFile = (name: string): string => `/etc/drbd.d/${name}.res`
