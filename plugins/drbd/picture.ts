import { isConnected, type ResourceState } from './status.js'

/**
 * What both nodes together say of a resource.
 * `fresh`: two sides that never had data agreed upon, connected: the only picture in which a source may be chosen.
 */
export type Picture = 'fine' | 'fresh' | 'not-connected' | 'split-brain' | 'no-good-copy' | 'two-primaries'

const good = (state: ResourceState): boolean => state.disk === 'UpToDate'
const isUntouched = (state: ResourceState): boolean =>
  state.disk === 'Inconsistent' && state.role === 'Secondary' && state.connection === 'Connected'

/**
 * Judges the two views. Anything that is not clearly fine, fresh or on its way is left to a person.
 * `new` says for each side that its metadata was made and never used since.
 */
export function pictureOf(a: ResourceState, b: ResourceState, isNew: readonly [boolean, boolean]): Picture {
  if (a.role === 'Primary' && b.role === 'Primary') return 'two-primaries'
  if (a.connection === 'StandAlone' || b.connection === 'StandAlone') {
    // One side alone can also be a person's `drbdadm disconnect`; both being good is what cannot be told from a split brain.
    return good(a) && good(b) ? 'split-brain' : 'no-good-copy'
  }
  if (!isConnected(a) || !isConnected(b)) return 'not-connected'
  if (isUntouched(a) && isUntouched(b)) return isNew[0] && isNew[1] ? 'fresh' : 'no-good-copy'
  return good(a) || good(b) ? 'fine' : 'no-good-copy'
}

export const inSync = (a: ResourceState | undefined, b: ResourceState | undefined): boolean =>
  isConnected(a) && isConnected(b) && a?.disk === 'UpToDate' && b?.disk === 'UpToDate'
