import { createHmac, randomBytes } from 'node:crypto'
import drbd from '../drbd/index.js'
import network, { addressOn } from '../network/index.js'
import { type At, homeOf, interfaceFor, mounts, offeredResources } from './layout.js'

let salt: Buffer | undefined
function mark(text: string): string {
  salt ??= randomBytes(16)
  return createHmac('sha256', salt).update(text).digest('hex').slice(0, 6)
}

/** ha.cf, the same on both nodes: a ucast to a node's own address is ignored there. ha.cf(5) */
export function configFile(at: At): string {
  const { settings, cluster } = at
  const nodes = cluster.nodes.map(({ name }) => name)
  const links = settings.links.flatMap(({ type, interface: link, group }) => {
    if (type === 'bcast') return [`bcast ${link}`]
    // udpport does not hold for mcast: its port is in its own line.
    if (type === 'mcast') return [`mcast ${link} ${group} ${settings.udpPort} 1 0`]
    return nodes.map((node) => `ucast ${link} ${addressOn(at.of(network), link, node)}`)
  })
  return [
    '# Written by ha-provision; changes are found and mended.',
    'use_logd yes',
    // The order matters: links that come before it use port 694 without a word.
    `udpport ${settings.udpPort}`,
    ...links,
    ...nodes.map((node) => `node ${node}`),
    'autojoin none',
    'crm no',
    `auto_failback ${settings.autoFailback ? 'on' : 'off'}`,
    `keepalive ${Number.isInteger(settings.keepaliveS) ? settings.keepaliveS : `${Math.round(settings.keepaliveS * 1000)}ms`}`,
    `warntime ${settings.warntimeS}`,
    `deadtime ${settings.deadtimeS}`,
    `initdead ${settings.initdeadS}`,
    ...settings.stonith.map((line) => `stonith_host ${line}`),
    '',
  ].join('\n')
}

/** The group: replication, filesystems, addresses, more; started from left to right, stopped from right to left. */
export function resourcesFile(at: At): string {
  const words = [
    homeOf(at),
    ...Object.keys(at.of(drbd).resources).map((name) => `drbddisk::${name}`),
    ...mounts(at).map(({ device, mount, type }) => `Filesystem::${device}::${mount}::${type}`),
    ...at.settings.virtualIps.map((address) => `IPaddr2::${address}/${interfaceFor(at, address)}`),
    ...offeredResources(at).map(({ words: own }) => own),
    ...at.settings.resources,
  ]
  return `# Written by ha-provision; changes are found and mended.\n${words.join(' ')}\n`
}

/** The same text without what devices for fencing are told: passwords stand there. Different ones keep a different mark. */
export const masked = (config: string): string =>
  config.replace(/^(stonith(?:_host)?\s+\S+\s+\S+)\s+(\S.*)$/gm, (_, head, told) => `${head} [hidden ${mark(told)}]`)
