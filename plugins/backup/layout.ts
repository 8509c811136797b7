import type { Context, Settings, TaskBuilder } from 'ha-provision'
import type db2 from '../db2/index.js'
import type drbd from '../drbd/index.js'
import type { schema } from './schema.js'
import { tools } from './tools/index.js'
import type { Tool } from './tools/tool.js'

export type Backup = Settings<typeof schema>
export type Reads = typeof db2 | typeof drbd
export type At = Context<Backup, Reads>
export type Builder = TaskBuilder<Backup, Reads>

export const toolOf = ({ settings }: Pick<At, 'settings'>): Tool => tools[settings.tool]
