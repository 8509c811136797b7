import type { FileFact } from 'ha-provision'
import drbd, { devicePath } from '../drbd/index.js'
import {
  type Group,
  type GroupDifference,
  groupDifference,
  isEqualGroup,
  isSameWord,
  type Known,
  parseHaresources,
  type Word,
  wordOf,
} from './haresources.js'
import { homeOf, interfaceFor, mounts, offeredResources, type Plan } from './layout.js'

/** The group: replication, filesystems, addresses, more; started from left to right, stopped from right to left. */
export const groupWords = (at: Plan): readonly Word[] =>
  [
    ...Object.keys(at.of(drbd).resources).map((name) => `drbddisk::${name}`),
    ...mounts(at).map(({ device, mount, type }) => `Filesystem::${device}::${mount}::${type}`),
    ...at.settings.virtualIps.map((address) => `IPaddr2::${address}/${interfaceFor(at, address)}`),
    ...offeredResources(at).map(({ words: own }) => own),
    ...at.settings.resources,
  ].map(wordOf)

export const knownOf = (at: Pick<Plan, 'of'>): Known => ({
  devices: Object.fromEntries(
    Object.entries(at.of(drbd).resources).map(([name, own]) => [
      name,
      [devicePath(own), `/dev/drbd_${name}`, `/dev/drbd/by-res/${name}`, `/dev/drbd/by-res/${name}/0`],
    ]),
  ),
})

/** The group that has most of what ours should have. A file with one line has no other group. */
export function mainGroup(groups: readonly Group[], want: readonly Word[], known: Known): Group | undefined {
  const count = ({ words }: Group) => want.filter((word) => words.some((own) => isSameWord(word, own, known))).length
  const [best] = groups.toSorted((a, b) => count(b) - count(a))
  return best && (groups.length === 1 || count(best) > 0) ? best : undefined
}

export interface ResourcesDifference extends GroupDifference {
  readonly home?: string
  readonly isEqual: boolean
  readonly others: readonly Group[]
  /** What another group has of ours: two groups would start it. */
  readonly shared: readonly string[]
}

/** What nodes said of their haresources. */
export type Tables = Readonly<Record<string, { readonly files: { readonly resources: FileFact | undefined } }>>

/** What haresources has on any node and the config has not: other groups, and words in ours. With `home`, what is at home there. */
export function strangers(at: Plan, nodes: Tables, home?: string): readonly string[] {
  const all = Object.values(nodes).flatMap(({ files }) => {
    const { others, more, home: own } = resourcesDifference(at, files.resources?.content ?? '')
    return [
      ...others.filter((group) => home === undefined || group.home === home).map(({ line }) => line),
      ...(home === undefined || own === home ? more.map(({ text }) => text) : []),
    ]
  })
  return [...new Set(all)]
}

/** How an haresources differs from the wanted one in what it does. */
export function resourcesDifference(at: Plan, content: string): ResourcesDifference {
  const want = groupWords(at)
  const known = knownOf(at)
  const groups = parseHaresources(content)
  const main = mainGroup(groups, want, known)
  const others = groups.filter((group) => group !== main)
  const difference = groupDifference(want, main?.words ?? [], known)
  return {
    ...difference,
    ...(main ? { home: main.home } : {}),
    isEqual: main?.home === homeOf(at) && isEqualGroup(difference),
    others,
    shared: others.flatMap(({ words }) =>
      words.filter((own) => want.some((word) => isSameWord(word, own, known))).map(({ text }) => text),
    ),
  }
}
