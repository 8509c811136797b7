import { composeSchema } from '../config/compose.js'
import { validateSchema } from '../config/validate.js'
import type { StageFacts } from '../engine/survey.js'
import type { AnyPlugin, Existing, OptionPath, Probes, Reconstructed, Remark } from '../plugin/types.js'
import { withoutDefaults } from './defaults.js'
import { withoutSecrets } from './secrets.js'
import { isThere, withUndecided } from './undecided.js'

/** How one option is known. */
export interface Known {
  /** From the config's root. */
  readonly path: OptionPath
  readonly how: 'observed' | 'inferred' | 'unknown' | 'differs' | 'undecided' | 'other'
  /** Command or file it was read from. */
  readonly from?: string
  readonly why?: string
  readonly values?: Readonly<Record<string, unknown>>
}

export interface Assembled {
  /** Options by plugin, without defaults. */
  readonly options: Readonly<Record<string, unknown>>
  readonly known: readonly Known[]
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Paths of all values in options. A list is one value. */
export const leaves = (value: unknown, path: OptionPath = []): readonly OptionPath[] =>
  isRecord(value) && Object.keys(value).length > 0
    ? Object.entries(value).flatMap(([key, child]) => leaves(child, [...path, key]))
    : [path]

export const isBelow = (path: OptionPath, above: OptionPath): boolean =>
  above.length <= path.length && above.every((key, i) => String(key) === String(path[i]))

/** What said it: the nearest source above. */
const sourceOf = (path: OptionPath, { sources }: Reconstructed<unknown>): string =>
  sources
    .filter((source) => isBelow(path, source.path))
    .toSorted((one, other) => other.path.length - one.path.length)[0]?.from ?? 'its probes'

/** Whether a config must say something of that plugin. */
const needsOptions = (plugins: readonly AnyPlugin[], name: string): boolean =>
  (plugins.find((plugin) => plugin.name === name)?.schema.required ?? []).length > 0

/** Runs the plugins' reconstructions in their order; each sees the options of those before it, defaults filled in, without what is undecided. */
export function assemble(
  plugins: readonly AnyPlugin[],
  nodes: Readonly<Record<string, ReadonlyMap<string, StageFacts>>>,
): Assembled {
  const names = Object.keys(nodes)
  const options: Record<string, unknown> = {}
  const settings: Record<string, unknown> = {}
  const known: Known[] = []
  const left: { readonly plugin: AnyPlugin; readonly option: OptionPath; readonly path: OptionPath; why: string }[] = []
  const leaveOpen = (plugin: AnyPlugin, path: OptionPath) => {
    options[plugin.name] = withUndecided(plugin.schema, options[plugin.name], path)
  }
  for (const plugin of plugins) {
    const at = (path: OptionPath): OptionPath => [plugin.name, ...path]
    const { reconstruct } = plugin
    if (!reconstruct) {
      const why = plugin.modes
        ? `only ${plugin.modes.join(' and ')} uses it; existing nodes need none of it`
        : 'this plugin cannot be reconstructed'
      known.push({ path: at([]), how: 'unknown', why })
      continue
    }
    const facts: Record<string, unknown> = {}
    const unreadable = Object.entries(nodes).flatMap(([node, groups]) => {
      const own = groups.get(plugin.name)
      if (own && 'facts' in own) facts[node] = own.facts
      return own && 'unreadable' in own ? [`${node}: ${own.unreadable}`] : []
    })
    if (unreadable.length > 0) {
      // Half of a cluster is not a cluster: what one node says would be taken for both.
      known.push({ path: at([]), how: 'unknown', why: unreadable.join('; ') })
      continue
    }
    const existing = {
      nodes: facts,
      of: (other: AnyPlugin) => settings[other.name],
    } as unknown as Existing<Probes>
    let made: Reconstructed<unknown>
    try {
      made = reconstruct.build(existing)
    } catch (error) {
      known.push({ path: at([]), how: 'unknown', why: error instanceof Error ? error.message : String(error) })
      continue
    }
    for (const remark of made.remarks) known.push(spell(remark, at(remark.path)))
    if (made.options === undefined) {
      known.push({ path: at([]), how: 'observed', from: sourceOf([], made), why: 'not there' })
      continue
    }
    // Without what it requires its part would make the whole config invalid.
    const lacking = (plugin.requires ?? []).filter(({ name }) => !(name in options) && needsOptions(plugins, name))
    if (lacking.length > 0) {
      const why = `left out: it needs ${lacking.map(({ name }) => name).join(' and ')}, of which nothing could be written`
      known.push({ path: at([]), how: 'other', why })
      continue
    }
    const { value: slim, paths: hidden } = withoutSecrets(plugin.schema, withoutDefaults(plugin.schema, made.options))
    options[plugin.name] = slim
    for (const path of hidden)
      known.push({
        path: at(path),
        how: 'other',
        why: 'a secret: it is read on the nodes and never written; where the config must say it, refer to it (a file, an environment variable)',
      })
    for (const path of leaves(slim)) {
      const isRemarked = made.remarks.some((remark) => remark.path.length > 0 && isBelow(path, remark.path))
      if (!isRemarked) known.push({ path: at(path), how: 'observed', from: sourceOf(path, made) })
    }
    for (const [path, why] of Object.entries(reconstruct.untraced))
      known.push({ path: at(path.split('.')), how: 'unknown', why })
    const checked = validateSchema({ ...composeSchema([plugin], names), required: [] }, { [plugin.name]: slim })
    for (const fault of checked.faults)
      known.push({ path: fault.at, how: 'other', why: `not valid in a config: ${fault.message}` })
    if (checked.faults.length === 0) settings[plugin.name] = checked.settings[plugin.name]
    for (const { kind, path } of made.remarks) if (kind === 'differs' || kind === 'undecided') leaveOpen(plugin, path)
    left.push(...(made.leftTo ?? []).map((one) => ({ plugin, ...one })))
  }
  for (const { plugin, option, path, why } of left) {
    if (isThere(options, option)) continue
    known.push({ path: [plugin.name, ...path], how: 'undecided', why })
    leaveOpen(plugin, path)
  }
  return { options, known }
}

const spell = (remark: Remark, path: OptionPath): Known =>
  remark.kind === 'differs'
    ? { path, how: 'differs', values: remark.values, ...(remark.why ? { why: remark.why } : {}) }
    : { path, how: remark.kind, why: remark.why }
