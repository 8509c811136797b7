import { existsSync } from 'node:fs'
import { request } from 'node:https'
import { setImmediate as turn } from 'node:timers/promises'
import { connect } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { callbackName } from '../../../plugins/iso/medium/files.js'
import { type CallbackServer, limits, openServer, shareServer } from '../../../plugins/iso/server.js'
import { callbackFile } from '../../../plugins/iso/state.js'
import { newHostKey, newState, report, token } from './lab.js'

const key = newHostKey()
let state: Awaited<ReturnType<typeof newState>>
let server: CallbackServer

beforeEach(async () => {
  state = await newState()
  server = await openServer(state.cluster, '127.0.0.1', 0, { ...limits, headersMs: 300, requestMs: 600, checkMs: 100 })
})
afterEach(async () => {
  await server.close()
  state.remove()
})

interface Call {
  readonly node?: string
  readonly path?: string
  readonly method?: string
  readonly authorization?: string
  readonly body?: string
}

/** A call over TLS with the pinned certificate, as curl makes it in the machine. The status, or why there was none. */
function call({ node = 'db-a', path, method = 'POST', authorization, body = report(node, key) }: Call = {}) {
  return new Promise<number | string>((resolve) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: server.port,
        servername: callbackName,
        ca: state.certificate,
        method,
        path: path ?? `/callback/${node}`,
        headers: { authorization: authorization ?? `Bearer ${token(node)}` },
      },
      (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      },
    )
    outgoing.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    outgoing.end(body)
  })
}
const dial = (send: string) =>
  new Promise<string>((resolve) => {
    let answer = ''
    const socket = connect(
      { host: '127.0.0.1', port: server.port, servername: callbackName, ca: state.certificate },
      () => socket.write(send),
    )
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(answer.split('\r\n')[0] as string))
  })
const log = () =>
  state
    .read('iso', 'callback.log')
    .trim()
    .split('\n')
    .map((line) => line.slice(line.indexOf(' ') + 1))

describe('a genuine call', () => {
  it('is kept, pins the host key under the name of the node, and uses up the token', async () => {
    state.write(`${state.cluster.stateDir}/known_hosts`, `db-a ssh-ed25519 OLD\ndb-b ssh-ed25519 OTHER\n`)
    expect(await call()).toBe(200)
    const { receivedAt, tokenHash, ...kept } = JSON.parse(state.read('iso', 'db-a', 'callback.json'))
    expect(kept).toEqual({
      node: 'db-a',
      vm: '00000000-0000-4000-8000-00000000000a',
      status: 'ok',
      machineId: 'a'.repeat(32),
      hostKeys: [key],
      steps: [{ name: 'hosts', ok: true }],
      log: 'all is well\n',
    })
    expect(tokenHash).toMatch(/^[0-9a-f]{64}$/)
    expect(Date.parse(receivedAt)).toBeGreaterThan(Date.now() - 60_000)
    expect(state.read('known_hosts')).toBe(`db-b ssh-ed25519 OTHER\ndb-a ${key}\n`)
    expect(() => state.read('iso', 'db-a', 'token')).toThrow('ENOENT')
    expect(log()).toEqual(['127.0.0.1: db-a called back: ok'])
  })
  it('of both nodes at once loses neither', async () => {
    expect(await Promise.all([call(), call({ node: 'db-b' })])).toEqual([200, 200])
    expect(state.read('known_hosts').trim().split('\n').sort()).toEqual([`db-a ${key}`, `db-b ${key}`])
  })
  it('that says failed is kept as well', async () => {
    expect(await call({ body: report('db-a', key, { status: 'failed', hostKeys: [] }) })).toBe(200)
    expect(JSON.parse(state.read('iso', 'db-a', 'callback.json'))).toMatchObject({ status: 'failed' })
  })
})

describe('refused and noted, and the wait goes on', () => {
  const attacks: Readonly<Record<string, [Call, number, string]>> = {
    'a wrong token': [{ authorization: `Bearer ${'0'.repeat(64)}` }, 401, 'a wrong token'],
    "another node's token": [{ authorization: `Bearer ${token('db-b')}` }, 401, 'a wrong token'],
    'no token': [{ authorization: '' }, 401, 'no token'],
    'a token of another form': [{ authorization: 'Basic cm9vdDo=' }, 401, 'no token'],
    'another node in the body': [{ body: report('db-b', key) }, 400, 'the body names another node'],
    'another machine in the body': [{ body: report('db-a', key, { vm: 'x' }) }, 400, 'the body names another machine'],
    'a body that is no JSON': [{ body: '{"node":' }, 400, 'it is no JSON'],
    'a body that is a list': [{ body: '[]' }, 400, 'it is no JSON object'],
    'a huge body': [{ body: 'x'.repeat(300 * 1024) }, 413, 'the body is too large'],
    'a host key that is none': [
      { body: report('db-a', 'ssh-ed25519 AAAA\ndb-b ssh-ed25519 AAAA') },
      400,
      '"hostKeys" holds something that is no ssh public key',
    ],
    'a host key of another type than it says': [
      { body: report('db-a', key.replace('ssh-ed25519', 'ssh-rsa')) },
      400,
      '"hostKeys" holds something that is no ssh public key',
    ],
    'ok without a host key': [{ body: report('db-a', key, { hostKeys: [] }) }, 400, '"hostKeys" is empty'],
    'another method': [{ method: 'PUT' }, 405, 'only POST'],
    'a node that the config does not know': [{ path: '/callback/db-c' }, 404, 'there is no such place'],
    'a path out of the folder': [{ path: '/callback/../db-a' }, 404, 'there is no such place'],
  }
  it.each(Object.entries(attacks))('%s', async (_, [attack, status, reason]) => {
    expect(await call(attack)).toBe(status)
    expect(log()).toEqual([
      `127.0.0.1: refused ${attack.method ?? 'POST'} ${attack.path ?? '/callback/db-a'}: ${status} ${reason}`,
    ])
    expect(() => state.read('iso', 'db-a', 'callback.json')).toThrow('ENOENT')
    expect(() => state.read('known_hosts')).toThrow('ENOENT')
    expect(await call()).toBe(200)
  })
  it('a huge body whose length is not said', async () => {
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
    const head = `POST /callback/db-a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token('db-a')}\r\nTransfer-Encoding: chunked\r\n\r\n`
    expect(await dial(head + chunk.repeat(6))).toBe('HTTP/1.1 413 Payload Too Large')
    expect(await call()).toBe(200)
  })
  it('a replay, also after the token is gone', async () => {
    expect(await call()).toBe(200)
    const before = state.read('iso', 'db-a', 'callback.json')
    expect(await call({ body: report('db-a', newHostKey()) })).toBe(409)
    expect(state.read('iso', 'db-a', 'callback.json')).toBe(before)
  })
  it('the second of two calls at once with one token', async () => {
    expect([await Promise.all([call(), call()])].flat().sort()).toEqual([200, 409])
  })
  it('a token when nobody is awaited', async () => {
    await call()
    expect(await call({ authorization: `Bearer ${'1'.repeat(64)}` })).toBe(401)
  })
  it('a client that does not finish its headers', async () => {
    expect(await dial('POST /callback/db-a HTTP/1.1\r\nHost: x\r\n')).toBe('HTTP/1.1 408 Request Timeout')
    expect(log()[0]).toMatch(/^127\.0\.0\.1: refused what was no whole request: 408/)
    expect(await call()).toBe(200)
  })
  it('a client that does not finish its body, while others are served', async () => {
    const head = `POST /callback/db-a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token('db-a')}\r\nContent-Length: 9000\r\n\r\n{`
    const slow = dial(head)
    expect(await call({ node: 'db-b' })).toBe(200)
    expect(await slow).toBe('HTTP/1.1 408 Request Timeout')
    expect(await call()).toBe(200)
  })
  it('something that is no HTTP', async () => {
    expect(await dial('SSH-2.0-scan\r\n\r\n')).toBe('HTTP/1.1 400 Bad Request')
    expect(await call()).toBe(200)
  })
  it('headers without end', async () => {
    expect(await dial(`GET / HTTP/1.1\r\nX: ${'x'.repeat(100_000)}\r\n`)).toBe(
      'HTTP/1.1 431 Request Header Fields Too Large',
    )
  })
  it('a machine that pinned another certificate does not speak to the server', async () => {
    const other = await newState()
    const certificate = state.certificate
    state = { ...state, certificate: other.certificate }
    expect(await call()).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
    state = { ...state, certificate }
    other.remove()
    expect(await call()).toBe(200)
  })
})

describe('one server', () => {
  it('serves all nodes that wait, and ends with the last', async () => {
    const port = server.port
    await server.close()
    const a = await shareServer(state.cluster, '127.0.0.1', port)
    const b = await shareServer(state.cluster, '127.0.0.1', port)
    await a.close()
    expect(await call({ node: 'db-b' })).toBe(200)
    await b.close()
    expect(await call()).toBe('ECONNREFUSED')
    server = await openServer(state.cluster, '127.0.0.1', port)
  })
  it('says how to choose another port when its own is taken', async () => {
    await expect(shareServer(state.cluster, '127.0.0.1', server.port)).rejects.toThrow(
      /cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE.*; iso\.callback\.port chooses another$/,
    )
  })
  it('lets the machine whose call ended the wait read its answer', async () => {
    const answer = call()
    while (!existsSync(callbackFile(state.cluster, 'db-a'))) await turn()
    await server.close()
    expect(await answer).toBe(200)
    server = await openServer(state.cluster, '127.0.0.1', 0)
  })
})
