import { createHash } from 'node:crypto'
import { appendFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Cluster } from 'ha-provision'
import type { Message } from './message.js'
import { type Callback, callbackFile, isoDir, knownHostsFile, tokenFile } from './state.js'

async function replace(file: string, content: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const fresh = `${file}.${process.pid}.new`
  await writeFile(fresh, content, { mode: 0o600 })
  await rename(fresh, file)
}

/** From now on these are the only host keys that are accepted for the node. */
async function pin(cluster: Cluster, node: string, keys: readonly string[]): Promise<void> {
  const file = knownHostsFile(cluster)
  const others = (await readFile(file, 'utf8').catch(() => ''))
    .split('\n')
    .filter((line) => line && line.split(' ')[0] !== node)
  await replace(file, `${[...others, ...keys.map((key) => `${node} ${key}`)].join('\n')}\n`)
}

// Two nodes call at the same time, and both change one file.
let last: Promise<unknown> = Promise.resolve()
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = last.then(work, work)
  last = mine.catch(() => undefined)
  return mine
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/**
 * Takes over a status that was judged genuine: keys are pinned, the token is used up, the waiting run sees it.
 * False when the token it came with was used up meanwhile: of two calls at once only one counts.
 */
export const accept = (cluster: Cluster, message: Message, token?: string): Promise<boolean> =>
  inTurn(async () => {
    const file = tokenFile(cluster, message.node)
    if (token !== undefined && (await readFile(file, 'utf8').catch(() => '')).trim() !== token) return false
    if (message.hostKeys.length > 0) await pin(cluster, message.node, message.hostKeys)
    const callback: Callback = {
      ...message,
      receivedAt: new Date().toISOString(),
      ...(token === undefined ? {} : { tokenHash: sha256(token) }),
    }
    await replace(callbackFile(cluster, message.node), `${JSON.stringify(callback, undefined, 2)}\n`)
    await rm(file, { force: true })
    return true
  })

/** Every call is noted, also those that were refused. */
export async function note(cluster: Cluster, line: string): Promise<void> {
  await mkdir(isoDir(cluster), { recursive: true, mode: 0o700 })
  await appendFile(
    join(isoDir(cluster), 'callback.log'),
    `${new Date().toISOString()} ${line.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 300)}\n`,
    { mode: 0o600 },
  )
}
