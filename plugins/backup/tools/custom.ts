import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Command, type Fault, raw, sh } from 'ha-provision'
import type { At, Backup } from '../layout.js'
import type { ListFile, Tool } from './tool.js'

type Custom = NonNullable<Backup['custom']>

function own({ custom }: Backup): Custom {
  if (!custom) throw new Error('backup.custom is missing')
  return custom
}

const templatePath = (at: At, { template }: NonNullable<Custom['configFile']>): string =>
  resolve(at.cluster.configDir, template)

/** Lines that name a database stand once for each; the others stay. */
export const render = (template: string, databases: readonly string[]): string =>
  template
    .split('\n')
    .flatMap((line) =>
      /\{\{(instance|database)\}\}/.test(line)
        ? databases.map((key) => {
            const [instance = '', database = ''] = key.split('/')
            return line.replaceAll('{{instance}}', () => instance).replaceAll('{{database}}', () => database)
          })
        : [line],
    )
    .join('\n')

/** A shell's own process, so that what a person wrote can neither end ours nor set its variables. */
const shell = (text: string): Command => sh`sh -c ${text} backup ${raw('"$1" "$2"')}`

/** A tool of the user's, known by three commands and one file. */
export const custom: Tool = {
  name: 'custom',
  timers: [],
  faults(at): readonly Fault[] {
    const { custom: options, copy } = at.settings
    if (!options) return [{ path: 'backup.custom', message: 'is missing', hint: 'coveredBy, run and lastBackup' }]
    const faults: Fault[] = copy
      ? [{ path: 'backup.copy', message: 'belongs to db2-native', hint: 'let your own tool carry its images off' }]
      : []
    const { configFile } = options
    if (configFile) {
      const path = 'backup.custom.configFile.template'
      try {
        if (!readFileSync(templatePath(at, configFile), 'utf8').includes('{{database}}'))
          faults.push({ path, message: `"${configFile.template}" has no line with {{database}}` })
      } catch (error) {
        faults.push({ path, message: `"${configFile.template}" cannot be read: ${(error as Error).message}` })
      }
    }
    return faults
  },
  packages: ({ custom: options }) => (options?.packages ?? []).map((name) => ({ apt: name, dnf: name, zypper: name })),
  files: () => ({}),
  list(at): ListFile | undefined {
    const { configFile } = own(at.settings)
    if (!configFile) return undefined
    const template = readFileSync(templatePath(at, configFile), 'utf8')
    return { path: configFile.path, render: (databases) => render(template, databases) }
  },
  covered: (settings) => shell(own(settings).coveredBy),
  last: (settings) => shell(own(settings).lastBackup),
  run: (settings) => shell(own(settings).run),
}
