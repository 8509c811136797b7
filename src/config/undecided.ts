import type { Fault } from '../plugin/types.js'
import { renderPath } from './override.js'

/** What `reconstruct` writes where a person must say the value. Leaving the option out would mean its default, on all nodes. */
export const undecided = '<undecided>'

/** Every place of a config that nobody decided yet. */
export function undecidedFaults(
  value: unknown,
  at: readonly (string | number)[] = [],
): readonly (Fault & { readonly at: readonly (string | number)[] })[] {
  if (value === undecided)
    return [
      {
        at,
        path: renderPath(at),
        message: `${undecided}: the nodes did not say it`,
        hint: 'say the value (the comment above it has what is known), or remove the option: then its default holds on all nodes',
      },
    ]
  if (Array.isArray(value)) return value.flatMap((item, i) => undecidedFaults(item, [...at, i]))
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return []
  return Object.entries(value).flatMap(([key, child]) => undecidedFaults(child, [...at, key]))
}
