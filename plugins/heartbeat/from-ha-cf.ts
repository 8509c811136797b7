import { agreed, type Input, type Remark } from 'ha-provision'
import network, { addressesOf, addressOn } from '../network/index.js'
import { type HaCf, haCfDifferences, isOwnLogging, type Link, linkTexts, times } from './ha-cf.js'
import type { Plan } from './layout.js'
import { masked } from './masked.js'
import type { schema } from './schema.js'

export type Options = { -readonly [K in keyof Input<typeof schema>]: Input<typeof schema>[K] }
type OwnLink = NonNullable<Options['links']>[number]
type ByNode<T> = Readonly<Record<string, T>>
export const mapValues = <T, U>(record: ByNode<T>, to: (value: T, key: string) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value, key)]))

const seconds = (ms: number): number => ms / 1000

/** Links as options, in the order of the file. A ucast is one link, whichever ends its lines name. */
function linksOf(links: readonly Link[]): OwnLink[] {
  const all = links.map(
    ({ type, interface: name, group }): OwnLink => ({
      type,
      interface: name,
      ...(type === 'mcast' && group !== undefined ? { group } : {}),
    }),
  )
  return all.filter((link, i) => all.findIndex((one) => JSON.stringify(one) === JSON.stringify(link)) === i)
}

/** The times, and what of them no config says: they must grow, as `validate` has it. Milliseconds in, seconds out. */
function timesOf({ times: found }: HaCf): { readonly options: Partial<Options>; readonly remarks: readonly Remark[] } {
  const remarks: Remark[] = []
  const fitting = (name: keyof Options, ms: number, isFit: boolean, other: number): number => {
    if (isFit) return ms
    const why = `ha.cf has ${seconds(ms)} s, which no config says beside the other times; check asks for ${seconds(other)}`
    remarks.push({ kind: 'other', path: [name], why })
    return other
  }
  const { keepalive } = found
  const isAlive = found.deadtime >= 2000 && found.deadtime > keepalive
  const deadtime = fitting('deadtimeS', found.deadtime, isAlive, Math.max(2000, 3 * keepalive))
  const isGrowing = found.warntime > keepalive && found.warntime < deadtime && found.warntime >= 1000
  const warntime = fitting(
    'warntimeS',
    found.warntime,
    isGrowing,
    Math.round(Math.max((keepalive + deadtime) / 2, 1000)),
  )
  const isLong = found.initdead >= 2 * deadtime && found.initdead >= 4000
  const initdead = fitting('initdeadS', found.initdead, isLong, Math.max(2 * deadtime, 4000))
  return {
    options: {
      keepaliveS: seconds(keepalive),
      warntimeS: seconds(warntime),
      deadtimeS: seconds(deadtime),
      initdeadS: seconds(initdead),
    },
    remarks,
  }
}

/** Links that a config can say, of those that both nodes have. */
function expressible(
  links: readonly OwnLink[],
  at: Pick<Plan, 'of' | 'cluster'>,
): { readonly links: OwnLink[]; readonly remarks: readonly Remark[] } {
  const remarks: Remark[] = []
  const { interfaces } = at.of(network)
  const kept = links.filter(({ type, interface: name }) => {
    const other = (why: string) => {
      remarks.push({ kind: 'other', path: ['links'], why })
      return false
    }
    if (!interfaces[name]) return other(`${type} on ${name}, which is no interface of network`)
    const without = at.cluster.nodes.find((node) => addressOn(at.of(network), name, node.name) === undefined)
    return type === 'ucast' && without ? other(`ucast on ${name}, where ${without.name} has no fixed address`) : true
  })
  return { links: kept, remarks }
}

/** Options from the ha.cf of every node, and what they say that a config does not. */
export function fromHaCf(
  found: ByNode<HaCf>,
  at: Pick<Plan, 'of' | 'cluster'>,
): { readonly options: Partial<Options>; readonly remarks: readonly Remark[] } {
  const remarks: Remark[] = []
  const options: Partial<Options> = {}
  const own = (node: string) => addressesOf(at.of(network), node)
  const different = (path: string, values: ByNode<unknown>, why?: string) =>
    remarks.push({ kind: 'differs', path: [path], values, ...(why ? { why } : {}) })

  const ports = agreed(mapValues(found, ({ links }) => [...new Set(links.map(({ port }) => port))]))
  if ('values' in ports) different('udpPort', ports.values)
  else {
    const [port, ...more] = ports.value
    if (port !== undefined) options.udpPort = port
    if (more.length > 0)
      remarks.push({
        kind: 'other',
        path: ['udpPort'],
        why: `links use ports ${ports.value.join(', ')} (one that stands before udpport uses 694); check asks for ${port} on all`,
      })
  }
  const links = agreed(
    mapValues(found, (file) =>
      linksOf(file.links)
        .map((link) => JSON.stringify(link))
        .toSorted(),
    ),
  )
  if ('values' in links)
    different(
      'links',
      mapValues(found, (file, node) => linkTexts(file.links, own(node))),
    )
  else {
    const made = expressible(linksOf(Object.values(found)[0]?.links ?? []), at)
    remarks.push(...made.remarks)
    if (made.links.length > 0) options.links = made.links
  }
  for (const time of times) {
    const all = agreed(mapValues(found, (file) => file.times[time]))
    if ('values' in all) different(`${time}S`, mapValues(all.values, seconds))
  }
  const one = Object.values(found)[0]
  if (one) {
    const made = timesOf(one)
    remarks.push(...made.remarks)
    for (const [name, value] of Object.entries(made.options))
      if (!remarks.some(({ kind, path }) => kind === 'differs' && path[0] === name))
        Object.assign(options, { [name]: value })
  }
  const failback = agreed(mapValues(found, (file) => file.failback !== 'off'))
  if ('values' in failback) different('autoFailback', failback.values)
  else {
    options.autoFailback = failback.value
    if (Object.values(found).some((file) => file.failback === 'legacy'))
      remarks.push({
        kind: 'inferred',
        path: ['autoFailback'],
        why: 'ha.cf says legacy, or nothing: the group goes home',
      })
  }
  return { options, remarks: [...remarks, ...besideOf(found)] }
}

/** Lines that stay as they are, told once where all nodes have them. */
function besideOf(found: ByNode<HaCf>): readonly Remark[] {
  const lines = Object.entries(found).flatMap(([node, file]) =>
    [...file.logging.filter((line) => !isOwnLogging(line)), ...file.foreign].map((line) => ({ node, line })),
  )
  return [...new Set(lines.map(({ line }) => line))].map((line) => {
    const on = lines.filter((one) => one.line === line).map(({ node }) => node)
    const where = on.length < Object.keys(found).length ? ` of ${[...new Set(on)].join(' and ')}` : ''
    return { kind: 'other', path: [], why: `ha.cf${where} has "${masked(line)}", which stays as it is` }
  })
}

/** What check would find in a node's file with these options, by directive. */
export const remaining = (desired: HaCf, actual: HaCf, own: readonly string[]): readonly string[] =>
  haCfDifferences(desired, actual, own)
