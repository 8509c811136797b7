import fc from 'fast-check'
import { expect } from 'vitest'
import { composeSchema } from '../../src/config/compose.js'
import { validateSchema } from '../../src/config/validate.js'
import type { AnyPlugin, Output, Reconstructed } from '../../src/index.js'
import { withoutDefaults } from '../../src/reconstruct/defaults.js'

export const nodes = ['db-a', 'db-b'] as const
export type NodeName = (typeof nodes)[number]

/** A cluster without machines: options of the plugin and of those it reads, as a person writes them. */
export interface World<O> {
  readonly options: O
  readonly others?: Readonly<Record<string, unknown>>
}

const schemas = new Map<AnyPlugin, object>()
function schemaOf(plugin: AnyPlugin): object {
  const schema = schemas.get(plugin) ?? { ...composeSchema([plugin], nodes), required: [] }
  schemas.set(plugin, schema)
  return schema
}

/** Options of one plugin with their defaults filled in; a generator that makes invalid ones is a defect of the test. */
export function filled(plugin: AnyPlugin, options: unknown): never {
  const { faults, settings } = validateSchema(schemaOf(plugin), { [plugin.name]: options })
  expect(faults).toEqual([])
  return settings[plugin.name] as never
}

/** Without the options that a plugin declares as untraced: `resources.*.initialSync`. */
export function traced(plugin: AnyPlugin, value: unknown, path: readonly string[] = []): unknown {
  const patterns = Object.keys(plugin.reconstruct?.untraced ?? {}).map((pattern) => pattern.split('.'))
  const isUntraced = (at: readonly string[]) =>
    patterns.some((own) => own.length === at.length && own.every((key, i) => key === '*' || key === at[i]))
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, child]) =>
      isUntraced([...path, key]) ? [] : [[key, traced(plugin, child, [...path, key])] as const],
    ),
  )
}

/** What nodes with these outputs are reconstructed to. */
export function rebuilt<O>(
  plugin: AnyPlugin,
  world: World<O>,
  said: (node: NodeName, probe: string) => Output,
): { readonly options: unknown } & Pick<Reconstructed<unknown>, 'remarks' | 'leftTo'> {
  const { reconstruct } = plugin
  if (!reconstruct) throw new Error(`${plugin.name} has no reconstruct`)
  const facts = Object.fromEntries(
    nodes.map((node) => [
      node,
      Object.fromEntries(
        Object.entries(reconstruct.probes).map(([name, probe]) => [name, probe.parse(said(node, name))]),
      ),
    ]),
  )
  const { options, remarks, leftTo } = reconstruct.build({
    nodes: facts,
    of: (other) => world.others?.[other.name] as never,
  })
  return { options: withoutDefaults(plugin.schema, options), remarks, ...(leftTo ? { leftTo } : {}) }
}

/**
 * The round-trip law for one plugin: what its options make of two nodes is reconstructed to the same options, but for
 * those declared as untraced, and no remark says that the nodes disagree or hold something that cannot be said.
 * `model` gives, for settings with defaults filled in, the outputs of the probes on each node.
 */
export function holdsLaw<O>(
  plugin: AnyPlugin,
  worlds: fc.Arbitrary<World<O>>,
  // biome-ignore lint/suspicious/noExplicitAny: settings of that plugin, defaults filled in
  model: (settings: any, world: World<O>) => (node: NodeName, probe: string) => Output,
  runs = 1000,
): void {
  fc.assert(
    fc.property(worlds, (world) => {
      const settings = filled(plugin, world.options)
      const { options, remarks } = rebuilt(plugin, world, model(settings, world))
      expect(remarks.filter(({ kind }) => kind === 'differs' || kind === 'other')).toEqual([])
      expect(traced(plugin, options)).toEqual(traced(plugin, withoutDefaults(plugin.schema, settings)))
    }),
    { numRuns: runs },
  )
}
