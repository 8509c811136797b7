import type { Endpoint } from './types.js'

/** ssh's arguments that say where a node is and who logs in, up to the host. A jump host is reached as the user's ssh config says. */
export const reach = (endpoint: Endpoint): readonly string[] => [
  ...(endpoint.identityFile ? ['-i', endpoint.identityFile, '-o', 'IdentitiesOnly=yes'] : []),
  ...(endpoint.port ? ['-p', String(endpoint.port)] : []),
  ...(endpoint.user ? ['-l', endpoint.user] : []),
  ...(endpoint.jump ? ['-J', endpoint.jump] : []),
  '--',
  endpoint.host,
]
