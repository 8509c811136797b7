import { isDeepStrictEqual } from 'node:util'
import type { Schema } from '../plugin/infer.js'

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The schema of one key of an object, among the branches of a choice the first that knows it. */
export function schemaOf(schema: Schema, key: string): Schema {
  const own = schema.properties?.[key]
  if (own) return own
  for (const branch of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) {
    const found = branch.properties?.[key]
    if (found) return found
  }
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {}
}

/** Options as a person writes them: without what is undefined or equals its default. Objects stay as long as they say something. */
export function withoutDefaults(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutDefaults(schema.items ?? {}, item))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, child]) => {
      const own = schemaOf(schema, key)
      const slim = withoutDefaults(own, child)
      const isDefault =
        'default' in own && (isDeepStrictEqual(child, own.default) || isDeepStrictEqual(slim, own.default))
      return child === undefined || isDefault ? [] : [[key, slim] as const]
    }),
  )
}
