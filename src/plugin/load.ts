import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { coreSchema } from '../config/core.js'
import { importScript } from '../config/load.js'
import { errors, reasonOf } from '../errors.js'
import type { AnyPlugin } from './types.js'

function asPlugin(value: unknown, spec: string, missing: string): AnyPlugin {
  const plugin = value as Partial<AnyPlugin> | null
  if (typeof plugin !== 'object' || plugin === null) throw errors.plugin(spec, missing)
  if (typeof plugin.name !== 'string' || !/^[a-z][a-z0-9-]*$/.test(plugin.name))
    throw errors.plugin(spec, 'its `name` must be lower-case letters, digits and hyphens')
  if (plugin.name in coreSchema) throw errors.plugin(spec, `"${plugin.name}" is an option of the core`, 'rename it')
  if (typeof plugin.schema !== 'object') throw errors.plugin(spec, 'has no `schema`')
  if (typeof plugin.tasks !== 'function') throw errors.plugin(spec, 'has no `tasks`')
  return plugin as AnyPlugin
}

/** Plugins of a config's `plugins`: objects as they are, relative paths and package names from the config's folder. */
export async function loadPlugins(specs: readonly unknown[], configDir: string): Promise<readonly AnyPlugin[]> {
  const plugins: AnyPlugin[] = []
  for (const [i, spec] of specs.entries()) {
    if (typeof spec !== 'string') {
      plugins.push(asPlugin(spec, `plugins[${i}]`, 'is no plugin object, path or package name'))
      continue
    }
    const isPath = spec.startsWith('.') || spec.startsWith('/')
    let file: string
    try {
      file = isPath ? resolve(configDir, spec) : createRequire(join(configDir, 'package.json')).resolve(spec)
    } catch {
      throw errors.plugin(spec, 'is not installed', `npm install ${spec}; a file needs a path that starts with ./`)
    }
    if (isPath && !existsSync(file)) throw errors.plugin(spec, 'there is no such file', `looked for ${file}`)
    let value: unknown
    try {
      value = await importScript(file)
    } catch (error) {
      throw errors.plugin(spec, reasonOf(error), 'correct the place named above')
    }
    plugins.push(asPlugin(value, spec, 'has no plugin as its default export'))
  }
  return plugins
}
