import { $ } from 'zx/core'
import { type ChannelResult, channel, limited, streamed } from './channel.js'
import { type Command, type Output, quote } from './command.js'
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
    ...(endpoint.identityFile ? ['-i', endpoint.identityFile, ...option('IdentitiesOnly', 'yes')] : []),
    ...(endpoint.port ? ['-p', String(endpoint.port)] : []),
    ...(endpoint.user ? ['-l', endpoint.user] : []),
    ...(endpoint.jump ? ['-J', endpoint.jump] : []),
    '--',
    endpoint.host,
  ]
}

/** A node over OpenSSH: one connection for the run, one exec channel for each `exec`. */
export function sshTransport(node: string, endpoint: Endpoint, controlDir: string): Transport {
  const base = sshArguments(node, endpoint, controlDir)
  let channels = 0
  const remote = (timeoutS: number | undefined, ...words: readonly string[]): readonly string[] => [
    ...base,
    [...(endpoint.sudo ? ['sudo', '-n'] : []), ...limited(timeoutS), ...words].join(' '),
  ]
  const answered = (result: ChannelResult, options?: ExecOptions): Output => {
    if (result.ended || result.code !== 255) return result
    options?.signal?.throwIfAborted()
    throw new UnreachableError(
      node,
      result.stderr.trim().split('\n').slice(-3).join('; ') || 'ssh ended without a word',
    )
  }
  const exec = async (command: Command, options?: ExecOptions): Promise<Output> => {
    channels++
    return answered(await channel(remote(command.timeoutS, '-s'), command, options), options)
  }
  return {
    name: node,
    get channels() {
      return channels
    },
    exec,
    write: (path, content, options) => exec(writeCommand(path, content, options)),
    async upload(from, to, options) {
      channels++
      return await uploadFile(from, to, options, async (script, input) =>
        answered(await streamed((text) => remote(uploadS, '-c', quote(text)), script, input, options), options),
      )
    },
    async close() {
      await $({
        nothrow: true,
        quiet: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      })`${[...base.slice(0, -2), '-O', 'exit', ...base.slice(-2)]}`
    },
  }
}
