import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import storage from '../../../plugins/storage/index.js'
import { contextOf, factsOf, findingsOf, nodeContextOf, output, stepsOf, taskOf } from '../../support/task.js'

const recorded = (name: string): string => readFileSync(new URL(`recorded/${name}.txt`, import.meta.url), 'utf8')
const spare = '/dev/disk/by-id/virtio-spare'
const settingsOf = (changed: object = {}) => ({
  partitions: {},
  volumeGroups: { vg1: { devices: [spare] } },
  volumes: { 'vg1/x': { sizeMiB: 64 } },
  filesystems: {},
  ...changed,
})
const noLvm = '{ "report": [] }'

function judge(evidence: string, lvm: string, changed: object = {}) {
  const task = taskOf(storage, 'volumes')
  const at = nodeContextOf({ settings: settingsOf(changed) })
  const facts = factsOf(task, at, { evidence: output(evidence), lvm: output(lvm) })
  const findings = findingsOf(task.check({ ...at, facts }))
  return {
    findings,
    steps: () => findings.flatMap((finding) => stepsOf(task, { ...at, facts }, finding)),
    fix: task.fix,
  }
}
const seen = (name: string, lvm = recorded(`${name}.lvm`)) => judge(recorded(name), lvm)

/** `lvm fullreport` of one group. */
const report = (lvs: readonly object[], vg: object = {}) =>
  JSON.stringify({
    report: [
      {
        vg: [{ vg_name: 'vg1', vg_extent_size: '4194304', vg_free: '104857600', vg_missing_pv_count: '0', ...vg }],
        pv: [{ pv_name: '/dev/vdc', pv_major: '254', pv_minor: '32', vg_name: 'vg1' }],
        lv: lvs.map((lv) => ({
          vg_name: 'vg1',
          lv_name: 'x',
          lv_size: '67108864',
          lv_attr: '-wi-a-----',
          lv_tags: '',
          ...lv,
        })),
      },
    ],
  })
const empty = recorded('unknown').replace('nonzero 0 1 0', 'nonzero 0 0 0')
const volume = (lvs: readonly object[], vg?: object, changed?: object) =>
  judge(recorded('foreign-active'), report(lvs, vg), changed)

describe('a device that holds something', () => {
  it.each([
    ['ext4', noLvm, 'ext4 filesystem'],
    ['unknown', recorded('unknown.lvm'), 'unknown data'],
    ['drbd-metadata', recorded('drbd-metadata.lvm'), 'DRBD metadata'],
    ['orphan-used', recorded('orphan-used.lvm'), 'LVM physical volume'],
  ])('%s: is wiped only by a step that says what it destroys', (name, lvm, what) => {
    const { findings, steps } = seen(name, lvm)
    expect(findings).toEqual([{ id: 'foreign-data', subject: spare, desired: 'physical volume of vg1', actual: what }])
    expect(steps().map((step) => step.kind === 'run' && step.destroys)).toEqual([{ device: spare, what }])
  })
  it('a physical volume of another group is named with its group', () => {
    const { findings, steps } = seen('foreign-inactive')
    expect(findings).toEqual([
      { id: 'foreign-pv', subject: spare, desired: 'physical volume of vg1', actual: 'LVM physical volume of old' },
    ])
    expect(steps().map((step) => step.kind === 'run' && step.destroys)).toEqual([
      { device: spare, what: 'LVM physical volume of old' },
    ])
  })
  it.each([
    ['foreign-active', recorded('foreign-active.lvm'), 'LVM physical volume of old, active: old/keep'],
    ['ext4-mounted', noLvm, 'ext4 filesystem, mounted on /mnt'],
    ['gpt-mounted', recorded('gpt-mounted.lvm'), 'gpt partition table, mounted on /mnt'],
    ['swap', recorded('swap.lvm'), 'swap space, used as swap'],
  ])('%s: in use, so nothing that anybody allows frees it', (name, lvm, actual) => {
    const { findings, fix } = seen(name, lvm)
    expect(findings).toEqual([
      { id: 'device-in-use', subject: spare, desired: 'physical volume of vg1', actual, note: actual },
    ])
    expect(fix['device-in-use']).toHaveProperty('manual')
  })
  it('a group that spans other devices is not broken for one of them', () => {
    const both = JSON.parse(recorded('foreign-inactive.lvm')) as { report: { pv: object[] }[] }
    both.report[0]?.pv.push({ pv_name: '/dev/vdd', pv_major: '254', pv_minor: '48', vg_name: 'old' })
    expect(judge(recorded('foreign-inactive'), JSON.stringify(both)).findings.map(({ id }) => id)).toEqual([
      'device-in-use',
    ])
  })
  it('a device that cannot be read counts as full, not as empty', () => {
    const { findings } = judge(
      recorded('unknown').replace('readable\n', '').replace('nonzero 0 1 0', 'nonzero 1 1 1'),
      noLvm,
    )
    expect(findings.map(({ id, actual }) => [id, actual])).toEqual([['foreign-data', 'unreadable content']])
  })
})

describe('an empty device becomes a group', () => {
  it('in rounds: physical volume, group, volume', () => {
    expect(judge(empty, noLvm).findings.map(({ id }) => id)).toEqual(['no-pv'])
    expect(seen('orphan-fresh').findings.map(({ id }) => id)).toEqual(['no-vg'])
    expect(volume([]).findings).toEqual([
      { id: 'no-lv', subject: 'vg1/x', desired: '64 MiB', actual: 'no such volume' },
    ])
  })
  it('neither pvcreate nor vgcreate may answer a question with yes', () => {
    const [pv] = judge(empty, noLvm).steps()
    expect(pv).toEqual({
      kind: 'run',
      title: `physical volume on ${spare}`,
      command: { script: `pvcreate -q -- ${spare} </dev/null` },
    })
  })
  it('a new volume is tagged until its ends are zeros; a run that was killed in between goes on there', () => {
    const [create, zero, ...rest] = volume([]).steps()
    expect(create).toMatchObject({
      command: { script: 'lvcreate -q -y -W y -Z y --addtag ha-provision.new -L 64m -n x vg1' },
    })
    expect(rest).toEqual([])
    const again = volume([{ lv_tags: 'ha-provision.new' }])
    expect(again.findings.map(({ id }) => id)).toEqual(['lv-unfinished'])
    expect(again.steps()).toEqual([zero])
  })
})

describe('sizes', () => {
  const ids = (...args: Parameters<typeof volume>) => volume(...args).findings.map(({ id }) => id)
  it('what LVM rounded up to a whole extent is as wanted', () => {
    expect(ids([{}], {}, { volumes: { 'vg1/x': { sizeMiB: 61 } } })).toEqual([])
    expect(ids([{}])).toEqual([])
  })
  it('a volume grows, and never shrinks', () => {
    expect(ids([{}], {}, { volumes: { 'vg1/x': { sizeMiB: 65 } } })).toEqual(['lv-small'])
    expect(ids([{}], {}, { volumes: { 'vg1/x': { sizeMiB: 60 } } })).toEqual(['lv-large'])
    expect(volume([{}]).fix['lv-large']).toHaveProperty('manual')
  })
  it('a group without room says so before LVM does', () => {
    expect(volume([], { vg_free: '41943040' }).findings).toEqual([
      { id: 'no-room', subject: 'vg1/x', desired: '64 MiB', actual: '40 MiB free in vg1' },
    ])
  })
  it('a group that lacks a disk is left alone', () => {
    expect(ids([{}], { vg_missing_pv_count: '1' })).toEqual(['vg-incomplete'])
  })
  it('an inactive volume is activated', () => {
    expect(ids([{ lv_attr: '-wi-------' }])).toEqual(['lv-inactive'])
  })
})

describe('rules that no schema can say', () => {
  it('a volume needs its group, and a device has one user', () => {
    const settings = settingsOf({
      volumes: { 'vg9/x': { sizeMiB: 64 } },
      filesystems: { '/data': { device: spare, type: 'ext4', options: 'defaults' } },
    })
    expect(storage.validate?.(contextOf({ settings }) as never)).toEqual([
      {
        path: 'storage.filesystems["/data"]',
        message: `${spare} is used by storage.volumeGroups.vg1 too`,
        hint: 'give each its own device',
      },
      { path: 'storage.volumes["vg9/x"]', message: 'there is no volume group "vg9"', hint: 'defined: vg1' },
    ])
  })
})
