import network, { addressOn } from '../network/index.js'
import { type At, backingPath, devicePath, metadataPath, type Resource } from './layout.js'
import type { Kind, Options } from './values.js'

/** A value as drbd.conf(5) takes it: a string of anything but plain characters stands in quotes. */
const word = (value: string | number): string =>
  typeof value === 'number' || /^("[^"]*"|[\w./:+@,-]+)$/.test(value) ? String(value) : `"${value}"`

const section = (name: string, options: Record<string, string | number>): string =>
  `  ${name} {\n${Object.entries(options)
    .map(([key, value]) => `    ${key} ${word(value)};\n`)
    .join('')}  }\n`

/** Our program for resources that hold writes back until the peer is fenced. */
export const fenceProgram = '/usr/local/sbin/ha-drbd-fence'

/** Whether our program is what such a resource runs. 8.4 has the option in `disk`, 9 in `net`. */
export const fencesItself = ({
  net,
  disk,
  handlers,
}: Readonly<Record<'net' | 'disk' | 'handlers', object>>): boolean => {
  const { fencing = 'dont-care', 'fence-peer': program = '' } = { ...net, ...disk, ...handlers } as Options
  return fencing !== 'dont-care' && (program === '' || String(program).startsWith(`${fenceProgram} `))
}

/** What every resource file says of its own, unless the options say otherwise. `major` is the kernel module's. */
export function ownOptions(major: number, authentication: boolean, fences: boolean): Readonly<Record<Kind, Options>> {
  return {
    net: {
      // Without it any host that reaches the port could be the peer.
      ...(authentication ? { 'cram-hmac-alg': 'sha1' } : {}),
      // Under load, or emulated, a peer that is alive can take longer than the half second of the default. Tenths of a second.
      'ping-timeout': '30',
      // Anything else would throw data away without asking. The defaults, said where a person looks for them.
      'after-sb-0pri': 'disconnect',
      'after-sb-1pri': 'disconnect',
      'after-sb-2pri': 'disconnect',
    },
    disk: { 'c-plan-ahead': '0' },
    // A node that comes up alone must not wait for ever in its start-up.
    startup: { 'wfc-timeout': '20', 'degr-wfc-timeout': '20', 'outdated-wfc-timeout': '20' },
    // Version 9 promotes on mount unless told not to: only the cluster manager promotes.
    options: major >= 9 ? { 'auto-promote': 'no' } : {},
    handlers: fences
      ? {
          'fence-peer': `${fenceProgram} fence`,
          [major >= 9 ? 'unfence-peer' : 'after-resync-target']: `${fenceProgram} insync`,
        }
      : {},
  }
}

/** A resource file. `major` is the kernel module's: utilities of version 9 drive a module of 8.4 as well. drbd.conf(5) */
export function resourceConfig(at: At, name: string, resource: Resource, major: number, key: string): string {
  const { authentication, protocol, resyncRate } = resource
  const own = ownOptions(major, authentication, fencesItself(resource))
  const { 'cram-hmac-alg': algorithm, ...net } = own.net
  const hosts = at.cluster.nodes.map((node) =>
    section(`on ${node.name}`, {
      address: `${addressOn(at.of(network), resource.interface, node.name)}:${resource.port}`,
    }),
  )
  const maybe = (kind: 'options' | 'handlers') => {
    const options = { ...own[kind], ...resource[kind] }
    return Object.keys(options).length > 0 ? [section(kind, options)] : []
  }
  return [
    '# Written by ha-provision; changes are found and mended.\n',
    `resource ${name} {\n`,
    `  device ${devicePath(resource)};\n  disk ${backingPath(resource)};\n  meta-disk ${metadataPath(resource)};\n`,
    section('net', {
      protocol,
      ...(algorithm ? { 'cram-hmac-alg': algorithm, 'shared-secret': `"${key}"` } : {}),
      ...net,
      ...resource.net,
    }),
    section('disk', { ...own.disk, 'resync-rate': resyncRate, ...resource.disk }),
    section('startup', { ...own.startup, ...resource.startup }),
    ...maybe('options'),
    ...maybe('handlers'),
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
  content.replaceAll(
    new RegExp(secret, 'g'),
    (_: string, option: string, value: string) =>
      `${option}[${value.replaceAll('"', '') === (key ?? '') ? 'the key of the resource' : 'another key'}]`,
  )

/** What drbd-utils installs. */
export const mainConfig = 'include "drbd.d/global_common.conf";\ninclude "drbd.d/*.res";\n'

/** The file with LINBIT's usage count switched off, and everything else as it was. */
export function globalConfig(before = ''): string {
  const said = /^([^#\n]*\busage-count\s+)(\w+)(\s*;)/m.exec(before)
  if (said) return said[2] === 'no' ? before : before.replace(said[0], `${said[1]}no${said[3]}`)
  if (/^\s*global\s*\{/m.test(before)) return before.replace(/^(\s*global\s*\{)/m, '$1\n  usage-count no;')
  return `global {\n  usage-count no;\n}\n${before}`
}
