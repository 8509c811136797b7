import network, { addressOn } from '../network/index.js'
import { stonithLines } from './fencing.js'
import { groupWords, knownOf, mainGroup } from './group.js'
import { type HaCf, isOwnLogging, parseHaCf } from './ha-cf.js'
import { isSameWord, parseHaresources } from './haresources.js'
import { homeOf, type Plan } from './layout.js'

export { masked } from './masked.js'

const header = '# Written by ha-provision; changes are found and mended.'

const timeText = (seconds: number): string =>
  Number.isInteger(seconds) ? String(seconds) : `${Math.round(seconds * 1000)}ms`

/** Lines of an ha.cf that no option says: they stay. Fencing lines do too, as long as no option says any. */
const keptLines = (at: Plan, found: HaCf): readonly string[] => [
  ...found.foreign,
  ...(stonithLines(at).length === 0 ? found.stonith.map((line) => `stonith_host ${line}`) : []),
]

/** ha.cf, the same on both nodes: a ucast to a node's own address is ignored there. `existing` is what it replaces. ha.cf(5) */
export function configFile(at: Plan, existing = ''): string {
  const { settings, cluster } = at
  const nodes = cluster.nodes.map(({ name }) => name)
  const links = settings.links.flatMap(({ type, interface: link, group }) => {
    if (type === 'bcast') return [`bcast ${link}`]
    // udpport does not hold for mcast: its port is in its own line.
    if (type === 'mcast') return [`mcast ${link} ${group} ${settings.udpPort} 1 0`]
    return nodes.map((node) => `ucast ${link} ${addressOn(at.of(network), link, node)}`)
  })
  const found = parseHaCf(existing)
  const kept = keptLines(at, found)
  return [
    header,
    // A log that somebody chose stays; with the daemon on, Heartbeat would no longer write it.
    ...(found.logging.some((line) => !isOwnLogging(line)) ? found.logging : ['use_logd yes']),
    // The order matters: links that come before it use port 694 without a word.
    `udpport ${settings.udpPort}`,
    ...links,
    ...nodes.map((node) => `node ${node}`),
    'autojoin none',
    'crm no',
    `auto_failback ${settings.autoFailback ? 'on' : 'off'}`,
    `keepalive ${timeText(settings.keepaliveS)}`,
    `warntime ${timeText(settings.warntimeS)}`,
    `deadtime ${timeText(settings.deadtimeS)}`,
    `initdead ${timeText(settings.initdeadS)}`,
    ...stonithLines(at).map((line) => `stonith_host ${line}`),
    ...(kept.length > 0 ? ['# What was there beside:', ...kept] : []),
    '',
  ].join('\n')
}

/** haresources. Words that do what they should keep their spelling, with what it says beyond; groups beside ours stay. */
export function resourcesFile(at: Plan, existing = ''): string {
  const want = groupWords(at)
  const known = knownOf(at)
  const groups = parseHaresources(existing)
  const main = mainGroup(groups, want, known)
  const words = want.map((word) => main?.words.find((own) => isSameWord(word, own, known))?.text ?? word.text)
  const others = groups.filter((group) => group !== main).map(({ line }) => line)
  return [
    header,
    [homeOf(at), ...words].join(' '),
    ...(others.length > 0 ? ['# Groups that were there beside:', ...others] : []),
    '',
  ].join('\n')
}
