import type { Backup } from '../layout.js'
import { custom } from './custom.js'
import { native } from './native.js'
import type { Tool } from './tool.js'

export const tools: Readonly<Record<Backup['tool'], Tool>> = { 'db2-native': native, custom }
