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
  it('a checksum is no key, and md5 is signed with sha1 from now on', () => {
    expect(judge(file('auth 1\n1 crc\n'), file('auth 1\n1 crc\n')).answer).toMatchObject([{ id: 'no-key' }])
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
