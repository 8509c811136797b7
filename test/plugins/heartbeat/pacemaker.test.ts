import { describe, expect, it } from 'vitest'
import { parseHaCf } from '../../../plugins/heartbeat/ha-cf.js'
import heartbeat from '../../../plugins/heartbeat/index.js'
import { builder } from '../../../src/index.js'
import { nodeContextOf, taskOf } from '../../support/task.js'
import { expected, filesOutput, judgeCluster, judgeNode, recorded, situation, unitsOutput } from './lab.js'
import { both, group, reconstructed, remarksOf, simple } from './nodes.js'

const ours = expected('ha.cf')
const on = ['crm respawn', 'crm on', 'crm yes', 'crm 1', 'crm manual', 'pacemaker respawn', 'pacemaker\ttrue']
const config = (text: string) => filesOutput(['/etc/ha.d/ha.cf', text, '0644'])
const ha = (line: string) => config(ours.replace('crm no', line))

describe('who has the resources', () => {
  it.each(on)('%s: Pacemaker', (line) => {
    expect(parseHaCf(`${simple}${line}\n`).crm).toBe(true)
    expect(parseHaCf(`${line}\ncrm no\n`).crm).toBe(true)
  })
  it.each(['crm off', 'crm no', 'pacemaker false', '#crm respawn', 'respawn root pacemaker'])(
    '%s: heartbeat',
    (line) => {
      expect(parseHaCf(`${simple}${line}\n`).crm).toBe(false)
    },
  )
})

describe('a cluster that Pacemaker manages', () => {
  const manager = (crm: string) => judgeNode('manager', { crm })
  it.each(on)('%s: is left to a person', (line) => {
    const { answer, steps } = manager(ha(line))
    expect(answer).toEqual([
      {
        id: 'pacemaker',
        subject: '/etc/ha.d/ha.cf',
        desired: 'resources in haresources',
        actual: 'ha.cf gives them to Pacemaker',
      },
    ])
    expect(steps).toThrow('manual: Pacemaker has the resources of this cluster')
  })
  it('heartbeat alone, or nothing yet, is in order', () => {
    expect(manager(config(ours)).answer).toEqual([])
    expect(manager('').answer).toEqual([])
  })
  it('is seen before anything changes on that node', () => {
    expect(taskOf(heartbeat, 'manager').before).toBe('network')
  })

  const waits = { waits: 'Pacemaker has the resources of db-a (ha.cf): nothing is judged, and nothing changed' }
  const files = ha('pacemaker respawn')
  it('keeps its files and its units', () => {
    expect(judgeNode('config', { crm: files, files, dir: '', agents: '' }).answer).toEqual(waits)
    const units = unitsOutput({ 'heartbeat.service': ['inactive', 'disabled'] })
    expect(judgeNode('boot', { crm: files, units }).answer).toEqual(waits)
  })
  const cluster = `${recorded('holds-db-a')}stale\n`
  const units = unitsOutput({ 'heartbeat.service': ['inactive', 'disabled'] })
  it.each([
    ['reload', { cluster }],
    ['key', { units, files: '' }],
    ['identity', { cluster: 'uuid 21 b8\n' }],
    ['running', { units, files: '' }],
    ['up', { cluster: recorded('holds-db-b'), drbd: recorded('drbd-db-b'), files: '' }],
  ])('is not touched by %s, also where only one node says so', (id, said) => {
    const other = config(ours)
    const answer = (a: string) =>
      judgeCluster(id, { 'db-a': { ...said, crm: a }, 'db-b': { ...said, crm: other } }).answer
    expect(answer(other)).not.toEqual([])
    expect(answer(other)).not.toHaveProperty('waits')
    expect(answer(files)).toEqual(waits)
  })
  it('no stage but those for packages looks past that', () => {
    const at = nodeContextOf(situation())
    const free = heartbeat.tasks(builder as never).filter((task) => !('crm' in task.probes(at)))
    expect(free.map(({ id }) => id)).toEqual(['packages'])
  })
  it('gives no options', () => {
    const { options, remarks } = reconstructed(both({ config: `${simple}pacemaker respawn\n`, resources: group }))
    expect(options).toBeUndefined()
    expect(remarksOf(remarks, 'other')).toEqual([': ha.cf of db-a has crm on: Pacemaker has the resources'])
  })
})
