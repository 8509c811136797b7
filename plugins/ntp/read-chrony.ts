import { cidr, ipv4 } from '../network/index.js'
import { byName, type Files, inDirectory, matching } from './files.js'
import { type Access, type Line, linesOf, type Meaning, type TimeSource, weakness } from './meaning.js'

/** Directives about files, logs and the clock itself: they say neither where time comes from nor who may ask. */
const housekeeping = new Set(
  (
    'driftfile keyfile commandkey generatecommandkey logdir log logchange logbanner maxupdateskew rtcsync rtcfile rtconutc ' +
    'rtcautotrim rtcdevice hwclockfile makestep leapsectz leapseclist leapsecmode ntsdumpdir dumpdir dumponexit bindcmdaddress ' +
    'cmdallow cmddeny cmdport user pidfile mailonchange stratumweight noclientlog clientloglimit combinelimit minsources ' +
    'lock_all sched_priority include confdir sourcedir'
  ).split(' '),
)
/** Options of a source after which it is another one: authenticated, or only watched. */
const special = ['key', 'nts', 'noselect', 'certset', 'port', 'ntsport', 'offline', 'extfield']

const comment = /^\s*[#;!%].*$/

/** All lines in the order in which chronyd reads them. */
function walk(files: Files, path: string, seen: Set<string>): readonly Line[] {
  if (seen.has(path)) return []
  seen.add(path)
  return linesOf(files, path, comment).flatMap((line): readonly Line[] => {
    const [word = '', ...rest] = line.words
    const directive = word.toLowerCase()
    const read = (paths: readonly string[]) => paths.flatMap((own) => walk(files, own, seen))
    if (directive === 'include') return read(rest.flatMap((pattern) => matching(files, pattern)))
    if (directive === 'confdir') return read(byName(rest.flatMap((own) => inDirectory(files, own, '.conf'))))
    if (directive === 'sourcedir') return read(byName(rest.flatMap((own) => inDirectory(files, own, '.sources'))))
    return [{ ...line, words: [directive, ...rest] }]
  })
}

/** `allow`, `allow all`, `allow 10.77`, `allow 10.77.0.0/24`; undefined when it is no IPv4 subnet. */
function accessOf([directive, ...rest]: readonly string[]): Access | undefined {
  const allowed = directive === 'allow'
  const own = rest.filter((word) => word !== 'all')[0]
  if (own === undefined) return { net: undefined, allowed, ...(allowed ? { text: '0.0.0.0/0' } : {}) }
  const short = /^\d{1,3}(\.\d{1,3}){0,2}$/.test(own) ? own.split('.') : undefined
  const full = short ? `${[...short, '0', '0', '0'].slice(0, 4).join('.')}/${short.length * 8}` : own
  const text = ipv4(full) === undefined ? full : `${full}/32`
  const net = cidr(text)
  return net && { net, allowed, ...(allowed ? { text } : {}) }
}

/** What chronyd does that is given these files, the first that exists. chrony.conf(5) */
export function readChrony(files: Files, mains: readonly string[]): Meaning {
  const main = mains.find((path) => files.has(path))
  const seen = new Set<string>()
  const sources: TimeSource[] = []
  const access: Access[] = []
  const others: Line[] = []
  let local = false
  for (const line of main === undefined ? [] : walk(files, main, seen)) {
    const [directive = '', address = '', ...options] = line.words
    if (directive === 'server' || directive === 'pool' || directive === 'peer') {
      if (options.some((option) => special.includes(option))) others.push(line)
      else sources.push({ kind: directive, address, line, ...weakness(address, line.path) })
    } else if (directive === 'local') local = true
    else if (directive === 'allow' || directive === 'deny') {
      const rule = accessOf(line.words)
      if (rule) access.push(rule)
      if (!rule?.text) others.push(line)
    } else if (!housekeeping.has(directive)) others.push(line)
  }
  return { sources, local, access, others, paths: [...seen] }
}
