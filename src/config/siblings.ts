import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { parse } from 'yaml'
import { guarded } from '../errors.js'
import type { AnyPlugin, Fault } from '../plugin/types.js'
import { importScript, searchPlaces } from './load.js'

const depth = 4
const most = 200
const skipped = new Set(['node_modules', 'dist', '.git'])

/** The folder tree that is searched: the checkout that holds the config, else the config's own folder. */
function treeRoot(dir: string): string {
  for (let at = dir; dirname(at) !== at; at = dirname(at)) if (existsSync(join(at, '.git'))) return at
  return dir
}

async function configsBelow(dir: string, level = 0): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
  const own = entries
    .filter((entry) => entry.isFile() && searchPlaces.includes(entry.name) && entry.name !== 'package.json')
    .map(({ name }) => join(dir, name))
  const folders = level < depth ? entries.filter((entry) => entry.isDirectory() && !skipped.has(entry.name)) : []
  const below = await Promise.all(folders.map(({ name }) => configsBelow(join(dir, name), level + 1)))
  return [...own, ...below.flat()].slice(0, most)
}

async function read(file: string): Promise<Record<string, unknown> | undefined> {
  try {
    const value = /\.(ya?ml|json)$/.test(file) ? parse(await readFile(file, 'utf8')) : await importScript(file)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    // A broken neighbour has its own run to say so.
    return undefined
  }
}

/** A neighbour's options are not validated: what cannot be read claims nothing. */
function uniqueOf(plugin: AnyPlugin, config: Record<string, unknown>) {
  try {
    return plugin.unique?.(config[plugin.name]) ?? []
  } catch {
    return []
  }
}

/** Values that no two clusters may share (a port on a common subnet, a key), compared with the other configs of the tree. */
export async function siblingFaults(own: {
  readonly file: string
  readonly plugins: readonly AnyPlugin[]
  readonly config: Record<string, unknown>
}): Promise<readonly Fault[]> {
  const claims = own.plugins.flatMap((plugin) =>
    (guarded(plugin.name, 'unique', () => plugin.unique?.(own.config[plugin.name])) ?? []).map((claim) => ({
      ...claim,
      plugin,
    })),
  )
  if (claims.length === 0) return []
  const root = treeRoot(dirname(own.file))
  const faults: Fault[] = []
  for (const file of await configsBelow(root)) {
    if (file === own.file) continue
    const other = await read(file)
    // The same cluster described twice (a copy in YAML beside one in TypeScript) shares everything on purpose.
    if (!other || other.cluster === own.config.cluster) continue
    for (const { plugin, path, value, what } of claims) {
      if (uniqueOf(plugin, other).some((claim) => claim.path === path && claim.value === value)) {
        faults.push({
          path: `${plugin.name}.${path}`,
          message: `${what} is used by cluster "${other.cluster}" in ${relative(dirname(own.file), file) || basename(file)} too`,
          hint: 'every cluster needs its own',
        })
      }
    }
  }
  return faults
}
