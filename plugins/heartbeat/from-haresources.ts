import type { OptionPath, Reconstructed, Remark } from 'ha-provision'
import drbd from '../drbd/index.js'
import network, { addressesOf, bare, cidr, contains, ipv4 } from '../network/index.js'
import type { Options } from './from-ha-cf.js'
import { knownOf, mainGroup, resourcesDifference } from './group.js'
import { isSameWord, parseHaresources, type Word, wordOf } from './haresources.js'
import { interfaceFor, mounts, type Plan } from './layout.js'

/** An address as an option; undefined where a config cannot say it. */
function virtualIp(at: Pick<Plan, 'of' | 'cluster'>, word: Word): string | undefined {
  if (word.kind !== 'address') return undefined
  const number = ipv4(word.ip)
  const nets = Object.values(at.of(network).interfaces)
    .flatMap(({ addresses }) => Object.values(addresses))
    .flatMap((text) => cidr(text) ?? [])
  const net = nets.find((own) => number !== undefined && contains(own, number))
  const link = interfaceFor(at, word.ip)
  const isNodes = at.cluster.nodes.some(({ name }) => addressesOf(at.of(network), name).includes(word.ip))
  if (!net || !link || isNodes || (word.interface !== undefined && word.interface !== link)) return undefined
  if (net.prefix < 31 && (number === net.first || number === net.last)) return undefined
  return `${word.ip}/${word.prefix ?? net.prefix}`
}

/** Words that another plugin offers, or that a resource of drbd stands for: no options of ours. */
const isOffered = (word: Word, signs: { readonly ownAgents: readonly string[] }): boolean =>
  word.kind === 'service' && signs.ownAgents.includes(word.text.split('::')[0] ?? '')

/** Options from haresources, which is the same file on both nodes. */
export function fromHaresources(
  content: string,
  at: Pick<Plan, 'of' | 'cluster'>,
  signs: { readonly ownAgents: readonly string[]; readonly db2: boolean },
): {
  readonly options: Partial<Options>
  readonly offered: readonly string[]
  readonly leftTo: NonNullable<Reconstructed<Options>['leftTo']>
  readonly remarks: readonly Remark[]
} {
  const remarks: Remark[] = []
  const leftTo: { option: OptionPath; path: OptionPath; why: string }[] = []
  const known = knownOf(at)
  const base = [
    ...Object.keys(at.of(drbd).resources).map((name) => `drbddisk::${name}`),
    ...mounts(at).map(({ device, mount, type }) => `Filesystem::${device}::${mount}::${type}`),
  ].map(wordOf)
  const groups = parseHaresources(content)
  const main = mainGroup(groups, base, known) ?? groups[0]
  const other = (why: string) => remarks.push({ kind: 'other', path: ['resources'], why })
  for (const group of groups.filter((one) => one !== main))
    other(`haresources has another group, which stays as it is: ${group.line}`)
  if (!main) return { options: {}, offered: [], leftTo, remarks }
  const virtualIps: string[] = []
  const resources: string[] = []
  const offered: string[] = []
  let isStarted = false
  for (const word of main.words) {
    const [agent = '', instance = ''] = word.text.split('::')
    const leave = () =>
      leftTo.push({
        option: ['db2', 'instances', instance],
        path: ['resources'],
        why: `haresources has ${word.text}, and db2 could not write that instance: without the word in resources it leaves the group`,
      })
    if (base.some((own) => isSameWord(own, word, known))) continue
    if (isOffered(word, signs)) {
      offered.push(word.text)
      leave()
      isStarted = true
      continue
    }
    if (agent === 'db2' && signs.db2) {
      leave()
      other(`${word.text} in haresources: db2 starts its instances with an agent of its own, and check asks for that`)
      continue
    }
    const ip = virtualIp(at, word)
    if (ip !== undefined && !isStarted && !virtualIps.some((one) => bare(one) === bare(ip))) {
      virtualIps.push(ip)
      continue
    }
    resources.push(word.text)
    if (ip !== undefined)
      remarks.push({
        kind: 'inferred',
        path: ['resources'],
        why: `${ip} starts after a service, so it is in resources`,
      })
    if (word.kind === 'service') isStarted = true
  }
  const home = at.of(drbd).primary === main.home ? {} : { home: main.home }
  return { options: { ...home, virtualIps, resources }, offered, leftTo, remarks }
}

/** What check would find in haresources with these options, in words. */
export function remainingGroup(at: Plan, content: string): readonly string[] {
  const { missing, more, swapped, shared } = resourcesDifference(at, content)
  return [
    ...missing.map(({ text }) => `${text} is not in the group; check asks for it`),
    ...more.map(({ text }) => `${text} is in the group, and no option says it; check asks for it to leave`),
    ...swapped.map(([now, then]) => `${now.text} starts before ${then.text}; check asks for the other order`),
    ...shared.map((text) => `${text} is in another group; check asks for one group`),
  ]
}
