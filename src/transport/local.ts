import { channel, limited } from './channel.js'
import type { Command, Output } from './command.js'
import type { ExecOptions, Transport } from './types.js'
import { writeCommand } from './write.js'

/** The control machine itself. */
export function localTransport(name = 'control'): Transport {
  let channels = 0
  const exec = async (command: Command, options?: ExecOptions): Promise<Output> => {
    channels++
    return await channel(limited(command), command, options)
  }
  return {
    name,
    get channels() {
      return channels
    },
    exec,
    write: (path, content, options) => exec(writeCommand(path, content, options)),
    close: async () => {},
  }
}
