import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import heartbeat from '../../../plugins/heartbeat/index.js'
import { parseCluster } from '../../../plugins/heartbeat/probes.js'
import { nodeContextOf, output, taskOf } from '../../support/task.js'
import { expected, filesOutput, judgeCluster, recorded, situation } from './lab.js'

const haresources = (content: string) => filesOutput(['/etc/ha.d/haresources', content, '0644'])
const said = (cluster: string, drbd: string) => ({
  cluster: recorded(cluster),
  drbd: recorded(drbd),
  files: haresources(expected('haresources')),
})
const home = said('holds-db-a', 'drbd-db-a')
const standby = said('holds-db-b', 'drbd-db-b')
const without = (text: string, ...lines: readonly string[]) =>
  text
    .split('\n')
    .filter((line) => !lines.includes(line))
    .join('\n')

const up = (a: typeof home, b: typeof home) => judgeCluster('up', { 'db-a': a, 'db-b': b })
const titles = (steps: readonly object[]) =>
  steps.map((step) => ('title' in step && 'on' in step ? `${step.on}: ${step.title}` : step))
const active = { 'db-a': 'active', 'db-b': 'active' }

describe('what a node says', () => {
  const parse = (name: string) => parseCluster(output(recorded(name)))
  it('of a group that it holds', () => {
    expect(parse('holds-db-a')).toEqual({
      running: true,
      stale: false,
      claims: 'all',
      seen: active,
      addresses: ['10.77.1.100'],
      answering: ['10.77.1.100'],
      mounted: ['/data'],
      busy: false,
      uuid: '21b8fa0411944c5a91fc842a5b162167',
    })
  })
  it('of a group that its peer holds', () => {
    expect(parse('holds-db-b')).toEqual({
      running: true,
      stale: false,
      claims: 'none',
      seen: active,
      addresses: [],
      answering: ['10.77.1.100'],
      mounted: [],
      busy: false,
      uuid: 'a6157498559b4f508da48a70f61f6cc5',
    })
  })
  it('of a dead peer whose group it took over', () => {
    expect(parse('took-over-db-b')).toMatchObject({
      claims: 'all',
      seen: { 'db-a': 'dead', 'db-b': 'active' },
      addresses: ['10.77.1.100'],
      mounted: ['/data'],
    })
  })
  it('of the deadtime that it runs with', () => {
    const { deadtimeMs } = parseCluster(output(`${recorded('holds-db-a')}deadtime 2500ms\n`))
    expect(deadtimeMs).toBe(2500)
  })
  it('when its own program is asked, in a shell', () => {
    const dir = mkdtempSync(join(tmpdir(), 'cluster-'))
    const clStatus = `#!/bin/sh
case $* in rscstatus) echo all ;; 'nodestatus db-'?) echo active ;; 'hbparameter -p deadtime') echo 5 ;; *) exit 2 ;; esac
`
    writeFileSync(join(dir, 'cl_status'), clStatus, { mode: 0o755 })
    for (const name of ['ip', 'ping']) writeFileSync(join(dir, name), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    const { cluster } = taskOf(heartbeat, 'reload').probes(nodeContextOf(situation()))
    const script = cluster && 'command' in cluster ? cluster.command.script : ''
    const env = { PATH: `${dir}:${process.env.PATH}` }
    const stdout = execFileSync('sh', ['-c', script], { encoding: 'utf8', env })
    rmSync(dir, { recursive: true })
    expect(parseCluster(output(stdout))).toMatchObject({ claims: 'all', seen: active, deadtimeMs: 5000 })
  })
  it('of a configuration that is newer than its heartbeat', () => {
    expect(parse('stale-db-a').stale).toBe(true)
    expect(parse('rejoined-db-a').stale).toBe(false)
  })
})

describe('the group', () => {
  it('at home, both nodes active: nothing to do', () => {
    expect(up(home, standby).answer).toEqual([])
  })
  it('whose scripts still run is waited for: databases start after what can be seen here', () => {
    const { answer, steps } = up({ ...home, cluster: `${home.cluster}busy\n` }, standby)
    expect(answer).toMatchObject([{ id: 'group-moving', subject: 'db-a' }])
    expect(titles(steps())).toEqual(['db-a: the group starts on db-a'])
  })
  it('on the other node after a failover is where it should be', () => {
    const after = up(said('rejoined-db-a', 'drbd-rejoined-db-a'), said('rejoined-db-b', 'drbd-rejoined-db-b'))
    expect(after.answer).toEqual([])
  })
  it('a dead peer is waited for', () => {
    const dead = { cluster: '', drbd: '', files: '' }
    const { answer, steps } = up(dead, said('took-over-db-b', 'drbd-alone-db-b'))
    expect(answer).toEqual([
      { id: 'peer-not-active', subject: 'db-a', desired: 'both active', actual: 'db-a unknown, db-b unknown' },
      { id: 'peer-not-active', subject: 'db-b', desired: 'both active', actual: 'db-a dead' },
      { id: 'address-silent', subject: 'db-a', desired: 'answers', actual: 'silent: 10.77.1.100' },
    ])
    expect(titles(steps()).slice(0, 2)).toEqual([
      'db-a: db-a sees both nodes active',
      'db-b: db-b sees both nodes active',
    ])
  })
  it('without its address is made whole by the node that has the rest', () => {
    const half = { ...home, cluster: without(home.cluster, 'address 10.77.1.100', 'answers 10.77.1.100') }
    const { answer, steps } = up(half, standby)
    expect(answer).toEqual([
      {
        id: 'group-half',
        subject: 'db-a',
        desired: 'the whole group on one node',
        actual: 'missing: 10.77.1.100',
      },
    ])
    expect(titles(steps())).toEqual(['db-a: have heartbeat start what is missing', 'db-a: the group starts on db-a'])
  })
  const halfOf = (one: typeof home) => ({
    ...one,
    cluster: without(one.cluster, 'address 10.77.1.100', 'answers 10.77.1.100'),
  })
  const moved = (a: string, b: string) =>
    up({ ...halfOf(home), files: a }, { ...standby, files: b })
      .steps()
      .flatMap((step) => (step.kind === 'run' ? [step.interrupts] : []))
  const ours = expected('haresources')
  it('alone in haresources is made whole without a word', () => {
    expect(moved(haresources(ours), haresources(ours))).toEqual([undefined])
    expect(moved('', '')).toEqual([undefined])
  })
  it.each([
    ['another group', `${ours}db-b 10.77.1.110 postfix\n`, 'db-b 10.77.1.110 postfix'],
    ['a resource that no option says', ours.replace(/\n$/, ' postfix\n'), 'postfix'],
    ['nothing but the groups of others', 'db-a postfix\ndb-b apache2\n', 'db-a postfix; db-b apache2'],
  ])('beside %s needs a word: hb_takeover moves everything', (_, content, what) => {
    const why = `hb_takeover moves all that haresources has to db-a, not only what the config says: ${what}`
    expect(moved(haresources(content), haresources(ours))).toEqual([why])
    expect(moved(haresources(ours), haresources(content))).toEqual([why])
    expect(moved(haresources(content), haresources(content))).toEqual([why])
  })
  it('that heartbeat is still moving is only waited for', () => {
    const moving = {
      ...home,
      cluster: without(home.cluster, 'address 10.77.1.100').replace('claims all', 'claims transition'),
    }
    expect(titles(up(moving, standby).steps())).toEqual(['db-a: the group starts on db-a'])
  })
  const nothing = (text: string) => without(text, 'address 10.77.1.100', 'answers 10.77.1.100', 'mounted /data')
  const secondary = (text: string) => text.replace(/ro:\w+\/\w+/, 'ro:Secondary/Secondary')
  const idle = (one: typeof home) => ({ ...one, cluster: nothing(one.cluster), drbd: secondary(one.drbd) })
  it('that is nowhere starts at home', () => {
    expect(up(idle(home), idle(standby)).answer).toEqual([
      {
        id: 'group-nowhere',
        subject: 'db-a',
        desired: 'the whole group on one node',
        actual: 'nothing of it anywhere',
      },
    ])
  })
  it('that is nowhere starts on the other node when only that one has good data', () => {
    const bad = idle(home)
    const behind = { ...bad, drbd: bad.drbd.replace('ds:UpToDate', 'ds:Inconsistent') }
    expect(up(behind, idle(standby)).answer).toMatchObject([{ id: 'group-nowhere', subject: 'db-b' }])
  })
  it('a device that is primary and not mounted passes for the group, and is no group', () => {
    expect(up({ ...home, cluster: nothing(home.cluster) }, standby).answer).toMatchObject([
      { id: 'group-half', subject: 'db-a', actual: 'missing: /data, 10.77.1.100' },
    ])
  })
  it('on both nodes is left to a person', () => {
    const both = { ...standby, cluster: `${standby.cluster}address 10.77.1.100\n` }
    const { answer, steps } = up(home, both)
    expect(answer).toMatchObject([
      {
        id: 'group-twice',
        subject: 'db-a, db-b',
        note: 'db-a lacks nothing; db-b lacks r0 primary, /data',
      },
    ])
    expect(steps).toThrow('manual: ')
  })
  it('with an address that the peer cannot reach is not up', () => {
    const deaf = { ...standby, cluster: without(standby.cluster, 'answers 10.77.1.100') }
    expect(up(home, deaf).answer).toEqual([
      { id: 'address-silent', subject: 'db-b', desired: 'answers', actual: 'silent: 10.77.1.100' },
    ])
  })
})

describe('identity', () => {
  const judge = (a: string, b: string) => judgeCluster('identity', { 'db-a': { cluster: a }, 'db-b': { cluster: b } })
  const uuid = 'uuid 21 b8 fa 04 11 94 4c 5a 91 fc 84 2a 5b 16 21 67\n'
  it('two of their own, or none yet, are in order', () => {
    expect(judge(home.cluster, standby.cluster).answer).toEqual([])
    expect(judge('', '').answer).toEqual([])
  })
  it('a copied one is removed while heartbeat is stopped', () => {
    const { answer, steps } = judge(uuid, uuid)
    expect(answer).toEqual([
      { id: 'cloned-uuid', subject: 'db-b', desired: 'an identity of its own', actual: 'the one of db-a' },
    ])
    expect(titles(steps())).toEqual(['db-b: remove the copied identity'])
  })
  it('a copied one of a running heartbeat is left to a person', () => {
    const { answer, steps } = judge(home.cluster, uuid)
    expect(answer).toMatchObject([{ id: 'cloned-uuid-running', subject: 'db-b' }])
    expect(steps).toThrow('manual: ')
  })
})

describe('an older ha.cf in memory', () => {
  it('is read again on the passive node first, without a pause between them', () => {
    const stale = (text: string) => `${text}stale\n`
    const { answer, steps } = judgeCluster('reload', {
      'db-a': { cluster: stale(home.cluster) },
      'db-b': { cluster: stale(standby.cluster) },
    })
    expect(answer).toEqual([
      { id: 'old-config', subject: 'db-a, db-b', desired: 'the ha.cf on the disk', actual: 'an older one' },
    ])
    expect(titles(steps())).toEqual([
      'db-b: have heartbeat read ha.cf again',
      'db-a: have heartbeat read ha.cf again',
      'db-a: db-a sees both nodes active',
      'db-b: db-b sees both nodes active',
    ])
  })
  const interrupts = (old: readonly [a: string, b: string], deadtimeS: number) => {
    const said = (text: string, line: string) => ({ cluster: `${text}stale\n${line}\n` })
    const nodes = { 'db-a': said(home.cluster, old[0]), 'db-b': said(standby.cluster, old[1]) }
    return judgeCluster('reload', nodes, { deadtimeS })
      .steps()
      .flatMap((step) => (step.kind === 'run' ? [step.interrupts] : []))
  }
  const why = (seconds: number) =>
    `heartbeat starts itself anew, which takes seconds, and with a deadtime of ${seconds} s the other node may take this one for dead and start the group as well`
  it.each([
    ['was', ['deadtime 5', 'deadtime 15'], 15, 5],
    ['was, on the passive node alone,', ['deadtime 15', 'deadtime 9500ms'], 15, 9.5],
    ['will be', ['deadtime 15', 'deadtime 15'], 4, 4],
  ] as const)('needs a word where the deadtime %s shorter than a reload may take', (_, old, deadtimeS, shortest) => {
    expect(interrupts(old, deadtimeS)).toEqual([why(shortest), why(shortest)])
  })
  it('needs a word where the running heartbeat does not say its deadtime', () => {
    expect(interrupts(['deadtime 15', ''], 15)).toEqual(
      Array(2).fill(why(0).replace('a deadtime of 0 s', 'a deadtime that it does not say')),
    )
  })
  it.each([10, 15])('needs none where both deadtimes are long enough: %d s', (seconds) => {
    expect(interrupts([`deadtime ${seconds}`, `deadtime ${seconds}000ms`], seconds)).toEqual([undefined, undefined])
  })
  it('is none when nothing runs', () => {
    expect(judgeCluster('reload', { 'db-a': { cluster: 'stale\n' }, 'db-b': { cluster: '' } }).answer).toEqual([])
  })
})
