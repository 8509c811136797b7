import { channel, limited, streamed } from './channel.js'
import type { Command, Output } from './command.js'
import type { ExecOptions, Transport } from './types.js'
import { uploadFile, uploadS } from './upload.js'
import { writeCommand } from './write.js'

/** The control machine itself. */
export function localTransport(name = 'control'): Transport {
  let channels = 0
  const exec = async (command: Command, options?: ExecOptions): Promise<Output> => {
    channels++
    return await channel([...limited(command.timeoutS), '-s'], command, options)
  }
  return {
    name,
    get channels() {
      return channels
    },
    exec,
    write: (path, content, options) => exec(writeCommand(path, content, options)),
    async upload(from, to, options) {
      channels++
      return await uploadFile(from, to, options, (script, input) =>
        streamed((text) => [...limited(uploadS), '-c', text], script, input, options),
      )
    },
    close: async () => {},
  }
}
