import type { Schema } from './infer.js'
import type {
  AnyPlugin,
  Existing,
  Finding,
  Plugin,
  PluginDefinition,
  Probes,
  Reconstructed,
  Reconstruction,
  Task,
  TaskBuilder,
} from './types.js'

/**
 * Declares a plugin. Types of options come from `schema`; `of(plugin)` is limited to `requires` and `reads`.
 * The result is a plain object: the engine looks at its shape, never at where it was made.
 */
export function definePlugin<
  const N extends string,
  const S extends Schema,
  const R extends readonly AnyPlugin[] = readonly [],
  const D extends readonly AnyPlugin[] = readonly [],
>(definition: PluginDefinition<N, S, R, D>): Plugin<N, S> {
  return definition as unknown as Plugin<N, S>
}

const scoped =
  (scope: Task['scope']) =>
  (task: object): Task =>
    ({ ...task, scope }) as Task

/** The builders that `tasks(t)` is given. */
export const builder = {
  perNode: scoped('node'),
  onControlPerNode: scoped('control-per-node'),
  perCluster: scoped('cluster'),
  onControl: scoped('control'),
} as TaskBuilder<unknown, AnyPlugin>

/** A finding with its id as a literal type, so that a missing fix is a compile error. */
export const finding = <const Id extends string>(id: Id, rest: Omit<Finding<Id>, 'id'>): Finding<Id> => ({
  id,
  ...rest,
})

/** Declares how a plugin writes its options from existing nodes; holds the types of its facts together. */
export const reconstruction = <P extends Probes, O>(definition: {
  readonly probes: P
  build(at: Existing<P>): Reconstructed<O>
  readonly untraced?: Readonly<Record<string, string>>
}): Reconstruction<O> => ({ untraced: {}, ...definition })

/** One value for all nodes, or each node's own where they disagree (compared as JSON). */
export function agreed<T>(
  values: Readonly<Record<string, T>>,
): { readonly value: T } | { readonly values: Readonly<Record<string, T>> } {
  const all = Object.values(values)
  const [first] = all
  return all.every((value) => JSON.stringify(value) === JSON.stringify(first)) ? { value: first as T } : { values }
}
