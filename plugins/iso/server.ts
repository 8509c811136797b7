import { timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from 'ha-provision'
import { readVm } from '../vm/index.js'
import { accept, note, sha256 } from './accept.js'
import { type Message, readMessage } from './message.js'
import { certificateFile, certificateKeyFile, readCallback, tokenFile } from './state.js'

/** What one caller can take up at most. */
export const limits = {
  bodyBytes: 256 * 1024,
  headersMs: 10_000,
  requestMs: 20_000,
  checkMs: 1_000,
  farewellMs: 2_000,
  connections: 32,
}

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
  // No `for await`: leaving it early would cut the connection before the refusal is said.
  await new Promise<void>((resolve, reject) => {
    request
      .on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size <= limits.bodyBytes) chunks.push(chunk)
        else reject(new Refused(413, 'the body is too large'))
      })
      .on('end', resolve)
      .on('error', reject)
      .on('close', () => reject(new Refused(400, 'the connection ended before the body did')))
  })
  return Buffer.concat(chunks).toString()
}

/** Judges one call. The token decides who is calling; what the body says of itself must agree. */
async function judge(cluster: Cluster, request: IncomingMessage): Promise<Message> {
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
  if (message.vm !== (await readVm(cluster, node))?.uuid) throw new Refused(400, 'the body names another machine')
  if (!(await accept(cluster, message, token))) throw new Refused(409, 'this token was used already')
  return message
}

/** What Node calls a request that never became one, as a status. */
const statusOf: Readonly<Record<string, number>> = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 }

export interface CallbackServer {
  readonly port: number
  close(): Promise<void>
}

/** Listens for machines of one cluster. Whatever comes that is no genuine call is refused and noted, and listening goes on. */
export async function openServer(
  cluster: Cluster,
  bind: string,
  port: number,
  most: typeof limits = limits,
): Promise<CallbackServer> {
  const say = (line: string) => note(cluster, line).catch(() => undefined)
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const from = request.socket.remoteAddress ?? 'somebody'
    const reply = (status: number, text: string) => {
      response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' }).end(`${text}\n`)
    }
    try {
      const { node, status } = await judge(cluster, request)
      await say(`${from}: ${node} called back: ${status}`)
      reply(200, 'thank you')
    } catch (error) {
      const status = error instanceof Refused ? error.status : 500
      await say(`${from}: refused ${request.method} ${request.url}: ${status} ${(error as Error).message}`)
      if (!response.headersSent && !response.destroyed)
        reply(status, status === 500 ? 'not possible now' : (error as Error).message)
    }
  }
  const server = createServer(
    {
      key: await readFile(certificateKeyFile(cluster)),
      cert: await readFile(certificateFile(cluster)),
      minVersion: 'TLSv1.2',
      handshakeTimeout: most.headersMs,
      headersTimeout: most.headersMs,
      requestTimeout: most.requestMs,
      connectionsCheckingInterval: most.checkMs,
    },
    (request, response) => void answer(request, response),
  )
  server.maxConnections = most.connections
  server.on('tlsClientError', (error) => void say(`refused a connection: ${error.message}`))
  server.on('drop', () => void say('refused a connection: too many at once'))
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const status = statusOf[error.code ?? ''] ?? 400
    const from = socket.remoteAddress ?? 'somebody'
    void say(`${from}: refused what was no whole request: ${status} ${error.message}`).then(() => {
      if (socket.writable) socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`)
      // A client that does not read its answer either must not hold the connection.
      setTimeout(() => socket.destroy(), 1000).unref()
    })
  })
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(port, bind)
  await once(server, 'listening')
  const actual = (server.address() as AddressInfo).port
  return {
    port: actual,
    async close() {
      const closed = once(server, 'close')
      server.close()
      // The machine whose call ended the wait still has to read its answer.
      await Promise.race([closed, sleep(most.farewellMs)])
      for (const socket of sockets) socket.destroy()
      await closed
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
    throw new Error(
      `the callback server cannot listen on ${bind}:${port}: ${error.message}; iso.callback.port chooses another`,
    )
  })
  return {
    async close() {
      if (leave()) await server.close()
    },
  }
}
