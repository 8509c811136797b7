import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { Output } from './command.js'
import type { ExecOptions } from './types.js'
import { uploadScript } from './write.js'

/** Time limit of an upload on the machine: 2 GB over a slow line take hours. */
export const uploadS = 12 * 3600

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`

/** Reads the file twice, for its checksum and to send it; `send` runs the script on the machine with the stream. */
export async function uploadFile(
  from: string,
  to: string,
  { mode, onOutput }: { mode: string } & ExecOptions,
  send: (script: string, input: Readable) => Promise<Output>,
): Promise<Output> {
  const file = await open(from).catch((error: Error) => error)
  if (file instanceof Error) return { code: 1, stdout: '', stderr: file.message }
  const { size } = await file.stat().finally(() => file.close())
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(from)) hash.update(chunk as Buffer)
  async function* told() {
    let sent = 0
    let percent = 0
    for await (const chunk of createReadStream(from, { highWaterMark: 1 << 20 })) {
      yield chunk as Buffer
      sent += (chunk as Buffer).length
      const now = Math.floor((100 * sent) / size)
      if (now === percent) continue
      percent = now
      onOutput?.(`${now} % ${mib(sent)} of ${mib(size)}`)
    }
  }
  return await send(uploadScript(to, mode, hash.digest('hex')), Readable.from(told(), { objectMode: false }))
}
