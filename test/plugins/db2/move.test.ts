import { describe, expect, it } from 'vitest'
import { active, dbm, directory, greg, home, judge, type Node, recorded, stub } from './judge.js'

const local = (...lines: readonly string[]) =>
  `/\n/proc\n${lines
    .filter((line) => line.startsWith('mounted '))
    .map((line) => `${line.slice(8)}\n`)
    .join('')}\n@@mounts 0\n${lines
    .filter((line) => !line.startsWith('mounted '))
    .map((line) => `${line}\n`)
    .join('')}\n@@paths 0\n`
const paths = ['== TESTDB', `${home}/db2inst1/NODE0000/SQL00001/`, `${home}/db2inst1/NODE0000/SQL00001/LOGSTREAM0000/`]
const own: Node = {
  ...active,
  place: '/ /dev/vda',
  owner: { ...active.owner, directory },
  local: local(...paths),
}
const empty: Node = { passwd: '' }
const both = (id: 'evidence' | 'move', a: Node, b: Node = empty) => judge(id, { 'db-a': a, 'db-b': b })

describe('an instance on a local disk of the primary', () => {
  it('that can be moved does not stop the run', () => {
    expect(both('evidence', own).ids).toEqual([])
  })
  it('is moved in phases, on this node, the interruption said once', () => {
    const { answer, steps } = both('move', own)
    expect(answer).toMatchObject([
      {
        id: 'local-instance',
        subject: 'db2inst1 on db-a',
        desired: 'on /dev/drbd0',
        actual: 'on /dev/vda (/), running',
      },
    ])
    expect(
      steps().map((step) => ('title' in step ? step.title : `${step.kind} ${'path' in step ? step.path : ''}`)),
    ).toEqual([
      'write /var/lib/ha-db2-move/db2inst1/paths',
      'move db2inst1: prepare, there is room for it, and nothing in the way',
      'move db2inst1: backup, every database offline, and verified',
      'move db2inst1: stop, and keep it stopped',
      'move db2inst1: copy, to the replicated filesystem, with attributes',
      'move db2inst1: verify, file by file',
      'move db2inst1: switch, keep the old directory under another name',
    ])
    expect(steps().every((step) => (step as { on?: string }).on === 'db-a')).toBe(true)
    expect(steps().flatMap((step) => ('interrupts' in step && step.interrupts ? [step.interrupts] : []))).toEqual([
      'db2inst1 on db-a is stopped and moved to /dev/drbd0',
    ])
    expect(steps()[0]).toMatchObject({ content: `${paths.join('\n')}\n` })
  })
  it('gets what it reads at its start before it is stopped, so that one interruption is enough', () => {
    const other = { ...own.owner, set: '[g] DB2SYSTEM=db-a\n', dbm: dbm.replace('50000', '50099') }
    const titles = both('move', { ...own, owner: other })
      .steps()
      .map((step) => ('title' in step ? step.title : step.kind))
    expect(titles.slice(2, 6)).toEqual([
      'move db2inst1: backup, every database offline, and verified',
      'db2inst1: DB2COMM=TCPIP',
      'db2inst1: SVCENAME = 50000',
      'move db2inst1: stop, and keep it stopped',
    ])
  })
  it('that a killed run had stopped goes on without another interruption', () => {
    const steps = both('move', { ...own, processes: '' }).steps()
    expect(steps.map(({ kind }) => kind)).toEqual(Array(6).fill('run'))
    expect(steps.some((step) => 'interrupts' in step && step.interrupts)).toBe(false)
  })
  it.each<[string, Node, string]>([
    [
      'a path of a database elsewhere',
      { local: local(...paths, '/logs/archive/') },
      'TESTDB uses /logs/archive/, which is not below /srv/db',
    ],
    [
      'a database that cannot be asked',
      { local: local('== TESTDB') },
      'TESTDB could not be asked for its paths: it must accept connections',
    ],
    [
      'a database that the answer does not name',
      { local: local() },
      'TESTDB could not be asked for its paths: it must accept connections',
    ],
    [
      'a mount below it',
      { local: local('mounted /srv/db/logs', ...paths) },
      '/srv/db/logs is a mount point of its own',
    ],
    ['a mount of its own', { local: local('mounted /srv/db', ...paths) }, '/srv/db is a mount point of its own'],
    [
      'diagnostics elsewhere',
      {
        owner: {
          ...own.owner,
          dbm: `${dbm} Diagnostic data directory path               (DIAGPATH) = /var/log/db2/ $m\n`,
        },
      },
      'DIAGPATH: /var/log/db2/ is not below /srv/db',
    ],
    [
      'an environment that says nothing',
      { owner: {} },
      `its environment could not be read: look at ${home}/sqllib/db2profile`,
    ],
    ['an engine without a home', { sqllib: false }, 'its engine runs, and its home has no sqllib'],
  ])('is refused before anything changes: %s', (_, changed, reason) => {
    for (const id of ['evidence', 'move'] as const)
      expect(both(id, { ...own, ...changed }).answer).toMatchObject([{ id: 'cannot-move', note: reason }])
  })
  it('an unreadable list of databases is an error, not an empty one', () => {
    const cut = { ...own, owner: { ...own.owner, directory: directory.slice(0, 200) } }
    expect(() => both('evidence', cut)).toThrow('could not be read')
    const none = { ...own, owner: { ...own.owner, directory: recorded('listdb_empty.txt') }, local: local() }
    expect(both('evidence', none).ids).toEqual([])
  })
  it('is not looked for where the home is on the device', () => {
    expect(both('move', active, stub).ids).toEqual([])
    expect(both('move', stub, active).ids).toEqual([])
  })
  it('hidden below the mount point is somebody’s: no other is made over it', () => {
    const hidden = { place: '/srv/db /dev/drbd0', greg: greg(`${home}/sqllib`) }
    expect(both('evidence', hidden).ids).toEqual(['hidden-instance: db2inst1 on db-a'])
    expect(both('evidence', { place: '/srv/db /dev/drbd0' }).ids).toEqual([])
  })
})
