import { rmSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { definePlugin, sh } from '../../src/index.js'
import { cluster, told } from '../support/cluster.js'
import { filePlugin } from '../support/file-plugin.js'

const clusters: { remove(): void }[] = []
const open: typeof cluster = (...all) => {
  const made = cluster(...all)
  clusters.push(made)
  return made
}
const before = { ...process.env }
beforeEach(() => Object.assign(process.env, before))
afterEach(() => {
  for (const made of clusters.splice(0)) made.remove()
})

describe('a cluster in order', () => {
  it('is asked once for each node, whatever the number of stages, and no step runs', async () => {
    const it = open([
      filePlugin('one'),
      filePlugin('two'),
      filePlugin('all', { scope: 'perCluster' }),
      filePlugin('six'),
    ])
    await it.run()
    const report = await it.run()
    expect({ steps: report.steps, channels: report.channels, exit: report.exitCode }).toEqual({
      steps: 0,
      channels: { a: 1, b: 1 },
      exit: 0,
    })
    expect(told(report)).toEqual([
      'a one/file ok',
      'a six/file ok',
      'a two/file ok',
      'all/file ok',
      'b one/file ok',
      'b six/file ok',
      'b two/file ok',
    ])
  })
  it('is told stage by stage and node by node, whichever node was the faster', async () => {
    const it = open([
      filePlugin('one', { probe: '[ "$(basename "$PWD")" = b ] || sleep 0.4; cat one 2>/dev/null' }),
      filePlugin('two'),
    ])
    const report = await it.run({ dryRun: true })
    expect(report.outcomes.map(({ stage, node }) => `${stage} ${node}`)).toEqual([
      'one/file a',
      'one/file b',
      'two/file a',
      'two/file b',
    ])
  })
  it('is left alone by a dry run, which writes nothing', async () => {
    const it = open([filePlugin('one', { probe: 'cat one 2>/dev/null' })])
    const report = await it.run({ dryRun: true })
    expect(told(report)).toEqual(['a one/file drift', 'b one/file drift'])
    expect(report).toMatchObject({ exitCode: 3, steps: 0, channels: { a: 1, b: 1 } })
    expect([it.has('a/one'), it.has('b/one')]).toEqual([false, false])
  })
})

describe('a rolling stage', () => {
  const plugin = (fix: string) =>
    filePlugin('one', {
      rolling: true,
      probe: 'cat one; [ "$(cat ../service)" != "$(basename "$HOME")" ] || echo here',
      isActive: (content) => content.includes('here'),
      fix: () => [{ kind: 'run', command: { script: `basename "$HOME" >>../order; ${fix}` } }],
    })
  it.each([
    ['a', 'b\na\n'],
    ['b', 'a\nb\n'],
    ['none', 'a\nb\n'],
  ])('with the service on %s takes the passive node first', async (active, order) => {
    const it = open([plugin('echo done >one')], { files: { 'nodes/service': active } })
    expect((await it.run()).exitCode).toBe(0)
    expect(it.read('order')).toBe(order)
  })
  it('judges the second node by what it is after the first, not before', async () => {
    const it = open([plugin('echo done >one; echo done >../a/one')], { files: { 'nodes/service': 'a' } })
    expect(told(await it.run())).toEqual(['a one/file ok', 'b one/file changed'])
    expect(it.read('order')).toBe('b\n')
  })
  it('stops before the active node when the passive one fails', async () => {
    const it = open([plugin('exit 1')], { files: { 'nodes/service': 'a' } })
    expect(told(await it.run()).map((line) => line.split(':')[0])).toEqual(['a one/file skipped', 'b one/file failed'])
  })
  it('lets a node that does not answer say so in its turn', async () => {
    const it = open([plugin('echo done >one')], { files: { 'nodes/service': 'a' } })
    writeFileSync(it.path('a.down'), '')
    expect(told(await it.run()).map((line) => line.split(':')[0])).toEqual([
      'a one/file unreachable',
      'b one/file skipped',
    ])
  })
})

describe('facts', () => {
  it('of a node are asked again after a step, for this and the later stages only', async () => {
    const it = open([filePlugin('one'), filePlugin('two'), filePlugin('six')])
    await it.run()
    rmSync(it.path('a/two'))
    rmSync(it.path('a/asked'))
    rmSync(it.path('b/asked'))
    const report = await it.run()
    expect(report.channels).toEqual({ a: 3, b: 1 })
    expect(it.read('a/asked').trim().split('\n')).toEqual(['one', 'two', 'six', 'two', 'six'])
    expect(it.read('b/asked').trim().split('\n')).toEqual(['one', 'two', 'six'])
  })
  it('are asked two stages at a time after a step, and then the double each time', async () => {
    const names = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8', 'c9']
    const it = open(names.map((name) => filePlugin(name)))
    await it.run()
    rmSync(it.path('a/c1'))
    rmSync(it.path('a/asked'))
    const report = await it.run()
    // All; a step; c1 c2; c3 to c6; c7 to c9 of eight that it could be.
    expect(report.channels).toEqual({ a: 5, b: 1 })
    expect(it.read('a/asked').trim().split('\n')).toEqual([...names, ...names])
  })
  it('of the whole cluster are asked again where another node was changed', async () => {
    const it = open([filePlugin('one'), filePlugin('all', { scope: 'perCluster' })])
    await it.run()
    rmSync(it.path('a/one'))
    rmSync(it.path('b/asked'))
    await it.run()
    expect(it.read('b/asked').trim().split('\n')).toEqual(['one', 'all', 'all'])
  })
  it('that cannot be read fail their stage and no other node', async () => {
    const it = open([filePlugin('one')])
    await it.run()
    writeFileSync(it.path('a/one'), '?')
    const report = await it.run()
    expect(told(report)).toEqual([
      expect.stringMatching(
        /^a one\/file failed: a: probe "content" gave an answer that cannot be read: no such form$/,
      ),
      'b one/file ok',
    ])
  })
})

describe('a fix', () => {
  it('that needs several rounds gets them', async () => {
    const it = open([
      filePlugin('one', {
        probe: 'cat one 2>/dev/null',
        fix: ({ actual }) => [{ kind: 'run', command: actual === 'half' ? sh`echo done >one` : sh`echo half >one` }],
      }),
    ])
    expect(await it.run()).toMatchObject({ steps: 4, exitCode: 0, channels: { a: 5, b: 5 } })
  })
  it('after which the same is found is a failure, not a loop', async () => {
    const it = open([filePlugin('one', { fix: () => [{ kind: 'run', command: sh`true` }] })], { nodes: ['a'] })
    expect(told(await it.run())).toEqual(['a one/file failed: still there after its fix: missing (one)'])
  })
  it('that finds something else for ever is given up', async () => {
    const it = open(
      [
        filePlugin('one', {
          probe: 'cat one 2>/dev/null | wc -c',
          fix: () => [{ kind: 'run', command: sh`echo >>one` }],
        }),
      ],
      { nodes: ['a'] },
    )
    expect(await it.run()).toMatchObject({ exitCode: 1, steps: 8 })
  })
  it('that fails says its exit code, its node and its last words', async () => {
    const it = open(
      [filePlugin('one', { fix: () => [{ kind: 'run', title: 'make it', command: sh`echo no room >&2; exit 28` }] })],
      { nodes: ['a'] },
    )
    expect(told(await it.run())).toEqual(['a one/file failed: make it on a: exit 28\nno room'])
  })
  it('that takes too long is ended on the node', async () => {
    const it = open(
      [filePlugin('one', { fix: () => [{ kind: 'run', title: 'sleep', command: { ...sh`sleep 30`, timeoutS: 1 } }] })],
      { nodes: ['a'] },
    )
    expect(told(await it.run())[0]).toMatch(/^a one\/file failed: sleep on a: exit 124 \(time limit\)/)
  })
  it('by hand is refused before anything changes, with the words of the plugin', async () => {
    const it = open([filePlugin('one', { manual: 'Choose the survivor.' })], { nodes: ['a'] })
    expect(told(await it.run())).toEqual(['a one/file refused: missing (one)\nChoose the survivor.'])
  })
})

describe('a failure', () => {
  const failing = (name: string) =>
    filePlugin(name, { fix: () => [{ kind: 'run', command: sh`[ "$(basename "$HOME")" = b ] && echo done >${name}` }] })
  it('ends its own lane; the other node goes on to where all meet, and nothing runs after', async () => {
    const it = open([failing('one'), filePlugin('two'), filePlugin('all', { scope: 'perCluster' }), filePlugin('six')])
    const report = await it.run()
    expect(told(report).map((line) => line.split('\n')[0])).toEqual([
      'a one/file failed: [ "$(basename "$HOME")" = b ] && echo done >one on a: exit 1',
      'a six/file skipped: after one/file',
      'a two/file skipped: after one/file',
      'all/file skipped: after one/file',
      'b one/file changed',
      'b six/file skipped: after one/file',
      'b two/file changed',
    ])
    expect([report.exitCode, it.has('b/two'), it.has('a/two'), it.has('b/six')]).toEqual([1, true, false, false])
  })
  it('in a rolling stage spares the nodes after it', async () => {
    const it = open([filePlugin('one', { rolling: true, fix: () => [{ kind: 'run', command: sh`exit 1` }] })])
    expect(told(await it.run()).map((line) => line.split(':')[0])).toEqual(['a one/file failed', 'b one/file skipped'])
    expect(it.has('b')).toBe(false)
  })
  it('to answer is an outcome of its own, exit code 4, and the other node is served', async () => {
    const it = open([filePlugin('one'), filePlugin('two')])
    writeFileSync(it.path('a.down'), '')
    const report = await it.run()
    expect(told(report)).toEqual([
      'a one/file unreachable: a does not answer: ssh: connect to host a port 22: Connection timed out',
      'a two/file skipped: after one/file',
      'b one/file changed',
      'b two/file changed',
    ])
    expect(report.exitCode).toBe(4)
  })
  it('to answer in a dry run is told as waiting where an earlier stage would make the node', async () => {
    const it = open([filePlugin('make', { scope: 'onControlPerNode', probe: 'true' }), filePlugin('one')], {
      nodes: ['a'],
    })
    writeFileSync(it.path('a.down'), '')
    const report = await it.run({ dryRun: true })
    expect(told(report)).toEqual(['a make/file drift', 'a one/file waits: waits for make/file'])
    expect(report.exitCode).toBe(3)
  })
  it('to judge waits in a dry run and fails in a real one', async () => {
    const it = open([filePlugin('one', { waits: 'drbdadm is not installed yet' })], { nodes: ['a'] })
    expect(told(await it.run({ dryRun: true }))).toEqual(['a one/file waits: drbdadm is not installed yet'])
    expect(told(await it.run())).toEqual(['a one/file failed: cannot be judged: drbdadm is not installed yet'])
  })
})

describe('destruction', () => {
  const device = '/dev/disk/by-path/pci-0000:00:1f.2-ata-1'
  const wiping = filePlugin('one', {
    fix: () => [
      { kind: 'run', command: sh`echo before >first` },
      { kind: 'run', command: sh`echo done >one`, destroys: { what: 'ext4 filesystem', device } },
    ],
  })
  it('is refused with the flag that allows it, before the first step', async () => {
    const it = open([wiping], { nodes: ['a'] })
    const report = await it.run()
    expect(told(report)).toEqual([
      `a one/file refused: missing (one)\nthis would destroy the ext4 filesystem on ${device} of a; if that is meant: --allow 'a:${device}:ext4 filesystem'`,
    ])
    expect([report.exitCode, it.has('a/first')]).toEqual([1, false])
  })
  it('happens on the node that is named, and on no other', async () => {
    const it = open([wiping])
    expect(told(await it.run({ allow: [`a:${device}:ext4 filesystem`] })).map((line) => line.split(':')[0])).toEqual([
      'a one/file changed',
      'b one/file refused',
    ])
  })
  it('is not allowed by the name of another device', async () => {
    const it = open([wiping], { nodes: ['a'] })
    expect(await it.run({ allow: ['a:/dev/vdb:ext4 filesystem', 'interruption'] })).toMatchObject({
      exitCode: 1,
      steps: 0,
    })
  })
})

describe('an interruption of the service', () => {
  const restarting = filePlugin('one', {
    fix: () => [{ kind: 'run', command: sh`echo done >one`, interrupts: 'the cluster manager restarts' }],
  })
  it('is refused unless it is allowed', async () => {
    const it = open([restarting], { nodes: ['a'] })
    expect(told(await it.run())).toEqual([
      'a one/file refused: missing (one)\nthis would interrupt the service: the cluster manager restarts; if that is meant: --allow interruption',
    ])
    expect(told(await it.run({ allow: ['interruption'] }))).toEqual(['a one/file changed'])
  })
})

describe('a run', () => {
  it('takes only the stages of the plugins that --only names', async () => {
    const it = open([filePlugin('one'), filePlugin('two')], { nodes: ['a'] })
    expect(told(await it.run({ only: ['two'] }))).toEqual(['a two/file changed'])
  })
  it('has a task in the place of another plugin, where that one takes part', async () => {
    const it = open([filePlugin('one'), filePlugin('two'), filePlugin('three', { before: 'two' }), filePlugin('four')])
    expect((await it.run()).exitCode).toBe(0)
    expect(it.read('a', 'order')).toBe('one\nthree\ntwo\nfour\n')
    expect(told(await it.run({ only: ['three'] }))).toEqual(['a three/file ok', 'b three/file ok'])
  })
  it('looks early at what must stop it: before every change, after the plugins that make the nodes', async () => {
    const it = open(
      [
        filePlugin('machine', { modes: ['create'] }),
        filePlugin('one'),
        filePlugin('last', { scope: 'perCluster', early: true, manual: 'move it away' }),
      ],
      { nodes: ['a'] },
    )
    const run = async (mode: 'create' | 'modify') =>
      (await it.run({ mode })).outcomes.map(({ stage, status }) => `${stage} ${status}`)
    expect(await run('create')).toEqual(['machine/file changed', 'last/file refused', 'one/file skipped'])
    expect(await run('modify')).toEqual(['last/file refused', 'one/file skipped'])
    expect([it.has('a/machine'), it.has('a/one')]).toEqual([true, false])
  })
  it('lets a plugin read by a name what others offer, whichever they are', async () => {
    const collector = definePlugin({
      name: 'collector',
      schema: { type: 'object' },
      tasks: (t) => [
        t.perNode({
          id: 'all',
          title: 'what is offered',
          probes: () => ({}),
          check: (at) => ({ waits: JSON.stringify([at.offered('lamp'), at.offered('bell')]) }),
          fix: {},
        }),
      ],
    })
    const one = filePlugin('one', { offers: ({ settings }) => ({ lamp: ['red', settings] }) })
    const two = filePlugin('two', { offers: () => ({ lamp: ['green'] }) })
    const report = await open([collector, one, two], { nodes: ['a'] }).run({ dryRun: true })
    expect(report.outcomes[0]).toMatchObject({ stage: 'collector/all', reason: '[["red",{},"green"],[]]' })
  })
  it('leaves plugins of another mode out', async () => {
    const it = open([filePlugin('one', { modes: ['create'] }), filePlugin('two')], { nodes: ['a'] })
    expect(told(await it.run({ mode: 'modify' }))).toEqual(['a two/file changed'])
  })
  it('that is stopped begins nothing new and ends a wait', async () => {
    const stop = new AbortController()
    const waiting = filePlugin('one', {
      fix: () => [
        {
          kind: 'wait',
          title: 'the peer',
          timeoutS: 60,
          until: { command: sh`echo 1`, parse: () => ({ done: false, text: 'not yet' }) },
        },
      ],
    })
    const it = open([waiting, filePlugin('two')], { nodes: ['a'] })
    const started = Date.now()
    const report = await it.run({ soft: stop.signal, listener: (e) => e.type === 'note' && stop.abort() })
    expect(told(report)).toEqual([
      'a one/file interrupted: stopped by a signal; the next run goes on from here',
      'a two/file skipped: after one/file',
    ])
    expect(report.exitCode).toBe(130)
    expect(Date.now() - started).toBeLessThan(5000)
  })
  it('lets the step that runs end before it stops', async () => {
    const stop = new AbortController()
    const it = open(
      [
        filePlugin('one', {
          fix: () => [
            { kind: 'run', command: sh`sleep 0.5; echo done >one` },
            { kind: 'run', command: sh`echo >never` },
          ],
        }),
      ],
      { nodes: ['a'] },
    )
    await it.run({ soft: stop.signal, listener: (e) => e.type === 'step-start' && stop.abort() })
    expect([it.read('a/one'), it.has('a/never')]).toEqual(['done\n', false])
  })
})

describe('a wait', () => {
  const waiting = (more: object, parse: (n: number) => object) =>
    filePlugin('one', {
      fix: () => [
        {
          kind: 'wait',
          title: 'the peer',
          timeoutS: 60,
          everyS: 0.05,
          until: { command: sh`echo x >>polls; wc -l <polls`, parse: ({ stdout }) => parse(Number(stdout)) as never },
          ...more,
        },
        { kind: 'run', command: sh`echo done >one` },
      ],
    })
  it('ends when the awaited is there', async () => {
    const it = open([waiting({}, (n) => ({ done: n === 3, ratio: n / 3, text: `${n} of 3` }))], { nodes: ['a'] })
    expect(told(await it.run())).toEqual(['a one/file changed'])
    expect(it.events.flatMap((e) => (e.type === 'note' ? [e.text] : []))).toEqual([
      '33 % 1 of 3 (0 s)',
      '66 % 2 of 3 (0 s)',
    ])
  })
  it.each([
    [
      'its time is over',
      { timeoutS: 0, everyS: 1.1 },
      () => ({ done: false, text: 'sync 7 %' }),
      'exit 124 (time limit)\nthe peer: not reached within 0 s; last seen: sync 7 %',
    ],
    [
      'nothing moves',
      { stallS: 0.2 },
      () => ({ done: false, text: 'sync 7 %' }),
      'exit 125\nthe peer: nothing moved for 0.2 s; last seen: sync 7 %',
    ],
    [
      'the awaited failed',
      {},
      () => ({ done: false, text: 'x', failed: 'the peer is StandAlone' }),
      'exit 1\nthe peer is StandAlone',
    ],
  ])('gives up when %s', async (_, more, parse, why) => {
    const it = open([waiting(more, parse)], { nodes: ['a'] })
    expect(told(await it.run())).toEqual([`a one/file failed: wait: the peer on a: ${why}`])
  })
  it('keeps its service open meanwhile and closes it in the end', async () => {
    const seen: string[] = []
    const open2 = async () => {
      seen.push('open')
      return { close: async () => void seen.push('closed') }
    }
    const it = open([waiting({ open: open2 }, () => ({ done: false, text: 'x', failed: 'no' }))], { nodes: ['a'] })
    await it.run()
    expect(seen).toEqual(['open', 'closed'])
  })
})
