import db2 from '../db2/index.js'
import type { At } from './layout.js'
import type { InstanceFact, Survey } from './survey.js'
import { drillName } from './tools/native.js'
import type { Key } from './tools/tool.js'

export type Nodes = Readonly<Record<string, { readonly survey: Survey }>>
export interface Databases {
  /** Node that has the instance's home, by instance. */
  readonly holder: Readonly<Record<string, string>>
  /** Databases that live in the cluster, without those that the config excludes. */
  readonly wanted: readonly Key[]
  /** Databases that live in the cluster. */
  readonly live: readonly Key[]
  /** What a drill restored and did not drop. */
  readonly drills: readonly Key[]
  /** What the tool backs up, as both nodes say together. */
  readonly covered: readonly Key[]
}

const isHolder = (at: At, name: string, fact: InstanceFact | undefined): fact is InstanceFact =>
  fact?.databases !== undefined && (!at.of(db2).instances[name] || fact.source.startsWith('/dev/drbd'))

/** What both nodes say together, or what is waited for: a home that is mounted nowhere is not one without databases. */
export function databasesOf(at: At, nodes: Nodes): Databases | { readonly waits: string } {
  const holder: Record<string, string> = {}
  const live = new Set<Key>()
  const covered = new Set<Key>()
  const names = new Set(Object.keys(at.of(db2).instances))
  for (const [node, { survey }] of Object.entries(nodes)) {
    if (!survey.instances) return { waits: `waits for db2/software: there is no Db2 on ${node}` }
    if (!survey.covered) return { waits: `waits for backup/program: the backup tool is not on ${node}` }
    for (const name of Object.keys(survey.instances)) names.add(name)
    for (const key of survey.covered) covered.add(key)
  }
  for (const name of [...names].sort()) {
    const found = Object.entries(nodes).find(([, { survey }]) => isHolder(at, name, survey.instances?.[name]))
    if (!found) return { waits: `waits for db2/instance: no node has the home of ${name}` }
    const [node, { survey }] = found
    holder[name] = node
    for (const database of survey.instances?.[name]?.databases ?? []) live.add(`${name}/${database}`)
  }
  const isDrill = (key: Key) => key.endsWith(`/${drillName}`)
  const all = [...live].filter((key) => !isDrill(key)).sort()
  return {
    holder,
    live: all,
    wanted: all.filter((key) => !at.settings.exclude.includes(key)),
    drills: [...live].filter(isDrill).sort(),
    covered: [...covered].sort(),
  }
}

export const instanceOf = (key: Key): string => key.slice(0, key.indexOf('/'))
