import network, { addressOn } from '../network/index.js'
import { type At, backingPath, devicePath, type Resource } from './layout.js'

const section = (name: string, options: Readonly<Record<string, string | number>>): string =>
  `  ${name} {\n${Object.entries(options)
    .map(([key, value]) => `    ${key} ${value};\n`)
    .join('')}  }\n`

/** A resource file. `major` is the kernel module's: utilities of version 9 drive a module of 8.4 as well. drbd.conf(5) */
export function resourceConfig(at: At, name: string, resource: Resource, major: number, key: string): string {
  const net = {
    protocol: resource.protocol,
    // Without it any host that reaches the port could be the peer.
    'cram-hmac-alg': 'sha1',
    'shared-secret': `"${key}"`,
    // Under load, or emulated, a peer that is alive can take longer than the half second of the default. Tenths of a second.
    'ping-timeout': 30,
    // Anything else would throw data away without asking. The defaults, said where a person looks for them.
    'after-sb-0pri': 'disconnect',
    'after-sb-1pri': 'disconnect',
    'after-sb-2pri': 'disconnect',
    ...resource.net,
  }
  const disk = { 'c-plan-ahead': 0, 'resync-rate': resource.resyncRate, ...resource.disk }
  // A node that comes up alone must not wait for ever in its start-up.
  const startup = { 'wfc-timeout': 20, 'degr-wfc-timeout': 20, 'outdated-wfc-timeout': 20 }
  const hosts = at.cluster.nodes.map((node) =>
    section(`on ${node.name}`, {
      address: `${addressOn(at.of(network), resource.interface, node.name)}:${resource.port}`,
    }),
  )
  return [
    '# Written by ha-provision; changes are found and mended.\n',
    `resource ${name} {\n`,
    `  device ${devicePath(resource)};\n  disk ${backingPath(resource)};\n  meta-disk internal;\n`,
    section('net', net),
    section('disk', disk),
    section('startup', startup),
    // Version 9 promotes on mount unless told not to: only the cluster manager promotes.
    ...(major >= 9 ? [section('options', { 'auto-promote': 'no' })] : []),
    ...hosts,
    '}\n',
  ].join('')
}

const secret = /(\bshared-secret\s+)("[^"]*"|[^\s;]+)/

/** The key in a resource file, if it has one that is not empty. */
export const keyOf = (content: string): string | undefined =>
  secret.exec(content)?.[2]?.replaceAll('"', '') || undefined

/** A resource file as it may be shown. */
export const hideKey = (content: string, key: string | undefined): string =>
  content.replace(
    secret,
    (_, option: string, value: string) =>
      `${option}[${value.replaceAll('"', '') === (key ?? '') ? 'the key of the resource' : 'another key'}]`,
  )

/** What drbd-utils installs. */
export const mainConfig = 'include "drbd.d/global_common.conf";\ninclude "drbd.d/*.res";\n'

/** The file with LINBIT's usage count switched off, and everything else as it was. */
export function globalConfig(before = ''): string {
  if (/^\s*usage-count\s+no\s*;/m.test(before)) return before
  if (/^\s*usage-count\s+\w+\s*;/m.test(before)) return before.replace(/^(\s*usage-count\s+)\w+(\s*;)/m, '$1no$2')
  if (/^\s*global\s*\{/m.test(before)) return before.replace(/^(\s*global\s*\{)/m, '$1\n  usage-count no;')
  return `global {\n  usage-count no;\n}\n${before}`
}
