import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clusterName, destination, sshOf } from '../../src/commands/destination.js'
import { coreSchema } from '../../src/config/core.js'
import type { Schema } from '../../src/index.js'
import { ask, sh } from '../../src/index.js'
import { withoutDefaults } from '../../src/reconstruct/defaults.js'
import { gapReport } from '../../src/reconstruct/gaps.js'
import { reader, readOnly } from '../../src/reconstruct/reader.js'
import { withoutSecrets } from '../../src/reconstruct/secrets.js'
import { localTransport } from '../../src/transport/local.js'

describe('a destination', () => {
  it.each([
    ['db-a', { label: 'db-a', endpoint: { host: 'db-a' } }],
    ['ops@db-a:22', { label: 'ops@db-a:22', endpoint: { host: 'db-a', user: 'ops', port: 22 } }],
    ['db-a=root@10.0.0.1', { name: 'db-a', label: 'db-a', endpoint: { host: '10.0.0.1', user: 'root' } }],
    ['db-a.x=[fe80::1%eth0]:2222', { name: 'db-a.x', label: 'db-a.x', endpoint: { host: 'fe80::1%eth0', port: 2222 } }],
    ['ops@fd00::2', { label: 'ops@fd00::2', endpoint: { host: 'fd00::2', user: 'ops' } }],
    ['[::1]', { label: '[::1]', endpoint: { host: '::1' } }],
  ])('%s', (word, told) => expect(destination(word, {})).toMatchObject(told))
  it.each(['', 'a=', '=a', '@a', 'a:', 'a:x', '[a', 'a]', 'a=b=c', 'a\nb', '$(x)'])('is not "%s"', (word) =>
    expect(() => destination(word, {})).toThrow(),
  )
  it('says in the config only what its name does not', () => {
    const to = (host: string, more = {}) => sshOf('db-a', { host, ...more }, '/work', '/work/configs')
    expect(to('db-a')).toEqual({})
    expect(to('db-a', { identityFile: 'id', knownHostsFile: '~/kh' })).toEqual({
      ssh: { identityFile: '../id', knownHostsFile: '~/kh' },
    })
    expect(to('10.0.0.1', { identityFile: '/id' })).toEqual({ ssh: { host: '10.0.0.1', identityFile: '/id' } })
  })
})

describe('the name of a cluster', () => {
  it.each([
    [['db-a', 'db-b'], 'db'],
    [['shop1.example.com', 'shop2.example.com'], 'shop'],
    [['alpha', 'beta'], 'alpha-beta'],
    [['solo'], 'solo'],
    [['DB_A', 'DB_B'], 'db'],
  ])('of %j is %s', (nodes, name) => expect(clusterName(nodes)).toBe(name))
  it('is valid whatever the nodes are called', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 3 }), (nodes) => {
        expect(clusterName(nodes)).toMatch(new RegExp(coreSchema.cluster.pattern))
      }),
    )
  })
})

const schema = {
  type: 'object',
  properties: {
    a: { type: 'integer', default: 1 },
    list: {
      type: 'array',
      default: [],
      items: {
        type: 'object',
        properties: { x: { type: 'boolean', default: false }, key: { type: 'string', secret: true } },
      },
    },
    any: { oneOf: [{ type: 'string' }, { type: 'object', properties: { deep: { type: 'string', default: 'd' } } }] },
    map: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        properties: { y: { type: 'integer', default: 2 }, key: { type: 'string', secret: true } },
      },
    },
    keys: { type: 'array', items: { type: 'string', secret: true } },
    key: { type: 'string', secret: true },
  },
} as const satisfies Schema
describe('options as a person writes them', () => {
  it('lack defaults, in lists, maps and choices, too', () => {
    expect(
      withoutDefaults(schema, {
        a: 1,
        list: [{ x: false }, { x: true }],
        any: { deep: 'd' },
        map: { one: { y: 2 }, two: { y: 3 } },
        gone: undefined,
      }),
    ).toEqual({
      list: [{}, { x: true }],
      any: {},
      map: { one: {}, two: { y: 3 } },
    })
    expect(withoutDefaults(schema, { a: 2, list: [] })).toEqual({ a: 2 })
  })
  it('never hold a secret', () => {
    const { value, paths } = withoutSecrets(schema, {
      a: 2,
      key: 's',
      keys: ['s'],
      list: [{ x: true, key: 's' }],
      map: { one: { y: 3, key: 's' } },
    })
    expect(value).toEqual({ a: 2, map: { one: { y: 3 } } })
    expect(paths).toEqual([['key'], ['keys'], ['list'], ['map', 'one', 'key']])
    expect(withoutSecrets(schema, { keys: [], list: [{ x: true }] }).value).toEqual({ keys: [], list: [{ x: true }] })
  })
})

describe('the gap report', () => {
  it('tells first what needs a person', () => {
    expect(
      gapReport([
        { path: ['a', 'b'], how: 'observed', from: 'cat b' },
        { path: ['a', 'r.s', 0], how: 'unknown', why: 'no trace' },
        { path: ['a', 'c'], how: 'differs', values: { one: 1, two: [2] }, why: 'look' },
        { path: ['x'], how: 'observed', from: 'dpkg', why: 'not there' },
      ]),
    ).toBe(`the nodes disagree; nothing was chosen (1):
  a.c: one has 1; two has [2]; look
not recoverable (1):
  a["r.s"][0]: no trace
observed (2):
  a.b: cat b
  x: not there, by dpkg`)
    expect(gapReport([])).toBe('')
  })
})

describe('a reader', () => {
  it('records every script and writes nothing', async () => {
    const node = reader(localTransport('db-a'))
    const facts = await node.read(new Map([['p', { one: ask(sh`echo 1`, ({ stdout }) => stdout) }]]))
    expect(facts.get('p')).toEqual({ facts: { one: '1\n' } })
    await node.read(new Map([['p', { two: ask(sh`echo 2`, ({ stdout }) => stdout) }]]))
    expect(node.record.map((script) => /echo \d/.exec(script)?.[0])).toEqual(['echo 1', 'echo 2'])
    expect(Object.keys(node).sort()).toEqual(['read', 'record'])
  })
  it('has a transport that refuses to write and to upload, and opens no channel for it', async () => {
    const record: string[] = []
    const local = localTransport('db-a')
    const only = readOnly(local, record)
    await expect(only.write('/tmp/never', 'x', { mode: '0600' })).rejects.toThrow(
      'db-a is only read: nothing is written there',
    )
    await expect(only.upload('/etc/hostname', '/tmp/never', { mode: '0600' })).rejects.toThrow('only read')
    expect([local.channels, record]).toEqual([0, []])
    expect((await only.exec(sh`echo 1`)).stdout).toBe('1\n')
    expect([only.channels, record]).toEqual([1, ['echo 1']])
  })
})
