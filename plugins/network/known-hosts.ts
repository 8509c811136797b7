import { createHmac } from 'node:crypto'

/** One public key: `ssh-ed25519 AAAA…`, without comment. */
export const keyOf = (line: string): string | undefined =>
  /(?:^|\s)((?:ssh|ecdsa|sk)-[\w@.-]+ [A-Za-z0-9+/]+=*)(?:\s|$)/.exec(line)?.[1]

const typeOf = (key: string): string => key.split(' ')[0] ?? ''

/** Whether the first field of a known_hosts line (sshd(8)) stands for a host; names may be hashed. */
function names(field: string, host: string): boolean {
  const [, salt, hash] = /^\|1\|([^|]+)\|(.+)$/.exec(field) ?? []
  if (salt && hash) return createHmac('sha1', Buffer.from(salt, 'base64')).update(host).digest('base64') === hash
  return field.split(',').includes(host)
}

export type Known = 'yes' | 'no' | 'changed'

/** Whether known_hosts files pin one of a host's keys; `changed` when they pin another key of the same type. */
export function known(content: string, host: string, keys: readonly string[]): Known {
  const pinned = content
    .split('\n')
    .map((line) => line.trim())
    // '#' is a comment, '@' a certificate authority or a revoked key, which are left to ssh.
    .filter((line) => line !== '' && !/^[#@]/.test(line) && names(line.split(/\s+/)[0] ?? '', host))
    .flatMap((line) => keyOf(line) ?? [])
  if (pinned.some((key) => !keys.includes(key) && keys.some((own) => typeOf(own) === typeOf(key)))) return 'changed'
  return pinned.some((key) => keys.includes(key)) ? 'yes' : 'no'
}
