import { type Command, sh } from 'ha-provision'

/** Zeros in the first and the last 4 MiB: what `evidenceOf` looks at, and more. Fails on a device that somebody holds. */
export const zeroEnds = (device: string): Command =>
  sh`b=$(blockdev --getsize64 ${device}) && m=$((b < 4194304 ? b : 4194304)) && z() { dd if=/dev/zero of=${device} bs=64k count="$m" seek="$1" iflag=count_bytes oflag=seek_bytes conv=notrunc,fsync 2>/dev/null; } && z 0 && z $((b - m))`

/** Empties a device, for steps that say what they destroy. wipefs opens it exclusively, so it fails on one in use. */
export const wipe = (device: string): Command => sh`wipefs -q -a -- ${device} && ${zeroEnds(device)} && udevadm settle`
