import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import storage from '../../../plugins/storage/index.js'
import { filesOutput } from '../../support/files.js'
import { factsOf, findingsOf, nodeContextOf, output, stepsOf, taskOf } from '../../support/task.js'

const recorded = (name: string): string => readFileSync(new URL(`recorded/${name}.txt`, import.meta.url), 'utf8')
const spare = '/dev/disk/by-id/virtio-spare'

function judge(evidence: string, options: string, fstab: string, full = '') {
  const task = taskOf(storage, 'filesystems')
  const at = nodeContextOf({
    settings: {
      partitions: {},
      volumeGroups: {},
      volumes: {},
      filesystems: { '/mnt': { device: spare, type: 'ext4', options } },
    },
  })
  const facts = factsOf(task, at, {
    evidence: output(evidence),
    files: output(filesOutput({ '/etc/fstab': fstab })),
    full: output(full),
  })
  const findings = findingsOf(task.check({ ...at, facts }))
  return {
    ids: findings.map(({ id }) => id),
    scripts: () =>
      findings
        .flatMap((finding) => stepsOf(task, { ...at, facts }, finding))
        .map((step) => (step.kind === 'run' ? step.command.script : step.kind === 'write' ? step.content : '')),
  }
}
const line = (options: string) => `${spare} /mnt ext4 ${options} 0 0\n`

describe('a filesystem', () => {
  it('that is not mounted is mounted', () => {
    const { ids, scripts } = judge(recorded('ext4'), 'defaults', '')
    expect(ids).toEqual(['not-mounted'])
    expect(scripts()).toEqual([line('defaults'), 'mkdir -p /mnt && mount /mnt'])
  })
  it('that is mounted and in fstab is as wanted', () => {
    expect(judge(recorded('ext4-mounted'), 'defaults', line('defaults')).ids).toEqual([])
  })
  it('that the mount would hide files behind is left to a person', () => {
    expect(judge(recorded('ext4'), 'defaults', '', '/mnt\n').ids).toEqual(['mountpoint-full'])
  })
})

describe('a filesystem with noauto', () => {
  const options = 'noatime,noauto'
  it('is never mounted, for something else decides on which node it is', () => {
    expect(judge(recorded('ext4'), options, line(options)).ids).toEqual([])
    expect(judge(recorded('ext4'), options, line(options), '/mnt\n').ids).toEqual([])
  })
  it('gets its line in fstab, and no more', () => {
    const { ids, scripts } = judge(recorded('ext4'), options, '')
    expect(ids).toEqual(['fstab'])
    expect(scripts()).toEqual([line(options)])
  })
  it('may as well be mounted', () => {
    expect(judge(recorded('ext4-mounted'), options, line(options)).ids).toEqual([])
  })
})
