import { describe, expect, it } from 'vitest'
import { reveal } from '../../../src/index.js'
import { filesOutput, judgeCluster, unitsOutput } from './lab.js'

const path = '/etc/ha.d/authkeys'
const old = '1c0ffee0c0ffee0c0ffee0c0ffee0c0f'
const config = { authKey: 'correct-horse-battery-staple' }
const file = (content: string, active = 'inactive', mode?: string) => ({
  files: filesOutput([path, content, mode ?? '0600']),
  units: unitsOutput({ 'heartbeat.service': [active, 'enabled'] }),
})
const none = { files: '', units: unitsOutput({ 'heartbeat.service': ['inactive', 'enabled'] }) }
const sha1 = (key: string, number = 1) => `auth ${number}\n${number} sha1 ${key}\n`
const judge = (a: typeof none, b: typeof none, changed: object = {}) =>
  judgeCluster('key', { 'db-a': a, 'db-b': b }, changed)
const written = (steps: ReturnType<ReturnType<typeof judge>['steps']>) =>
  steps.flatMap((step) => (step.kind === 'write' ? [`${step.on} ${step.mode} ${reveal(step.content)}`] : []))

describe('the key of the cluster', () => {
  it('equal on both nodes: nothing to do, whatever its number', () => {
    expect(judge(file(sha1(old)), file(sha1(old))).answer).toEqual([])
    expect(judge(file(sha1(old, 3)), file(sha1(old, 3))).answer).toEqual([])
  })
  it('is made once for both where there is none, of 192 random bits', () => {
    const { answer, steps } = judge(none, none)
    expect(answer).toEqual([
      { id: 'no-key', subject: path, desired: 'a key of this cluster alone', actual: 'none on any node' },
    ])
    const [a = '', b = ''] = written(steps())
    expect(a).toMatch(/^db-a 0600 auth 1\n1 sha1 [0-9a-f]{48}\n$/)
    expect(b).toBe(a.replace('db-a', 'db-b'))
    expect(written(judge(none, none).steps())[0]).not.toBe(a)
  })
  it('found on one node goes to the other, and shows nowhere', () => {
    const { answer, steps } = judge(none, file(sha1(old)))
    expect(answer).toEqual([
      {
        id: 'authkeys',
        subject: 'db-a',
        desired: 'the cluster key alone',
        actual: 'db-a: no key; db-b: as it should be',
      },
    ])
    expect(written(steps())).toEqual([`db-a 0600 ${sha1(old)}`])
    expect(JSON.stringify([answer, steps()])).not.toContain(old)
  })
  it('of the home node wins over the other one', () => {
    expect(written(judge(file(sha1(old)), file(sha1('another-key-of-old'))).steps())).toEqual([
      `db-b 0600 ${sha1(old)}`,
    ])
  })
  it('of the config wins over both', () => {
    expect(written(judge(file(sha1(old)), file(sha1(old)), config).steps())).toEqual([
      `db-a 0600 ${sha1(config.authKey, 2)}`,
      `db-b 0600 ${sha1(config.authKey, 2)}`,
    ])
  })
  it('changes under a running cluster without the nodes losing each other', () => {
    const { steps } = judge(file(sha1(old), 'active'), file(sha1(old), 'active'), config)
    const both = `1 sha1 ${old}\n2 sha1 ${config.authKey}\n`
    expect(written(steps())).toEqual([
      `db-a 0600 auth 1\n${both}`,
      `db-b 0600 auth 1\n${both}`,
      `db-a 0600 auth 2\n${both}`,
      `db-b 0600 auth 2\n${both}`,
      `db-a 0600 ${sha1(config.authKey, 2)}`,
      `db-b 0600 ${sha1(config.authKey, 2)}`,
    ])
    expect(steps().map(({ kind }) => kind)).toEqual(Array(6).fill(['write', 'run']).flat())
  })
  it('a change that was killed half-way is finished by the next run', () => {
    const both = `1 sha1 ${old}\n2 sha1 ${config.authKey}\n`
    const { steps } = judge(file(`auth 2\n${both}`, 'active'), file(`auth 1\n${both}`, 'active'), config)
    expect(written(steps())).toEqual([`db-b 0600 ${sha1(config.authKey, 2)}`, `db-a 0600 ${sha1(config.authKey, 2)}`])
  })
  it('keys of former days beside it are forgotten', () => {
    const { answer } = judge(file(`${sha1(old)}2 md5 long-gone\n`), file(sha1(old)))
    expect(answer).toMatchObject([
      { id: 'authkeys', subject: 'db-a', actual: 'db-a: more keys beside it; db-b: as it should be' },
    ])
  })
  it('md5 is signed with sha1 from now on', () => {
    expect(written(judge(file(`auth 1\n1 md5 ${old}\n`), file(`auth 1\n1 md5 ${old}\n`)).steps())).toEqual([
      `db-a 0600 ${sha1(old, 2)}`,
      `db-b 0600 ${sha1(old, 2)}`,
    ])
  })
  it('a file that others can read keeps heartbeat from starting', () => {
    const { answer, steps } = judge(file(sha1(old)), file(sha1(old), 'active', '0644'))
    expect(answer).toEqual([
      { id: 'authkeys-mode', subject: 'db-b', desired: `${path}: 0600 root:root`, actual: '0644 root:root' },
    ])
    expect(steps()).toMatchObject([{ kind: 'run', on: 'db-b' }])
  })
})

describe('crc is a checksum without a key', () => {
  const crc = 'auth 1\n1 crc\n'
  /** The files that lead from crc to a key while both run; whoever reads a line with crc after it has no key either. */
  const staged = (key: string, number = 2) =>
    [
      `auth 1\n1 crc\n${number} sha1 ${key}\n`,
      `auth ${number}\n1 crc\n${number} sha1 ${key}\n`,
      sha1(key, number),
    ].flatMap((text) => [`db-a 0600 ${text}`, `db-b 0600 ${text}`])
  const newKeyIn = (files: readonly string[]) => /sha1 ([0-9a-f]{48})\n$/.exec(files[0] ?? '')?.[1] ?? ''

  it.each([crc, 'auth 1\n1 crc # none needed\n', 'auth 1\n  1 crc Hello!\n'])(
    'a cluster with %j has no key, and is told so',
    (text) => {
      const { answer } = judge(file(text), file(text))
      expect(answer).toEqual([
        {
          id: 'no-key',
          subject: path,
          desired: 'a key of this cluster alone',
          actual: 'db-a: crc, a checksum that anybody can make; db-b: crc, a checksum that anybody can make',
        },
      ])
    },
  )
  it('a new key replaces it under a running cluster without the nodes losing each other', () => {
    const steps = judge(file(crc, 'active'), file(crc, 'active')).steps()
    const files = written(steps)
    expect(newKeyIn(files)).toHaveLength(48)
    expect(files).toEqual(staged(newKeyIn(files)))
    expect(steps.map(({ kind }) => kind)).toEqual(Array(6).fill(['write', 'run']).flat())
  })
  it('so does the key of the config', () => {
    const { answer, steps } = judge(file(crc, 'active'), file(crc, 'active'), config)
    expect(answer).toMatchObject([
      {
        id: 'authkeys',
        actual: 'db-a: crc, a checksum that anybody can make; db-b: crc, a checksum that anybody can make',
      },
    ])
    expect(written(steps())).toEqual(staged(config.authKey))
  })
  it('on nodes that do not run it is replaced at once', () => {
    const files = written(judge(file(crc), file(crc)).steps())
    expect(files).toEqual([`db-a 0600 ${sha1(newKeyIn(files), 2)}`, `db-b 0600 ${sha1(newKeyIn(files), 2)}`])
  })
  it('a change that was killed after the nodes learned the key takes a new one, under a number of its own', () => {
    const learned = file(`${crc}2 sha1 ${old}\n`, 'active')
    const files = written(judge(learned, file(crc, 'active')).steps())
    expect(files).toEqual(staged(newKeyIn(files), 3))
  })
  it('a change that was killed while the nodes changed over is finished', () => {
    const both = `1 crc\n2 sha1 ${old}\n`
    const on = (a: number, b: number) =>
      judge(file(`auth ${a}\n${both}`, 'active'), file(`auth ${b}\n${both}`, 'active'))
    expect(written(on(2, 1).steps())).toEqual([`db-b 0600 ${sha1(old, 2)}`, `db-a 0600 ${sha1(old, 2)}`])
    expect(written(on(1, 2).steps())).toEqual([`db-a 0600 ${sha1(old, 2)}`, `db-b 0600 ${sha1(old, 2)}`])
  })
  it('beside a key it lets everybody in, and goes', () => {
    const { answer, steps } = judge(file(`${sha1(old)}2 crc\n`), file(sha1(old)))
    expect(answer).toMatchObject([{ id: 'authkeys', actual: 'db-a: more keys beside it; db-b: as it should be' }])
    expect(written(steps())).toEqual([`db-a 0600 ${sha1(old)}`])
  })
  it('is no key that the other node could have', () => {
    expect(written(judge(file('auth 1\n1 crc Hello!\n'), file(sha1(old))).steps())).toEqual([`db-a 0600 ${sha1(old)}`])
  })
})
