import { ask, type Output, type Probe, raw, sh } from 'ha-provision'

export interface LvmFact {
  /** `number` is the device's major:minor; group '' is an orphan. A missing device of a group has no number. */
  readonly pvs: readonly { readonly device: string; readonly number: string; readonly group: string }[]
  readonly vgs: readonly {
    readonly name: string
    /** LVM's own name of the group: two nodes that report the same one look at the same disk, or at a copy of it. */
    readonly uuid?: string
    readonly extentBytes: number
    readonly freeBytes: number
    readonly missing: number
  }[]
  readonly lvs: readonly {
    readonly group: string
    readonly name: string
    readonly bytes: number
    readonly active: boolean
    readonly open: boolean
    readonly tags: readonly string[]
  }[]
}

type Rows = readonly Readonly<Record<string, string>>[]

export function rows(text: string, kind: string): Rows {
  const { report } = JSON.parse(text) as { report: readonly Readonly<Record<string, Rows>>[] }
  return report.flatMap((part) => part[kind] ?? [])
}

// Hints would be written to /run; `seg` and `pvseg` cannot be left out, only made short.
export const lvmCommand = sh`command -v lvm >/dev/null || exit 9
lvm fullreport --nohints --reportformat json --units b --nosuffix ${raw(
  [
    'pv -o pv_name,pv_major,pv_minor,vg_name',
    'vg -o vg_name,vg_uuid,vg_extent_size,vg_free,vg_missing_pv_count',
    'lv -o vg_name,lv_name,lv_size,lv_attr,lv_tags',
    'pvseg -o pv_name',
    'seg -o lv_name',
  ]
    .map((report) => `--configreport ${report}`)
    .join(' '),
)}`

/** All of LVM in one report; undefined while LVM is not installed. lvmreport(7) */
export const lvmProbe: Probe<LvmFact | undefined> = ask(lvmCommand, ({ code, stdout }: Output) => {
  if (code === 9) return undefined
  return {
    pvs: rows(stdout, 'pv').map((row) => ({
      device: row.pv_name ?? '',
      number: `${row.pv_major}:${row.pv_minor}`,
      group: row.vg_name ?? '',
    })),
    vgs: rows(stdout, 'vg').map((row) => ({
      name: row.vg_name ?? '',
      ...(row.vg_uuid ? { uuid: row.vg_uuid } : {}),
      extentBytes: Number(row.vg_extent_size),
      freeBytes: Number(row.vg_free),
      missing: Number(row.vg_missing_pv_count),
    })),
    // lv_attr: the fifth letter is `a` for active, the sixth `o` for open.
    lvs: rows(stdout, 'lv').map((row) => ({
      group: row.vg_name ?? '',
      name: row.lv_name ?? '',
      bytes: Number(row.lv_size),
      active: row.lv_attr?.[4] === 'a',
      open: row.lv_attr?.[5] === 'o',
      tags: (row.lv_tags ?? '').split(',').filter(Boolean),
    })),
  }
})

/**
 * UUID of a group that more than one node reports: pvcreate and vgcreate make them at random, so these nodes see the same
 * disk. DRBD is for disks that each node has for itself.
 */
export function sharedUuid(
  group: string,
  nodes: Readonly<Record<string, { readonly lvm: LvmFact | undefined }>>,
): string | undefined {
  const uuids = Object.values(nodes).map(({ lvm }) => lvm?.vgs.find(({ name }) => name === group)?.uuid)
  return uuids.find((uuid, i) => uuid !== undefined && uuids.indexOf(uuid) !== i)
}

/** Tag of a volume that was made a moment ago and whose ends are not zeroed yet: what lies there was free space to LVM. */
export const newTag = 'ha-provision.new'

/** The device of a volume as LVM's udev rules name it. */
export const volumePath = (volume: string): string => `/dev/${volume}`
