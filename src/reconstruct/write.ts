import { Document, isMap, isSeq, type Node, type YAMLMap } from 'yaml'
import { renderPath } from '../config/override.js'
import type { OptionPath } from '../plugin/types.js'
import type { Known } from './assemble.js'

/** A comment is one line, whatever a plugin says. */
const line = (text: string): string => text.replace(/\s*[\p{Cc}\u2028\u2029]\s*/gu, ' ')

/** What stands above an option: how it is known, where it was not simply read. */
function comment({ how, why, values }: Known): string | undefined {
  if (how === 'inferred') return `inferred: ${why}`
  if (how === 'other' || how === 'undecided') return why
  if (how !== 'differs') return undefined
  const each = Object.entries(values ?? {}).map(([node, value]) => `${node} has ${JSON.stringify(value)}`)
  return `the nodes disagree: ${each.join(', ')}${why ? `; ${why}` : ''}`
}

const isIn = (config: unknown, path: OptionPath): boolean => {
  let value = config
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false
    value = (value as Record<string | number, unknown>)[key]
  }
  return true
}

/** Comments by rendered path. One about an option that is not there goes to the nearest that is, and names it. */
function placed(config: object, known: readonly Known[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>()
  for (const one of known) {
    const text = comment(one)
    if (text === undefined) continue
    let at = one.path
    while (at.length > 0 && (!isIn(config, at) || typeof at.at(-1) === 'number')) at = at.slice(0, -1)
    const rest = renderPath(one.path.slice(at.length))
    const key = renderPath(at)
    found.set(key, [...(found.get(key) ?? []), line(rest === '' ? text : `${rest}: ${text}`)])
  }
  return found
}

/** The config as a YAML file. */
export function toYaml(config: object, known: readonly Known[], header: string): string {
  const document = new Document(config)
  const notes = placed(config, known)
  document.commentBefore = [header, ...(notes.get('') ?? [])].map((text) => ` ${text}`).join('\n')
  const walk = (node: Node | null, path: OptionPath): void => {
    if (isSeq(node)) for (const [i, item] of node.items.entries()) walk(item as Node, [...path, i])
    if (!isMap(node)) return
    for (const pair of (node as YAMLMap<Node & { value: string }, Node | null>).items) {
      const own = [...path, pair.key.value]
      const lines = notes.get(renderPath(own))
      if (lines) pair.key.commentBefore = lines.map((text) => ` ${text}`).join('\n')
      walk(pair.value, own)
    }
  }
  walk(document.contents, [])
  return document.toString({ lineWidth: 0, flowCollectionPadding: false })
}

const literal = (value: string): string =>
  `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
// `__proto__: x` would set the prototype.
const name = (key: string): string =>
  key === '__proto__' ? "['__proto__']" : /^[A-Za-z_$][\w$]*$/.test(key) ? key : literal(key)

/** The config as a TypeScript file. */
export function toTypeScript(config: object, known: readonly Known[], header: string): string {
  const notes = placed(config, known)
  const print = (value: unknown, depth: string, path: OptionPath): string => {
    if (typeof value === 'string') return literal(value)
    if (typeof value !== 'object' || value === null) return String(value)
    if (Array.isArray(value)) {
      const items = value.map((item, i) => print(item, `${depth}  `, [...path, i]))
      const flat = `[${items.join(', ')}]`
      return flat.length < 80 && !flat.includes('\n')
        ? flat
        : `[\n${items.map((item) => `${depth}  ${item},\n`).join('')}${depth}]`
    }
    if (Object.keys(value).length === 0) return '{}'
    const lines = Object.entries(value).map(([key, child]) => {
      const own = [...path, key]
      const above = (notes.get(renderPath(own)) ?? []).map((text) => `${depth}  // ${text}\n`).join('')
      return `${above}${depth}  ${name(key)}: ${print(child, `${depth}  `, own)},\n`
    })
    return `{\n${lines.join('')}${depth}}`
  }
  const head = [header, ...(notes.get('') ?? [])].map((text) => `// ${text}\n`).join('')
  return `${head}import { defineConfig } from 'ha-provision'\n\nexport default defineConfig(${print(config, '', [])})\n`
}
