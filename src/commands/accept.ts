import { errors } from '../errors.js'
import type { Accepted } from '../transport/trust.js'

/** `--accept-host-key NODE=SHA256:…`, several times. @throws a usage error for other forms and for nodes that are not there */
export function acceptedKeys(words: readonly string[], nodes: readonly string[]): Accepted {
  const accepted = new Map<string, readonly string[]>()
  for (const word of words) {
    const [, node = '', fingerprint = ''] = /^(.+)=(SHA256:[A-Za-z0-9+/]{43})=?$/.exec(word) ?? []
    if (fingerprint === '')
      throw errors.usage(
        `--accept-host-key ${word}: expected NODE=SHA256:… with all 43 characters`,
        'run without it: the error shows the keys that the node offers, and the flag to type',
      )
    if (!nodes.includes(node))
      throw errors.usage(`--accept-host-key ${word}: there is no node ${node}`, `nodes: ${nodes.join(', ')}`)
    accepted.set(node, [...(accepted.get(node) ?? []), fingerprint])
  }
  return accepted
}
