import { $ } from 'zx/core'
import { type ChannelResult, channel, limited, streamed } from './channel.js'
import { type Command, type Output, quote } from './command.js'
import { reach } from './reach.js'
import { isHostKeyRefusal, reason, type Trust } from './trust.js'
import { type Endpoint, type ExecOptions, type Transport, UnreachableError } from './types.js'
import { uploadFile, uploadS } from './upload.js'
import { writeCommand } from './write.js'

/** ssh's arguments up to the host. `controlDir` must be short: a unix socket's path has 107 bytes at most. */
export function sshArguments(node: string, endpoint: Endpoint, controlDir: string): readonly string[] {
  const option = (key: string, value: string): readonly string[] => ['-o', `${key}=${value}`]
  return [
    'ssh',
    '-T',
    ...option('BatchMode', 'yes'),
    ...option('ConnectTimeout', '10'),
    ...option('ServerAliveInterval', '10'),
    ...option('ServerAliveCountMax', '3'),
    // Never blindly: an unknown or changed host key is refused.
    ...option('StrictHostKeyChecking', 'yes'),
    ...option('ControlMaster', 'auto'),
    ...option('ControlPath', `${controlDir}/%C`),
    ...option('ControlPersist', '300'),
    ...(endpoint.knownHostsFile
      ? [
          ...option('UserKnownHostsFile', `"${endpoint.knownHostsFile}"`),
          ...option('GlobalKnownHostsFile', '/dev/null'),
          ...option('HostKeyAlias', node),
        ]
      : []),
    ...reach(endpoint),
  ]
}

/** ssh refused the host key of the node or of a jump host: nobody has logged in. */
class HostKeyRefused extends UnreachableError {}

/**
 * A node over OpenSSH: one connection for the run, one exec channel for each `exec`. `trust` is asked when ssh refuses a
 * host key; without it the node does not answer then.
 */
export function sshTransport(node: string, first: Endpoint, controlDir: string, trust?: Trust): Transport {
  let endpoint = first
  let channels = 0
  const base = () => sshArguments(node, endpoint, controlDir)
  const remote = (timeoutS: number | undefined, ...words: readonly string[]): readonly string[] => [
    ...base(),
    [...(endpoint.sudo ? ['sudo', '-n'] : []), ...limited(timeoutS), ...words].join(' '),
  ]
  const answered = (result: ChannelResult, options?: ExecOptions): Output => {
    if (result.ended || result.code !== 255) return result
    options?.signal?.throwIfAborted()
    if (trust && isHostKeyRefusal(result.stderr)) throw new HostKeyRefused(node, result.stderr)
    throw new UnreachableError(node, reason(result.stderr))
  }
  const trusted = async (work: () => Promise<Output>): Promise<Output> => {
    channels++
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof HostKeyRefused) || !trust) throw error
      endpoint = await trust(node, endpoint, error.message)
      return await work()
    }
  }
  const exec = (command: Command, options?: ExecOptions): Promise<Output> =>
    trusted(async () => answered(await channel(remote(command.timeoutS, '-s'), command, options), options))
  return {
    name: node,
    get channels() {
      return channels
    },
    exec,
    write: (path, content, options) => exec(writeCommand(path, content, options)),
    upload: (from, to, options) =>
      trusted(() =>
        uploadFile(from, to, options, async (script, input) =>
          answered(await streamed((text) => remote(uploadS, '-c', quote(text)), script, input, options), options),
        ),
      ),
    async close() {
      const words = base()
      await $({
        nothrow: true,
        quiet: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      })`${[...words.slice(0, -2), '-O', 'exit', ...words.slice(-2)]}`
    },
  }
}
