import { homedir, hostname } from 'node:os'
import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { errors, guarded, type LocatedFault } from '../errors.js'
import type { Schema } from '../plugin/infer.js'
import { loadPlugins } from '../plugin/load.js'
import { sequence } from '../plugin/sequence.js'
import type { AnyPlugin, Cluster, Context, Hooks, Mode, NodeConfig, NodeContext } from '../plugin/types.js'
import { composeSchema } from './compose.js'
import { loadConfig } from './load.js'
import { override, parsePath } from './override.js'
import { siblingFaults } from './siblings.js'
import { undecidedFaults } from './undecided.js'
import { validateSchema } from './validate.js'

/** A config that was read, validated and frozen: all that a run knows before it asks a machine. */
export interface Settled {
  readonly file: string
  readonly cluster: Cluster
  /** In the order in which they run. */
  readonly plugins: readonly AnyPlugin[]
  readonly hooks: Hooks
  /** Options of a plugin by its name. */
  settings(plugin: string): unknown
  contextOf(plugin: AnyPlugin, mode: Mode): Context<unknown>
  nodeContextOf(plugin: AnyPlugin, mode: Mode, node: string): NodeContext<unknown>
}

export interface SettleOptions {
  readonly cwd: string
  readonly builtins: readonly AnyPlugin[]
  readonly file?: string | undefined
  readonly set?: readonly string[]
}

export const stateRoot = (): string =>
  join(process.env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state'), 'ha-provision')

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function freeze<T>(value: T): T {
  if (Array.isArray(value) || (isRecord(value) && Object.getPrototypeOf(value) === Object.prototype)) {
    for (const child of Object.values(value)) freeze(child)
    Object.freeze(value)
  }
  return value
}

/** The plugins that take part: those the config names, those it lists, and what they require. */
function taking(
  all: readonly AnyPlugin[],
  listed: readonly AnyPlugin[],
  config: Record<string, unknown>,
): ReadonlySet<AnyPlugin> {
  const part = new Set(all.filter((plugin) => plugin.name in config || listed.includes(plugin)))
  for (const plugin of part)
    for (const needed of plugin.requires ?? []) part.add(all.find(({ name }) => name === needed.name) ?? needed)
  return part
}

export async function settle({ cwd, builtins, file, set = [] }: SettleOptions): Promise<Settled> {
  const loaded = await loadConfig({ cwd, file })
  const shownFile = relative(cwd, loaded.file) || loaded.file
  const configDir = dirname(loaded.file)
  if (!isRecord(loaded.config)) {
    throw errors.config([
      {
        path: '',
        message: `expected an object, got ${Array.isArray(loaded.config) ? 'a list' : typeof loaded.config}`,
        hint: 'see `ha-provision init` for an example',
        file: shownFile,
      },
    ])
  }
  const listed = await loadPlugins(Array.isArray(loaded.config.plugins) ? loaded.config.plugins : [], configDir)
  const all = [...builtins, ...listed]
  const double = all.find(({ name }, i) => all.findIndex((other) => other.name === name) !== i)
  if (double)
    throw errors.plugin(double.name, 'there are two plugins of this name', 'rename or remove one in `plugins`')

  const open = composeSchema(all) as Schema
  const overridden = set.reduce<object>(
    (config, assignment) => override(config, open, assignment),
    loaded.config,
  ) as Record<string, unknown>
  const part = taking(all, listed, overridden)
  const config = { ...Object.fromEntries([...part].map(({ name }) => [name, {}])), ...overridden }
  const names = isRecord(config.nodes) ? Object.keys(config.nodes) : []
  const sound = (plugin: AnyPlugin) =>
    guarded(plugin.name, 'schema', () => validateSchema(composeSchema([plugin], names), {}))
  listed.forEach(sound)
  const replaced = set.map((assignment) => parsePath(assignment.split('=')[0] ?? '') ?? [])
  const located = (fault: LocatedFault, path: readonly (string | number)[]): LocatedFault =>
    replaced.some((own) => own.length > 0 && own.every((key, i) => String(key) === String(path[i])))
      ? { ...fault, file: '--set' }
      : { ...fault, file: shownFile, ...loaded.locate(path) }
  const { plugins: _plugins, hooks: _hooks, ...options } = overridden
  const holes = undecidedFaults(options)
  if (holes.length > 0) throw errors.config(holes.map(({ at, ...fault }) => located(fault, at)))
  const { faults: schemaFaults, settings } = validateSchema(composeSchema(all, names), config)
  const faults: LocatedFault[] = schemaFaults.map(({ at, ...fault }) => located(fault, at))
  freeze(settings)

  const cluster: Cluster = {
    name: String(settings.cluster),
    nodes: Object.entries((settings.nodes ?? {}) as Record<string, Omit<NodeConfig, 'name'>>).map(([name, node]) => ({
      ...node,
      name,
    })),
    configDir,
    stateDir: join(stateRoot(), String(settings.cluster)),
  }
  const plugins = faults.length > 0 ? [] : sequence([...all].filter((plugin) => part.has(plugin)))
  const contextOf = (plugin: AnyPlugin, mode: Mode): Context<unknown> => {
    const readable = new Set([...(plugin.requires ?? []), ...(plugin.reads ?? [])].map(({ name }) => name))
    return {
      settings: settings[plugin.name],
      cluster,
      mode,
      get packages() {
        return plugins.flatMap((p) => p.packages?.(contextOf(p, mode)) ?? [])
      },
      offered: (name) => plugins.flatMap((p) => p.offers?.(contextOf(p, mode))[name] ?? []),
      of(other: AnyPlugin) {
        if (!readable.has(other.name))
          throw new Error(`plugin ${plugin.name} reads options of ${other.name} without naming it in requires or reads`)
        return settings[other.name] as never
      },
    }
  }
  for (const plugin of plugins) {
    for (const fault of guarded(plugin.name, 'validate', () => plugin.validate?.(contextOf(plugin, 'create'))) ?? []) {
      faults.push(located(fault, parsePath(fault.path) ?? []))
    }
  }
  if (faults.length === 0)
    faults.push(
      ...(await siblingFaults({ file: loaded.file, plugins, config })).map((fault) =>
        located(fault, parsePath(fault.path) ?? []),
      ),
    )
  if (faults.length > 0) throw errors.config(faults)

  return {
    file: loaded.file,
    cluster,
    plugins,
    hooks: (loaded.config.hooks ?? {}) as Hooks,
    settings: (plugin) => settings[plugin],
    contextOf,
    nodeContextOf(plugin, mode, node) {
      // `packages` is a getter; a spread would compute it for every node.
      return Object.defineProperties(
        {},
        {
          ...Object.getOwnPropertyDescriptors(contextOf(plugin, mode)),
          node: { value: node, enumerable: true },
          peers: { value: cluster.nodes.map(({ name }) => name).filter((name) => name !== node), enumerable: true },
        },
      ) as NodeContext<unknown>
    },
  }
}

/** Paths in `ssh` options start at the config file, `~` is the home directory. */
export const fromConfig = (cluster: Cluster, path: string): string =>
  path.startsWith('~/') ? join(homedir(), path.slice(2)) : isAbsolute(path) ? path : resolve(cluster.configDir, path)

export const here = (): string => `${process.env.USER ?? process.getuid?.() ?? 'someone'}@${hostname()}`
