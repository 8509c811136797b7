import { errors } from '../errors.js'
import type { AnyPlugin } from './types.js'

/** Topological order by `requires`, `after` and `before`; ties keep the order of the list. */
export function sequence(plugins: readonly AnyPlugin[]): readonly AnyPlugin[] {
  const waitsFor = new Map(
    plugins.map(({ name, requires = [], after = [] }) => [name, new Set([...requires.map((p) => p.name), ...after])]),
  )
  for (const { name, before = [] } of plugins) for (const later of before) waitsFor.get(later)?.add(name)
  const left = [...plugins]
  const ordered: AnyPlugin[] = []
  while (left.length > 0) {
    const ready = left.findIndex(({ name }) => !left.some((other) => waitsFor.get(name)?.has(other.name)))
    if (ready < 0) throw errors.cycle(left.map(({ name }) => name))
    ordered.push(...left.splice(ready, 1))
  }
  return ordered
}
