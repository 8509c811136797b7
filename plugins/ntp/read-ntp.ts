import { type Cidr, cidr, ipv4 } from '../network/index.js'
import { type Files, inDirectory } from './files.js'
import { type Access, type Line, linesOf, type Meaning, type TimeSource, weakness } from './meaning.js'

/** Directives about files and logs, and what distributions put into their ntp.conf. Keys count where a source uses one. */
const housekeeping = new Set(
  (
    'driftfile leapfile leapsmearinterval statsdir statistics filegen logfile logconfig pidfile keys keysdir trustedkey requestkey ' +
    'controlkey crypto includefile fudge'
  ).split(' '),
)
const special = ['key', 'autokey', 'nts', 'noselect', 'cert', 'ca', 'bias', 'mode', 'noval']

function walk(files: Files, path: string, seen: Set<string>): readonly Line[] {
  if (seen.has(path)) return []
  seen.add(path)
  return linesOf(files, path, /#.*$/).flatMap((line): readonly Line[] => {
    const [word, ...rest] = line.words
    if (word !== 'includefile') return [line]
    const named = (rest[0] ?? '').replaceAll('"', '')
    const own = named.startsWith('/') ? named : `${path.replace(/\/[^/]*$/, '')}/${named}`
    return [own, ...inDirectory(files, own, '.conf')].flatMap((next) => walk(files, next, seen))
  })
}

const bitsOf = (mask: string): number | undefined => {
  const bits = ipv4(mask)?.toString(2).padStart(32, '0')
  return bits && /^1*0*$/.test(bits) ? bits.indexOf('0') >>> 0 : undefined
}

/** `restrict [-4] default|ADDRESS [mask MASK] flags`; undefined for IPv6, host names and templates. */
function accessOf(words: readonly string[]): (Access & { readonly isHost: boolean }) | undefined {
  const [address = '', ...flags] = words.slice(1).filter((word) => word !== '-4')
  const allowed = !flags.some((flag) => flag === 'ignore' || flag === 'noserve')
  if (address === 'default') return { net: undefined, allowed, isHost: false }
  const at = flags.indexOf('mask')
  const isHost = at < 0 && !address.includes('/')
  const bits = at < 0 ? 32 : Math.min(bitsOf(flags[at + 1] ?? '') ?? Number.NaN, 32)
  const text = address.includes('/') ? address : `${address}/${bits}`
  const net: Cidr | undefined = cidr(text)
  return net && { net, allowed, isHost, ...(allowed ? { text } : {}) }
}

/** What ntpd does that is given this file, and the directory ntp.d beside it (ntpsec). ntp.conf(5) */
export function readNtp(files: Files, main: string): Meaning {
  const seen = new Set<string>()
  const sources: TimeSource[] = []
  // Without any `restrict` everybody may ask.
  const access: (Access & { readonly isHost?: boolean })[] = [{ net: undefined, allowed: true }]
  const others: Line[] = []
  let local = false
  const paths = [main, ...inDirectory(files, `${main.replace(/\/[^/]*$/, '')}/ntp.d`, '.conf')]
  for (const line of paths.flatMap((path) => walk(files, path, seen))) {
    const [directive = '', ...all] = line.words
    const rest = all.filter((word) => word !== '-4' && word !== '-6')
    const [address = '', ...options] = rest
    if (directive === 'server' || directive === 'pool' || directive === 'peer') {
      if (address.startsWith('127.127.1.')) local = true
      else if (address.startsWith('127.127.') || options.some((option) => special.includes(option))) others.push(line)
      else sources.push({ kind: directive, address, line, ...weakness(address, line.path) })
    } else if (directive === 'tos') {
      const at = rest.indexOf('orphan')
      local ||= at >= 0 && Number(rest[at + 1]) < 16
      if (rest.some((word, i) => i % 2 === 0 && !/^(orphan|orphanwait|maxclock|minclock|minsane)$/.test(word)))
        others.push(line)
    } else if (directive === 'restrict') {
      const rule = accessOf(line.words)
      if (rule) access.push(rule)
    } else if (
      (directive === 'disable' || directive === 'enable') &&
      rest.every((word) => /^(monitor|stats)$/.test(word))
    )
      continue
    else if (directive !== 'fudge' ? !housekeeping.has(directive) : !address.startsWith('127.127.1.')) others.push(line)
  }
  const isOwn = (text: string) => text.startsWith('127.') || sources.some((source) => `${source.address}/32` === text)
  return {
    sources,
    local,
    // What a host is allowed as a server of this node, or as the node itself, is no permission to others.
    access: access.map(({ isHost, text, ...rule }) => (text && !(isHost && isOwn(text)) ? { ...rule, text } : rule)),
    others,
    paths: [...seen],
  }
}
