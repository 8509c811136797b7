import { type Batch, type Output, type Probe, sh } from 'ha-provision'

/** What is on a block device. "Nothing known" is not "empty": only a readable device without signature and of zeros is. */
export interface Evidence {
  /** As it was asked for. */
  readonly device: string
  readonly exists: boolean
  /** The kernel's own name, links followed. */
  readonly real: string
  /** `major:minor`, by which other reports are matched. */
  readonly number: string
  readonly bytes: number
  readonly readable: boolean
  /** `ext4`, `LVM2_member`, `drbd`, `swap`…; `ambivalent` when there is more than one answer. */
  readonly type?: string
  /** What lies in front of DRBD's metadata. */
  readonly inner?: string
  /** Partition table: `gpt`, `dos`. */
  readonly table?: string
  /** Devices built upon it or its partitions, such as dm-0. */
  readonly holders: readonly string[]
  /** Where it or one of its partitions is mounted. */
  readonly mounts: readonly string[]
  readonly swap: boolean
  /** Something other than zeros in the first two MiB. */
  readonly startsNonZero: boolean
  /** Something other than zeros there, or in the last MiB, that no metadata of LVM explains. */
  readonly nonZero: boolean
}

const batch: Batch = {
  name: 'evidence',
  // Direct reads: while DRBD has a device open, the page cache keeps what was there before DRBD wrote. blkid(8) can only read
  // through that cache, so its clean pages are dropped first (BLKFLSBUF writes nothing). A read that fails or is short counts as
  // "other than zeros". blkid's exit 2 is "nothing found", also for what it cannot read; 8 is "more than one answer".
  command: (
    devices,
  ) => sh`z() { dd if="$r" bs=1M iflag=direct,skip_bytes skip="$1" count=1 2>/dev/null | cmp -s -n "$2" - /dev/zero; printf ' %s' "$?"; }
for d in ${devices}; do
r=$(readlink -f -- "$d"); printf '@@device %s\n' "$d"
[ -b "$r" ] || continue
blockdev --flushbufs "$r" 2>/dev/null
n=\${r##*/}; c=/sys/class/block/$n
read -r s < "$c/size"; read -r v < "$c/dev"; b=$((s * 512)); m=$((b < 1048576 ? b : 1048576))
printf 'real %s\nnumber %s\nbytes %s\n' "$r" "$v" "$b"
for p in "$c" "$c/$n"*; do
[ -e "$p/dev" ] || continue
read -r v < "$p/dev"
for h in "$p"/holders/*; do
[ -e "$h" ] || continue
printf 'holder %s\n' "\${h##*/}"
case $h in */drbd*) blockdev --flushbufs "$r" ;; esac
done
while read -r i u w root at rest; do [ "$w" = "$v" ] && printf 'mount %s\n' "$at"; done < /proc/self/mountinfo
while read -r a rest; do [ "$a" = "/dev/\${p##*/}" ] && echo swap; done < /proc/swaps
done
dd if="$r" of=/dev/null bs=64k count=1 2>/dev/null && echo readable
e=$(blkid -p -o export -- "$r" 2>/dev/null); printf 'blkid %s\n%s\n' "$?" "$e"
case $e in *TYPE=drbd*) printf 'inner %s\n' "$(blkid -p -u filesystem,crypto,other -s TYPE -o value -- "$r" 2>/dev/null)" ;; esac
printf 'nonzero'; z 0 "$m"; z $((b < 2097152 ? 0 : 1048576)) "$m"; z $((b - m)) "$m"
case $e in *TYPE=LVM2_member*) z 4608 "$m" ;; esac
echo
done`,
}

function read(device: string, block: string): Evidence {
  const word = (key: string) => new RegExp(`^${key}[ =](.+)$`, 'm').exec(block)?.[1]
  const all = (key: string) => [...block.matchAll(new RegExp(`^${key} (.*)$`, 'gm'))].map(([, value = '']) => value)
  const sampled = /^nonzero (\d+) (\d+) (\d+)(?: (\d+))?$/m.exec(block)
  const [start = true, body = true, end = true, behindLabel = true] = (sampled ?? [])
    .slice(1)
    .map((code) => (code === undefined ? undefined : code !== '0'))
  const answer = word('blkid')
  const type = answer === '0' ? word('TYPE') : answer === '2' ? undefined : 'ambivalent'
  const [inner, table] = [word('inner'), answer === '0' ? word('PTTYPE') : undefined]
  return {
    device,
    exists: word('real') !== undefined,
    real: word('real') ?? device,
    number: word('number') ?? '',
    bytes: Number(word('bytes') ?? 0),
    readable: /^readable$/m.test(block),
    ...(type ? { type } : {}),
    ...(inner ? { inner } : {}),
    ...(table ? { table } : {}),
    holders: all('holder'),
    mounts: all('mount'),
    swap: /^swap$/m.test(block),
    startsNonZero: start || body,
    // A physical volume that never was in a group has its label and an empty metadata area, and zeros from there on.
    nonZero: type === 'LVM2_member' ? behindLabel || body || end : start || body || end,
  }
}

/** Evidence of devices, by the path that was asked for. */
export const evidenceOf = (devices: readonly string[]): Probe<Readonly<Record<string, Evidence>>> => ({
  batch,
  items: devices,
  parse({ stdout }: Output) {
    const blocks = new Map(stdout.split(/^@@device /m).map((block) => [block.split('\n')[0] ?? '', block]))
    return Object.fromEntries(devices.map((device) => [device, read(device, blocks.get(device) ?? '')]))
  },
})

export const isInUse = ({ holders, mounts, swap }: Evidence): boolean => holders.length > 0 || mounts.length > 0 || swap
export const isEmpty = (e: Evidence): boolean =>
  e.exists && e.readable && !e.type && !e.table && !e.nonZero && !isInUse(e)

const words: Readonly<Record<string, string>> = {
  LVM2_member: 'LVM physical volume',
  drbd: 'DRBD metadata',
  swap: 'swap space',
  crypto_LUKS: 'LUKS container',
  linux_raid_member: 'RAID member',
  ambivalent: 'data of several kinds',
}
const filesystems = new Set([
  'ext2',
  'ext3',
  'ext4',
  'xfs',
  'btrfs',
  'vfat',
  'ntfs',
  'f2fs',
  'jfs',
  'reiserfs',
  'iso9660',
])

/** In words that name what would be lost; also the `what` of an `--allow`. */
export function describe({ type, inner, table, nonZero, readable }: Evidence): string {
  if (type) {
    const name = (kind: string) => words[kind] ?? `${kind} ${filesystems.has(kind) ? 'filesystem' : 'data'}`
    return inner ? `${name(inner)} with ${name(type)}` : name(type)
  }
  if (table) return `${table} partition table`
  if (!readable) return 'unreadable content'
  return nonZero ? 'unknown data' : 'empty device'
}

/** Why a device is in use, for a person. */
export const uses = ({ holders, mounts, swap }: Evidence): string =>
  [
    ...mounts.map((at) => `mounted on ${at}`),
    ...holders.map((name) => `held by ${name}`),
    ...(swap ? ['used as swap'] : []),
  ].join(', ')
