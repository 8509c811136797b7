import { type Finding, files, finding, type Probe, type Step, type Task } from 'ha-provision'
import { type Databases, databasesOf, type Nodes } from './databases.js'
import { type At, type Builder, toolOf } from './layout.js'
import { surveyProbe } from './survey.js'
import type { ListFile } from './tools/tool.js'

type Placed = Step & { readonly on: string }
type List = Record<'list', { readonly content: string } | undefined>
type Asked = At & { readonly nodes: Readonly<Record<string, { readonly list: List }>> }

const listProbe = (at: At): Probe<List> => {
  const list = toolOf(at).list(at)
  return files(list ? { list: list.path } : ({} as { list: string })) as Probe<List>
}

const nodesOf = (at: object): Nodes => (at as { nodes: Nodes }).nodes

/** The list as it should be. What is covered and gone stays in it: only a person knows that it may go. */
function wantedList(at: At, { wanted, covered }: Databases): string | undefined {
  const all = new Set([...covered.filter((key) => !at.settings.exclude.includes(key)), ...wanted])
  return toolOf(at)
    .list(at)
    ?.render([...all].sort())
}

/** Comments and order of a list do not matter where it can be read, nor what the program passes over. */
function isSame(at: At, { read }: ListFile, actual: string | undefined, desired: string | undefined): boolean {
  if (!read || actual === undefined || desired === undefined) return actual === desired
  const keys = (text: string) =>
    read(text)
      .filter((key) => !at.settings.exclude.includes(key))
      .toSorted()
  return keys(actual).join() === keys(desired).join()
}

/** Every database of every instance, made by this tool or by hand, is in the backup tool's list on both nodes. */
export const coverageTask = (t: Builder): Task =>
  t.perCluster({
    id: 'coverage',
    title: 'every database is in a backup',
    probes: (at) => ({ survey: surveyProbe(at), list: listProbe(at) }),
    check(at): readonly Finding<'uncovered' | 'list' | 'uncovered-by-hand'>[] | { waits: string } {
      const databases = databasesOf(at, nodesOf(at))
      if ('waits' in databases) return databases
      const missing = databases.wanted.filter((key) => !databases.covered.includes(key))
      const list = toolOf(at).list(at)
      if (!list)
        return missing.map((subject) =>
          finding('uncovered-by-hand', { subject, desired: 'in a backup', actual: 'in none' }),
        )
      const desired = wantedList(at, databases)
      const note = missing.length > 0 ? `in no backup: ${missing.join(', ')}` : undefined
      return Object.entries((at as Asked).nodes).flatMap(([node, facts]) => {
        const actual = facts.list.list?.content
        const rest = { subject: `${node}:${list.path}`, desired, actual, ...(note ? { note } : {}) }
        return isSame(at, list, actual, desired) ? [] : [finding(note ? 'uncovered' : 'list', rest)]
      })
    },
    fix: {
      uncovered: writeList,
      list: writeList,
      'uncovered-by-hand': {
        manual:
          'The backup tool does not know this database, and its configuration is not ours to write: add it there, name a template in backup.custom.configFile, or put it into backup.exclude.',
      },
    },
  })

function writeList(at: At & { readonly finding: Finding }): readonly Placed[] {
  const [on = '', path = ''] = (at.finding.subject ?? '').split(/:(.*)/s)
  return [{ kind: 'write', on, path, content: String(at.finding.desired), mode: '0644', owner: 'root:root' }]
}

/** Last, because what a person must decide stops no backup. */
export const staleTask = (t: Builder): Task =>
  t.perCluster({
    id: 'stale',
    title: 'nothing is left of what is gone',
    probes: (at) => ({ survey: surveyProbe(at) }),
    check(at): readonly Finding<'stale' | 'drill-left'>[] | { waits: string } {
      const databases = databasesOf(at, nodesOf(at))
      if ('waits' in databases) return databases
      return [
        ...databases.covered
          .filter((key) => !databases.live.includes(key))
          .map((subject) => finding('stale', { subject, desired: 'a database of the cluster', actual: 'gone' })),
        ...databases.drills.map((subject) =>
          finding('drill-left', { subject, desired: 'dropped', actual: 'it is there' }),
        ),
      ]
    },
    fix: {
      'drill-left': {
        manual:
          'A restore drill is going on, or was killed before it could drop its database. Its data is on one node only: drop it (db2 drop database, as the instance owner) before the instance moves.',
      },
      stale: {
        manual:
          'The backup tool backs up a database that no instance of the cluster has. If it was dropped on purpose, take its line out of the list on both nodes; its images are never deleted by this tool. If not, restore it from them.',
      },
    },
  })
