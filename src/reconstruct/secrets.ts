import type { Schema } from '../plugin/infer.js'
import type { OptionPath } from '../plugin/types.js'
import { schemaOf } from './defaults.js'

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Options without those whose schema says `secret`, and the paths of these. A list with a secret in it goes whole: half of it would be another list. */
export function withoutSecrets(
  schema: Schema,
  value: unknown,
  path: OptionPath = [],
): { readonly value: unknown; readonly paths: readonly OptionPath[] } {
  if (Array.isArray(value)) {
    const items = value.map((item) => withoutSecrets(schema.items ?? {}, item, path))
    const isHidden = value.length > 0 && (schema.items?.secret === true || items.some(({ paths }) => paths.length > 0))
    return isHidden ? { value: undefined, paths: [path] } : { value, paths: [] }
  }
  if (!isRecord(value)) return { value, paths: [] }
  const paths: OptionPath[] = []
  const kept = Object.entries(value).flatMap(([key, child]) => {
    const own = schemaOf(schema, key)
    const below = own.secret
      ? { value: undefined, paths: [[...path, key]] }
      : withoutSecrets(own, child, [...path, key])
    paths.push(...below.paths)
    return below.value === undefined ? [] : [[key, below.value] as const]
  })
  return { value: Object.fromEntries(kept), paths }
}
