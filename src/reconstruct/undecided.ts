import { step } from '../config/override.js'
import { undecided } from '../config/undecided.js'
import type { Schema } from '../plugin/infer.js'
import type { OptionPath } from '../plugin/types.js'

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether a config says something at that path. */
export const isThere = (config: unknown, [key, ...rest]: OptionPath): boolean =>
  key === undefined || (isObject(config) && Object.hasOwn(config, key) && isThere(config[key], rest))

/**
 * The options with `path` left open. What stands there stays: a plugin said it knowingly. Not where the schema has no such option, nor below an
 * entry of a map that was not written (a resource, an instance): a person would have to make up all the rest of it.
 */
export function withUndecided(schema: Schema, options: unknown, path: OptionPath): unknown {
  const [key, ...rest] = path
  if (key === undefined || !isObject(options)) return options
  const own = step(schema, key)
  const isHere = Object.hasOwn(options, key)
  if (!own || (rest.length === 0 && isHere)) return options
  if (rest.length === 0) return { ...options, [key]: undecided }
  if (!isHere && !Object.hasOwn(schema.properties ?? {}, key)) return options
  const below = withUndecided(own, options[key] ?? {}, rest)
  return isHere || Object.keys(below as object).length > 0 ? { ...options, [key]: below } : options
}
