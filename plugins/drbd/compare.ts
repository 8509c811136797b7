import { devicePlain } from './layout.js'
import type { Host, Meaning } from './meaning.js'
import { drbdDefaults, isSame, kinds } from './values.js'

/** One thing that two descriptions of a resource say differently. Keys are not shown. */
export interface Difference {
  /** `net.ping-timeout`, `db-a.minor` */
  readonly what: string
  readonly desired: string
  readonly actual: string
}

const plainHost = ({
  minor,
  disk = '',
  metadata = '',
  address,
  port,
}: Host = {}): Readonly<Record<string, string>> => ({
  minor: String(minor ?? 'none'),
  disk: devicePlain(disk) || 'none',
  metadata: metadata.replace(/^[^[]+/, devicePlain) || 'none',
  address: address === undefined ? 'none' : `${address}:${port}`,
})

/** The options of one kind with what DRBD does by itself; a key without an algorithm does nothing. */
function effective({ said }: Meaning, kind: (typeof kinds)[number]): Readonly<Record<string, string>> {
  const all = { ...drbdDefaults[kind], ...said[kind] }
  return kind === 'net' && all['cram-hmac-alg'] === '' ? { ...all, 'shared-secret': '' } : all
}

/** What differs in meaning, by the order of a resource file; empty when the two say the same in other words. */
export function differences(desired: Meaning, actual: Meaning): readonly Difference[] {
  const found: Difference[] = []
  for (const node of new Set([...Object.keys(desired.hosts), ...Object.keys(actual.hosts)])) {
    const [want, have] = [plainHost(desired.hosts[node]), plainHost(actual.hosts[node])]
    for (const [key, value] of Object.entries(want))
      if (have[key] !== value) found.push({ what: `${node}.${key}`, desired: value, actual: have[key] ?? 'none' })
  }
  for (const kind of kinds) {
    const [want, have] = [effective(desired, kind), effective(actual, kind)]
    for (const option of new Set([...Object.keys(want), ...Object.keys(have)])) {
      const [own, other] = [want[option] ?? '', have[option] ?? '']
      if (isSame(option, own, other)) continue
      const show = (value: string) => (value === '' ? 'none' : value)
      found.push(
        option === 'shared-secret'
          ? { what: option, desired: own && 'the key of the resource', actual: other && 'another key' }
          : { what: `${kind}.${option}`, desired: show(own), actual: show(other) },
      )
    }
  }
  return found
}
