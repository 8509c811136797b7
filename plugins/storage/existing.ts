import { ask, type Output, type Probe, sh } from 'ha-provision'
import { type LvmFact, lvmCommand, lvmProbe, rows } from './lvm.js'

/** LVM, and what kind each of its volumes is. */
export type Lvm = LvmFact & {
  /** First letter of lv_attr by GROUP/VOLUME: `-` is a plain one, `o` one with snapshots. lvs(8) */
  readonly kinds: Readonly<Record<string, string>>
}

/** The answer that `check` reads as well. */
export const existingLvm: Probe<Lvm | undefined> = ask(lvmCommand, (output: Output) => {
  const fact = lvmProbe.parse(output)
  return (
    fact && {
      ...fact,
      kinds: Object.fromEntries(
        rows(output.stdout, 'lv').map((row) => [`${row.vg_name}/${row.lv_name}`, row.lv_attr?.[0] ?? '']),
      ),
    }
  )
})

export interface Partition {
  readonly node: string
  readonly startMiB: number
  readonly sizeMiB: number
  /** GPT name; empty where it has none. */
  readonly name: string
}
export interface Table {
  /** `gpt`, `dos`… */
  readonly label: string
  readonly partitions: readonly Partition[]
  /** MiB behind the last partition. */
  readonly freeMiB: number
}

export interface Devices {
  /** Names below /dev by the kernel's name: `/dev/vdb` → `/dev/disk/by-id/virtio-data`, … */
  readonly names: Readonly<Record<string, readonly string[]>>
  /** Partition tables by the kernel's name of the disk. */
  readonly tables: Readonly<Record<string, Table>>
  /** What is mounted: `major:minor` is not needed, the source is. */
  readonly mounted: readonly { readonly source: string; readonly at: string; readonly type: string }[]
}

interface SfdiskTable {
  readonly label: string
  readonly device: string
  readonly lastlba?: number
  readonly sectorsize?: number
  readonly partitions?: readonly {
    readonly node: string
    readonly start: number
    readonly size: number
    readonly name?: string
  }[]
}

const MiB = 1024 * 1024

function tableOf({ label, lastlba, sectorsize = 512, partitions = [] }: SfdiskTable): Table {
  const mib = (sectors: number) => (sectors * sectorsize) / MiB
  const end = Math.max(MiB / sectorsize, ...partitions.map(({ start, size }) => start + size))
  return {
    label,
    freeMiB: lastlba === undefined ? 0 : Math.floor(mib(lastlba + 1 - end)),
    partitions: partitions.map(({ node, start, size, name = '' }) => ({
      node,
      startMiB: mib(start),
      sizeMiB: mib(size),
      name,
    })),
  }
}

/** All names, partition tables and mounts of a node. Only disks of the kernel are asked, never what is built upon them. */
export const devicesProbe: Probe<Devices> = ask(
  sh`find /dev -type l -printf 'link %p %l\\n' 2>/dev/null
while read -r s at t rest; do printf 'mount %s %s %s\\n' "$s" "$at" "$t"; done </proc/mounts
if command -v sfdisk >/dev/null; then for d in /sys/block/*; do n=\${d##*/}; case $n in loop*|ram*|dm-*|drbd*|sr*|zram*|md*|fd*) continue ;; esac
printf '@@table %s\\n' "$n"; sfdisk -J -- "/dev/$n" 2>/dev/null; done; fi; echo; echo @@end`,
  ({ stdout }) => {
    if (!/^@@end$/m.test(stdout)) throw new Error('the answer about devices is cut off')
    const names: Record<string, string[]> = {}
    for (const [, path = '', target = ''] of stdout.matchAll(/^link (\S+) (\S+)$/gm)) {
      const real = new URL(target, `file://${path}`).pathname
      names[real] = [...(names[real] ?? []), path]
    }
    const tables: Record<string, Table> = {}
    for (const block of stdout
      .replace(/^@@end$[\s\S]*/m, '')
      .split(/^@@table /m)
      .slice(1)) {
      const [disk = '', ...json] = block.split('\n')
      const text = json.join('\n').trim()
      if (text) tables[`/dev/${disk}`] = tableOf((JSON.parse(text) as { partitiontable: SfdiskTable }).partitiontable)
    }
    return {
      names,
      tables,
      mounted: [...stdout.matchAll(/^mount (\S+) (\S+) (\S+)$/gm)].map(([, source = '', at = '', type = '']) => ({
        source,
        at,
        type,
      })),
    }
  },
)

/** The kernel's name of a path, a UUID or a LABEL as fstab has them; the path itself where nothing is known. */
export function kernelName({ names }: Devices, spec: string): string {
  const [, kind, value = ''] = /^(UUID|LABEL|PARTUUID|PARTLABEL)="?([^"]*)"?$/.exec(spec) ?? []
  const path = kind === undefined ? spec : `/dev/disk/by-${kind.toLowerCase()}/${value}`
  return Object.entries(names).find(([, links]) => links.includes(path))?.[0] ?? path
}

/** Name that holds on all these nodes and for long: a partition's label, then an id; undefined where there is none. */
export function stableName(all: readonly (readonly string[])[]): string | undefined {
  const common = (all[0] ?? []).filter((name) => all.every((names) => names.includes(name)))
  const by = (kind: string) =>
    common
      .filter((name) => name.startsWith(`/dev/disk/by-${kind}/`) && !/\/(lvm-pv-uuid|dm|md|wwn|nvme-eui)-/.test(name))
      .toSorted((one, other) => one.length - other.length || one.localeCompare(other))[0]
  return by('partlabel') ?? by('id') ?? by('path')
}
