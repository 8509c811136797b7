import {
  agreed,
  files,
  type Input,
  type OptionPath,
  type Probe,
  type Remark,
  reconstruction,
  units,
} from 'ha-provision'
import { aside, type Facts, scheduled } from './aside.js'
import { dropInsProbe } from './program.js'
import { schedulesProbe } from './schedules.js'
import type { schema } from './schema.js'
import { type Conf, type ConfFile, type ConfKey, readConf, shown } from './tools/native-conf.js'
import { paths } from './tools/native-paths.js'
import { calendars, isSaid, setterOf } from './tools/native-units.js'

type Options = { -readonly [K in keyof Input<typeof schema>]: Input<typeof schema>[K] }
type Said<T> = Readonly<Record<string, T>>

const texts = files(paths)
const confFile = files({ config: paths.config })

/** The settings of the program; undefined where there are none. A file that is more than settings is unreadable. */
const conf: Probe<ConfFile | undefined> = {
  ...confFile,
  parse(output) {
    const file = confFile.parse(output).config
    if (!file || file.mode === 'other') return undefined
    try {
      return readConf(file.content)
    } catch (error) {
      throw new Error(`${paths.config}: ${(error as Error).message}`)
    }
  },
}

const probes = {
  conf,
  files: texts,
  units: units('ha-db2-backup.timer'),
  dropIns: dropInsProbe,
  schedules: schedulesProbe,
}

const options = ['directory', 'keep', 'maxAgeH', 'compress', 'offline', 'exclude', 'copy'] as const

/** One option of all nodes that say it; a remark where they cannot be put into one. */
function settle(
  key: ConfKey,
  nodes: Said<ConfFile>,
): { readonly value?: unknown; readonly remarks: readonly Remark[] } {
  const path: OptionPath = [key]
  const unsaid = Object.entries(nodes).flatMap(([node, { unsaid }]): Remark[] =>
    unsaid[key] === undefined ? [] : [{ kind: 'other', path, why: `${node}: ${paths.config}: ${unsaid[key]}` }],
  )
  if (unsaid.length > 0) return { remarks: unsaid }
  const said = Object.entries(nodes).map(([node, file]) => [node, file.conf] as const)
  const order = (one: Conf) => (key === 'exclude' ? [...one.exclude].sort() : (one[key] ?? null))
  const all = agreed(Object.fromEntries(said.map(([node, one]) => [node, order(one)])))
  if ('values' in all)
    return {
      remarks: [{ kind: 'differs', path, values: Object.fromEntries(said.map(([n, one]) => [n, shown(one, key)])) }],
    }
  return { value: said[0]?.[1][key], remarks: [] }
}

/** When the timer goes off, by its file and its drop-ins on each node. */
function time(nodes: Said<Facts>): {
  readonly at?: string
  readonly from?: string
  readonly remarks: readonly Remark[]
} {
  const path: OptionPath = ['at']
  const said = Object.entries(nodes).flatMap(([node, { files, dropIns }]) =>
    files.timer && files.timer.mode !== 'other'
      ? [[node, files.timer.content, dropIns['ha-db2-backup.timer']] as const]
      : [],
  )
  if (said.length === 0) return { remarks: [] }
  const times = Object.fromEntries(
    said.map(([node, text, beside]) => [node, calendars([text, ...beside.map(({ content }) => content)])]),
  )
  const all = agreed(times)
  if ('values' in all) return { remarks: [{ kind: 'differs', path, values: times }] }
  if (!isSaid(all.value)) {
    const what = all.value.length === 0 ? 'no OnCalendar' : `OnCalendar=${all.value.join(' and ')}`
    return { remarks: [{ kind: 'other', path, why: `the timer says ${what}; the option is one time` }] }
  }
  const from = [...new Set(said.map(([, , beside]) => setterOf(beside)?.path ?? paths.timer))].join(' and ')
  return { at: all.value[0] ?? '', from, remarks: [] }
}

/** Writes the options from the settings and the timer of the program on the nodes. */
export const reconstruct = reconstruction({
  probes,
  build({ nodes, of }) {
    const sources: { readonly path: OptionPath; readonly from: string }[] = [{ path: [], from: paths.config }]
    const there = Object.entries(nodes).filter(([, facts]) => facts.conf !== undefined)
    const remarks: Remark[] = [...scheduled(nodes)]
    if (there.length === 0) {
      const why = `there is no ${paths.config}: no backup, or a tool of your own (tool: custom), whose commands only a config says`
      return { sources, remarks: [...remarks, { kind: 'unknown', path: [], why }] }
    }
    const made: Record<string, unknown> = {}
    const confs = Object.fromEntries(there.map(([node, facts]) => [node, facts.conf as ConfFile]))
    for (const key of options) {
      const { value, remarks: found } = settle(key, confs)
      remarks.push(...found)
      if (value !== undefined && (key !== 'keep' || Number.isInteger(value))) made[key] = value
    }
    if (Object.values(confs).every((one) => one.conf.maxAgeH === undefined))
      remarks.push({ kind: 'unknown', path: ['maxAgeH'], why: `${paths.config} is of a version that does not say it` })
    const { at, from, remarks: timely } = time(Object.fromEntries(there))
    remarks.push(...timely, ...aside(nodes, of))
    if (at !== undefined) made.at = at
    if (from !== undefined) sources.push({ path: ['at'], from })
    return { options: made as Options, sources, remarks }
  },
  untraced: {
    custom: 'the commands of a tool of your own are only in a config; nothing on the nodes names them',
  },
})
