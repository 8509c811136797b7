import { describe, expect, it } from 'vitest'
import { progressProbe } from '../../../plugins/backup/age.js'
import { databasesOf, type Nodes } from '../../../plugins/backup/databases.js'
import type { At } from '../../../plugins/backup/layout.js'
import { native, paths } from '../../../plugins/backup/tools/native.js'
import { output } from '../../support/task.js'
import { judgeCluster, judgeNode, said, settings, situation } from './judge.js'
import { directory, recorded } from './lab.js'

const now = 1_732_634_240
const hours = (n: number) => now - n * 3600
const list = (...keys: readonly string[]) => native.list({} as At)?.render(keys) ?? ''
const active = (more: Parameters<typeof said>[0] = {}) =>
  said({
    now,
    source: '/dev/drbd0',
    running: true,
    directory: directory('SHOP SHOP Indirect', 'FAR FAR Remote'),
    last: { 'inst/SHOP': hours(3) },
    ...more,
  })
const standby = (more: Parameters<typeof said>[0] = {}) =>
  said({ now, source: '/dev/vda1', running: false, last: { 'inst/SHOP': undefined }, ...more })
const both = (a: string, b: string, listA = list('inst/SHOP'), listB = listA) => ({
  'db-a': { survey: a, list: listA },
  'db-b': { survey: b, list: listB },
})
const ages = (a: string, b: string, changed: object = {}) => judgeCluster('age', both(a, b), changed)

describe('coverage', () => {
  const judge = (nodes: ReturnType<typeof both>, changed: object = {}) => judgeCluster('coverage', nodes, changed)
  it('of all databases, equal on both nodes, is in order; a remote entry is no database of ours', () => {
    expect(judge(both(active(), standby())).answer).toEqual([])
  })
  const made = active({ directory: directory('SHOP SHOP Indirect', 'BYHAND BYHAND Indirect') })
  it('a database that was made by hand is added on both nodes', () => {
    const { answer, steps } = judge(both(made, standby()))
    const desired = '# Written by ha-provision: INSTANCE DATABASE\ninst BYHAND\ninst SHOP\n'
    expect(answer).toEqual(
      ['db-a', 'db-b'].map((node) => ({
        id: 'uncovered',
        subject: `${node}:${paths.list}`,
        desired,
        actual: list('inst/SHOP'),
        note: 'in no backup: inst/BYHAND',
      })),
    )
    expect(steps()).toEqual(
      ['db-a', 'db-b'].map((on) => ({
        kind: 'write',
        on,
        path: paths.list,
        content: desired,
        mode: '0644',
        owner: 'root:root',
      })),
    )
  })
  it('an excluded one is not', () => {
    expect(judge(both(made, standby()), { exclude: ['inst/BYHAND'] }).answer).toEqual([])
  })
  it('a node whose list differs gets what both lists hold', () => {
    const b = standby({ last: { 'inst/OLD': hours(900) } })
    const { answer } = judge(both(active(), b, list('inst/SHOP'), list('inst/OLD')))
    expect(answer).toMatchObject([
      { id: 'list', subject: `db-a:${paths.list}`, desired: list('inst/OLD', 'inst/SHOP') },
      { id: 'list', subject: `db-b:${paths.list}`, desired: list('inst/OLD', 'inst/SHOP') },
    ])
  })
  it('of another instance that somebody made is asked for too', () => {
    const other = { name: 'other', source: '/dev/vda1', running: false, directory: directory('X X Home') }
    const { answer } = judge(both(active({ also: [other] }), standby()))
    expect(answer).toMatchObject([{ note: 'in no backup: other/X' }, { note: 'in no backup: other/X' }])
  })
  it('an instance that never had a database has none', () => {
    expect(judge(both(active({ directory: 'never made\n', last: {} }), standby({ last: {} }), list())).answer).toEqual(
      [],
    )
    expect(
      judge(both(active({ directory: recorded('listdb_empty'), code: 2, last: {} }), standby({ last: {} }), list()))
        .answer,
    ).toEqual([])
  })
})

describe('unknown is not empty', () => {
  const waits = (a: string, b: string) => judgeCluster('coverage', both(a, b)).answer
  it('a home that is mounted nowhere is waited for', () => {
    expect(waits(standby(), standby())).toEqual({ waits: 'waits for db2/instance: no node has the home of inst' })
  })
  it('a home on a disk that is not the replicated one is not the home', () => {
    expect(waits(active({ source: '/dev/vda1' }), standby())).toHaveProperty('waits')
  })
  it('Db2 that is not installed, and a program that is not there, are waited for', () => {
    expect(waits(active(), said({ now, instancesCode: 127 }))).toEqual({
      waits: 'waits for db2/software: there is no Db2 on db-b',
    })
    expect(waits(active(), standby({ coveredCode: 127 }))).toEqual({
      waits: 'waits for backup/program: the backup tool is not on db-b',
    })
  })
  it.each([
    [
      'a directory that is not found',
      active({ directory: 'SQL1031N  The database directory cannot be found.\n', code: 4 }),
    ],
    ['a directory that is cut off', active({ directory: recorded('listdb_one_1158').slice(0, 200) })],
    ['db2ilist that fails', said({ now, instancesCode: 1 })],
    ['a list of what is backed up that fails', active({ coveredCode: 1 })],
    ['a last backup that cannot be told', active({ lastCode: 1 })],
    ['an answer that ends in the middle', active().slice(0, -20)],
    ['an answer without its end', active().replace('@@end 0', '')],
  ])('%s is an error', (_, answer) => {
    expect(() => waits(answer, standby())).toThrow()
  })
})

describe('the age of the last backup', () => {
  it('is that of the newest on either node', () => {
    expect(ages(active(), standby()).answer).toEqual([])
    expect(
      ages(active({ last: { 'inst/SHOP': hours(500) } }), standby({ last: { 'inst/SHOP': hours(2) } })).answer,
    ).toEqual([])
  })
  it('is measured by the clock of the node that has it', () => {
    expect(ages(active(), standby({ now: now + 90 * 3600 })).answer).toEqual([])
  })
  it('none is made now, where the instance runs, in a unit of its own', () => {
    const { answer, steps } = ages(active({ last: { 'inst/SHOP': undefined } }), standby())
    expect(answer).toEqual([
      { id: 'no-backup', subject: 'inst/SHOP', desired: 'a verified backup of the last 26 h', actual: undefined },
    ])
    const [run, wait] = steps()
    expect(run).toMatchObject({ kind: 'run', on: 'db-a', title: 'back up inst/SHOP' })
    expect(run && 'command' in run && run.command.script).toContain(
      `systemd-run -q --unit=ha-backup-inst-SHOP.service sh -c '${paths.program} run "$1" "$2"' backup inst SHOP`,
    )
    expect(wait).toMatchObject({ kind: 'wait', on: 'db-a', title: 'inst/SHOP is backed up and verified', stallS: 1800 })
  })
  it('an old one is told in hours and made anew', () => {
    const { answer, steps } = ages(active({ last: { 'inst/SHOP': hours(26.5) } }), standby())
    expect(answer).toMatchObject([{ id: 'old-backup', actual: 'one of 26.5 h ago' }])
    expect(steps()).toHaveLength(2)
    expect(ages(active({ last: { 'inst/SHOP': hours(26.5) } }), standby(), { maxAgeH: 27 }).answer).toEqual([])
  })
  it('waits for an instance that is down, and for coverage', () => {
    expect(ages(active({ running: false, last: { 'inst/SHOP': undefined } }), standby()).answer).toEqual({
      waits: 'waits for db2/up: inst does not run on db-a',
    })
    expect(ages(active({ last: {} }), standby({ last: {} })).answer).toEqual({
      waits: 'waits for backup/coverage: inst/SHOP',
    })
  })
})

describe('a backup under way', () => {
  const probe = progressProbe(situation() as unknown as At, 'inst/SHOP', 100)
  const at = (state: string, last: string, progress = '') =>
    probe.parse(
      output(`${state}\n\n@@state 0\nSQL2059W\n\n@@said 0\n${last}\n\n@@last 0\n${progress}\n\n@@progress 0\n`),
    )
  it('tells how much of the one before is written', () => {
    expect(at('active', '100', `${2 ** 30} ${2 ** 31}`)).toEqual({
      done: false,
      ratio: 0.5,
      text: '1.00 GiB of about 2.00 GiB',
    })
    expect(at('active', '', `${2 ** 29} `)).toEqual({ done: false, text: '0.50 GiB written' })
  })
  it('is done with a newer good image, not by its end alone', () => {
    expect(at('inactive', '101')).toEqual({ done: true, text: 'verified' })
    expect(at('inactive', '100')).toMatchObject({ done: false, failed: expect.stringContaining('left no good image') })
  })
  it('that failed says its last word', () => {
    expect(at('failed', '100')).toMatchObject({ done: false, failed: 'the backup of inst/SHOP failed: SQL2059W' })
  })
})

describe('a covered database that is gone', () => {
  const gone = { 'inst/SHOP': hours(1), 'inst/GONE': hours(1) }
  it('is left to a person, and stops no backup', () => {
    const a = active({ last: gone })
    const { answer, steps } = judgeCluster('stale', { 'db-a': { survey: a }, 'db-b': { survey: standby() } })
    expect(answer).toEqual([
      { id: 'stale', subject: 'inst/GONE', desired: 'a database of the cluster', actual: 'gone' },
    ])
    expect(steps).toThrow('manual: ')
    expect(ages(a, standby()).answer).toEqual([])
  })
  it('is not one whose home is not mounted', () => {
    expect(
      judgeCluster('stale', { 'db-a': { survey: standby() }, 'db-b': { survey: standby() } }).answer,
    ).toHaveProperty('waits')
  })
})

it('a database that a drill left is left to a person, and is nothing to back up', () => {
  const survey = active({ directory: directory('SHOP SHOP Indirect', 'HADRILL HADRILL Indirect') })
  expect(judgeCluster('coverage', both(survey, standby())).answer).toEqual([])
  expect(ages(survey, standby()).answer).toEqual([])
  const { answer, steps } = judgeCluster('stale', both(survey, standby()))
  expect(answer).toEqual([{ id: 'drill-left', subject: 'inst/HADRILL', desired: 'dropped', actual: 'it is there' }])
  expect(steps).toThrow('manual: ')
})

describe('the program', () => {
  const files = native.files(situation() as unknown as At)
  const units = (enabled: string, state: string) =>
    `Id=ha-db2-backup.timer\nNames=ha-db2-backup.timer\nLoadState=loaded\nActiveState=${state}\nUnitFileState=${enabled}\n`
  it('with its settings and timer is in order', () => {
    expect(judgeNode('program', { files, units: units('enabled', 'active') }).answer).toEqual([])
  })
  it('is installed where it is not, and its timer started', () => {
    const { answer, steps } = judgeNode('program', { files: {}, units: units('', 'inactive') })
    expect(answer.map(({ id, subject }) => `${id} ${subject}`)).toEqual([
      ...Object.keys(files).map((path) => `file ${path}`),
      'timer ha-db2-backup.timer',
    ])
    expect(
      steps().map((step) =>
        'path' in step
          ? `${step.path} ${'mode' in step ? step.mode : ''}`
          : 'command' in step
            ? step.command.script
            : '',
      ),
    ).toEqual([
      `${paths.program} 0755`,
      `${paths.config} 0644`,
      `${paths.service} 0644`,
      'systemctl daemon-reload',
      `${paths.timer} 0644`,
      'systemctl daemon-reload && systemctl try-restart ha-db2-backup.timer',
      'systemctl daemon-reload && systemctl enable -q --now ha-db2-backup.timer',
    ])
  })
  it('has its settings in words that a shell reads back', () => {
    expect(native.files(situation({ exclude: ['inst/A#', 'inst/B'] }) as unknown as At)[paths.config]?.content).toBe(
      `# Written by ha-provision.
DIRECTORY=/var/backups/db2
LIST=/etc/ha-provision/backup.databases
DB2DIR=/opt/db2
KEEP=${settings.keep}
COMPRESS=yes
OFFLINE=no
EXCLUDE='inst/A# inst/B'
COPY=
COPY_TARGET=
COPY_CONFIG=
COPY_PASSWORD=
MAX_AGE_H=26
`,
    )
  })
})

it('databases of two aliases are one', () => {
  const survey = active({ directory: directory('SHOP SHOP Indirect', 'STORE SHOP Indirect') })
  const { nodes, at } = judgeCluster('stale', { 'db-a': { survey }, 'db-b': { survey: standby() } })
  expect(databasesOf(at as unknown as At, nodes as unknown as Nodes)).toMatchObject({ wanted: ['inst/SHOP'] })
})
