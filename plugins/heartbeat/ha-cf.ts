import { masked } from './masked.js'

export interface Link {
  readonly type: 'ucast' | 'bcast' | 'mcast'
  readonly interface: string
  /** UDP port that it uses. */
  readonly port: number
  /** Of ucast: whom it reaches. */
  readonly address?: string
  /** Of mcast. */
  readonly group?: string
  readonly ttl?: string
  readonly loop?: string
}
export const times = ['keepalive', 'warntime', 'deadtime', 'initdead'] as const
export type Time = (typeof times)[number]

/** What an ha.cf means, with what Heartbeat does where it says nothing. */
export interface HaCf {
  readonly links: readonly Link[]
  readonly nodes: readonly string[]
  /** Milliseconds; NaN for what is no time. */
  readonly times: Readonly<Record<Time, number>>
  /** `legacy` is what Heartbeat 1 did, and what it does when the file says nothing: the group goes home. */
  readonly failback: 'on' | 'off' | 'legacy'
  /** Pacemaker has the resources, and nobody reads haresources. */
  readonly crm: boolean
  readonly autojoin: string
  /** The rest of each stonith_host line. They may hold passwords. */
  readonly stonith: readonly string[]
  /** Whole lines that say where logs go. */
  readonly logging: readonly string[]
  /** Whole lines that no option says. */
  readonly foreign: readonly string[]
  /** Lines that Heartbeat itself would refuse, without secrets. */
  readonly unreadable: readonly string[]
}

const isTrue = (word = ''): boolean => /^(true|on|yes|y|1)$/i.test(word)
const isFalse = (word = ''): boolean => /^(false|off|no|n|0)$/i.test(word)

/** Milliseconds of `2`, `500ms`, `1.5s`. */
export function milliseconds(text: string): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(us|usec|ms|msec|s|sec)?$/i.exec(text) ?? []
  const factor = /^u/i.test(unit) ? 0.001 : /^m/i.test(unit) ? 1 : 1000
  return number === undefined ? Number.NaN : Math.round(Number(number) * factor)
}

/** What Heartbeat takes for a time that is not said. */
const timesWith = (said: Partial<Record<Time, number>>): HaCf['times'] => {
  const { keepalive = 1000, deadtime = 30_000 } = said
  const start = deadtime > 10_000 ? deadtime : deadtime < 6000 ? 12_000 : 2 * deadtime
  return { keepalive, deadtime, warntime: said.warntime || deadtime / 2, initdead: said.initdead ?? start }
}

/** Reads an ha.cf as Heartbeat does: line by line, blanks and commas between words. ha.cf(5) */
export function parseHaCf(content: string): HaCf {
  const links: Link[] = []
  const nodes: string[] = []
  const said: Partial<Record<Time, number>> = {}
  const stonith: string[] = []
  const logging: string[] = []
  const foreign: string[] = []
  const unreadable: string[] = []
  // A link takes the port that was said before it.
  let port = 694
  let failback: HaCf['failback'] = 'legacy'
  let crm = false
  let autojoin = 'none'
  const oneOf = (word: string | undefined, line: string): boolean => {
    if (!isTrue(word) && !isFalse(word)) unreadable.push(line)
    return isTrue(word)
  }
  for (const raw of content.split(/[\r\n]+/)) {
    const line = raw.replace(/#.*/, '').trim()
    if (line === '') continue
    const [directive = '', ...words] = line.split(/[\s,]+/).filter(Boolean)
    const [first = '', second = ''] = words
    switch (directive) {
      case 'udpport':
        port = Number(words.at(-1))
        if (!(port > 0 && port < 65_536)) unreadable.push(line)
        break
      case 'bcast':
      case 'udp':
        links.push(...words.map((name) => ({ type: 'bcast', interface: name, port }) as const))
        break
      case 'ucast':
        links.push({ type: 'ucast', interface: first, address: second, port })
        break
      case 'mcast':
        links.push({
          type: 'mcast',
          interface: first,
          group: second,
          port: Number(words[2]),
          ttl: words[3] ?? '1',
          loop: words[4] ?? '0',
        })
        if (!(Number(words[2]) > 0)) unreadable.push(line)
        break
      case 'node':
        nodes.push(...words.map((name) => name.toLowerCase()))
        break
      case 'keepalive':
      case 'warntime':
      case 'deadtime':
      case 'initdead':
        said[directive] = milliseconds(words.at(-1) ?? '')
        if (Number.isNaN(said[directive])) unreadable.push(line)
        break
      case 'auto_failback':
        failback = /^legacy$/i.test(first) ? 'legacy' : oneOf(first, line) ? 'on' : 'off'
        break
      case 'nice_failback':
        failback = oneOf(first, line) ? 'off' : 'legacy'
        break
      case 'crm':
      case 'pacemaker':
        // Two names for one option. Any word that is no "no" (respawn, manual) is a yes, and one yes is enough for us to keep off.
        crm ||= !isFalse(first)
        break
      case 'autojoin':
        autojoin = first
        break
      case 'stonith_host':
        stonith.push(line.replace(/^\S+\s+/, ''))
        break
      case 'use_logd':
      case 'logfile':
      case 'debugfile':
      case 'logfacility':
        logging.push(line)
        break
      default:
        foreign.push(line)
    }
  }
  return {
    links,
    nodes,
    times: timesWith(said),
    failback,
    crm,
    autojoin,
    stonith,
    logging,
    foreign,
    unreadable: unreadable.map(masked),
  }
}

/** `yes` is what this tool writes; the rest says more than that. */
export const isOwnLogging = (line: string): boolean => /^use_logd[\s,]+(true|on|yes|y|1)$/i.test(line)

/** Links that mean something on a node: `own` are its addresses, and a ucast to itself is ignored. */
export const linkTexts = (links: readonly Link[], own: readonly string[]): readonly string[] =>
  [
    ...new Set(
      links.flatMap(({ type, interface: name, port, address, group, ttl, loop }) => {
        if (type === 'bcast') return [`bcast ${name} (port ${port})`]
        if (type === 'mcast') return [`mcast ${name} ${group} ${port} ${ttl} ${loop}`]
        return own.includes(address ?? '') ? [] : [`ucast ${name} ${address} (port ${port})`]
      }),
    ),
  ].toSorted()

/** What two files mean differently for a node, by names of directives; empty when they say the same in other words. */
export function haCfDifferences(desired: HaCf, actual: HaCf, own: readonly string[]): readonly string[] {
  const told = ({ links, nodes, times: all, failback, crm, autojoin, stonith }: HaCf) => ({
    links: linkTexts(links, own),
    node: [...new Set(nodes)].toSorted(),
    ...all,
    auto_failback: failback === 'off' ? 'off' : 'on',
    crm,
    autojoin,
    // Without an option for fencing the lines that are there stay.
    stonith_host: desired.stonith.length === 0 ? [] : stonith.map((line) => line.split(/\s+/)),
  })
  const [want, have]: Readonly<Record<string, unknown>>[] = [told(desired), told(actual)] as never
  return Object.keys(want ?? {}).filter((key) => JSON.stringify(want?.[key]) !== JSON.stringify(have?.[key]))
}
