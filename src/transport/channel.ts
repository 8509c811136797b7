import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { $ } from 'zx/core'
import type { Command, Output } from './command.js'
import { bytesOf } from './secret.js'
import type { ExecOptions } from './types.js'

export interface ChannelResult extends Output {
  /** The machine ran the script to its end: its own exit code, not the carrier's. */
  readonly ended: boolean
}

export const defaultTimeoutS = 120

const setup = 'export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"'

/**
 * The text fed to `sh -s`. One compound command, which sh reads whole before it starts: a script that arrived in half
 * is never run in half. stdin of the script is base64 in a here-document, so it is in no argument list and any bytes pass.
 */
function frame(command: Command, nonce: string): string {
  const fed =
    command.stdin === undefined
      ? 'work </dev/null'
      : `base64 -d <<'${nonce}' | work\n${bytesOf(command.stdin).toString('base64')}\n${nonce}`
  // The exit status is said in words: 255 from ssh can be the script's, the connection's or the client's.
  return `{\nwork() (\n${setup}\n${command.script}\n)\n${fed}\ns=$?\nprintf '%s %s\\n' '${nonce}' "$s" >&2\nexit "$s"\n}\n`
}

const newNonce = (): string => `end-${randomBytes(9).toString('hex')}`

/** Runs `argv … sh -s` and feeds it the command. */
export function channel(argv: readonly string[], command: Command, options: ExecOptions = {}): Promise<ChannelResult> {
  const nonce = newNonce()
  return feed(argv, frame(command, nonce), nonce, options)
}

/** Runs a short script that reads a stream of any length; `argvOf` puts the script where the carrier wants it. */
export function streamed(
  argvOf: (script: string) => readonly string[],
  script: string,
  input: Readable,
  options: ExecOptions = {},
): Promise<ChannelResult> {
  const nonce = newNonce()
  return feed(argvOf(`( ${script} ); s=$?; printf '%s %s\\n' ${nonce} "$s" >&2; exit "$s"`), input, nonce, options)
}

async function feed(
  argv: readonly string[],
  input: string | Readable,
  nonce: string,
  options: ExecOptions,
): Promise<ChannelResult> {
  options.signal?.throwIfAborted()
  const child = $({
    input,
    nothrow: true,
    quiet: true,
    verbose: false,
    // Its own process group: a Ctrl-C on the terminal reaches only us, and we decide.
    detached: true,
    ...(options.signal ? { signal: options.signal } : {}),
  })`${argv}`
  // A carrier that ends before it has read everything says why by its exit code.
  child.stdin.on('error', () => {})
  if (options.onOutput) {
    child.stdout.on('data', (chunk: Buffer | string) => options.onOutput?.(chunk.toString()))
  }
  // zx joins chunks as text, which breaks letters of several bytes at their borders.
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
  child.stdout.on('data', (chunk: Buffer) => chunks.stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.stderr.push(chunk))
  const { exitCode } = await child
  const stdout = Buffer.concat(chunks.stdout).toString()
  const stderr = Buffer.concat(chunks.stderr).toString()
  const end = new RegExp(`^${nonce} (\\d+)\\n`, 'm').exec(stderr)
  return {
    ended: end !== null,
    code: end ? Number(end[1]) : (exitCode ?? 255),
    stdout,
    stderr: end ? stderr.replace(end[0], '') : stderr,
  }
}

/** A shell that the machine itself ends after the time. */
export const limited = (timeoutS = defaultTimeoutS): readonly string[] => [
  'timeout',
  '-k',
  '10',
  String(timeoutS),
  'sh',
]
