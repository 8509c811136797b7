import type { Schema } from '../plugin/infer.js'
import type { AnyPlugin } from '../plugin/types.js'
import { coreSchema } from './core.js'

/** The schema of a whole config. With node names, options that take a node accept just these. */
export function composeSchema(plugins: readonly AnyPlugin[], nodes?: readonly string[]): object {
  const options: Record<string, Schema> = Object.fromEntries(plugins.map(({ name, schema }) => [name, schema]))
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'ha-provision',
    type: 'object',
    additionalProperties: false,
    required: ['cluster', 'nodes'],
    properties: { $schema: { type: 'string' }, ...coreSchema, ...options },
    // Without nodes there is nothing to choose from; that they are missing is a fault of its own.
    definitions: {
      node: nodes?.length ? { type: 'string', enum: nodes } : { type: 'string', description: "A node's name." },
    },
  }
}
