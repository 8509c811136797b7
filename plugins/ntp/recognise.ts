import { agreed, type Remark } from 'ha-provision'
import { addressesOf, cidr, contains, type Network } from '../network/index.js'
import type { TimeDaemon } from './daemons.js'
import type { Files } from './files.js'
import { ownFile } from './judge.js'
import { aliasesOf, type Line, type Meaning, type TimeSource } from './meaning.js'
import { type Ntp, subnetsOf } from './roles.js'

/** What one node's daemon is told. */
export interface Said {
  readonly meaning: Meaning
  /** Sources in other files than ours, where ours is there. */
  readonly beside: readonly TimeSource[]
  /** Settings that no option says. */
  readonly lines: readonly Line[]
  readonly aliases: (name: string) => readonly string[]
}

export function saidBy(daemon: TimeDaemon, files: Files): Said {
  const all = daemon.read(files)
  const aliases = aliasesOf(files)
  if (ownFile(daemon, files) === undefined) return { meaning: all, beside: [], lines: all.others, aliases }
  // With ours everything is said there; a distribution's own pool beside it is harmless.
  const meaning = daemon.read(files, daemon.config)
  const beside = all.sources.filter(({ line, weak }) => line.path !== daemon.config && !weak)
  return { meaning, beside: daemon.isDropIn ? beside : [], lines: all.others, aliases }
}

type Options = { -readonly [K in 'servers' | 'pools' | 'source' | 'allow']?: Ntp[K] }
type All = Readonly<Record<string, Said>>

const isServer = (text: string): boolean => /^[A-Za-z0-9][A-Za-z0-9.:-]*$/.test(text)

/** The node that the others ask, if there is one: they have no other source, but for what distributions put there. */
function servingNode(nodes: readonly string[], said: All, links: Network | undefined): string | undefined {
  const names = new Map(
    nodes.map((node) => [node, new Set([node, ...(links ? addressesOf(links, node) : [])])] as const),
  )
  const asks = (one: string, other: string) =>
    said[one]?.meaning.sources.some(
      ({ kind, address }) =>
        kind === 'server' && said[one]?.aliases(address).some((name) => names.get(other)?.has(name)),
    ) ?? false
  return nodes.find((candidate) =>
    nodes.every(
      (node) =>
        node === candidate ||
        (asks(node, candidate) &&
          !asks(candidate, node) &&
          said[node]?.meaning.sources.every(
            ({ kind, address, weak }) =>
              weak || kind === 'peer' || said[node]?.aliases(address).some((name) => names.get(candidate)?.has(name)),
          )),
    ),
  )
}

/** Sources of a node that are options; only where there is no other those that no administrator wrote. */
function askedOf({ meaning: { sources } }: Said, isCluster: (address: string) => boolean): readonly TimeSource[] {
  const own = sources.filter(({ kind, address }) => kind !== 'peer' && !isCluster(address) && isServer(address))
  const written = own.filter(({ weak }) => weak === undefined || weak === 'vendor')
  return written.length > 0 ? written : own
}

const sorted = (texts: readonly string[]): readonly string[] => [...new Set(texts)].sort()

/** The options beside `daemon`. */
export function settingsOf(
  nodes: readonly string[],
  said: All,
  links: Network | undefined,
): { readonly options: Options; readonly remarks: readonly Remark[]; readonly said: All } {
  const remarks: Remark[] = []
  const options: Options = {}
  const source = nodes.every((node) => said[node]) ? servingNode(nodes, said, links) : undefined
  const isCluster = (node: string) => (address: string) =>
    (said[node]?.aliases(address) ?? [address]).some(
      (name) => nodes.includes(name) || nodes.some((own) => links && addressesOf(links, own).includes(name)),
    )
  const asked = Object.fromEntries(
    Object.entries(said).map(([node, one]) => [node, source === undefined ? askedOf(one, isCluster(node)) : []]),
  )
  if (source !== undefined && source !== nodes[0]) options.source = source
  for (const [key, kind] of [
    ['servers', 'server'],
    ['pools', 'pool'],
  ] as const) {
    const lists = Object.fromEntries(
      Object.entries(asked).map(([node, own]) => [
        node,
        [...new Set(own.filter((one) => one.kind === kind).map(({ address }) => address))],
      ]),
    )
    const all = agreed(Object.fromEntries(Object.entries(lists).map(([node, list]) => [node, sorted(list)])))
    // Order says nothing to a daemon: the first node's is as good as any.
    if ('value' in all) options[key] = Object.values(lists)[0] ?? []
    else remarks.push({ kind: 'differs', path: [key], values: lists })
  }
  const weak = new Set(Object.values(asked).flatMap((own) => own.flatMap((one) => one.weak ?? [])))
  if (weak.has('dhcp'))
    remarks.push({ kind: 'inferred', path: ['servers'], why: 'they come by DHCP; no file names others' })
  if (weak.has('built in'))
    remarks.push({ kind: 'inferred', path: ['servers'], why: 'the daemon falls back on them; no file names others' })
  if (source === undefined && Object.values(asked).every((own) => own.length === 0))
    remarks.push({
      kind: 'unknown',
      path: ['servers'],
      why: 'no file names a server outside of the cluster, and no one node serves the others',
    })
  remarks.push(...allowed(said, source, links, options))
  for (const [node, { meaning }] of Object.entries(said))
    if (meaning.local && source !== undefined && node !== source)
      remarks.push({
        kind: 'other',
        path: [],
        why: `${node} serves its own clock as well when it has no better; it stays so`,
      })
    else if (meaning.local && source === undefined)
      remarks.push({ kind: 'other', path: [], why: `${node} serves its own clock when no server answers; it stays so` })
  const beside = Object.entries(said).map(([node, one]) => {
    const isSaid = ({ address, kind }: TimeSource) =>
      asked[node]?.some((own) => own.address === address && own.kind === kind) ||
      (kind === 'server' && source !== undefined && isCluster(node)(address))
    const more = one.meaning.sources.filter((own) => !isSaid(own) && own.weak !== 'built in' && own.weak !== 'dhcp')
    return [node, { ...one, beside: [...one.beside, ...more] }] as const
  })
  return { options, remarks, said: Object.fromEntries(beside) }
}

const isWithin = (text: string, other: string): boolean => {
  const [inner, outer] = [cidr(text), cidr(other)]
  return inner !== undefined && outer !== undefined && contains(outer, inner.first) && contains(outer, inner.last)
}

/** Who may ask, as far as it is more than the links between the nodes. */
function allowed(
  said: All,
  source: string | undefined,
  links: Network | undefined,
  options: Options,
): readonly Remark[] {
  const own = links ? subnetsOf(links) : []
  const lists = Object.fromEntries(
    Object.entries(said).map(([node, { meaning }]) => [
      node,
      meaning.access.flatMap(({ text }) => (text === undefined ? [] : [text])),
    ]),
  )
  const others = Object.entries(lists).filter(([node]) => node !== source)
  const list = others[0]?.[1] ?? []
  const agree = others.every(([, other]) => JSON.stringify(sorted(other)) === JSON.stringify(sorted(list)))
  const served = source === undefined ? list : (lists[source] ?? [])
  const isLink = (text: string) => own.some((link) => isWithin(text, link))
  const more = served.filter((net) => !list.includes(net) && !isLink(net))
  const less = list.filter((net) => !served.includes(net) && !isLink(net))
  if (agree && more.length + less.length === 0) {
    options.allow = [...list]
    return []
  }
  return [{ kind: 'differs', path: ['allow'], values: lists }]
}
