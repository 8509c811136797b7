import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { $ } from 'zx/core'
import { reach } from './reach.js'
import type { Endpoint } from './types.js'

export interface HostKey {
  /** As in a known_hosts file: `ssh-ed25519`. */
  readonly type: string
  /** The public key in base64. */
  readonly blob: string
  /** `SHA256:` and 43 characters, as ssh prints it. */
  readonly fingerprint: string
}

const fingerprintOf = (blob: string): string =>
  `SHA256:${createHash('sha256').update(Buffer.from(blob, 'base64')).digest('base64').replace(/=+$/, '')}`

/** The key of one line of a known_hosts file, also of a hashed one; undefined for comments and markers. */
export function hostKeyOf(line: string): (HostKey & { readonly names: readonly string[] }) | undefined {
  const [, names = '', type = '', blob = ''] = /^([^\s@#]\S*)\s+(\S+)\s+([A-Za-z0-9+/]+=*)(?:\s|$)/.exec(line) ?? []
  return blob === '' ? undefined : { names: names.split(','), type, blob, fingerprint: fingerprintOf(blob) }
}

const linesOf = (file: string): readonly string[] => {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean)
  } catch {
    return []
  }
}

/** Keys that a file holds under a name written in clear; none where there is no file. */
export const pinnedKeys = (file: string, name: string): readonly HostKey[] =>
  linesOf(file).flatMap((line) => {
    const key = hostKeyOf(line)
    return key?.names.includes(name) ? [key] : []
  })

/** The only host keys of a cluster's nodes that are accepted, under the nodes' names. 0600, in the cluster's state. */
export const pinsFile = (stateDir: string): string => join(stateDir, 'known_hosts')

/** Adds a key. In one go, without a pause in which another node's key could be lost. */
export function pin(file: string, name: string, { type, blob }: Pick<HostKey, 'type' | 'blob'>): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const fresh = `${file}.${process.pid}.new`
  writeFileSync(fresh, `${[...linesOf(file), `${name} ${type} ${blob}`].join('\n')}\n`, { mode: 0o600 })
  renameSync(fresh, file)
}

const algorithms = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521',
  'rsa-sha2-512,rsa-sha2-256',
]

/**
 * The keys that a node shows to whoever connects, one of each type, and what ssh said where there are none. ssh-keyscan
 * knows no jump hosts: it is ssh that connects, writes the key into a throw-away file, and is refused, because it
 * offers no way to log in.
 */
export async function offeredKeys(
  endpoint: Endpoint,
): Promise<{ readonly keys: readonly HostKey[]; readonly said: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'hap-keys-'))
  const option = (key: string, value: string): readonly string[] => ['-o', `${key}=${value}`]
  const { identityFile, ...rest } = endpoint
  const ask = async (types: string, i: number): Promise<{ key: HostKey | undefined; said: string }> => {
    const file = join(dir, String(i))
    const argv = [
      'ssh',
      '-T',
      ...option('BatchMode', 'yes'),
      ...option('ConnectTimeout', '10'),
      ...option('ControlMaster', 'no'),
      ...option('ControlPath', 'none'),
      ...option('PreferredAuthentications', 'none'),
      ...option('StrictHostKeyChecking', 'accept-new'),
      ...option('UserKnownHostsFile', file),
      ...option('GlobalKnownHostsFile', '/dev/null'),
      ...option('HostKeyAlias', 'node'),
      ...option('HashKnownHosts', 'no'),
      ...option('HostKeyAlgorithms', types),
      ...reach(rest),
      'true',
    ]
    // Without a terminal of its own nothing in between can ask a person.
    const { stderr } = await $({ nothrow: true, quiet: true, verbose: false, detached: true, input: '' })`${argv}`
    const text = await readFile(file, 'utf8').catch(() => '')
    return { key: text.split('\n').map(hostKeyOf).find(Boolean), said: stderr.trim() }
  }
  try {
    const answers = await Promise.all(algorithms.map(ask))
    return { keys: answers.flatMap(({ key }) => key ?? []), said: answers.at(-1)?.said ?? '' }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Where ssh itself looks for a host's keys: the name there, and the files. From `ssh -G`. */
export async function lookedUp(
  endpoint: Endpoint,
  node: string,
): Promise<{ readonly name: string; readonly files: readonly string[] }> {
  if (endpoint.knownHostsFile) return { name: node, files: [endpoint.knownHostsFile] }
  const { stdout } = await $({
    nothrow: true,
    quiet: true,
    verbose: false,
    input: '',
  })`${['ssh', '-G', ...reach(endpoint)]}`
  const value = (key: string): string => new RegExp(`^${key} (.*)$`, 'm').exec(stdout)?.[1] ?? ''
  const host = value('hostname') || endpoint.host
  const port = value('port')
  return {
    name: value('hostkeyalias') || (port === '22' || port === '' ? host : `[${host}]:${port}`),
    files: `${value('userknownhostsfile')} ${value('globalknownhostsfile')}`.split(' ').filter(Boolean),
  }
}

/** Keys under a name in files whose names may be hashed. */
export async function knownKeys(
  files: readonly string[],
  name: string,
): Promise<readonly (HostKey & { file: string })[]> {
  const found = await Promise.all(
    files.map(async (file) => {
      const { stdout } = await $({
        nothrow: true,
        quiet: true,
        verbose: false,
        input: '',
      })`ssh-keygen -F ${name} -f ${file}`
      return stdout.split('\n').flatMap((line) => {
        const key = hostKeyOf(line)
        return key ? [{ ...key, file }] : []
      })
    }),
  )
  return found.flat()
}
