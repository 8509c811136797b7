import { composeSchema } from '../config/compose.js'
import { validateSchema } from '../config/validate.js'
import type { Known } from './assemble.js'

/** What the core's own options would not take, such as a node whose name is in upper case. */
export function coreFaults(config: Readonly<Record<string, unknown>>, nodes: readonly string[]): readonly Known[] {
  const { cluster, nodes: access } = config
  return validateSchema(composeSchema([], nodes), { cluster, nodes: access }).faults.map(({ at, message }) => ({
    path: at,
    how: 'other',
    why: `not valid in a config: ${message}`,
  }))
}
