import { isDeepStrictEqual } from 'node:util'
import { agreed, type Input, type OptionPath, type Remark, type Settings } from 'ha-provision'
import { addressOn, type Network } from '../network/index.js'
import type storage from '../storage/index.js'
import { devicePlain } from './layout.js'
import type { Host, Meaning } from './meaning.js'
import { fencesItself, ownOptions } from './render.js'
import type { schema } from './schema.js'
import { drbdDefaults, isSame, type Kind, kinds, type Options, written } from './values.js'

export type ResourceInput = Input<typeof schema>['resources'][string]
type Volumes = Settings<(typeof storage)['schema']>['volumes']

export interface Around {
  readonly nodes: readonly string[]
  /** Major version of the kernel module. */
  readonly major: number
  readonly network: Network | undefined
  readonly volumes: Volumes | undefined
}

export interface Merged {
  /** Undefined where a config cannot say what is there. */
  readonly options?: ResourceInput
  readonly remarks: readonly Remark[]
}

/** A path as `storage` names it: GROUP/VOLUME where that is a volume of its own. */
function nameOf(path: string, volumes: Volumes | undefined): string {
  const [, device = path, index = ''] = /^([^[]+)(\[\d+\])?$/.exec(path) ?? []
  const volume = devicePlain(device).slice('/dev/'.length)
  return volumes && Object.hasOwn(volumes, volume) ? `${volume}${index}` : path
}

/** The interface of `network` that has this address on that node. */
const linkOf = (network: Network | undefined, node: string, address: string | undefined): string | undefined =>
  Object.keys(network?.interfaces ?? {}).find(
    (link) => network && address !== undefined && addressOn(network, link, node) === address,
  )

const hasKey = ({ said: { net } }: Meaning): boolean => Boolean(net['cram-hmac-alg'] && net['shared-secret'])

/** What is said of one kind beyond what our own files say by themselves; also where ours says something and here it is DRBD's default. */
function beyondOwn({ said }: Meaning, kind: Kind, own: Options, isElsewhere: (option: string) => boolean): Options {
  const all = { ...said[kind] }
  for (const option of Object.keys(own)) all[option] ??= drbdDefaults[kind][option] ?? ''
  return Object.fromEntries(
    Object.entries(all).filter(
      ([option, value]) => !isElsewhere(option) && !(own[option] !== undefined && isSame(option, value, own[option])),
    ),
  )
}

const isRate = (value: string): boolean => /^\d+[kmg]?$/i.test(value)
const rateOf = ({ said }: Meaning): string => said.disk['resync-rate'] ?? drbdDefaults.disk['resync-rate'] ?? ''

function elsewhere(meaning: Meaning, kind: Kind): (option: string) => boolean {
  if (kind === 'disk') return (option) => option === 'resync-rate' && isRate(rateOf(meaning))
  if (kind !== 'net') return () => false
  const isSaid = new Set(['protocol', 'shared-secret', ...(hasKey(meaning) ? [] : ['cram-hmac-alg'])])
  return (option) => isSaid.has(option)
}

/** One resource from what each node's configuration says of it. */
export function mergeResource(name: string, meanings: Readonly<Record<string, Meaning>>, around: Around): Merged {
  const path = ['resources', name]
  const { nodes, major, network, volumes } = around
  const remarks: Remark[] = []
  const all = Object.values(meanings)
  const foreign = new Set(all.flatMap((meaning) => [...meaning.foreign, ...strangers(meaning, nodes)]))
  if (foreign.size > 0) {
    const why = `it is left out: ${[...foreign].join(', ')}`
    return { remarks: [{ kind: 'other', path, why }] }
  }
  if (all.length < nodes.length) {
    const values = Object.fromEntries(
      nodes.map((node) => [node, meanings[node]?.from ?? (meanings[node] ? 'described' : 'not described')]),
    )
    return { remarks: [{ kind: 'differs', path, values }] }
  }
  for (const extra of new Set(all.flatMap((meaning) => meaning.extra)))
    remarks.push({ kind: 'other', path, why: extra })

  /** What both nodes' files say of both sides, if that is one value. */
  const common = <T extends string | number>(
    option: string,
    of: (host: Host, node: string) => T | undefined,
  ): T | undefined => {
    const sides = agreed(
      Object.fromEntries(
        Object.entries(meanings).map(([node, { hosts }]) => [
          node,
          Object.fromEntries(
            Object.keys(hosts)
              .sort()
              .map((host) => [host, of(hosts[host] as Host, host)]),
          ),
        ]),
      ),
    )
    const values = 'value' in sides ? sides.value : sides.values
    const one = 'value' in sides ? agreed(sides.value) : sides
    if ('value' in one) return one.value as T | undefined
    remarks.push({
      kind: 'differs',
      path: [...path, option],
      values,
      ...('value' in sides ? { why: 'a config has one for both nodes' } : {}),
    })
    return undefined
  }
  const same = <T>(
    option: OptionPath,
    of: (meaning: Meaning) => T,
    isEqual = isDeepStrictEqual as (one: T, other: T) => boolean,
  ): T | undefined => {
    const values = Object.fromEntries(Object.entries(meanings).map(([node, meaning]) => [node, of(meaning)]))
    const [first] = Object.values(values)
    if (Object.values(values).every((value) => isEqual(value, first as T))) return first
    remarks.push({ kind: 'differs', path: [...path, ...option], values })
    return undefined
  }

  const kindOptions = (kind: Kind): Record<string, string | number> => {
    const own = (meaning: Meaning) => ownOptions(major, hasKey(meaning), fencesItself(meaning.said))[kind]
    const maps = all.map((meaning) => beyondOwn(meaning, kind, own(meaning), elsewhere(meaning, kind)))
    const found: Record<string, string | number> = {}
    for (const option of new Set(maps.flatMap((map) => Object.keys(map)))) {
      const value = same(
        [kind, option],
        (meaning) => meaning.said[kind][option] ?? drbdDefaults[kind][option],
        (one, other) => one === other || (one !== undefined && other !== undefined && isSame(option, one, other)),
      )
      if (value !== undefined) found[option] = written(value)
    }
    return found
  }

  const sides = all.flatMap(({ hosts }) => Object.entries(hosts))
  const links = new Set(sides.map(([node, { address }]) => linkOf(network, node, address)))
  const link = links.size === 1 ? [...links][0] : undefined
  if (link === undefined) {
    const addresses = [...new Set(sides.map(([, { address = 'none' }]) => address))].join(' and ')
    const why = `${addresses}: on no one interface of network on both nodes`
    remarks.push({ kind: 'other', path: [...path, 'interface'], why })
  }
  const authentication = same(['authentication'], hasKey)
  if (all.some((meaning) => !hasKey(meaning) && meaning.said.net['shared-secret']))
    remarks.push({
      kind: 'other',
      path: [...path, 'authentication'],
      why: 'there is a key without cram-hmac-alg, which does nothing',
    })
  if (new Set(all.filter(hasKey).map(({ said }) => said.net['shared-secret'])).size > 1)
    remarks.push({ kind: 'other', path: [...path, 'authentication'], why: 'the nodes have different keys' })
  const rate = same(['resyncRate'], rateOf, (one, other) => isSame('resync-rate', one, other))
  const options: Record<string, unknown> = {
    volume: common('volume', ({ disk }) => (disk === undefined ? undefined : nameOf(disk, volumes))),
    minor: common('minor', ({ minor }) => minor),
    port: common('port', ({ port }) => port),
    interface: link,
    protocol: same(['protocol'], ({ said }) => said.net.protocol ?? 'C'),
    resyncRate:
      rate === undefined || !isRate(rate) ? undefined : isSame('resync-rate', rate, '40M') ? '40M' : rate.toUpperCase(),
    metadata: common('metadata', ({ metadata = 'internal' }) =>
      metadata === 'internal' ? metadata : nameOf(metadata, volumes),
    ),
    authentication,
    ...Object.fromEntries(kinds.map((kind) => [kind, kindOptions(kind)])),
  }
  return { options: options as unknown as ResourceInput, remarks }
}

/** Sides that are not the nodes that were asked. */
const strangers = ({ hosts }: Meaning, nodes: readonly string[]): readonly string[] => {
  const others = Object.keys(hosts).filter((host) => !nodes.includes(host))
  return others.length > 0 ? [`it has a side on ${others.join(' and ')}, which was not asked`] : []
}
