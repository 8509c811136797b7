import { existsSync, readFileSync } from 'node:fs'
import type { Output } from '../../../src/index.js'
import { filesOutput } from '../../support/files.js'
import type { NodeName } from '../../support/law.js'
import { output } from '../../support/task.js'

export const here = (path: string): string => readFileSync(new URL(`hand-made/${path}`, import.meta.url), 'utf8')

/** Network and storage as their own plugins read them. */
export const others = {
  network: {
    interfaces: {
      link0: { dhcp: false, addresses: { 'db-a': '10.77.0.1/24', 'db-b': '10.77.0.2/24' } },
      link1: { dhcp: false, addresses: { 'db-a': '10.77.1.1/24', 'db-b': '10.77.1.2/24' } },
    },
  },
  storage: {
    partitions: {},
    volumeGroups: {},
    volumes: { 'vg0/data': { sizeMiB: 130 }, 'vg0/my-data': { sizeMiB: 130 }, 'vg0/meta': { sizeMiB: 16 } },
    filesystems: {},
  },
}

/** /proc/drbd of module 8.4, and with `major` 9 what `drbdsetup status --json` adds. */
export function status(
  minors: readonly number[],
  { isPrimary = false, disk = 'UpToDate', major = 8 }: { isPrimary?: boolean; disk?: string; major?: number } = {},
): string {
  const [role, peerRole] = isPrimary ? ['Primary', 'Secondary'] : ['Secondary', 'Primary']
  const head = (version: string) => `version: ${version}\nsrcversion: 1CEF2BF9C0B2E8E3E5F1A1D\n`
  if (major === 8)
    return `${head('8.4.11 (api:1/proto:86-101)')}${minors
      .map((minor) => ` ${minor}: cs:Connected ro:${role}/${peerRole} ds:${disk}/UpToDate C r-----\n    ns:0 nr:0\n`)
      .join('')}`
  const json = minors.map((minor) => ({
    role,
    devices: [{ volume: 0, minor, 'disk-state': disk }],
    connections: [
      {
        'connection-state': 'Connected',
        'peer-role': peerRole,
        peer_devices: [{ volume: 0, 'replication-state': 'Established', 'peer-disk-state': 'UpToDate' }],
      },
    ],
  }))
  return `${head('9.2.4 (api:2/proto:86-121)')}@@json\n${JSON.stringify(json)}\n`
}

export const mounted = (minor: number, mount: string, type: string): string =>
  `36 25 147:${minor} / ${mount} rw,relatime shared:9 - ${type} /dev/drbd${minor} rw\n`
export const unit = (enabled = 'enabled'): string =>
  `Id=drbd.service\nNames=drbd.service\nLoadState=loaded\nActiveState=active\nUnitFileState=${enabled}\n`

export interface Said {
  readonly conf: string
  readonly drbd: string
  readonly devices?: string
  /** Contents of fstab and haresources, by path. */
  readonly tables?: Readonly<Record<string, string>>
  readonly units?: string
}

/** What one node answers to the probes of `reconstruct`. */
export function said(own: Said): (probe: string) => Output {
  const outputs: Readonly<Record<string, string>> = {
    conf: own.conf,
    drbd: own.drbd,
    devices: own.devices ?? '',
    tables: filesOutput(own.tables ?? {}),
    units: own.units ?? unit(),
  }
  return (probe) => output(outputs[probe] ?? '')
}

/** What drbdadm 8.4 or 9 made of a hand-made configuration, recorded. */
export const recorded = (situation: string, node: NodeName, version: '84' | '9'): string =>
  here(`${situation}/${node}.${version}.txt`)

/** What `files` reads of a hand-made /etc. */
export function etc(situation: string, paths: readonly string[], mode = '0644'): string {
  const there = paths.filter((path) => existsSync(new URL(`hand-made/${situation}${path}`, import.meta.url)))
  return filesOutput(Object.fromEntries(there.map((path) => [path, here(`${situation}${path}`)])), mode)
}
