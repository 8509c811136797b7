import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import db2 from '../../../plugins/db2/index.js'
import { factsOf, findingsOf, nodeContextOf, output, taskOf } from '../../support/task.js'
import {
  active,
  cfg,
  greg,
  home,
  judge,
  type Node,
  recorded,
  said,
  scripts,
  services,
  settings,
  situation,
  stub,
} from './judge.js'

describe('an instance that is not the cluster’s', () => {
  const both = (a: Node, b: Node) => judge('evidence', { 'db-a': a, 'db-b': b })
  const empty: Node = { passwd: '' }
  it('is looked for before anything changes', () => {
    expect(taskOf(db2, 'evidence').early).toBe(true)
  })
  it('nothing there, or the instance and its stub: nothing to say', () => {
    expect(both(empty, empty).ids).toEqual([])
    expect(both(active, stub).ids).toEqual([])
  })
  it('after a failover the other node is the active one', () => {
    expect(both(stub, active).ids).toEqual([])
  })
  it('on the secondary stops the run: a local home, a running engine, a record elsewhere, the port of another', () => {
    expect(both(empty, { sqllib: true }).answer).toMatchObject([
      { id: 'non-ha-instance', subject: 'db2inst1 on db-b', actual: `${home}/sqllib lies on /dev/vda (/)` },
    ])
    expect(both(empty, { processes: 'db2sysc\n' }).answer).toMatchObject([{ actual: 'db2sysc of db2inst1 runs' }])
    expect(both(empty, { greg: greg('/home/other/sqllib', 0, 'other') }).answer).toMatchObject([
      { actual: 'the global registry has the instance other in /home/other' },
    ])
    expect(both(empty, { services: 'db2c_other\t50000/tcp\n' }).answer).toMatchObject([
      { actual: '/etc/services gives port 50000 to db2c_other' },
    ])
  })
  it('hidden under the mount point is seen while nothing is mounted there', () => {
    expect(both({ ...active }, { ...stub, sqllib: true }).ids).toEqual(['non-ha-instance: db2inst1 on db-b'])
  })
  it('an account with other numbers is somebody’s', () => {
    expect(both({ passwd: `db2inst1:x:1002:1000::${home}:/bin/bash\n` }, empty).ids).toEqual([
      'other-account: db2inst1 on db-a',
    ])
  })
  it('an answer that was cut off is an error', () => {
    const task = taskOf(db2, 'evidence')
    const [probe] = Object.values(task.probes(nodeContextOf(situation())))
    expect(() => probe?.parse(output(said(active).slice(0, 60)))).toThrow('the answer ends before "end"')
  })
})

describe('instances', () => {
  it('as they should be: nothing to do', () => {
    expect(judge('instance', { 'db-a': active, 'db-b': stub }).ids).toEqual([])
  })
  it('are made where their home is mounted, and nowhere else', () => {
    const { ids, steps } = judge('instance', {
      'db-a': { place: '/srv/db /dev/drbd0' },
      'db-b': { place: '/ /dev/vda' },
    })
    expect(ids).toEqual(['no-instance: db2inst1 on db-a'])
    expect(scripts(steps())).toMatch(/^db-a: [\s\S]*\/instance\/db2icrt -p 50000 -s ese -u db2fenc1 db2inst1/)
    expect(judge('instance', { 'db-a': {}, 'db-b': {} }).ids).toBe(
      'waits for heartbeat/up: no node has the home of db2inst1',
    )
  })
  it('start by Heartbeat alone: each switch is found on each node', () => {
    const owner = { ...active.owner, set: '[i] DB2COMM=TCPIP\n[i] DB2AUTOSTART=YES\n' }
    const { ids, steps } = judge('instance', {
      'db-a': { ...active, owner, greg: greg(home, 1), fmcd: true },
      'db-b': { ...stub, greg: greg(home, 1) },
    })
    expect(ids).toEqual([
      'variable: db2inst1 DB2AUTOSTART',
      'starts-at-boot: db2inst1 on db-a',
      'fault-monitor: db-a',
      'starts-at-boot: db2inst1 on db-b',
    ])
    expect(scripts(steps())).toContain(
      "db-b: /opt/ibm/db2/V11.5/bin/db2greg -updinstrec 'instancename=db2inst1!startatboot=0'",
    )
  })
  it('that do not run are started by their agent', () => {
    const { ids, steps } = judge('instance', { 'db-a': stub, 'db-b': { ...active, processes: '' } })
    expect(ids).toEqual(['not-running: db2inst1 on db-b'])
    expect(scripts(steps())).toBe(`db-b: /etc/ha.d/resource.d/ha-db2 db2inst1 ${home} start`)
  })
  it('whose profile cannot be read are an error, not an empty one', () => {
    expect(() => judge('instance', { 'db-a': { ...active, owner: {} }, 'db-b': stub })).toThrow('could not be read')
  })
})

describe('a running instance', () => {
  it('that listens on another port than its own is stopped and started, and says so', () => {
    const { ids, steps } = judge('instance', { 'db-a': { ...active, ports: [22, 50001] }, 'db-b': stub })
    expect(ids).toEqual(['not-listening: db2inst1 on db-a'])
    expect(steps()).toMatchObject([{ on: 'db-a', kind: 'run', interrupts: 'db2inst1 is stopped and started' }])
  })
  it('gets its settings first, and is not stopped for others than its port', () => {
    const set = '[i] DB2COMM=SSL\n'
    const { ids, steps } = judge('instance', {
      'db-a': { ...active, ports: [22], owner: { ...active.owner, set } },
      'db-b': stub,
    })
    expect(ids).toEqual(['variable: db2inst1 DB2COMM'])
    expect(steps().some((step) => 'interrupts' in step)).toBe(false)
  })
  it('that is to listen by other means is not expected at the port', () => {
    const instances = { db2inst1: { ...settings.instances.db2inst1, registry: { DB2COMM: 'SSL' } } }
    const set = '[i] DB2COMM=SSL\n'
    expect(
      judge(
        'instance',
        { 'db-a': { ...active, ports: [], owner: { ...active.owner, set } }, 'db-b': stub },
        { instances },
      ).ids,
    ).toEqual([])
  })
})

describe('the stub', () => {
  it('gets the record and the ports that the other node has, and nothing in the home', () => {
    const { ids, steps } = judge('stub', { 'db-a': active, 'db-b': {} })
    expect(ids).toEqual([
      'no-record: db2inst1 on db-b',
      ...['', '_1', '_2', '_3', '_4', '_END'].map((end) => `no-service: DB2_db2inst1${end} on db-b`),
      'no-service: db2c_db2inst1 on db-b',
    ])
    const all = scripts(steps())
    expect(all).toContain('/opt/ibm/db2/V11.5/bin/db2greg -addinstrec service=DB2,instancename=db2inst1')
    expect(all).toContain("printf '%s\\t%s\\n' db2c_db2inst1 50000/tcp >>/etc/services")
    expect(judge('stub', { 'db-a': active, 'db-b': stub }).ids).toEqual([])
  })
  it('other ports or another record are left to a person', () => {
    const { ids } = judge('stub', {
      'db-a': active,
      'db-b': { greg: greg('/home/db2inst1'), services: services.replace('50000', '50001') },
    })
    expect(ids).toEqual(['other-record: db2inst1 on db-b', 'other-service: db2c_db2inst1 on db-b'])
  })
})

describe('databases', () => {
  const one = (owner: object, databases: object = settings.instances.db2inst1.databases) =>
    judge(
      'databases',
      { 'db-a': { ...active, owner: { ...active.owner, ...owner } }, 'db-b': stub },
      { instances: { db2inst1: { ...settings.instances.db2inst1, databases } } },
    )
  it('of an instance that never had one are made: its directory is not there, and its disk is', () => {
    const owner = {
      ...active.owner,
      directory: 'SQL1031N  The database directory cannot be found on the indicated file system.\n',
    }
    expect(judge('databases', { 'db-a': { ...active, sqldbdir: false, owner }, 'db-b': stub }).ids).toEqual([
      'no-database: db2inst1 TESTDB',
    ])
    expect(() => judge('databases', { 'db-a': { ...active, owner }, 'db-b': stub })).toThrow('could not be read')
  })
  it('as they should be: nothing to do', () => {
    expect(one({}).ids).toEqual([])
  })
  it('are created where the directory is empty, and not where it cannot be read', () => {
    const { ids, steps } = one({ directory: recorded('listdb_empty.txt') })
    expect(ids).toEqual(['no-database: db2inst1 TESTDB'])
    expect(scripts(steps())).toContain(
      `create database TESTDB on ${home} using codeset UTF-8 territory US pagesize 8192`,
    )
    expect(() => one({ directory: 'SQL1031N  The database directory cannot be found' })).toThrow('SQL1031N')
  })
  it('with an archive of logs get their first backup at once, while they hold nothing', () => {
    const databases = {
      TESTDB: { codeSet: 'UTF-8', territory: 'US', pageSize: 8192, config: { LOGARCHMETH1: `DISK:${home}/logs` } },
    }
    const all = scripts(one({ directory: recorded('listdb_empty.txt') }, databases).steps())
    const order = [
      'create database',
      'update database configuration',
      'deactivate',
      'to /dev/null',
      "'activate database",
    ]
    expect(order.map((word) => all.indexOf(word))).toEqual(
      [...order.map((word) => all.indexOf(word))].sort((a, b) => a - b),
    )
    expect(order.every((word) => all.includes(word))).toBe(true)
    const existing = one({}, databases)
    expect(existing.ids).toEqual(['parameter: db2inst1 TESTDB LOGARCHMETH1'])
    expect(existing.steps()).toMatchObject([{ interrupts: expect.stringContaining('until its next offline backup') }])
  })
  it('what they keep from their creation is left to a person', () => {
    expect(one({ 'cfg:TESTDB': cfg.replace('= 8192', '= 4096') }).ids).toEqual([
      'other-property: db2inst1 TESTDB Database page size',
    ])
  })
  it('what lies outside the replicated disk is found', () => {
    const outside = cfg.replace('(LOGARCHMETH1) = OFF', '(LOGARCHMETH1) = DISK:/var/logs/')
    expect(one({ 'cfg:TESTDB': outside }).ids).toEqual(['outside: db2inst1 TESTDB LOGARCHMETH1'])
  })
  it('wait for a running instance', () => {
    expect(judge('databases', { 'db-a': { ...active, processes: '' }, 'db-b': stub }).ids).toBe(
      'waits for db2/instance: db2inst1 does not run',
    )
  })
})

describe('at the end', () => {
  it('every database answers, and every way to it', () => {
    expect(judge('up', { 'db-a': active, 'db-b': stub }).ids).toEqual([])
  })
  it('waits for one that does not, where its home is, and says by its own words why', () => {
    const { ids, steps } = judge('up', { 'db-a': { ...active, codes: { 'answer:TESTDB': 4 } }, 'db-b': stub })
    expect(ids).toEqual(['no-answer: db2inst1 TESTDB on db-a'])
    const [step] = steps()
    if (step?.kind !== 'wait' || !('command' in step.until)) throw new Error('no wait')
    expect(step.on).toBe('db-a')
    expect(step.until.command.script).toMatch(/connect to TESTDB[\s\S]*sysdummy1/)
    expect(step.until.parse(output('SQL1035N  The database is in use.', 4))).toEqual({
      done: false,
      text: 'SQL1035N  The database is in use.',
    })
  })
  it('a home whose owner could not be asked has not answered', () => {
    expect(judge('up', { 'db-a': { ...active, owner: undefined }, 'db-b': stub }).ids).toEqual([
      'no-answer: db2inst1 TESTDB on db-a',
    ])
  })
  it('a port is named that is silent for a node', () => {
    expect(judge('up', { 'db-a': active, 'db-b': { ...stub, silent: '10.77.0.100 50000\n' } }).ids).toEqual([
      'port-silent: db-b',
    ])
  })
  it('waits for a home', () => {
    expect(judge('up', { 'db-a': { ...active, place: '/ /dev/vda', sqllib: false }, 'db-b': stub }).ids).toBe(
      'waits for heartbeat/up: no node has the home of db2inst1',
    )
  })
})

describe('the question', () => {
  it('is answered whole on a machine without Db2', async () => {
    const task = taskOf(db2, 'evidence')
    const probe = task.probes(nodeContextOf(situation())).db2inst1
    if (!probe || !('command' in probe)) throw new Error('no command')
    const { stdout } = spawnSync('sh', ['-c', probe.command.script], { encoding: 'utf8' })
    expect(probe.parse(output(stdout))).toMatchObject({
      hasSqllib: false,
      running: false,
      faultMonitor: false,
      outputs: {},
    })
  })
})

describe('what a config without an installer, and an instance made by hand, lack', () => {
  it('Db2 that is not there, and no word from where: for a person', () => {
    const task = taskOf(db2, 'software')
    const at = nodeContextOf(situation({ installer: undefined, acceptLicence: undefined }))
    const copies = (text: string, code = 0) => ({ copies: task.probes(at).copies?.parse({ ...output(text), code }) })
    expect(task.check({ ...at, facts: copies('', 99) })).toMatchObject([{ id: 'no-installer' }])
    expect(task.fix['no-installer']).toHaveProperty('manual')
    expect(
      task.check({
        ...at,
        facts: copies(recorded('db2ls_c_1158.txt').replace('/opt/ibm/db2/v1158', settings.installDir)),
      }),
    ).toEqual([])
  })
  it('SVCENAME as a name of /etc/services stands for its port', () => {
    const named = (text: string) => {
      const dbm = '\n TCP/IP Service name                          (SVCENAME) = db2c_db2inst1\n'
      return judge('instance', {
        'db-a': { ...active, services: text, owner: { ...active.owner, dbm } },
        'db-b': stub,
      }).ids
    }
    expect(named('db2c_db2inst1\t50000/tcp\n')).toEqual([])
    expect(named('db2c_db2inst1\t50001/tcp\n')).toEqual(['parameter: db2inst1 SVCENAME'])
    expect(named('')).toEqual(['parameter: db2inst1 SVCENAME'])
  })
})

describe('users', () => {
  const told = (passwd: string) => {
    const task = taskOf(db2, 'users')
    const at = nodeContextOf(situation())
    const groups = 'db2iadm1:x:1000:\ndb2fadm1:x:1001:\n'
    const facts = factsOf(task, at, { users: output(passwd), groups: output(groups) })
    return findingsOf(task.check({ ...at, facts } as never)).map(({ id, subject }) => `${id}: ${subject}`)
  }
  const fenced = 'db2fenc1:x:1001:1001::/home/db2fenc1:/bin/bash\n'
  const owner = `db2inst1:x:1000:1000::${home}:/bin/bash\n`
  it('have the numbers of the config, and the owner its home; where a fenced user lives is nobody’s concern', () => {
    expect(told(owner + fenced)).toEqual([])
    expect(told(owner + fenced.replace('/home', '/srv/home'))).toEqual([])
    expect(told(owner + fenced.replace('1001', '1009'))).toEqual(['other-user: db2fenc1'])
    expect(told(owner.replace(home, '/home/db2inst1') + fenced)).toEqual(['other-user: db2inst1'])
    expect(told(owner)).toEqual(['no-user: db2fenc1'])
  })
})
