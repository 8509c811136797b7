import drbd from '../drbd/index.js'
import { type At, mountOf } from './layout.js'
import type { InstanceFact } from './probes.js'

export type Nodes = Readonly<Record<string, Readonly<Record<string, InstanceFact>>>>

/** True where the home lies on its replicated filesystem, mounted. */
export const isHome = (at: At, name: string, { place }: InstanceFact): boolean =>
  place.source.startsWith('/dev/drbd') && place.target === mountOf(at, at.settings.instances[name]?.home ?? '')

/** The node that has the instance's filesystem now; undefined while none has. A failover that happened is not fought. */
export const activeOf = (at: At, name: string, nodes: Nodes): string | undefined =>
  Object.keys(nodes).find((node) => {
    const fact = nodes[node]?.[name]
    return fact !== undefined && isHome(at, name, fact)
  })

/** The node that has the data, or is named by the config as the one that has it. */
export const activeOrPrimary = (at: At, name: string, nodes: Nodes): string =>
  activeOf(at, name, nodes) ?? at.of(drbd).primary
