import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import db2 from '../../../plugins/db2/index.js'
import type { Db2 } from '../../../plugins/db2/layout.js'
import type { InputOf, Output } from '../../../src/index.js'
import { holdsLaw, type NodeName, rebuilt, type World } from '../../support/law.js'
import { output } from '../../support/task.js'
import { others, recorded } from './judge.js'

type Options = InputOf<typeof db2>
type Instance = Db2['instances'][string]
const section = (name: string, text = '', code = 0) => `${text}\n@@${name} ${code}\n`

/** passwd(5) and group(5), as getent prints them. */
const account = (name: string, uid: number, group: string, gid: number, home: string): string =>
  `${name}:x:${uid}:${gid}::${home}:/bin/bash\n${group}:x:${gid}:\n`

const greg = ({ installDir, instances }: Db2): string =>
  `S,DB2,11.5.8.0,${installDir},,,0,0,,1669474587,0\nV,DB2GPRF,DB2SYSTEM,db-a,${installDir},\n${Object.entries(
    instances,
  )
    .map(([name, { home }]) => `I,DB2,11.5.8.0,${name},${home}/sqllib,,0,0,${installDir},,\n`)
    .join('')}`

const directory = (instance: Instance): string => {
  const one = recorded('listdb_one_1158.txt')
  const entry = one.slice(one.indexOf('Database 1 entry:'))
  const all = Object.entries(instance.databases)
  if (all.length === 0) return recorded('listdb_empty.txt')
  return `\n System Database Directory\n\n Number of entries in the directory = ${all.length}\n\n${all
    .map(([name, { path }], i) =>
      entry
        .replace('Database 1 entry', `Database ${i + 1} entry`)
        .replaceAll('TESTDB', name)
        .replace('/database/data', path ?? instance.home),
    )
    .join('\n')}`
}

/** A recorded configuration with other values, by parameter or label. */
const changed = (text: string, values: Readonly<Record<string, string>>): string =>
  Object.entries(values).reduce(
    (all, [key, value]) =>
      all.replace(new RegExp(`^(.*(?:\\(${key}\\)|${key})\\s*=).*$`, 'm'), (_, head) => `${head} ${value}`),
    text,
  )
const plain = changed(recorded('dbcfg_sample_1158.txt'), { LOGARCHMETH1: 'OFF' })

function said(settings: Db2, hasHome: boolean): string {
  const services = Object.entries(settings.instances)
    .map(([name, { port }]) => `db2c_${name}\t${port}/tcp\nDB2_${name}\t60000/tcp\n`)
    .join('')
  return [
    section('greg', greg(settings)),
    section('services', services),
    ...Object.entries(settings.instances).flatMap(([name, own], i) => [
      section(`owner:${name}`, account(name, own.uid, own.group, own.gid, own.home)),
      section(`sqldbdir:${name}`, '', hasHome ? 0 : 1),
      ...(hasHome
        ? [
            section(
              `fenced:${name}`,
              account(own.fenced.name, own.fenced.uid, own.fenced.group, own.fenced.gid, '/home/x'),
            ),
            section(`directory:${name}`, directory(own)),
            section(
              `dbm:${name}`,
              `${changed(recorded('dbmcfg_115_excerpt.txt'), own.config)}\n TCP/IP Service name                          (SVCENAME) = ${i === 0 ? own.port : `db2c_${name}`}\n`,
            ),
            section(
              `set:${name}`,
              `${Object.entries({ DB2COMM: 'TCPIP', DB2AUTOSTART: 'NO', ...own.registry })
                .map(([key, value]) => `[i] ${key}=${value}\n`)
                .join('')}[g] DB2SYSTEM=db-a\n[g] DB2INSTDEF=${name}\n`,
            ),
            ...Object.entries(own.databases).map(([database, { codeSet, territory, pageSize, config }]) =>
              section(
                `cfg:${name}:${database}`,
                changed(plain, {
                  'Database code set': codeSet,
                  'Database territory': territory,
                  'Database page size': String(pageSize),
                  ...config,
                }),
              ),
            ),
          ]
        : []),
    ]),
    section('end'),
  ].join('')
}
const model =
  (settings: Db2) =>
  (node: NodeName): Output =>
    output(said(settings, node === 'db-b'))

const id = fc.integer({ min: 1, max: 65_000 })
const user = (names: readonly string[]) =>
  fc.record({ name: fc.constantFrom(...names), uid: id, group: fc.constantFrom('db2fadm1', 'staff'), gid: id })
const database = fc.record(
  {
    path: fc.constantFrom('/srv/db/data', '/srv/db/more'),
    codeSet: fc.constantFrom('UTF-8', 'IBM-1252', 'ISO8859-15'),
    territory: fc.constantFrom('US', 'DE', 'jp'),
    pageSize: fc.constantFrom(4096, 8192, 16384, 32768),
    config: fc.record(
      {
        LOGARCHMETH1: fc.constantFrom('LOGRETAIN', 'DISK:/srv/db/archive/'),
        FAILARCHPATH: fc.constant('/srv/db/fail/'),
        TRACKMOD: fc.constant('YES'),
        LOCKTIMEOUT: fc.constantFrom('30', '120'),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
)
const instance = fc.record(
  {
    home: fc.constantFrom('/srv/db/one', '/srv/db/two/home'),
    uid: id,
    group: fc.constantFrom('db2iadm1', 'db2adm'),
    gid: id,
    fenced: user(['db2fenc1', 'fenced']),
    port: fc.integer({ min: 1024, max: 65_535 }),
    registry: fc.dictionary(
      fc.constantFrom('DB2_WORKLOAD', 'DB2_COMPATIBILITY_VECTOR', 'DB2COMM'),
      fc.constantFrom('SSL,TCPIP', 'ORA'),
      { maxKeys: 2 },
    ),
    config: fc.record({ DIAGLEVEL: fc.constantFrom('2', '4'), FEDERATED: fc.constant('YES') }, { requiredKeys: [] }),
    databases: fc.dictionary(fc.stringMatching(/^[A-HJ-RT-Z][A-Z0-9_]{0,7}$/), database, { maxKeys: 3 }),
  },
  { requiredKeys: ['home'] },
)
const worlds: fc.Arbitrary<World<Options>> = fc
  .record({
    installDir: fc.option(fc.constantFrom('/opt/ibm/db2/V12.1', '/opt/db2'), { nil: undefined }),
    instances: fc.dictionary(fc.constantFrom('db2inst1', 'db2inst2', 'erp'), instance, { minKeys: 1, maxKeys: 2 }),
  })
  .map(({ installDir, instances }) => ({
    others,
    options: { ...(installDir ? { installDir } : {}), instances } as Options,
  }))

describe('reconstruct of db2', () => {
  it('gives back what a config made', () => {
    holdsLaw(db2, worlds, model)
  })

  const one: Options = { instances: { db2inst1: { home: '/srv/db/db2inst1', databases: { SHOP: {} } } } }
  const settings = {
    installDir: '/opt/ibm/db2/V11.5',
    instances: {
      db2inst1: {
        home: '/srv/db/db2inst1',
        uid: 1000,
        group: 'db2iadm1',
        gid: 1000,
        fenced: { name: 'db2fenc1', uid: 1001, group: 'db2fadm1', gid: 1001 },
        port: 50000,
        registry: {},
        config: {},
        databases: { SHOP: { codeSet: 'UTF-8', territory: 'US', pageSize: 8192, config: {} } },
      },
    },
  } as unknown as Db2
  const read = (said: (node: NodeName) => string) =>
    rebuilt(db2, { options: one, others }, (node) => output(said(node)))

  it('no Db2 on the nodes: nothing of it', () => {
    expect(read(() => '\n@@end 0\n')).toEqual({ options: undefined, remarks: [] })
  })
  it('an instance on a local disk cannot be said', () => {
    const local = said(settings, true).replaceAll('/srv/db/db2inst1', '/home/db2inst1')
    expect(read(() => local)).toEqual({
      options: undefined,
      remarks: [
        {
          kind: 'other',
          path: ['instances', 'db2inst1'],
          why: 'its home /home/db2inst1 is on no replicated filesystem',
        },
      ],
    })
  })
  it('the service is down: what its databases are is unknown, not nothing', () => {
    const { options, remarks } = read(() => said(settings, false))
    expect(options).toEqual({ instances: { db2inst1: { home: '/srv/db/db2inst1' } } })
    expect(remarks).toMatchObject([
      { kind: 'unknown', path: ['instances', 'db2inst1'] },
      { kind: 'undecided', path: ['instances', 'db2inst1', 'port'] },
    ])
  })
  it('a port that does not show is left to a person: the default would change it', () => {
    const named = (service: string) =>
      read(() => said(settings, true).replace(/(\(SVCENAME\) =).*/, `$1 ${service}`)).remarks
    for (const service of ['payroll_db', ''])
      expect(named(service)).toMatchObject([{ kind: 'undecided', path: ['instances', 'db2inst1', 'port'] }])
    expect(named('50000')).toEqual([])
  })
  it('a node without a record, users with other numbers: named', () => {
    const { remarks } = read((node) => (node === 'db-a' ? '\n@@end 0\n' : said(settings, true)))
    expect(remarks).toMatchObject([{ kind: 'other', why: 'db-a has no record of it; check asks for one' }])
    const { options, remarks: differing } = read((node) =>
      node === 'db-a' ? said(settings, false).replace(':1000:1000:', ':1007:1000:') : said(settings, true),
    )
    expect(differing).toMatchObject([
      {
        kind: 'differs',
        path: ['instances', 'db2inst1', 'uid'],
        values: { 'db-a': { uid: 1007 }, 'db-b': { uid: 1000 } },
      },
    ])
    expect(options).toEqual({ instances: { db2inst1: { home: '/srv/db/db2inst1', databases: { SHOP: {} } } } })
  })
  it('remote entries, other names and HADR are named and left alone', () => {
    const text = said(settings, true)
      .replace('directory = 1', 'directory = 3')
      .replace(
        /(Database 1 entry:[\s\S]*?)\n\n@@directory/,
        (_, entry: string) =>
          `${entry}\n${entry.replace('1 entry', '2 entry').replace(/alias( +)= SHOP/, 'alias$1= STORE')}\n${entry
            .replace('1 entry', '3 entry')
            .replaceAll('SHOP', 'FAR')
            .replace(/ Local database directory +=.*/, ' Node name                            = HOST7')
            .replace('Indirect', 'Remote')}\n\n@@directory`,
      )
      .replace(/(\(HADR_LOCAL_HOST\) =).*/, '$1 db-a')
    const { options, remarks } = read((node) => (node === 'db-a' ? text : said(settings, false)))
    expect(options).toEqual(one)
    expect(remarks.map((remark) => ('why' in remark ? remark.why : ''))).toEqual([
      'SHOP takes part in HADR',
      'STORE is another name of SHOP',
      'the catalog entry FAR is of a database on HOST7',
    ])
  })
  it('answers that are cut off or refused are no answers', () => {
    const whole = said(settings, true)
    expect(() => read(() => whole.slice(0, -20))).toThrow('cut off')
    expect(() => read(() => whole.replace('@@cfg:db2inst1:SHOP 0', '@@cfg:db2inst1:SHOP 4'))).toThrow(
      'of SHOP could not be read',
    )
    expect(() => read(() => whole.replace('@@set:db2inst1 0', '@@set:db2inst1 9'))).toThrow(
      'look at /srv/db/db2inst1/sqllib/db2profile',
    )
  })
})
