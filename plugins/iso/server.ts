import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Cluster } from 'ha-provision'
import { accept, note } from './accept.js'
import { readMessage } from './message.js'
import { certificateFile, certificateKeyFile, readCallback, tokenFile } from './state.js'

export const limits = { bodyBytes: 256 * 1024, headersMs: 10_000, requestMs: 20_000, connections: 32 } as const

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
/** Over hashes, which have one length, so that time says nothing about the secret. */
const same = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(sha256(a)), Buffer.from(sha256(b)))

class Refused extends Error {
  readonly status: number
  constructor(status: number, reason: string) {
    super(reason)
    this.status = status
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > limits.bodyBytes) throw new Refused(413, 'the body is too large')
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limits.bodyBytes) throw new Refused(413, 'the body is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** Judges one call. The token decides who is calling; what the body says of itself must agree. */
async function judge(cluster: Cluster, request: IncomingMessage): Promise<string> {
  const node = /^\/callback\/([a-z0-9.-]+)$/.exec(request.url ?? '')?.[1]
  if (node === undefined || !cluster.nodes.some(({ name }) => name === node))
    throw new Refused(404, 'there is no such place')
  if (request.method !== 'POST') throw new Refused(405, 'only POST')
  const token = /^Bearer ([0-9a-f]{64})$/.exec(request.headers.authorization ?? '')?.[1]
  if (token === undefined) throw new Refused(401, 'no token')
  const expected = (await readFile(tokenFile(cluster, node), 'utf8').catch(() => '')).trim()
  if (expected === '') {
    const before = await readCallback(cluster, node)
    if (before?.tokenHash !== undefined && same(before.tokenHash, sha256(token)))
      throw new Refused(409, 'this token was used already')
    throw new Refused(401, 'nobody is awaited with this token')
  }
  if (!same(expected, token)) throw new Refused(401, 'a wrong token')
  const message = readMessage(await bodyOf(request))
  if ('wrong' in message) throw new Refused(400, message.wrong)
  if (message.node !== node) throw new Refused(400, 'the body names another node')
  await accept(cluster, message, sha256(token))
  return node
}

export interface CallbackServer {
  readonly port: number
  close(): Promise<void>
}

/** Listens for machines of one cluster. Whatever comes that is no genuine call is refused and noted, and listening goes on. */
export async function openServer(cluster: Cluster, bind: string, port: number): Promise<CallbackServer> {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const from = request.socket.remoteAddress ?? 'somebody'
    const reply = (status: number, text: string) => {
      response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' }).end(`${text}\n`)
    }
    try {
      const node = await judge(cluster, request)
      await note(cluster, `${from}: ${node} called back`)
      reply(200, 'thank you')
    } catch (error) {
      const status = error instanceof Refused ? error.status : 500
      await note(
        cluster,
        `${from}: refused ${request.method} ${request.url}: ${status} ${(error as Error).message}`,
      ).catch(() => undefined)
      if (!response.headersSent && !response.destroyed)
        reply(status, status === 500 ? 'not possible now' : (error as Error).message)
      if (status === 413) request.destroy()
    }
  }
  const server = createServer(
    {
      key: await readFile(certificateKeyFile(cluster)),
      cert: await readFile(certificateFile(cluster)),
      minVersion: 'TLSv1.2',
      handshakeTimeout: limits.headersMs,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => void answer(request, response),
  )
  server.maxConnections = limits.connections
  server.on(
    'tlsClientError',
    (error) => void note(cluster, `refused a connection: ${error.message}`).catch(() => undefined),
  )
  server.listen(port, bind)
  await once(server, 'listening')
  const actual = (server.address() as AddressInfo).port
  return {
    port: actual,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const open = new Map<string, { users: number; readonly server: Promise<CallbackServer> }>()

/** Nodes of a cluster that are awaited at the same time share one server; the last one closes it. */
export async function shareServer(cluster: Cluster, bind: string, port: number): Promise<{ close(): Promise<void> }> {
  const key = cluster.stateDir
  const shared = open.get(key) ?? { users: 0, server: openServer(cluster, bind, port) }
  shared.users++
  open.set(key, shared)
  const leave = () => {
    shared.users--
    if (shared.users === 0) open.delete(key)
    return shared.users === 0
  }
  const server = await shared.server.catch((error: NodeJS.ErrnoException) => {
    leave()
    throw new Error(`the callback server cannot listen on ${bind}:${port}: ${error.message}`)
  })
  return {
    async close() {
      if (leave()) await server.close()
    },
  }
}
