import type { Section } from './conf.js'
import { type Kind, kinds, type Options, optionOf } from './values.js'

/** What one `on` section and what it inherits say; undefined where nothing is said. */
export interface Host {
  readonly minor?: number
  /** Path of the backing device. */
  readonly disk?: string
  /** `internal`, a path, or a path with an index: `/dev/sdb1[0]`. */
  readonly metadata?: string
  /** IPv4 address. */
  readonly address?: string
  readonly port?: number
}

/** A resource as it works, however it was written. Words of 8.3 (`syncer`, `no-disk-flushes`) come from `dump` as those of 8.4. */
export interface Meaning {
  readonly hosts: Readonly<Record<string, Host>>
  /** Said for it or in `common`. */
  readonly said: Readonly<Record<Kind, Options>>
  /** What no option of ours says, and that leaves the rest as it is: a device's second name. */
  readonly extra: readonly string[]
  /** What no option of ours says, and that makes it another thing: a second volume. */
  readonly foreign: readonly string[]
  /** `FILE:LINE` */
  readonly from?: string
}

const named = (section: Section, name: string): readonly Section[] =>
  section.sections.filter(({ words }) => words[0] === name)

type Draft = { -readonly [K in keyof Host]: Host[K] }
interface Remarks {
  readonly extra: string[]
  readonly foreign: string[]
}

/** Reads one statement about a device or an address into `host`; false when it is another one. */
function readDevice(words: readonly string[], host: Draft, { extra, foreign }: Remarks): boolean {
  const [key = '', ...rest] = words
  const value = rest.join(' ')
  if (key === 'device') {
    const minor = /(?:^|\s)minor (\d+)$|^\/dev\/drbd(\d+)$/.exec(value)
    const name = /^(\/\S+) minor \d+$/.exec(value)?.[1]
    if (!minor) foreign.push(`device ${value}`)
    else host.minor = Number(minor[1] ?? minor[2])
    if (name !== undefined && name !== `/dev/drbd${host.minor}`) extra.push(`its device is also called ${name}`)
  } else if (key === 'disk') {
    if (value === 'none') foreign.push('a node without a disk')
    else host.disk = value
  } else if (key === 'meta-disk' || key === 'flexible-meta-disk')
    host.metadata = value.replace(/\s*\[\s*(\d+)\s*\]$/, '[$1]')
  else if (key === 'address') {
    const [, address, port] = /^(?:ipv4 )?(\d+(?:\.\d+){3}):(\d+)$/.exec(value) ?? []
    if (address === undefined) foreign.push(`address ${value}`)
    else Object.assign(host, { address, port: Number(port) })
  } else return false
  return true
}

/** The parts of a `resource`, `volume` or `on` section that speak of devices, put over `host`. */
function readPlace(section: Section, host: Draft, remarks: Remarks): void {
  for (const words of section.statements)
    if (!readDevice(words, host, remarks) && !['protocol', 'node-id'].includes(words[0] ?? ''))
      remarks.extra.push(words[0] ?? '')
  for (const { words, statements, sections } of section.sections) {
    if (words[0] === 'volume' && words[1] === '0') readPlace({ words, statements, sections }, host, remarks)
    else if (words[0] === 'disk' && words.length > 1) host.disk = words.slice(1).join(' ')
  }
}

type Said = Record<Kind, Record<string, string>>
const isKind = (name: string): name is Kind => (kinds as readonly string[]).includes(name)

function readOptions(section: Section, said: Said, isVolume = false): void {
  for (const { words, statements, sections } of section.sections) {
    const [name = ''] = words
    if (isKind(name)) Object.assign(said[name], Object.fromEntries(statements.map(optionOf)))
    if (name === 'volume' && words[1] === '0' && !isVolume) readOptions({ words, statements: [], sections }, said, true)
  }
  for (const [key, value] of section.statements) if (key === 'protocol' && value) said.net.protocol = value
}

/** Addresses of a `connection` section, with a path of its own or without. */
function readConnection(section: Section, hosts: Record<string, Draft>, { foreign }: Remarks): void {
  const paths = named(section, 'path')
  if (paths.length > 1) foreign.push('several paths between the nodes')
  for (const [key, node = '', ...address] of (paths[0] ?? section).statements) {
    if (key !== 'host') continue
    const host = hosts[node]
    if (!host) foreign.push(`a connection to ${node}`)
    else if (address.length > 0) readDevice(address, host, { extra: [], foreign })
  }
}

const known = new Set(['on', 'volume', 'connection', 'connection-mesh', ...kinds])

function meaningOf(resource: Section, common: readonly Section[]): Meaning {
  const remarks: Remarks = { extra: [], foreign: [] }
  const { extra, foreign } = remarks
  const said: Said = { net: {}, disk: {}, startup: {}, options: {}, handlers: {} }
  const connections = [...named(resource, 'connection'), ...named(resource, 'connection-mesh')]
  for (const section of [...common, resource, ...connections]) readOptions(section, said)
  const hosts: Record<string, Draft> = {}
  for (const section of named(resource, 'on')) {
    const names = section.words.slice(1)
    if (names.length > 1) foreign.push(`one section for ${names.join(' and ')}`)
    const host: Draft = {}
    readPlace(resource, host, remarks)
    readPlace(section, host, remarks)
    hosts[names[0] ?? ''] = host
    for (const { words, statements } of [section, ...named(section, 'volume')].flatMap(({ sections }) => sections))
      if (isKind(words[0] ?? '') && statements.length > 0) foreign.push(`options of ${names[0]} only`)
  }
  for (const section of named(resource, 'connection')) readConnection(section, hosts, remarks)
  if (named(resource, 'connection').length > 1) foreign.push('several connections')
  const places = [resource, ...named(resource, 'on')]
  if (places.some((place) => named(place, 'volume').some(({ words }) => words[1] !== '0')))
    foreign.push('several volumes')
  if (Object.keys(hosts).length !== 2) foreign.push(`${Object.keys(hosts).length} nodes`)
  for (const { words } of resource.sections) if (!known.has(words[0] ?? '')) foreign.push(words.join(' '))
  return {
    hosts,
    said,
    extra: [...new Set(extra)],
    foreign: [...new Set(foreign)],
    ...(resource.from === undefined ? {} : { from: resource.from }),
  }
}

/** All resources of a configuration by name. */
export function resourcesOf(conf: Section): Readonly<Record<string, Meaning>> {
  const common = named(conf, 'common')
  return Object.fromEntries(
    named(conf, 'resource').map((resource) => [resource.words[1] ?? '', meaningOf(resource, common)]),
  )
}

/** Numbers of all devices that a configuration describes. */
export const minorsOf = ({ statements, sections }: Section): readonly number[] => [
  ...statements.flatMap((words) => {
    const host: Draft = {}
    return readDevice(words, host, { extra: [], foreign: [] }) && host.minor !== undefined ? [host.minor] : []
  }),
  ...sections.flatMap(minorsOf),
]

/** `usage-count` of a configuration; undefined where it says nothing. */
export const usageCountOf = (conf: Section): string | undefined =>
  named(conf, 'global').flatMap(({ statements }) => statements.find(([key]) => key === 'usage-count')?.[1] ?? [])[0]

export const commonOf = (conf: Section): readonly Section[] => named(conf, 'common')
