import type { Fault } from './plugin/types.js'

/** An error that a person can act on: printed without a stack. Anything else that is thrown is a bug. */
export class KnownError extends Error {
  readonly code: string
  readonly exitCode: number
  readonly details: readonly string[]
  readonly hint: string | undefined
  constructor(
    code: string,
    message: string,
    extra: { exitCode?: number; details?: readonly string[]; hint?: string } = {},
  ) {
    super(message)
    this.name = 'KnownError'
    this.code = code
    this.exitCode = extra.exitCode ?? 2
    this.details = extra.details ?? []
    this.hint = extra.hint
  }
}

/** A fault with the place where a person finds it. */
export interface LocatedFault extends Fault {
  readonly file?: string
  readonly line?: number
  readonly column?: number
}

const place = ({ file, line, column }: LocatedFault): string =>
  file === undefined ? '' : line === undefined ? `${file} ` : `${file}:${line}:${column ?? 1} `

/** What was thrown, in one line: code of users can throw anything. */
export const reasonOf = (thrown: unknown): string =>
  (thrown instanceof Error ? thrown.message : String(thrown)).split('\n').slice(0, 3).join(' ')

export const renderFault = (fault: LocatedFault): string =>
  `${place(fault)}${fault.path || '(root)'}: ${fault.message}${fault.hint ? ` – ${fault.hint}` : ''}`

/** The catalogue: every known error of the core, by code. */
export const errors = {
  config: (faults: readonly LocatedFault[]) =>
    new KnownError(
      'CONFIG',
      `the config has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}; nothing was touched`,
      {
        details: faults.map(renderFault),
      },
    ),
  noConfig: (dir: string, places: readonly string[]) =>
    new KnownError('NO_CONFIG', `no config file in ${dir}`, {
      details: [`looked for ${places.join(', ')}`],
      hint: 'write one with `ha-provision init`, or name it with --config FILE',
    }),
  severalConfigs: (dir: string, names: readonly string[]) =>
    new KnownError('SEVERAL_CONFIGS', `there are several config files in ${dir}: ${names.join(', ')}`, {
      hint: 'name the one that is meant with --config FILE',
    }),
  configUnreadable: (file: string, reason: string) =>
    new KnownError('CONFIG_UNREADABLE', `${file} cannot be read: ${reason}`, {
      hint: 'check the path after --config, its ending (.ts, .js, .yaml, .json…) and its permissions',
    }),
  configThrew: (file: string, reason: string) =>
    new KnownError('CONFIG_THREW', `${file} cannot be loaded: ${reason}`, {
      hint: 'correct the place named above; the file must export a config as its default export',
    }),
  plugin: (
    spec: string,
    reason: string,
    hint = 'a plugin is the default export of a module, made with definePlugin()',
  ) => new KnownError('PLUGIN', `plugin ${spec}: ${reason}`, { hint }),
  cycle: (names: readonly string[]) =>
    new KnownError('PLUGIN_CYCLE', `plugins wait for each other: ${names.join(' → ')}`, {
      hint: 'remove one `after`, `before` or `requires`',
    }),
  usage: (message: string, hint?: string) => new KnownError('USAGE', message, hint === undefined ? {} : { hint }),
  hook: (file: string, message: string) => new KnownError('HOOK', `hook ${file}: ${message}`),
  locked: (who: string, file: string) =>
    new KnownError('LOCKED', `another run holds this cluster: ${who}`, {
      exitCode: 1,
      hint: `wait for it to end; if it is gone for good: ha-provision unlock (removes ${file})`,
    }),
  foreignState: (cluster: string, other: string, file: string) =>
    new KnownError('FOREIGN_STATE', `cluster "${cluster}" on this machine belongs to another config: ${other}`, {
      hint: `choose another cluster name; if that folder was moved here, delete ${file}`,
    }),
} as const

/** A plugin's own function that throws is the plugin's fault, not the core's. */
export function guarded<T>(plugin: string, part: string, call: () => T): T {
  try {
    return call()
  } catch (error) {
    if (error instanceof KnownError) throw error
    throw errors.plugin(plugin, `its \`${part}\` is broken: ${reasonOf(error)}`, 'correct the plugin')
  }
}
