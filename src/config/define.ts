import type { AnyPlugin, Endpoint, Hooks, InputOf } from '../index.js'

/** Options of plugins by name. Plugins add themselves: `declare module 'ha-provision' { interface PluginOptions { x: … } }`. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface PluginOptions {}

export interface UserConfig<P extends readonly (string | AnyPlugin)[] = readonly (string | AnyPlugin)[]> {
  /** Name of the cluster: lower-case letters, digits and hyphens. State and lock are kept under it. */
  cluster: string
  /** The nodes by host name (`uname -n`); how to reach them where ssh's own config does not say. */
  nodes: { [name: string]: { ssh?: Partial<Endpoint> } }
  /** Plugins beyond the built-in ones: objects, relative paths or package names. */
  plugins?: P
  hooks?: Hooks
}

type Named<P> = P extends AnyPlugin ? P : never
type OptionsOf<P extends readonly (string | AnyPlugin)[]> = { [Q in Named<P[number]> as Q['name']]?: InputOf<Q> }

/** Types a config: completion and errors for the core, the built-in plugins and every plugin object in `plugins`. */
export function defineConfig<const P extends readonly (string | AnyPlugin)[]>(
  config: UserConfig<P> & Partial<PluginOptions> & OptionsOf<P>,
): UserConfig<P> & Partial<PluginOptions> & OptionsOf<P> {
  return config
}
