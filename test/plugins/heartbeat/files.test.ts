import { describe, expect, it } from 'vitest'
import heartbeat from '../../../plugins/heartbeat/index.js'
import { masked } from '../../../plugins/heartbeat/render.js'
import { reveal } from '../../../src/index.js'
import { expected, filesOutput, judgeNode, settings, unitsOutput } from './lab.js'

const agent = ['/etc/ha.d/resource.d/drbddisk', '#!/bin/sh\n', '0755'] as const
const config = expected('ha.cf')
const resources = expected('haresources')
const inOrder = (text = config, mode = '0600') =>
  filesOutput(['/etc/ha.d/ha.cf', text, mode], ['/etc/ha.d/haresources', resources, '0644'])
const agents = filesOutput(agent)

describe('files', () => {
  it('as they should be: nothing to do', () => {
    expect(judgeNode('config', { dir: '', files: inOrder(), agents }).answer).toEqual([])
    expect(judgeNode('config', { dir: '', files: inOrder(), agents }, {}, 'db-b').answer).toEqual([])
  })
  it('are written where there are none, with an agent if the distribution has none', () => {
    const { answer, steps } = judgeNode('config', { dir: '', files: '', agents: '' })
    expect(answer).toMatchObject([
      { id: 'config-file', subject: '/etc/ha.d/ha.cf', desired: config },
      { id: 'resources-file', subject: '/etc/ha.d/haresources', desired: resources },
      { id: 'no-agent', subject: '/etc/ha.d/resource.d/drbddisk' },
    ])
    expect(steps()).toMatchObject([
      { kind: 'write', path: '/etc/ha.d/ha.cf', mode: '0600' },
      { kind: 'write', path: '/etc/ha.d/haresources', mode: '0644', content: resources },
      { kind: 'write', path: '/etc/ha.d/resource.d/drbddisk', mode: '0755' },
    ])
  })
  const desired = (changed: object) => {
    const { answer } = judgeNode('config', { dir: '', files: '', agents: '' }, changed)
    return 'waits' in answer ? '' : String(answer[0]?.desired)
  }
  it('the port comes before the links, and stands in each mcast line', () => {
    const lines = desired({
      links: [
        { type: 'bcast', interface: 'eth1', group: '239.77.0.1' },
        { type: 'mcast', interface: 'eth2', group: '239.1.2.3' },
      ],
    }).split('\n')
    expect(lines.slice(2, 5)).toEqual(['udpport 16941', 'bcast eth1', 'mcast eth2 239.1.2.3 16941 1 0'])
  })
  it('parts of a second become milliseconds', () => {
    expect(desired({ keepaliveS: 0.5 })).toContain('\nkeepalive 500ms\n')
  })
  it('automatic failback and the home node come from the config', () => {
    expect(desired({ autoFailback: true })).toContain('\nauto_failback on\n')
    const { answer } = judgeNode(
      'config',
      { dir: '', files: inOrder(), agents },
      { home: 'db-b', resources: ['db2::inst1'] },
    )
    expect(answer).toMatchObject([
      {
        id: 'resources-file',
        desired: resources.replace('db-a drbddisk', 'db-b drbddisk').replace('/eth1\n', '/eth1 db2::inst1\n'),
      },
    ])
  })
  it('resources that other plugins offer come after the addresses, with their agents', () => {
    const content = '#!/bin/sh\nexit 0\n'
    const offered = { 'cluster-resource': [{ words: 'lamp::red', agent: { name: 'lamp', content } }] }
    const path = '/etc/ha.d/resource.d/lamp'
    const wanted = resources.replace('/eth1\n', '/eth1 lamp::red db2::inst1\n')
    const judge = (lamp: readonly [string, string, string][]) =>
      judgeNode(
        'config',
        {
          dir: '',
          files: filesOutput(['/etc/ha.d/ha.cf', config, '0600'], ['/etc/ha.d/haresources', wanted, '0644']),
          agents: filesOutput(agent, ...lamp),
        },
        { offered, resources: ['db2::inst1'] },
      )
    expect(judge([[path, content, '0755']]).answer).toEqual([])
    expect(judge([]).answer).toMatchObject([{ id: 'no-agent', subject: path, desired: content }])
    const old = judge([[path, 'exit 1\n', '0755']])
    expect(old.answer).toMatchObject([{ id: 'other-agent', subject: path, desired: content, actual: 'exit 1\n' }])
    expect(old.steps()).toEqual([{ kind: 'write', path, content, mode: '0755' }])
    expect(judge([[path, content, '0644']]).answer).toMatchObject([{ id: 'other-agent', note: 'mode 0644' }])
  })
  it('fencing that another plugin offers gets its program, and a line for each node', () => {
    const program = '#!/bin/sh\nexit 0\n'
    const offered = { fencing: [{ name: 'lamp', program, silent: 'Switch it on.' }] }
    const path = '/usr/lib/stonith/plugins/external/lamp'
    const lines = 'stonith_host db-a external/lamp db-b\nstonith_host db-b external/lamp db-a\n'
    const judge = (text: string, ...own: (readonly [string, string, string])[]) =>
      judgeNode('config', { dir: '', files: inOrder(text), agents: filesOutput(agent, ...own) }, { offered })
    expect(judge(`${config}${lines}`, [path, program, '0755']).answer).toEqual([])
    const none = judge(config)
    expect(none.answer).toMatchObject([{ id: 'config-file' }, { id: 'no-agent', subject: path, desired: program }])
    const [write] = none.steps()
    expect(write?.kind === 'write' && reveal(write.content)).toBe(`${config}${lines}`)
    // One that a person wrote for another device goes: what is offered says who fences.
    const other = judge(`${config}stonith_host * external/ssh db-a db-b\n`, [path, program, '0755'])
    expect(other.answer).toMatchObject([{ id: 'config-file' }])
    expect(judge(`${config}${lines}`, [path, 'exit 1\n', '0755']).answer).toMatchObject([{ id: 'other-agent' }])
  })
  it('offered fencing that does not answer is a finding, once its program is there', () => {
    const offered = { fencing: [{ name: 'lamp', program: 'exit 0\n', silent: 'Switch it on.' }] }
    const path = '/usr/lib/stonith/plugins/external/lamp'
    const there = filesOutput([path, 'exit 0\n', '0755'])
    const judge = (programs: string, answers: string) => judgeNode('fencing', { programs, answers }, { offered }).answer
    expect(judge(there, 'answers lamp\n')).toEqual([])
    expect(judge('', '')).toEqual({ waits: 'waits for heartbeat/config' })
    expect(judge(there, '')).toMatchObject([{ id: 'fencing-silent', subject: 'external/lamp', note: 'Switch it on.' }])
    expect(judgeNode('fencing', { programs: '', answers: '' }).answer).toEqual([])
  })
  it('passwords for fencing are written and never shown', () => {
    const stonith = ['db-a external/ipmi db-b 10.0.0.9 admin hunter2']
    const { answer, steps } = judgeNode('config', { dir: '', files: inOrder(), agents }, { stonith })
    expect(JSON.stringify(answer)).not.toContain('hunter2')
    expect(JSON.stringify(answer)).toContain('stonith_host db-a external/ipmi [hidden ')
    const [step] = steps()
    expect(JSON.stringify(step)).not.toContain('hunter2')
    expect(step?.kind === 'write' && reveal(step.content)).toBe(`${config}stonith_host ${stonith[0]}\n`)
  })
  it('another password is a difference', () => {
    const line = (word: string) => masked(`stonith_host * external/ipmi db-b ${word}\n`)
    expect(line('one')).not.toBe(line('two'))
    expect(line('one')).toBe(line('one'))
  })
  it('with passwords for fencing only root reads ha.cf', () => {
    const stonith = ['* external/ssh db-a db-b']
    const text = `${config}stonith_host ${stonith[0]}\n`
    expect(judgeNode('config', { dir: '', files: inOrder(text, '0644'), agents }, { stonith }).answer).toEqual([
      { id: 'config-mode', subject: '/etc/ha.d/ha.cf', desired: '0600', actual: '0644' },
    ])
  })
})

describe('at boot', () => {
  it('heartbeat starts', () => {
    const units = unitsOutput({ 'heartbeat.service': ['inactive', 'disabled'] })
    expect(judgeNode('boot', { units }).answer).toEqual([
      { id: 'not-at-boot', subject: 'heartbeat.service', desired: 'enabled', actual: 'disabled' },
    ])
  })
  it('what heartbeat starts does not start by itself', () => {
    const units = unitsOutput({ 'heartbeat.service': ['active', 'enabled'], 'apache2.service': ['active', 'enabled'] })
    const { answer, steps } = judgeNode('boot', { units }, { resources: ['apache2'] })
    expect(answer).toEqual([
      { id: 'at-boot', subject: 'apache2.service', desired: 'disabled: heartbeat starts it', actual: 'enabled' },
    ])
    expect(steps()).toMatchObject([{ kind: 'run', command: { script: 'systemctl disable -q apache2.service' } }])
  })
})

describe('before a run', () => {
  const warnings = (vm: object | undefined, own: object, drbd: object = {}) => {
    const said: string[] = []
    const all: Record<string, unknown> = {
      vm,
      heartbeat: { ...settings, ...own },
      drbd: { resources: { r0: { net: {}, disk: {}, ...drbd } } },
    }
    heartbeat.hooks?.['before-run']?.({
      settings: (name: string) => all[name],
      log: (line: string) => said.push(line),
    } as never)
    return said.map((line) => line.slice(0, 60))
  }
  const waits = { disk: { fencing: 'resource-and-stonith' } }
  it.each([
    [{ driver: 'qemu', fencing: false }, {}, {}, ['WARNING heartbeat: there is no fencing (heartbeat.stonith, o']],
    [undefined, {}, {}, ['WARNING heartbeat: there is no fencing (heartbeat.stonith): ']],
    [
      undefined,
      { links: [settings.links[0]] },
      {},
      [expect.anything(), 'WARNING heartbeat: and there is only one link, so that one b'],
    ],
    [{ driver: 'qemu', fencing: true }, {}, {}, ['WARNING drbd: r0 does not wait for fencing (disk: { fencing:']],
    [undefined, { stonith: ['* external/ssh db-a db-b'] }, {}, [expect.stringContaining('r0 does not wait')]],
    [{ driver: 'qemu', fencing: true }, {}, waits, []],
    [{ driver: 'qemu', fencing: true }, {}, { net: waits.disk }, []],
  ])('what is not protected is said: %j %j %j', (vm, own, drbd, said) => {
    expect(warnings(vm, own, drbd)).toEqual(said)
  })
})
