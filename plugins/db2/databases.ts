import { type Command, type Finding, finding, given, type Step, sh, type Task } from 'ha-provision'
import { asOwner, type Builder, clp, type Database, databasePath, type Instance, mountOf } from './layout.js'
import { parseConfiguration } from './parse/database.js'
import { activeOf, type Nodes } from './place.js'
import { configOf, entriesOf, type InstanceFact, instanceProbes, unknownEnvironment } from './probes.js'

type Placed = Step & { readonly on: string }
type Id = 'no-database' | 'other-property' | 'parameter' | 'outside'

/** Labels of `get db cfg` that have no parameter name; asked for in English. */
const properties = ({ codeSet, territory, pageSize }: Database): Readonly<Record<string, string>> => ({
  'Database code set': codeSet,
  'Database territory': territory,
  'Database page size': String(pageSize),
})

/** Where a database keeps what it cannot do without, as its configuration says. */
const paths = (configuration: ReadonlyMap<string, string>): readonly (readonly [string, string])[] =>
  [
    'Path to log files',
    'NEWLOGPATH',
    'MIRRORLOGPATH',
    'OVERFLOWLOGPATH',
    'FAILARCHPATH',
    'LOGARCHMETH1',
    'LOGARCHMETH2',
  ].flatMap((key) => {
    const value = configuration.get(key) ?? ''
    const path = /^LOGARCHMETH/.test(key) ? /^DISK:(.*)$/.exec(value)?.[1] : value
    return path?.startsWith('/') ? [[key, path] as const] : []
  })

/** Db2 takes an archive only where its directory is there. */
const archive = (parameter: string, value: string): string | undefined =>
  /^LOGARCHMETH[12]$/.test(parameter) ? /^DISK:(.+)$/.exec(value)?.[1] : undefined
const withArchives = (config: Readonly<Record<string, string>>, command: Command): Command => {
  const directories = Object.entries(config).flatMap(([key, value]) => archive(key, value) ?? [])
  return directories.length > 0 ? sh`mkdir -p ${directories} || exit\n${command}` : command
}

export const databasesTask = (t: Builder): Task =>
  t.perCluster({
    id: 'databases',
    title: 'databases',
    probes: ({ settings }) => instanceProbes(settings),
    check(at): readonly Finding<Id>[] | { waits: string } {
      const nodes = at.nodes as Nodes
      const found: Finding<Id>[] = []
      for (const [name, { databases }] of Object.entries(at.settings.instances)) {
        const active = activeOf(at, name, nodes)
        const fact = active === undefined ? undefined : (nodes[active]?.[name] as InstanceFact)
        if (!fact?.running) return { waits: `waits for db2/instance: ${name} does not run` }
        const entries = entriesOf(fact)
        if (!entries) throw unknownEnvironment(name, active)
        for (const [database, wanted] of Object.entries(databases)) {
          const subject = `${name} ${database}`
          const entry = entries.find((own) => own.isLocal && own.name.toUpperCase() === database)
          if (!entry) {
            found.push(
              finding('no-database', {
                subject,
                desired: databasePath(at.settings.instances[name] as Instance, wanted),
                actual: undefined,
              }),
            )
            continue
          }
          const answer = configOf(fact, database)
          if (answer?.code !== 0)
            throw new Error(
              `the configuration of ${database} could not be read: ${answer?.stdout.trim() || 'no answer'}`,
            )
          const configuration = parseConfiguration(answer.stdout)
          for (const [label, desired] of Object.entries(properties(wanted))) {
            const actual = configuration.get(label)
            if (actual?.toUpperCase() !== desired.toUpperCase())
              found.push(finding('other-property', { subject: `${subject} ${label}`, desired, actual }))
          }
          for (const [parameter, desired] of Object.entries(wanted.config)) {
            const actual = configuration.get(parameter)
            if (actual?.replace(/\/$/, '') !== desired.replace(/\/$/, ''))
              found.push(finding('parameter', { subject: `${subject} ${parameter}`, desired, actual }))
          }
          for (const [key, path] of [
            ['Local database directory', entry.directory ?? ''] as const,
            ...paths(configuration),
          ])
            if (mountOf(at, path) === undefined)
              found.push(
                finding('outside', {
                  subject: `${subject} ${key}`,
                  desired: 'on a replicated filesystem',
                  actual: path,
                }),
              )
        }
      }
      return found
    },
    fix: {
      'no-database': (at): readonly Placed[] => {
        const [name = '', database = ''] = (at.finding.subject ?? '').split(' ')
        const instance = at.settings.instances[name] as Instance
        const { codeSet, territory, pageSize, config } = instance.databases[database] as Database
        const on = activeOf(at, name, at.nodes as Nodes)
        if (on === undefined) return []
        const create = [
          `create database ${database} on ${at.finding.desired} using codeset ${codeSet} territory ${territory} pagesize ${pageSize}`,
        ]
        const configure = Object.entries(config).map(
          ([key, value]) => `update database configuration for ${database} using ${key} ${value}`,
        )
        // An archive of logs puts a database into backup pending; a new one holds nothing yet, so this backup goes nowhere.
        const enter =
          configure.length > 0
            ? [`deactivate database ${database}`, `backup database ${database} to /dev/null without prompting`]
            : []
        return [
          {
            kind: 'run',
            on,
            title: `create the database ${database}`,
            command: given(
              asOwner(
                name,
                instance.home,
                withArchives(config, clp([...create, ...configure, ...enter, `activate database ${database}`])),
              ),
              { timeoutS: 1800 },
            ),
          },
        ]
      },
      parameter: (at): readonly Placed[] => {
        const [name = '', database = '', parameter = ''] = (at.finding.subject ?? '').split(' ')
        const { home } = at.settings.instances[name] as Instance
        const on = activeOf(at, name, at.nodes as Nodes)
        if (on === undefined) return []
        return [
          {
            kind: 'run',
            on,
            title: `${database}: ${parameter} = ${at.finding.desired}`,
            // From circular logging to an archive the database goes into backup pending and refuses connections.
            ...(parameter === 'LOGARCHMETH1' && (at.finding.actual ?? 'OFF') === 'OFF'
              ? { interrupts: `${database} accepts no connections until its next offline backup` }
              : {}),
            command: asOwner(
              name,
              home,
              withArchives(
                { [parameter]: String(at.finding.desired) },
                clp([`update database configuration for ${database} using ${parameter} ${at.finding.desired}`]),
              ),
            ),
          },
        ]
      },
      'other-property': {
        manual:
          'A database keeps these from its creation. Put what it has into the config, or export its data (db2move, db2look) into a new database.',
      },
      outside: {
        manual:
          'After a takeover the database would be without this. Move it to the replicated filesystem: deactivate the database, move the files, and tell it with db2relocatedb or UPDATE DB CFG.',
      },
    },
  })
