import { parse } from 'yaml'
import { errors } from '../errors.js'
import type { Schema } from '../plugin/infer.js'
import { suggestion } from './suggest.js'

/** `a.b["c.d"][0]` → `['a', 'b', 'c.d', 0]` */
export function parsePath(text: string): readonly (string | number)[] | undefined {
  const part = /\.?([^.[\]"=]+)|\[(\d+)\]|\["([^"]*)"\]/y
  const path: (string | number)[] = []
  while (part.lastIndex < text.length) {
    const match = part.exec(text)
    if (!match) return undefined
    path.push(match[2] !== undefined ? Number(match[2]) : (match[3] ?? match[1] ?? ''))
  }
  return path.length > 0 ? path : undefined
}

export const renderPath = (path: readonly (string | number)[]): string =>
  path.map((p, i) => (typeof p === 'number' ? `[${p}]` : /^[\w-]+$/.test(p) ? (i ? `.${p}` : p) : `["${p}"]`)).join('')

const branches = (schema: Schema): readonly Schema[] => [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]

/** The schema of one key of an object or list; undefined where it has none. */
export function step(schema: Schema, key: string | number): Schema | undefined {
  for (const branch of branches(schema)) {
    if (typeof key === 'number' && branch.items) return branch.items
    if (branch.properties && Object.hasOwn(branch.properties, key)) return branch.properties[key]
    if (typeof branch.additionalProperties === 'object') return branch.additionalProperties
  }
  return undefined
}

/** A `--set path=value`: the value is a YAML scalar or flow collection; text stays text where the schema wants text. */
export function override(config: object, composed: Schema, assignment: string): object {
  const at = /^((?:[^="]|"[^"]*")+)=(.*)$/s.exec(assignment)
  const path = at ? parsePath(at[1] ?? '') : undefined
  if (!at || !path)
    throw errors.usage(
      `--set ${assignment}: expected path=value`,
      'for example --set drbd.protocol=C, --set \'storage.volumes["vg0/data"].sizeMiB=512\'',
    )
  let schema: Schema = composed
  for (const [i, key] of path.entries()) {
    const next = step(schema, key)
    if (!next) {
      const known = branches(schema).flatMap((branch) => Object.keys(branch.properties ?? {}))
      throw errors.usage(
        `--set ${renderPath(path)}: unknown option "${key}"${i ? ` in ${renderPath(path.slice(0, i))}` : ''}`,
        suggestion(String(key), known),
      )
    }
    schema = next
  }
  const text = at[2] ?? ''
  const wantsText = branches(schema).every(
    ({ type, $ref, enum: e }) => type === 'string' || $ref || e?.every((v) => typeof v === 'string'),
  )
  let value: unknown = text
  if (!wantsText) {
    try {
      value = parse(text)
    } catch {
      throw errors.usage(`--set ${renderPath(path)}: "${text}" cannot be read`, 'values are written as in YAML')
    }
  }
  const put = (node: unknown, [key, ...rest]: readonly (string | number)[]): unknown => {
    if (key === undefined) return value
    if (typeof key === 'number') {
      const list = Array.isArray(node) ? [...node] : []
      if (key > list.length)
        throw errors.usage(
          `--set ${renderPath(path)}: the list has ${list.length} entries`,
          `the next free index is ${list.length}`,
        )
      list[key] = put(list[key], rest)
      return list
    }
    const object = typeof node === 'object' && node !== null && !Array.isArray(node) ? node : {}
    return { ...object, [key]: put((object as Record<string, unknown>)[key], rest) }
  }
  return put(config, path) as object
}
