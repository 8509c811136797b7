import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import storage from '../../../plugins/storage/index.js'
import { factsOf, findingsOf, nodeContextOf, output, stepsOf, taskOf } from '../../support/task.js'

const recorded = (name: string): string => readFileSync(new URL(`recorded/${name}.txt`, import.meta.url), 'utf8')
const spare = '/dev/disk/by-id/virtio-spare'

function judge(evidence: string, tables: string, parts: readonly object[], code = 0) {
  const task = taskOf(storage, 'partitions')
  const at = nodeContextOf({
    settings: { partitions: { [spare]: parts }, volumeGroups: {}, volumes: {}, filesystems: {} },
  })
  const facts = factsOf(task, at, { evidence: output(evidence), tables: output(tables, code) })
  const answer = task.check({ ...at, facts })
  return {
    answer,
    steps: () => findingsOf(answer).flatMap((finding) => stepsOf(task, { ...at, facts }, finding)),
    fix: task.fix,
  }
}
const one = { label: 'one', sizeMiB: 100 }
const two = { label: 'two' }
const gpt = recorded('two-partitions')
const tables = recorded('two-partitions.tables')

describe('partitions', () => {
  it('with the labels of the config are as wanted', () => {
    expect(judge(gpt, tables, [one, two]).answer).toEqual([])
  })
  it('a missing one is appended where there is room', () => {
    const lastOnly = tables.replace('"name": "two"', '"name": "old"')
    expect(judge(gpt, lastOnly, [one, two]).answer).toEqual([
      { id: 'no-room', subject: spare, desired: 'two', actual: 'one old' },
    ])
    const room = tables.replace(/,\{[^}]*"two"[^}]*\}/, '')
    const { answer, steps } = judge(gpt, room, [one, two])
    expect(answer).toEqual([{ id: 'no-partition', subject: spare, desired: 'two', actual: 'one' }])
    expect(steps()).toMatchObject([{ command: { stdin: 'type=linux, name="two"\n' } }])
  })
  it('an empty disk gets a table; one that holds something says what it would lose', () => {
    const empty = recorded('unknown').replace('nonzero 0 1 0', 'nonzero 0 0 0')
    const { steps } = judge(empty, '', [one])
    expect(steps()).toMatchObject([{ command: { stdin: 'size=100MiB, type=linux, name="one"\n' } }])
    expect(steps()[0]).not.toHaveProperty('destroys')
    expect(judge(recorded('ext4'), '', [one]).steps()).toMatchObject([
      { destroys: { device: spare, what: 'ext4 filesystem' } },
    ])
  })
  it('a disk in use is refused', () => {
    const { answer, fix } = judge(recorded('ext4-mounted'), '', [one])
    expect(answer).toMatchObject([{ id: 'disk-in-use', note: 'mounted on /mnt' }])
    expect(fix['disk-in-use']).toHaveProperty('manual')
  })
  it('waits for sfdisk', () => {
    expect(judge(gpt, '', [one], 9).answer).toEqual({ waits: 'waits for storage/packages: sfdisk is not installed' })
  })
})
