import { ask, type Output, type Probe, sh } from 'ha-provision'

/** One resource as one node sees it. */
export interface ResourceState {
  /** `Connected`, `WFConnection`, `StandAlone`, `SyncSource`, `SyncTarget`… */
  readonly connection: string
  readonly role: string
  readonly peerRole: string
  readonly disk: string
  readonly peerDisk: string
  /** 0…1 while it syncs. */
  readonly synced?: number
  /** As the kernel prints them: `0:00:12`, `4,096` KiB/s. */
  readonly finish?: string
  readonly speed?: string
}

export interface DrbdFact {
  /** Version of the kernel module; undefined while it is not loaded. */
  readonly module?: string
  /** By minor. */
  readonly minors: Readonly<Record<number, ResourceState>>
}

const connected = new Set([
  'Connected',
  'SyncSource',
  'SyncTarget',
  'PausedSyncS',
  'PausedSyncT',
  'VerifyS',
  'VerifyT',
  'WFBitMapS',
  'WFBitMapT',
  'WFSyncUUID',
  'StartingSyncS',
  'StartingSyncT',
  'Established',
])
export const isConnected = (state: ResourceState | undefined): boolean =>
  state !== undefined && connected.has(state.connection)

/** /proc/drbd of module 8.4. */
export function parseProc(text: string): DrbdFact {
  const module = /^version: (\S+)/m.exec(text)?.[1]
  const minors: Record<number, ResourceState> = {}
  for (const block of text.split(/^(?= *\d+: )/m)) {
    const head = /^ *(\d+): cs:(\S+)(?: ro:([^/\s]+)\/(\S+) ds:([^/\s]+)\/(\S+))?/.exec(block)
    if (!head || head[2] === 'Unconfigured') continue
    const [
      ,
      minor = '',
      connection = '',
      role = 'Unknown',
      peerRole = 'Unknown',
      disk = 'DUnknown',
      peerDisk = 'DUnknown',
    ] = head
    const percent = /sync'ed: *([\d.]+)%/.exec(block)?.[1]
    const finish = /finish: (\S+)/.exec(block)?.[1]
    const speed = /speed: (\S+)/.exec(block)?.[1]
    minors[Number(minor)] = {
      connection,
      role,
      peerRole,
      disk,
      peerDisk,
      ...(percent ? { synced: Number(percent) / 100 } : {}),
      ...(finish ? { finish } : {}),
      ...(speed ? { speed } : {}),
    }
  }
  return { ...(module ? { module } : {}), minors }
}

interface Json9 {
  readonly role: string
  readonly devices: readonly { readonly minor: number; readonly volume: number; readonly 'disk-state': string }[]
  readonly connections: readonly {
    readonly 'connection-state': string
    readonly 'peer-role': string
    readonly peer_devices: readonly {
      readonly volume: number
      readonly 'replication-state': string
      readonly 'peer-disk-state': string
      readonly 'percent-in-sync'?: number
    }[]
  }[]
}

/** `drbdsetup status --json` of module 9, in the words of 8.4. */
export function parseJson(module: string, text: string): DrbdFact {
  const minors: Record<number, ResourceState> = {}
  for (const { role, devices, connections } of JSON.parse(text || '[]') as readonly Json9[]) {
    for (const device of devices) {
      const [connection] = connections
      const peer = connection?.peer_devices.find(({ volume }) => volume === device.volume)
      const state = connection?.['connection-state'] ?? 'StandAlone'
      const replication = peer?.['replication-state']
      const isSyncing = replication !== undefined && replication !== 'Off' && replication !== 'Established'
      minors[device.minor] = {
        connection: isSyncing ? replication : state === 'Connecting' ? 'WFConnection' : state,
        role,
        peerRole: connection?.['peer-role'] ?? 'Unknown',
        disk: device['disk-state'],
        peerDisk: peer?.['peer-disk-state'] ?? 'DUnknown',
        ...(isSyncing && peer?.['percent-in-sync'] !== undefined ? { synced: peer['percent-in-sync'] / 100 } : {}),
      }
    }
  }
  return { module, minors }
}

/** What the kernel says of all resources; one read for module 8.4, one program for 9. */
export const statusCommand = sh`[ -r /proc/drbd ] || exit 0; cat /proc/drbd; case $(head -n 1 /proc/drbd) in 'version: 9'*) echo @@json; drbdsetup status --json ;; esac`

export const drbdProbe: Probe<DrbdFact> = ask(statusCommand, ({ stdout }: Output) => {
  const [proc = '', json] = stdout.split(/^@@json$/m)
  const fact = parseProc(proc)
  return json === undefined || !fact.module ? fact : parseJson(fact.module, json.trim())
})

export const majorOf = ({ module = '8' }: DrbdFact): number => Number.parseInt(module, 10)

/** One line of evidence for a person. */
export const spell = (state: ResourceState | undefined): string =>
  state
    ? `${state.connection}, ${state.role}, disk ${state.disk} (peer: ${state.peerRole}, ${state.peerDisk})`
    : 'not up'

/** Resources whose metadata was made here and never used since: their current generation is DRBD's mark for that. */
export const isNewProbe = (resources: readonly string[]): Probe<readonly string[]> =>
  ask(
    sh`[ -r /proc/drbd ] && grep -q -e 'ds:Inconsistent' -e '^version: 9' /proc/drbd || exit 0
for r in ${resources}; do printf '%s %s\n' "$r" "$(INIT_VERSION=1 drbdadm get-gi "$r" 2>/dev/null)"; done`,
    ({ stdout }) => [...stdout.matchAll(/^(\S+) 0{15}4:0+:/gm)].map(([, name = '']) => name),
  )

/** Minors that are mounted or built upon. 147 is DRBD's major number. */
export const openProbe: Probe<readonly number[]> = ask(
  sh`cat /proc/self/mountinfo; for h in /sys/class/block/drbd*/holders/*; do [ -e "$h" ] && echo "$h"; done; true`,
  ({ stdout }) => [
    ...[...stdout.matchAll(/^\d+ \d+ 147:(\d+) /gm)].map(([, minor]) => Number(minor)),
    ...[...stdout.matchAll(/^\/sys\/class\/block\/drbd(\d+)\/holders/gm)].map(([, minor]) => Number(minor)),
  ],
)

/**
 * Resources whose running state differs from their file, with what `drbdadm adjust` would do: `net-options`, `attach`.
 * Only these words come back: the commands themselves show the key.
 */
export const pendingProbe = (resources: readonly string[]): Probe<Readonly<Record<string, readonly string[]>>> =>
  ask(
    sh`[ -r /proc/drbd ] && [ -e /etc/drbd.conf ] || exit 0
for r in ${resources}; do v=$(INIT_VERSION=1 drbdadm -d adjust "$r" 2>/dev/null | awk '{ print $2 }'); [ -z "$v" ] || echo "$r" $v; done`,
    ({ stdout }) =>
      Object.fromEntries(
        stdout
          .split('\n')
          .filter(Boolean)
          .map((line) => {
            const [name = '', ...verbs] = line.split(' ')
            return [name, verbs]
          }),
      ),
  )

/** Words of drbdsetup that take the disk or the peer away from a resource in use. */
export const cutting = /^(detach|down|disconnect|resize|secondary|del-(minor|resource|peer|path))$/
