/** A resource of a group as haresources names it, and what of it decides its place. */
export type Word = { readonly text: string } & (
  | { readonly kind: 'address'; readonly ip: string; readonly prefix?: number; readonly interface?: string }
  | { readonly kind: 'disk'; readonly resource: string }
  | { readonly kind: 'mount'; readonly device: string; readonly mount: string; readonly type?: string }
  | { readonly kind: 'service' }
)
export interface Group {
  readonly home: string
  readonly words: readonly Word[]
  /** As it stands, comments left out, on one line. */
  readonly line: string
}

const ipPattern = /^\d{1,3}(\.\d{1,3}){3}$/

/** Length of `24` or of `255.255.255.0`. */
function prefixOf(text: string): number | undefined {
  if (/^\d{1,2}$/.test(text)) return Number(text)
  if (!ipPattern.test(text)) return undefined
  const bits = text
    .split('.')
    .map((byte) => Number(byte).toString(2).padStart(8, '0'))
    .join('')
  return /^1*0*$/.test(bits) ? bits.replaceAll('0', '').length : undefined
}

function addressOf(text: string, told: string): Word | undefined {
  const [ip = '', ...rest] = told.split('/')
  if (!ipPattern.test(ip)) return undefined
  const prefix = prefixOf(rest[0] ?? '')
  // An alias such as eth0:0 is a name for the same interface; a broadcast address may follow in any place.
  const link = rest.slice(prefix === undefined ? 0 : 1).find((part) => part !== '' && !ipPattern.test(part))
  return {
    kind: 'address',
    text,
    ip,
    ...(prefix === undefined ? {} : { prefix }),
    ...(link ? { interface: link.replace(/:.*/, '') } : {}),
  }
}

export function wordOf(text: string): Word {
  const [agent = '', first = '', second = '', type = ''] = text.split('::')
  // An address alone is one for IPaddr.
  const address = addressOf(
    ipPattern.test(agent.split('/')[0] ?? '') ? `IPaddr::${text}` : text,
    /^IPaddr2?$/.test(agent) ? first : text,
  )
  if (address && (/^IPaddr2?$/.test(agent) || !text.includes('::'))) return address
  if (agent === 'drbddisk') return { kind: 'disk', text, resource: first }
  if (agent === 'Filesystem')
    return {
      kind: 'mount',
      text,
      device: first,
      mount: second.replace(/(.)\/+$/, '$1'),
      ...(type === '' || type === 'auto' ? {} : { type }),
    }
  return { kind: 'service', text }
}

/** Reads haresources: a backslash at the end continues a line, and each line is a group with its home in front. */
export const parseHaresources = (content: string): readonly Group[] =>
  content
    .split('\n')
    .map((line) => line.replace(/#.*/, ''))
    .join('\n')
    .replaceAll(/\\[ \t\r]*\n/g, ' ')
    .split('\n')
    .map((line) => line.trim().split(/\s+/).filter(Boolean))
    .filter((words) => words.length > 0)
    .map(([home = '', ...words]) => ({ home, words: words.map(wordOf), line: [home, ...words].join(' ') }))

/** What is known of the cluster beside the words. */
export interface Known {
  /** Every name of the device of a replicated resource. */
  readonly devices: Readonly<Record<string, readonly string[]>>
}

const deviceOf = ({ devices }: Known, device: string): string =>
  Object.entries(devices).find(([, names]) => names.includes(device))?.[0] ?? device

/** Whether a word on a node does what the wanted one does; what it says beyond, such as mount options, is the administrator's. */
export function isSameWord(want: Word, have: Word, known: Known): boolean {
  if (want.kind === 'address' && have.kind === 'address')
    return (
      want.ip === have.ip &&
      (have.prefix === undefined || want.prefix === undefined || have.prefix === want.prefix) &&
      (have.interface === undefined || want.interface === undefined || have.interface === want.interface)
    )
  if (want.kind === 'disk' && have.kind === 'disk') return want.resource === have.resource
  if (want.kind === 'mount' && have.kind === 'mount')
    return (
      deviceOf(known, want.device) === deviceOf(known, have.device) &&
      want.mount === have.mount &&
      (have.type === undefined || want.type === undefined || have.type === want.type)
    )
  return want.kind === 'service' && have.kind === 'service' && want.text === have.text
}

/** Whether the second of two resources may as well start first. */
function commute(a: Word, b: Word, known: Known): boolean {
  if (a.kind === 'service' || b.kind === 'service') return false
  if (a.kind === 'address' || b.kind === 'address') return true
  if (a.kind === 'disk' && b.kind === 'disk') return true
  if (a.kind === 'mount' && b.kind === 'mount') {
    const [inner, outer] = a.mount.length > b.mount.length ? [a, b] : [b, a]
    return inner.mount !== outer.mount && !inner.mount.startsWith(`${outer.mount}/`)
  }
  const [disk, mount] = a.kind === 'disk' ? [a, b] : [b, a]
  return disk.kind !== 'disk' || mount.kind !== 'mount' || deviceOf(known, mount.device) !== disk.resource
}

export interface GroupDifference {
  readonly missing: readonly Word[]
  readonly more: readonly Word[]
  /** Pairs that start in the other order: first on the node, then what should be before it. */
  readonly swapped: readonly (readonly [Word, Word])[]
}

/** How a group on a node differs from the wanted one in what it does. */
export function groupDifference(want: readonly Word[], have: readonly Word[], known: Known): GroupDifference {
  const left = [...have]
  const missing: Word[] = []
  const placed: { readonly word: Word; readonly at: number }[] = []
  for (const word of want) {
    const found = left.find((own) => isSameWord(word, own, known))
    if (found) {
      left.splice(left.indexOf(found), 1)
      placed.push({ word, at: have.indexOf(found) })
    } else missing.push(word)
  }
  const swapped = placed.flatMap((one, i) =>
    placed
      .slice(i + 1)
      .flatMap((later) =>
        later.at < one.at && !commute(one.word, later.word, known) ? [[later.word, one.word] as const] : [],
      ),
  )
  return { missing, more: left, swapped }
}

export const isEqualGroup = ({ missing, more, swapped }: GroupDifference): boolean =>
  missing.length + more.length + swapped.length === 0
