import { quote } from 'ha-provision'
import db2 from '../../db2/index.js'
import { parseAssignments } from '../assignments.js'
import type { At, Backup } from '../layout.js'
import { schema } from '../schema.js'
import { paths } from './native-paths.js'
import type { Difference } from './tool.js'

const yes = (value: boolean): string => (value ? 'yes' : 'no')

/** backup.conf: `KEY=value`, as a shell reads it. */
export function config(at: At): string {
  const { directory, keep, maxAgeH, compress, offline, exclude, copy } = at.settings
  const values = {
    DIRECTORY: directory,
    LIST: paths.list,
    DB2DIR: at.of(db2).installDir,
    KEEP: String(keep),
    COMPRESS: yes(compress),
    OFFLINE: yes(offline),
    EXCLUDE: exclude.join(' '),
    COPY: copy?.program ?? '',
    COPY_TARGET: copy?.target ?? '',
    COPY_CONFIG: copy?.configFile ?? '',
    COPY_PASSWORD: copy?.passwordFile ?? '',
    MAX_AGE_H: String(maxAgeH),
  }
  const lines = Object.entries(values).map(([key, value]) => `${key}=${value === '' ? '' : quote(value)}\n`)
  return `# Written by ha-provision.\n${lines.join('')}`
}

/** What backup.conf means, by option; `list` and `db2Dir` are no options. */
export interface Conf {
  readonly directory: string
  readonly keep: number
  /** Only `check` asks for it; undefined in a file that does not say it. */
  readonly maxAgeH?: number
  readonly compress: boolean
  readonly offline: boolean
  readonly exclude: readonly string[]
  readonly copy?: Readonly<Record<string, string>>
  readonly list: string
  readonly db2Dir: string
}
export type ConfKey = keyof Conf

export interface ConfFile {
  readonly conf: Conf
  /** Values that no option can say, with the reason. */
  readonly unsaid: Partial<Readonly<Record<ConfKey, string>>>
  /** What every file of ours says, and this one does not: there is nothing to lose. */
  readonly absent: readonly ConfKey[]
  /** Variables that are none of ours. */
  readonly extras: readonly string[]
}

const known = new Set(
  'DIRECTORY LIST DB2DIR KEEP COMPRESS OFFLINE EXCLUDE COPY COPY_TARGET COPY_CONFIG COPY_PASSWORD MAX_AGE_H'.split(' '),
)

/** A password in a repository's address (`rest:https://user:password@host/`), or a secret in rclone's `:s3,secret_access_key=…:`. */
export const holdsSecret = (target: string): boolean =>
  /:\/\/[^/@\s]*:[^/@\s]+@/.test(target) || /(pass|secret|token|key)\w*=/i.test(target)

const { directory, exclude } = schema.properties
const isNumber = (text: string): boolean => /^\d+(\.\d+)?(e\+?\d+)?$/.test(text) && Number(text) >= 1

/** Reads backup.conf; throws `NotPlain` where it holds more than variables. */
export function readConf(text: string): ConfFile {
  const values = parseAssignments(text)
  const value = (key: string): string => values[key] ?? ''
  const place = value('DIRECTORY').replace(/(?<=.)\/+$/, '')
  const excluded = value('EXCLUDE').split(/\s+/).filter(Boolean)
  const copy = {
    program: value('COPY'),
    target: value('COPY_TARGET'),
    ...(value('COPY_CONFIG') ? { configFile: value('COPY_CONFIG') } : {}),
    ...(value('COPY_PASSWORD') ? { passwordFile: value('COPY_PASSWORD') } : {}),
  }
  const keep = Number(value('KEEP') || Number.NaN)
  const copyFault = (): string | undefined => {
    if (copy.program === '') return undefined
    if (copy.program !== 'rclone' && copy.program !== 'restic') return 'COPY is neither rclone nor restic'
    if (copy.target === '') return 'COPY_TARGET is empty'
    if (holdsSecret(copy.target))
      return 'COPY_TARGET holds a secret: keep it in a file on the nodes (copy.configFile, copy.passwordFile)'
    return Object.entries(copy).some(([key, path]) => key.endsWith('File') && !path.startsWith('/'))
      ? 'COPY_CONFIG or COPY_PASSWORD is no absolute path'
      : undefined
  }
  const unsaid: Record<string, string | undefined> = {
    directory: new RegExp(directory.pattern).test(place) ? undefined : `DIRECTORY ${directory.errorMessage}`,
    keep: Number.isInteger(keep) && keep >= 1 ? undefined : 'KEEP is no number from 1 on',
    maxAgeH:
      values.MAX_AGE_H === undefined || isNumber(values.MAX_AGE_H) ? undefined : 'MAX_AGE_H is no number from 1 on',
    exclude: excluded.every((key) => new RegExp(exclude.items.pattern).test(key))
      ? undefined
      : `EXCLUDE ${exclude.items.errorMessage}`,
    copy: copyFault(),
    list: value('LIST') === paths.list ? undefined : `LIST is not ${paths.list}`,
  }
  return {
    conf: {
      directory: place,
      keep,
      ...(values.MAX_AGE_H === undefined ? {} : { maxAgeH: Number(values.MAX_AGE_H) }),
      compress: value('COMPRESS') === 'yes',
      offline: value('OFFLINE') === 'yes',
      exclude: [...new Set(excluded)],
      ...(copy.program === '' ? {} : { copy }),
      list: value('LIST'),
      db2Dir: value('DB2DIR'),
    },
    unsaid: Object.fromEntries(Object.entries(unsaid).filter(([, why]) => why !== undefined)),
    absent: [
      ...(place === '' ? (['directory'] as const) : []),
      ...(value('KEEP') === '' ? (['keep'] as const) : []),
      ...(value('LIST') === '' ? (['list'] as const) : []),
    ],
    extras: Object.keys(values).filter((key) => !known.has(key)),
  }
}

/** As it may be shown: without a secret. */
export const shown = (conf: Conf, key: ConfKey): unknown =>
  key === 'copy' && conf.copy && holdsSecret(conf.copy.target ?? '')
    ? { ...conf.copy, target: '[hidden]' }
    : (conf[key] ?? null)

const sorted = (values: readonly string[]): string => [...values].sort().join(' ')
const isSame = (one: Conf, other: Conf, key: ConfKey): boolean =>
  key === 'exclude'
    ? sorted(one.exclude) === sorted(other.exclude)
    : JSON.stringify(one[key]) === JSON.stringify(other[key])

/** Compares by meaning. What a file says beyond our options is never overwritten. */
export function compareConf(actual: string, settings: Backup, desired: string): Difference | undefined {
  let file: ConfFile
  try {
    file = readConf(actual)
  } catch (error) {
    return { byHand: { desired: 'KEY=value', actual: (error as Error).message } }
  }
  const { conf, unsaid, absent, extras } = file
  const { conf: want } = readConf(desired)
  const now: Conf = { maxAgeH: schema.properties.maxAgeH.default, ...conf }
  const keys = [...new Set([...Object.keys(want), ...Object.keys(now)])] as ConfKey[]
  const differ = keys.filter((key) => !isSame(now, want, key))
  if (differ.length === 0) return undefined
  const isUnsaid = (key: ConfKey) =>
    unsaid[key] !== undefined && !absent.includes(key) && !(key === 'copy' && settings.copy)
  if (extras.length > 0 || differ.some(isUnsaid))
    return {
      byHand: {
        desired: Object.fromEntries(differ.map((key) => [key, shown(want, key)])),
        actual: Object.fromEntries(differ.map((key) => [key, shown(now, key)])),
      },
    }
  const target = conf.copy?.target ?? ''
  return holdsSecret(target)
    ? { content: desired, shown: actual.replace(/^(\s*(?:export\s+)?COPY_TARGET=).*$/gm, '$1[hidden]') }
    : { content: desired }
}
