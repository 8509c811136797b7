/** Sections of a resource that hold options by name. */
export const kinds = ['net', 'disk', 'startup', 'options', 'handlers'] as const
export type Kind = (typeof kinds)[number]
export type Options = Readonly<Record<string, string>>

/** What DRBD does where nothing is said, for the options that our resource files say by themselves: `drbdsetup xml-help`, drbd.conf(5). */
export const drbdDefaults: Readonly<Record<Kind, Options>> = {
  net: {
    protocol: 'C',
    'cram-hmac-alg': '',
    'shared-secret': '',
    'ping-timeout': '5',
    'after-sb-0pri': 'disconnect',
    'after-sb-1pri': 'disconnect',
    'after-sb-2pri': 'disconnect',
  },
  disk: { 'c-plan-ahead': '20', 'resync-rate': '250K' },
  startup: { 'wfc-timeout': '0', 'degr-wfc-timeout': '0', 'outdated-wfc-timeout': '0' },
  options: { 'auto-promote': 'yes' },
  handlers: {},
}

const factors: Readonly<Record<string, number>> = { s: 512, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }
/** Units of numbers that stand without one. */
const units: Readonly<Record<string, string>> = {
  'resync-rate': 'k',
  'c-max-rate': 'k',
  'c-min-rate': 'k',
  'c-fill-target': 's',
  'congestion-fill': 's',
  size: 's',
}

/** One spelling for every value that means the same: `40M`, `40m` and `40960` as a rate. */
function plain(option: string, value: string): string {
  const [, digits, unit = ''] = /^(\d+)([skmg]?)$/i.exec(value) ?? []
  if (digits === undefined) return value
  return String(Number(digits) * (factors[unit.toLowerCase() || (units[option] ?? '')] ?? 1))
}

export const isSame = (option: string, one: string, other: string): boolean =>
  plain(option, one) === plain(option, other)

/** As a person writes it in a config. */
export const written = (value: string): string | number => (/^(0|[1-9]\d{0,14})$/.test(value) ? Number(value) : value)

/** One option of a section. One without a value is switched on. */
export function optionOf(words: readonly string[]): readonly [name: string, value: string] {
  const [name = '', ...value] = words
  return [name, value.length > 0 ? value.join(' ') : 'yes']
}
