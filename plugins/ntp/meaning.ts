import { type Cidr, cidr, contains } from '../network/index.js'
import type { Files } from './files.js'

/** One line of a configuration: where it stands, and its words. */
export interface Line {
  readonly path: string
  /** From 0. */
  readonly at: number
  readonly words: readonly string[]
}

/** Where a daemon gets time from. */
export interface TimeSource {
  readonly kind: 'server' | 'pool' | 'peer'
  /** Name or address, as it is written. */
  readonly address: string
  /** `vendor`: a distribution put it there; `dhcp`, `built in`: no file of an administrator says it. */
  readonly weak?: 'vendor' | 'dhcp' | 'built in'
  readonly line: Line
}

/** Who may ask, or may not; undefined: everybody. */
export interface Access {
  readonly net: Cidr | undefined
  readonly allowed: boolean
  /** As the option says it; undefined where it is no permission of its own. */
  readonly text?: string
}

/** What a configuration does, whatever it looks like. */
export interface Meaning {
  readonly sources: readonly TimeSource[]
  /** Serves its own clock when it has no better. */
  readonly local: boolean
  readonly access: readonly Access[]
  /** Settings that no option says. */
  readonly others: readonly Line[]
  /** Files that were read. */
  readonly paths: readonly string[]
}

const distributions = 'debian|ubuntu|centos|rhel|redhat|fedora|rocky|almalinux|oracle|opensuse|novell|suse|sles|amazon'
const vendor = new RegExp(`^(\\d\\.)?((${distributions})\\.pool\\.ntp\\.org|ntp\\.ubuntu\\.com)$`, 'i')

export const weakness = (address: string, path: string): Pick<TimeSource, 'weak'> => {
  if (vendor.test(address)) return { weak: 'vendor' }
  return path.startsWith('/run/') ? { weak: 'dhcp' } : {}
}

/** Lines without comments and empty ones, in words. */
export const linesOf = (files: Files, path: string, comment: RegExp): readonly Line[] =>
  (files.get(path)?.content ?? '').split('\n').flatMap((text, at) => {
    const words = text.replace(comment, '').trim().split(/\s+/)
    return words[0] ? [{ path, at, words }] : []
  })

/** Whether a subnet may ask: the narrowest rule that holds for all of it decides, the last of equals. Single hosts in it may be shut out. */
export function mayAsk(access: readonly Access[], text: string): boolean {
  const net = cidr(text)
  if (!net) return false
  const holding = access.filter((rule) => !rule.net || (contains(rule.net, net.first) && contains(rule.net, net.last)))
  const widths = holding.map((rule) => rule.net?.prefix ?? -1)
  const narrowest = Math.max(...widths)
  const decides = holding.filter((_, i) => widths[i] === narrowest).at(-1)
  return decides?.allowed ?? false
}

/** Whether a subnet, or some part of it, may ask. */
export const someMayAsk = (access: readonly Access[], text: string): boolean => {
  const net = cidr(text)
  const isPart = (part: Cidr) => net !== undefined && contains(net, part.first) && contains(net, part.last)
  return mayAsk(access, text) || access.some((rule) => rule.allowed && rule.net !== undefined && isPart(rule.net))
}

/** Two texts of a configuration that say the same: comments, spacing and order left aside. */
export function sameText(one: string, other: string): boolean {
  const meaning = (text: string) =>
    text
      .split('\n')
      .map((line) =>
        line
          .replace(/^\s*[#;!%].*$/, '')
          .trim()
          .replace(/\s+/g, ' ')
          .replace(/ ?= ?/, '='),
      )
      .filter((line) => line !== '')
      .sort()
      .join('\n')
  return meaning(one) === meaning(other)
}

/** Names and addresses that /etc/hosts holds for the same host. */
export function aliasesOf(files: Files): (name: string) => readonly string[] {
  const groups = linesOf(files, '/etc/hosts', /#.*$/).map(({ words }) => words)
  return (name) => [name, ...groups.filter((words) => words.includes(name)).flat()]
}
