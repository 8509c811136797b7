import { quote } from './command.js'
import { type HostKey, knownKeys, lookedUp, offeredKeys, pin } from './host-keys.js'
import { type Endpoint, UnreachableError } from './types.js'

/** Fingerprints that the person accepts, by node. */
export type Accepted = ReadonlyMap<string, readonly string[]>

/** The node's host key is not known, or not the known one. It is never accepted blindly. */
export class HostKeyError extends UnreachableError {
  override get text(): string {
    return `${this.node}: ${this.message}`
  }
}

/** Decides after ssh refused a host key: how the node is reached from now on. @throws HostKeyError when it is not */
export type Trust = (node: string, endpoint: Endpoint, said: string) => Promise<Endpoint>

/** A shared connection hides what the ssh to the jump host says: only that it ended is left. */
const isCutOnTheWay = (said: string): boolean => /Connection closed by UNKNOWN port 65535/.test(said)

/** Whether ssh ended because of a host key, the node's or perhaps that of a jump host before it. */
export const isHostKeyRefusal = (said: string): boolean => isCutOnTheWay(said) || isRefusal(said)
const isRefusal = (said: string): boolean =>
  /^(Host key verification failed|.*IDENTIFICATION HAS CHANGED|No \S+ host key is known for)/m.test(said)

/** The end of what ssh said, in one line. */
export const reason = (said: string): string =>
  said.trim().split(/\r?\n/).slice(-3).join('; ') || 'ssh ended without a word'

const shortType = (type: string): string => type.replace(/^ssh-|^ecdsa-sha2-/, '')
const prints = (keys: readonly HostKey[]): string => keys.map(({ fingerprint }) => fingerprint).join(', ')
const list = (keys: readonly HostKey[]): string =>
  keys.map(({ type, fingerprint }) => `  ${shortType(type)} ${fingerprint}`).join('\n')

interface Changed {
  /** As it stands in the file. */
  readonly name: string
  readonly file: string
  readonly old: string
  readonly now: string
}

/** What ssh says of a key that is another than before; the known ones are read from the file, as ssh may name one of another type. */
async function changedKey(said: string): Promise<Changed | undefined> {
  const name = /^Host key for (\S+) has changed/m.exec(said)?.[1]
  if (name === undefined) return undefined
  const file = /^Offending .*? in (.+):\d+\r?$/m.exec(said)?.[1] ?? ''
  const old = prints(await knownKeys([file], name))
  const [now = 'another'] = /SHA256:[A-Za-z0-9+/]+/.exec(said) ?? []
  return { name, file, old: old || 'another', now }
}

/** `ssh` to a jump host as a person types it; several hops are reached one over the other. */
function byHand(jump: string): string {
  const hops = jump.split(',')
  const last = hops.at(-1) ?? ''
  const over = hops.length > 1 ? `-J ${quote(hops.slice(0, -1).join(','))} ` : ''
  return `ssh ${over}${quote(/:\d+$/.test(last) ? `ssh://${last}` : last)}`
}

const changedText = ({ name, file, old, now }: Changed, who: string, flag: string): string =>
  [
    `${who} has changed, and is refused`,
    `  known   ${old} (${file})`,
    `  offered ${now}`,
    'Another machine may stand in its place. If it was set up anew and says the same of itself (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub there):',
    `  ssh-keygen -f ${quote(file)} -R ${quote(name)}${flag}`,
  ].join('\n')

/**
 * Accepts just the keys that the person named, and pins them in a file. `label` is what the person calls the node in
 * the flag.
 */
export function trusting(options: {
  readonly accepted: Accepted
  /** Where keys are pinned. */
  readonly pins: string
  readonly label?: string
  readonly note?: (text: string) => void
}): Trust {
  return async (node, endpoint, first) => {
    const hidden = isRefusal(first) ? undefined : await offeredKeys(endpoint)
    const said = hidden?.said ?? first
    if (hidden && !isRefusal(said)) throw new UnreachableError(node, reason(hidden.keys.length > 0 ? first : said))
    const { pins, accepted, label = node, note } = options
    const fail = (text: string) => new HostKeyError(node, text)
    const flag = (fingerprint: string) => `--accept-host-key ${quote(`${label}=${fingerprint}`)}`
    const { name, files } = await lookedUp(endpoint, node)
    const isOwn = (other: string | undefined) => other?.toLowerCase() === name.toLowerCase()
    const changed = await changedKey(said)
    if (changed)
      throw fail(
        isOwn(changed.name)
          ? changedText(changed, 'its host key', `, then ${flag(changed.now)}`)
          : changedText(changed, `the host key of ${changed.name}, on the way to it,`, ''),
      )
    const asked = /^No \S+ host key is known for (\S+)/m.exec(said)?.[1]
    if (!isOwn(asked)) {
      throw fail(
        `the host key of the jump host on the way to it is not known\nconnect to it once by hand, compare its key and accept it: ${byHand(endpoint.jump ?? asked ?? 'HOST')}`,
      )
    }
    const { keys, said: why } = await offeredKeys(endpoint)
    if (keys.length === 0) throw fail(`its host key could not be asked: ${reason(why)}`)
    const before = await knownKeys(files, name)
    // Of a type that it no longer offers: to ssh that can be a host it never saw.
    if (before[0])
      throw fail(
        changedText(
          {
            name,
            file: before[0].file,
            old: prints(before),
            now: prints(keys),
          },
          'its host key',
          `, then ${flag(keys[0]?.fingerprint ?? '')}`,
        ),
      )
    if (endpoint.knownHostsFile && endpoint.knownHostsFile !== pins)
      throw fail(
        `${endpoint.knownHostsFile} holds no host key under the name ${node}; it offers\n${list(keys)}\nadd the right one to that file, or take knownHostsFile out of the config and accept it with --accept-host-key`,
      )
    const wanted = accepted.get(label) ?? []
    const key = keys.find(({ fingerprint }) => wanted.includes(fingerprint))
    if (key) {
      pin(pins, node, key)
      note?.(`host key of ${label} accepted: ${shortType(key.type)} ${key.fingerprint}`)
      return { ...endpoint, knownHostsFile: pins }
    }
    throw fail(
      wanted.length > 0
        ? `it does not have the host key that was accepted\n  accepted ${wanted.join(', ')}\noffered\n${list(keys)}\nAnother machine may stand in its place: find out which key is its own before you accept one`
        : `its host key is in no known_hosts; it offers\n${list(keys)}\ncompare with what the node says of itself (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub there), then add: ${flag(keys[0]?.fingerprint ?? '')}`,
    )
  }
}
