import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import network from '../../../plugins/network/index.js'
import { known } from '../../../plugins/network/known-hosts.js'
import { filesOutput } from '../../support/files.js'
import { contextOf, factsOf, findingsOf, nodeContextOf, output, stepsOf, taskOf } from '../../support/task.js'

const recorded = (name: string): string => readFileSync(new URL(`recorded/${name}.txt`, import.meta.url), 'utf8')
const link = (a: string, b: string) => ({ dhcp: false, addresses: { 'db-a': a, 'db-b': b } })
const settings = { interfaces: { link0: link('10.77.0.1/24', '10.77.0.2/24') }, rootSsh: true }
const task = taskOf(network, 'ssh')

const key = (name: string): string => `ssh-ed25519 AAAA${name}`
const paths = {
  user: '/root/.ssh/id_ed25519.pub',
  host: '/etc/ssh/ssh_host_ed25519_key.pub',
  authorized: '/root/.ssh/authorized_keys',
  known: '/root/.ssh/known_hosts',
}
type Files = Partial<Record<keyof typeof paths, string>>
const inOrder = (own: string, peer: string, address: string): Files => ({
  user: `${key(`User${own}`)} root@db-${own}\n`,
  host: `${key(`Host${own}`)}\n`,
  authorized: `${key('Control')} admin\nno-pty ${key(`User${peer}`)} root@db-${peer}\n`,
  known: `db-${peer},${address} ${key(`Host${peer}`)}\n`,
})
const a = inOrder('a', 'b', '10.77.0.2')
const b = inOrder('b', 'a', '10.77.0.1')

function judge(nodes: Record<string, Files>, options: object = settings) {
  const facts = Object.fromEntries(
    Object.entries(nodes).map(([node, held]) => {
      const all = Object.entries(held).map(([name, content]) => {
        return filesOutput({ [paths[name as keyof typeof paths]]: content }, '0600')
      })
      const text = output(all.join(''))
      const usable = output(held.user ? 'ed25519\n' : '')
      return [node, factsOf(task, nodeContextOf({ settings }, node), { user: text, host: text, lists: text, usable })]
    }),
  )
  const at = { ...contextOf({ settings: options }), nodes: facts }
  const findings = findingsOf(task.check(at))
  return { findings, stepsFor: (id: string) => findings.filter((f) => f.id === id).map((f) => stepsOf(task, at, f)) }
}
const told = (nodes: Record<string, Files>) => judge(nodes).findings.map(({ id, subject }) => `${id}: ${subject}`)

describe('ssh between the nodes', () => {
  it('is in order when keys, authorizations and pins are there', () => {
    expect(judge({ 'db-a': a, 'db-b': b }).findings).toEqual([])
  })
  it('on fresh nodes keys are made and pinned first, without a connection that could not work yet', () => {
    const fresh = (own: string): Files => ({ host: `${key(`Host${own}`)}\n`, authorized: `${key('Control')}\n` })
    const { findings, stepsFor } = judge({ 'db-a': fresh('a'), 'db-b': fresh('b') })
    expect(findings.map(({ id, subject }) => `${id}: ${subject}`)).toEqual([
      'no-key: db-a',
      'unknown-host-key: db-a to db-b',
      'no-key: db-b',
      'unknown-host-key: db-b to db-a',
    ])
    expect(stepsFor('no-key').map((steps) => steps.map(({ on }) => on))).toEqual([['db-a'], ['db-b']])
    expect(stepsFor('unknown-host-key').flat()).toHaveLength(2)
  })
  it('a missing authorization is added on the other node and proven from the first', () => {
    const { findings, stepsFor } = judge({ 'db-a': a, 'db-b': { ...b, authorized: `# none\n#${key('Usera')}` } })
    expect(findings).toEqual([
      {
        id: 'not-authorized',
        subject: 'db-a to db-b',
        desired: "root's key of db-a in authorized_keys of db-b",
        actual: 'not there',
      },
    ])
    const [steps = []] = stepsFor('not-authorized')
    expect(steps.map((step) => [step.on, step.kind === 'run' && step.title])).toEqual([
      ['db-b', 'authorize root of db-a'],
      ['db-a', 'ssh to db-b'],
    ])
    expect(steps[0]?.kind === 'run' && steps[0].command.script).toContain(
      `'${key('Usera')} root@db-a' >>/root/.ssh/authorized_keys`,
    )
  })
  it('a public key whose private half is gone is no key', () => {
    const { user: _, ...rest } = a
    expect(told({ 'db-a': rest, 'db-b': b })).toEqual(['no-key: db-a'])
  })
  it('a pin of only the name leaves the address to be pinned', () => {
    const { findings } = judge({ 'db-a': { ...a, known: `db-b ${key('Hostb')}\n` }, 'db-b': b })
    expect(findings.map(({ id, desired }) => [id, desired])).toEqual([['unknown-host-key', '10.77.0.2']])
  })
  it('another key pinned for the peer is never replaced', () => {
    const nodes = { 'db-a': { ...a, known: `db-b,10.77.0.2 ${key('Impostor')}\n` }, 'db-b': b }
    expect(told(nodes)).toEqual(['changed-host-key: db-a to db-b, db-b', 'changed-host-key: db-a to db-b, 10.77.0.2'])
    expect(task.fix['changed-host-key']).toHaveProperty('manual')
  })
  it('is nobody’s business when the config says so', () => {
    expect(judge({ 'db-a': {}, 'db-b': {} }, { ...settings, rootSsh: false }).findings).toEqual([])
  })
})

describe('known_hosts', () => {
  const own = [recorded('host-key').split(' ').slice(0, 2).join(' ')]
  it('are read with hashed names, as ssh-keygen -H leaves them', () => {
    const pins = recorded('known-hosts-hashed')
    expect(['db-b', '10.77.0.2', '10.77.1.2', 'db-c'].map((name) => known(pins, name, own))).toEqual([
      'yes',
      'yes',
      'yes',
      'no',
    ])
  })
  it('a key of another type does not contradict', () => {
    expect(known('db-b ssh-rsa AAAAother\n', 'db-b', own)).toBe('no')
  })
  it('comments, authorities and revoked keys pin nothing', () => {
    expect(known(`# db-b ${own[0]}\n@cert-authority db-b ${own[0]}\n`, 'db-b', own)).toBe('no')
  })
})
