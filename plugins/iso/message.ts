import type { Callback } from './state.js'

/** What a machine sends: node, vm, status, machineId, hostKeys, steps, and its log in base64. */
export type Message = Omit<Callback, 'receivedAt' | 'tokenHash'>

const hostKey = /^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa) [A-Za-z0-9+/]{40,1000}={0,2}$/

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** One public key, without its comment; undefined when it is none. */
export function publicKey(text: string): string | undefined {
  const key = text.trim().split(/\s+/).slice(0, 2).join(' ')
  const [type = '', blob = ''] = key.split(' ')
  if (!hostKey.test(key)) return undefined
  // The blob says its own type once more, with its length before it (RFC 4253, 6.6).
  const bytes = Buffer.from(blob, 'base64')
  return bytes.readUInt32BE(0) === type.length && bytes.toString('latin1', 4, 4 + type.length) === type
    ? key
    : undefined
}

/** Reads a status that came from outside: everything is checked, nothing is taken over that is not known. */
export function readMessage(text: string): Message | { readonly wrong: string } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { wrong: 'it is no JSON' }
  }
  if (!isRecord(value)) return { wrong: 'it is no JSON object' }
  const { node, vm, status, machineId, hostKeys, steps, log } = value
  if (typeof node !== 'string' || typeof vm !== 'string') return { wrong: '"node" and "vm" must be text' }
  if (status !== 'ok' && status !== 'failed') return { wrong: '"status" must be "ok" or "failed"' }
  if (typeof machineId !== 'string' || !/^[0-9a-f]{32}$/.test(machineId))
    return { wrong: '"machineId" must be 32 hexadecimal digits' }
  if (!Array.isArray(hostKeys) || hostKeys.length > 8) return { wrong: '"hostKeys" must be a list of at most 8 keys' }
  const keys = hostKeys.map((key) => (typeof key === 'string' ? publicKey(key) : undefined))
  if (keys.some((key) => key === undefined)) return { wrong: '"hostKeys" holds something that is no ssh public key' }
  if (status === 'ok' && keys.length === 0) return { wrong: '"hostKeys" is empty' }
  if (
    !Array.isArray(steps) ||
    !steps.every((step) => isRecord(step) && typeof step.name === 'string' && typeof step.ok === 'boolean')
  ) {
    return { wrong: '"steps" must be a list of {name, ok}' }
  }
  if (typeof log !== 'string') return { wrong: '"log" must be text in base64' }
  return {
    node,
    vm,
    status,
    machineId,
    hostKeys: keys as string[],
    steps: steps.map(({ name, ok }) => ({ name: String(name).slice(0, 60), ok: ok === true })),
    // Control characters of a machine that is not trusted yet must not reach a terminal.
    log: Buffer.from(log, 'base64')
      .toString()
      .replaceAll(/[^\t\n\x20-\x7e\u00a0-\uffff]/g, '')
      .slice(-16_000),
  }
}
