import { describe, expect, it } from 'vitest'
import iso from '../../../plugins/iso/index.js'
import { inputsOf } from '../../../plugins/iso/medium/build.js'
import type { Output, Step } from '../../../src/index.js'
import {
  contextOf,
  factsOf,
  findingsOf,
  nodeContextOf,
  output,
  type Situation,
  stepsOf,
  taskOf,
} from '../../support/task.js'
import { uuid } from './lab.js'

const interfaces = {
  mgmt: { dhcp: true, addresses: {} },
  link0: { dhcp: false, addresses: { 'db-a': '10.77.0.1/24', 'db-b': '10.77.0.2/24' } },
}
const vm = { driver: 'qemu', stub: 'debian-12', memoryMiB: 512, cpus: 1, accelerator: 'tcg', dataDisks: {} }
const situation = (changed: object = {}, driver = 'qemu'): Situation => ({
  settings: {
    repository: 'apt',
    rpm: { reposDir: 'repos', releasever: '9' },
    callback: { timeoutS: 77, bind: '127.0.0.1' },
    ...changed,
  },
  others: { vm: { ...vm, driver }, network: { interfaces, routes: [], resolvers: [], search: [], hosts: {} } },
})
const machine = {
  uuid: uuid('db-a'),
  macs: { mgmt: '52:54:00:00:00:01', link0: '52:54:00:00:00:02' },
  sshHost: '127.0.0.1',
  sshPort: 22100,
  callbackHost: '10.0.2.2',
  stub: '/stub',
  disks: [],
}
const vmLine = `vm ${JSON.stringify(machine)}\nfile 1 /state/vm/db-a/root.raw\n`
const stopped = vmLine
const running = `${vmLine}alive\n`
const runningWithMedium = `${vmLine}alive\nmedium\n`
const called = (status: string, from = machine.uuid) =>
  `callback ${JSON.stringify({ node: 'db-a', vm: from, status, steps: [], log: '' })}\n`
const fingerprint = inputsOf(nodeContextOf(situation()) as never, 'db-a', machine, '45001')
const medium = `inputs ${fingerprint}\nmedium\ntoken\nkey\nport 45001\n`

function judge(id: string, outputs: Record<string, string | Output>, given = situation()) {
  const task = taskOf(iso, id)
  const at = task.scope === 'control' ? contextOf(given) : nodeContextOf(given)
  const recorded = Object.fromEntries(
    Object.entries(outputs).map(([name, text]) => [name, typeof text === 'string' ? output(text) : text]),
  )
  const facts = factsOf(task, at, recorded)
  const answer = task.check({ ...at, facts })
  const steps = () => findingsOf(answer).flatMap((finding) => stepsOf(task, { ...at, facts }, finding))
  return { answer, steps }
}
const summary = (steps: readonly Step[]): readonly string[] =>
  steps.map(
    (step) => `${step.kind} ${'path' in step ? `${step.path} ${step.mode}` : 'title' in step ? step.title : ''}`,
  )

describe('keys', () => {
  it('are made once for the cluster, with the port that is configured', () => {
    const missing = { missing: '/state/iso/callback.port\n', usedPorts: '' }
    const { answer, steps } = judge('keys', missing, situation({ callback: { timeoutS: 77, bind: '::', port: 4711 } }))
    expect(answer).toEqual([
      {
        id: 'no-keys',
        desired: 'keys, a certificate and a port of this cluster',
        actual: 'missing: /state/iso/callback.port',
      },
    ])
    expect(steps()).toEqual([
      {
        kind: 'run',
        title: 'ssh key, certificate and port of the cluster',
        command: { script: expect.stringContaining('printf %s 4711 > /state/iso/callback.port') },
      },
    ])
    expect(judge('keys', { missing: '', usedPorts: '' }).answer).toEqual([])
  })
  it('a port that somebody listens on is not chosen', () => {
    const used = Array.from({ length: 9_999 }, (_, i) => (45_000 + i).toString(16).toUpperCase()).join('\n')
    const [step] = judge('keys', { missing: 'x\n', usedPorts: used }).steps()
    expect(step?.kind === 'run' && step.command.script).toContain('printf %s 54999 >')
  })
})

describe('offline packages', () => {
  const needs = [{ apt: 'lvm2', dnf: 'lvm2' }, { apt: 'ntp' }, { apt: 'lvm2' }, { dnf: 'chrony', zypper: 'chrony' }]
  const probe = (has: number, unprepared: string, given = situation()) => {
    const task = taskOf(iso, 'repository')
    const at = { ...contextOf(given), packages: needs }
    const facts = factsOf(task, at, { has: output('', has), unprepared: output(unprepared) })
    return findingsOf(task.check({ ...at, facts })).map(({ id, desired }) => [id, desired])
  }
  const machines = `${JSON.stringify({ uuid: '1' })}\n${JSON.stringify({ vm: '1', status: 'ok' })}\n${JSON.stringify({ uuid: '2' })}\n`
  const prepared = `${machines}${JSON.stringify({ vm: '2', status: 'ok' })}\n`
  it('are fetched while a machine still needs them, by the names of their kind', () => {
    expect(probe(1, `${machines}\n`)).toEqual([['no-repository', 'lvm2 ntp']])
    expect(probe(1, `${machines}\n`, situation({ repository: 'rpm' }))).toEqual([['no-repository', 'chrony lvm2']])
    expect(probe(1, `\n\n\n\n`)).toEqual([['no-repository', 'lvm2 ntp']])
  })
  it('are left when they are there, when nobody needs them, or when the config wants none', () => {
    expect(probe(0, `${machines}\n`)).toEqual([])
    expect(probe(1, prepared)).toEqual([])
    expect(probe(1, `${machines}\n`, situation({ repository: 'none' }))).toEqual([])
  })
  it('a machine made anew is not the one that called back', () => {
    expect(probe(1, prepared.replace('"uuid":"2"', '"uuid":"3"'))).toEqual([['no-repository', 'lvm2 ntp']])
  })
})

describe('medium', () => {
  const actual = (held: string, state = stopped) => {
    const { answer } = judge('medium', { machine: state, medium: held })
    return 'waits' in answer ? answer : findingsOf(answer).map((finding) => finding.actual)
  }
  it('is in order when its content and its token are there', () => {
    expect(actual(medium)).toEqual([])
  })
  it('is built when there is none, or one of other contents, or one whose preparation failed', () => {
    expect(actual('port 45001\n')).toEqual(['none'])
    expect(actual(medium.replace('token\n', ''))).toEqual(['none'])
    expect(actual(medium.replace(fingerprint, 'other'))).toEqual(['one of other contents'])
    expect(actual(medium.replace('45001', '45002'))).toEqual(['one of other contents'])
    expect(actual(called('failed') + medium)).toEqual(['one whose preparation failed'])
  })
  it('is not needed any more by a machine that called back, but by one that was made anew', () => {
    expect(actual(`${called('ok')}port 45001\n`)).toEqual([])
    expect(actual(`${called('ok', 'another')}port 45001\n`)).toEqual(['none'])
  })
  it('waits for the machine and for the port', () => {
    expect(actual(medium, '')).toEqual({ waits: 'waits for vm/copy' })
    expect(actual('')).toEqual({ waits: 'waits for iso/keys' })
  })
  it('is built with a new token, in files that only the owner reads; a machine that runs from the old one is ended first', () => {
    const steps = judge('medium', { machine: runningWithMedium, medium: called('failed') + medium }).steps()
    const files = ['prep', 'hostname', 'vm', 'interfaces', 'hosts', 'callback']
    const network = ['10-mgmt.link', '50-mgmt.network', '10-link0.link', '50-link0.network']
    expect(summary(steps)).toEqual([
      'run end the machine of db-a',
      'run keys of db-a',
      'write /state/iso/db-a/token 0600',
      ...files.map((name) => `write /state/iso/db-a/tree/${name} 0600`),
      ...network.map((name) => `write /state/iso/db-a/tree/network/${name} 0600`),
      'run config medium of db-a',
    ])
    const secrets = steps.flatMap((step) =>
      step.kind === 'write' && step.path.endsWith('token') ? [step.content] : [],
    )
    expect(String(secrets)).toBe('[redacted]')
  })
})

describe('callback', () => {
  it('of a stopped machine: it is started with its medium and awaited', () => {
    const { answer, steps } = judge('callback', { machine: stopped, medium })
    expect(answer).toEqual([{ id: 'not-prepared', desired: 'a machine that called back', actual: 'stopped' }])
    expect(summary(steps())).toEqual(['run start the machine of db-a', 'wait db-a calls back'])
    expect(steps()[1]).toMatchObject({
      timeoutS: 77,
      hint: expect.stringContaining('ha-provision callback db-a --status FILE'),
    })
  })
  it('of a machine that runs from its medium: it is only awaited', () => {
    expect(summary(judge('callback', { machine: runningWithMedium, medium }).steps())).toEqual(['wait db-a calls back'])
  })
  it('of a machine that runs without a medium: it is started again with it', () => {
    expect(summary(judge('callback', { machine: running, medium }).steps())).toEqual([
      'run end the machine of db-a',
      'run start the machine of db-a',
      'wait db-a calls back',
    ])
  })
  it('a prepared machine that is off is started without a medium', () => {
    const { answer, steps } = judge('callback', { machine: stopped, medium: called('ok') })
    expect(answer).toEqual([{ id: 'stopped', desired: 'running', actual: 'stopped' }])
    const [step] = steps()
    expect(step?.kind === 'run' && step.command.script).not.toContain('config.iso')
    expect(judge('callback', { machine: running, medium: called('ok') }).answer).toEqual([])
  })

  const progress = (text: string) => {
    const [, wait] = judge('callback', { machine: stopped, medium }).steps()
    return wait?.kind === 'wait' ? wait.until.parse(output(text)) : undefined
  }
  it('shows what the machine said last, without control characters', () => {
    expect(progress('\n\u001b[2J[   12.3] ha-prep: hosts: done\u0007\n')).toEqual({
      done: false,
      text: 'prep: hosts: done',
    })
    expect(progress('\n')).toEqual({ done: false, text: 'starting' })
  })
  it('ends the wait: done, or failed with the steps that failed and the end of the log', () => {
    const said = (status: string) =>
      JSON.stringify({
        status,
        steps: [
          { name: 'hosts', ok: true },
          { name: 'interfaces', ok: false },
        ],
        log: 'first\nno interface has the address 52:54\n',
      })
    expect(progress(said('ok'))).toEqual({ done: true, text: 'prepared' })
    expect(progress(said('failed'))).toEqual({
      done: false,
      text: 'failed',
      failed: 'its preparation failed at: interfaces; the end of its log:\nfirst\nno interface has the address 52:54',
    })
  })
})

describe('secrets', () => {
  it('are deleted when the machine called back, and the medium is taken out', () => {
    const { answer, steps } = judge('secrets', { machine: runningWithMedium, medium: called('ok') + medium })
    expect(answer).toEqual([
      { id: 'secrets-left', desired: 'none', actual: 'medium in the drive, medium, token, key of the node' },
    ])
    expect(summary(steps())).toEqual(['run take the config medium out of db-a', 'run delete the medium of db-a'])
    const last = steps()[1]
    expect(last?.kind === 'run' && last.command.script).toBe(
      `rm -rf ${['config.iso', 'token', 'id_ed25519', 'inputs', 'tree'].map((name) => `/state/iso/db-a/${name}`).join(' ')}`,
    )
    expect(judge('secrets', { machine: running, medium: `${called('ok')}port 45001\n` }).answer).toEqual([])
  })
  it('stay while the machine may still need them', () => {
    expect(judge('secrets', { machine: runningWithMedium, medium }).answer).toEqual({ waits: 'waits for iso/callback' })
  })
})

it('servers that exist already are left alone', () => {
  const given = situation({}, 'existing')
  expect(judge('keys', { missing: 'all\n', usedPorts: '' }, given).answer).toEqual([])
  expect(judge('repository', { has: output('', 1), unprepared: '' }, given).answer).toEqual([])
  for (const id of ['medium', 'callback', 'secrets'])
    expect(judge(id, { machine: '', medium: '' }, given).answer).toEqual([])
})
