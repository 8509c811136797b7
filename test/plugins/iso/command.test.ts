import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { callbackCommand } from '../../../plugins/iso/command.js'
import { contextOf } from '../../support/task.js'
import { newHostKey, newState, report } from './lab.js'

const key = newHostKey()
let state: Awaited<ReturnType<typeof newState>>
beforeEach(async () => {
  state = await newState()
})
afterEach(() => state.remove())

async function callback(node: string, options: Record<string, string> = {}) {
  const printed: string[] = []
  const said: string[] = []
  const io = {
    ...contextOf({ settings: {} }),
    cluster: state.cluster,
    args: [node],
    options,
    print: (line: string) => printed.push(line),
    say: (line: string) => said.push(line.replaceAll(state.cluster.stateDir, '<state>')),
  }
  return { code: await callbackCommand.run(io as never), printed, said }
}
function statusFile(content: string): string {
  const file = `${state.cluster.stateDir}/report.json`
  state.write(file, content)
  return file
}

describe('a callback by hand', () => {
  it('with the status file of the machine does what its own call would have done', async () => {
    expect(await callback('db-a', { status: statusFile(report('db-a', key)) })).toEqual({
      code: 0,
      printed: ['db-a: status ok handed over'],
      said: [],
    })
    expect(JSON.parse(state.read('iso/db-a/callback.json'))).toMatchObject({ node: 'db-a', status: 'ok' })
    expect(state.read('known_hosts')).toBe(`db-a ${key}\n`)
    expect(() => state.read('iso/db-a/token')).toThrow('ENOENT')
    expect(state.read('iso/callback.log')).toMatch(/Z db-a was called back by hand\n$/)
  })
  it('with a host key read on the console is enough', async () => {
    expect(await callback('db-b', { hostKey: `${key} root@db-b` })).toMatchObject({ code: 0 })
    expect(state.read('known_hosts')).toBe(`db-b ${key}\n`)
  })
  it('hands over a failure as one', async () => {
    const file = statusFile(report('db-a', key, { status: 'failed' }))
    expect(await callback('db-a', { status: file })).toMatchObject({ code: 1 })
    expect(JSON.parse(state.read('iso/db-a/callback.json'))).toMatchObject({ status: 'failed' })
  })

  const untouched = () => expect(() => state.read('iso/db-a/callback.json')).toThrow('ENOENT')
  it('without anything says what is needed, and how to get it', async () => {
    const { code, said } = await callback('db-a')
    expect([code, said]).toEqual([
      2,
      [
        'without --status the machine\'s host key is needed, so that it and no other is trusted:\n  ha-provision callback db-a --host-key "ssh-ed25519 AAAA…"\nread it on the machine\'s console: cat /etc/ssh/ssh_host_ed25519_key.pub',
      ],
    ])
    untouched()
  })
  it('with the status of another node, of another machine, or of nobody is refused', async () => {
    const refused = async (content: string) => {
      const { code, said } = await callback('db-a', { status: statusFile(content) })
      expect(code).toBe(2)
      return said.join('\n').replace('<state>/report.json', 'file')
    }
    const machine = '00000000-0000-4000-8000-00000000000'
    expect(await refused(report('db-b', key))).toBe(
      `file is about db-b (machine ${machine}b), not about db-a (machine ${machine}a)`,
    )
    expect(await refused(report('db-a', key, { vm: 'old' }))).toBe(
      `file is about db-a (machine old), not about db-a (machine ${machine}a)`,
    )
    expect(await refused('no json')).toBe('file: it is no JSON')
    expect(await callback('db-a', { status: '/nowhere' })).toMatchObject({ code: 2 })
    expect(await callback('db-a', { hostKey: 'ssh-ed25519 AAAA' })).toMatchObject({ code: 2 })
    untouched()
  })
  it('of a node that is not in the config names those that are', async () => {
    expect(await callback('db-c')).toEqual({ code: 2, printed: [], said: ['no such node: db-c; known: db-a, db-b'] })
  })
})
