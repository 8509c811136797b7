import { readFileSync } from 'node:fs'
import { type Command, type Fault, type PackageNeed, raw, sh } from 'ha-provision'
import { packaged } from '../../packaged.js'
import type { DropIn } from '../unit.js'
import { compareConf, config } from './native-conf.js'
import { paths } from './native-paths.js'
import { compareUnit, service, timer } from './native-units.js'
import type { Key, Tool } from './tool.js'

export { paths }

/** Under this name a drill restores; a database of it is nobody's. */
export const drillName = 'HADRILL'

/** One program on the node, in pieces here. */
export const program = (): string =>
  ['1-common', '2-run', '3-drill', '4-main']
    .map((piece) => readFileSync(packaged('backup', 'files', `${piece}.sh`), 'utf8'))
    .join('')

/** Keys of a list, as the program reads it. */
export const readList = (text: string): readonly Key[] => [
  ...new Set(
    text.split('\n').flatMap((line) => {
      const [instance = '', database = ''] = line.trim().split(/[ \t]+/)
      return instance === '' || instance.startsWith('#') ? [] : [`${instance}/${database}`]
    }),
  ),
]

const call = (verb: string): Command => sh`${paths.program} ${raw(verb)}`

/** A program of ours around Db2's own backup, in the same state on both nodes; it works where the instance is active. */
export const native: Tool = {
  name: 'db2-native',
  timers: ['ha-db2-backup.timer'],
  faults({ settings: { custom, copy } }): readonly Fault[] {
    const faults: Fault[] = []
    if (custom) faults.push({ path: 'backup.custom', message: 'belongs to another tool', hint: 'say tool: custom' })
    if (copy?.program === 'restic' && copy.passwordFile === undefined)
      faults.push({
        path: 'backup.copy.passwordFile',
        message: 'restic needs it',
        hint: 'a file on the nodes, mode 0600',
      })
    return faults
  },
  packages: ({ copy }): readonly PackageNeed[] =>
    copy ? [{ apt: copy.program, dnf: copy.program, zypper: copy.program }] : [],
  files(at) {
    const conf = config(at)
    const units = { [paths.service]: service, [paths.timer]: timer(at.settings.at) }
    return {
      [paths.program]: { content: program(), mode: '0755' },
      [paths.config]: { content: conf, mode: '0644', compare: (actual) => compareConf(actual, at.settings, conf) },
      ...Object.fromEntries(
        Object.entries(units).map(([path, content]) => [
          path,
          {
            content,
            mode: '0644',
            compare: (actual: string, beside: readonly DropIn[]) => compareUnit(actual, content, beside),
          },
        ]),
      ),
    }
  },
  list: () => ({
    path: paths.list,
    read: readList,
    render: (databases) =>
      `# Written by ha-provision: INSTANCE DATABASE\n${databases.map((key) => `${key.replace('/', ' ')}\n`).join('')}`,
  }),
  covered: () => call('covered'),
  last: () => call('last "$1" "$2"'),
  run: () => call('run "$1" "$2"'),
  progress: () => call('progress "$1" "$2"'),
}
