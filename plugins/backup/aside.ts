import type { Existing, FileFact, Remark, UnitFact } from 'ha-provision'
import db2 from '../db2/index.js'
import { isMode } from './program.js'
import type { Schedule } from './schedules.js'
import { program, readList } from './tools/native.js'
import type { ConfFile } from './tools/native-conf.js'
import { paths } from './tools/native-paths.js'
import { ownChanges, service, timer } from './tools/native-units.js'
import { type DropIn, effective, extraKeys } from './unit.js'

/** What one node says of its backups. */
export interface Facts {
  readonly conf: ConfFile | undefined
  readonly files: Readonly<Record<keyof typeof paths, FileFact | undefined>>
  readonly units: Readonly<Record<'ha-db2-backup.timer', UnitFact>>
  readonly dropIns: Readonly<Record<'ha-db2-backup.timer' | 'ha-db2-backup.service', readonly DropIn[]>>
  readonly schedules: readonly Schedule[]
}
type Nodes = Readonly<Record<string, Facts>>
type Told = readonly (readonly [node: string, why: string])[]

/** One remark for what several nodes have alike. */
function together(told: Told): readonly Remark[] {
  const nodes = new Map<string, string[]>()
  for (const [node, why] of told) nodes.set(why, [...(nodes.get(why) ?? []), node])
  return [...nodes].map(([why, names]): Remark => ({ kind: 'other', path: [], why: `${names.join(', ')}: ${why}` }))
}

/** Backups that cron or a service of an administrator makes. */
export const scheduled = (nodes: Nodes): readonly Remark[] =>
  together(
    Object.entries(nodes).flatMap(([node, { schedules }]) =>
      schedules.map(({ file, line, program: name, sign }): readonly [string, string] => [
        node,
        sign === 'backs-up'
          ? `${file} line ${line} backs a Db2 database up with ${name}; it is left as it is`
          : `${file} line ${line} calls ${name}, which cannot be read here and may be a backup; it is left as it is`,
      ]),
    ),
  )

const modes = { program: '0755', config: '0644', service: '0644', timer: '0644' } as const

/** What `check` would find in the program's files, or leave alone there, whatever the config says. */
function filesAside({ files, units: { 'ha-db2-backup.timer': unit }, dropIns, conf }: Facts): readonly string[] {
  const whys: string[] = []
  for (const [key, mode] of Object.entries(modes) as [keyof typeof modes, string][]) {
    const file = files[key]
    if (!file || file.mode === 'other') whys.push(`${paths[key]} is no file; check asks for it`)
    else if (!isMode(file.mode, mode)) whys.push(`${paths[key]} has mode ${file.mode}; check asks for ${mode}`)
  }
  if (files.program && files.program.content !== program())
    whys.push(`${paths.program} is not the program of this version; check asks for it`)
  if (unit.enabled !== 'enabled' || unit.active !== 'active')
    whys.push(`ha-db2-backup.timer is ${unit.enabled || 'absent'} and ${unit.active}; check asks for enabled, active`)
  for (const [key, ours] of [
    ['service', service],
    ['timer', timer('daily')],
  ] as const) {
    const { content, mode } = files[key] ?? { content: '', mode: 'other' }
    if (mode === 'other') continue
    const changed = ownChanges(content, ours)
    if (changed.length > 0)
      whys.push(`${paths[key]} says ${changed.join(', ')} in its own way; check leaves that to a person`)
    const extra = extraKeys([content], ours)
    if (extra.length > 0) whys.push(`${paths[key]} also says ${extra.join(', ')}; it is left as it is`)
    for (const { path, content: text } of dropIns[`ha-db2-backup.${key}`]) {
      const keys = [...effective([text]).keys()].filter((name) => name !== 'Timer.OnCalendar')
      if (keys.length > 0) whys.push(`${path} says ${keys.join(', ')}; it is left as it is`)
    }
  }
  if (conf && conf.extras.length > 0)
    whys.push(`${paths.config} also says ${conf.extras.join(', ')}; it is left as it is`)
  if (conf?.unsaid.list !== undefined) whys.push(`${paths.config}: ${conf.unsaid.list}; check leaves that to a person`)
  return whys
}

/** Databases that the lists hold, and those of the config that are in none. */
function listed(nodes: Nodes, of: Existing<never>['of']): readonly Remark[] {
  const lists = Object.fromEntries(
    Object.entries(nodes).map(([node, { files }]) => [node, files.list && [...readList(files.list.content)].sort()]),
  )
  const all = new Set(Object.values(lists).flatMap((keys) => keys ?? []))
  const excluded = new Set(Object.values(nodes).flatMap(({ conf }) => conf?.conf.exclude ?? []))
  const remarks: Remark[] = []
  if (Object.values(lists).some((keys) => (keys?.join() ?? undefined) !== [...all].sort().join()))
    remarks.push({
      kind: 'differs',
      path: [],
      values: Object.fromEntries(Object.entries(lists).map(([node, keys]) => [node, keys ?? null])),
      why: `the databases in ${paths.list}; check asks for all of them on every node`,
    })
  for (const [name, { databases }] of Object.entries(of(db2)?.instances ?? {}))
    for (const database of Object.keys(databases)) {
      const key = `${name}/${database}`
      if (!all.has(key) && !excluded.has(key))
        remarks.push({
          kind: 'other',
          path: ['exclude'],
          why: `${key} is in no backup and not excluded; check asks for it`,
        })
    }
  return remarks
}

/** What is there beside the options, and where `check` finds a difference however the config is written. */
export function aside(nodes: Nodes, of: Existing<never>['of']): readonly Remark[] {
  const there = Object.entries(nodes).filter(([, { conf }]) => conf)
  const remarks: Remark[] = []
  if (there.length < Object.keys(nodes).length)
    remarks.push({
      kind: 'differs',
      path: [],
      values: Object.fromEntries(Object.entries(nodes).map(([node, { conf }]) => [node, conf ? 'settings' : 'none'])),
      why: `${paths.config} is not on every node; the options are those of the node that has it, and check asks for it on all`,
    })
  const installDir = of(db2)?.installDir
  const told = there.flatMap(([node, facts]) => [
    ...filesAside(facts).map((why) => [node, why] as const),
    ...(installDir === undefined || facts.conf?.conf.db2Dir === installDir
      ? []
      : [[node, `${paths.config}: DB2DIR is not db2.installDir, ${installDir}; check asks for that`] as const]),
  ])
  return [...remarks, ...together(told), ...listed(nodes, of)]
}
