import { ask, type FileFact, files, type Probe, sh } from 'ha-provision'

export const haresources = '/etc/ha.d/haresources'
const fstab = '/etc/fstab'
const mountinfo = '/proc/self/mountinfo'
/** What says where a filesystem is, the surest first. */
export const tellers = [mountinfo, haresources, fstab] as const

/** Where a replicated filesystem is, or should be, mounted. */
export interface Place {
  /** Of a mounted device; the other signs name it. */
  readonly minor?: number
  readonly device: string
  readonly mount: string
  readonly type?: string
  readonly from: string
}

export interface DeviceFact {
  readonly mounted: readonly Place[]
  /** What lies in front of DRBD's metadata, by the path of the backing device. */
  readonly contents: Readonly<Record<string, string>>
}

/**
 * What is mounted of DRBD (147 is its major number), and what lies on its backing devices: a secondary's own device
 * cannot be opened. Clean pages of the backing device, which may be older than what DRBD wrote, are dropped first.
 */
const devices: Probe<DeviceFact> = ask(
  sh`grep -e '^[0-9]* [0-9]* 147:' ${mountinfo}
for d in $(drbdadm sh-ll-dev all </dev/null 2>/dev/null); do
[ -b "$d" ] || continue
blockdev --flushbufs "$d" 2>/dev/null
printf 'inner %s %s\n' "$d" "$(blkid -p -u filesystem,crypto,other -s TYPE -o value -- "$d" 2>/dev/null)"
done; true`,
  ({ stdout }) => ({
    mounted: [...stdout.matchAll(/^\d+ \d+ 147:(\d+) \/ (\S+) .*? - (\S+) (\S+)/gm)].map(
      ([, minor, mount = '', type = '', device = '']) => ({
        minor: Number(minor),
        device,
        mount,
        type,
        from: mountinfo,
      }),
    ),
    contents: Object.fromEntries(
      [...stdout.matchAll(/^inner (\S+) (\S+)$/gm)].map(([, device = '', type = '']) => [device, type]),
    ),
  }),
)

export const signProbes = { devices, tables: files({ fstab, haresources }) }

export interface Signs {
  readonly devices: DeviceFact
  readonly tables: Readonly<Record<'fstab' | 'haresources', FileFact | undefined>>
}

/** Lines of a table as words, without comments; a backslash at the end continues a line. */
const linesOf = (file: FileFact | undefined): readonly (readonly string[])[] =>
  (file?.content ?? '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').split(/\s+/).filter(Boolean))
    .filter((words) => words.length > 0)

/** The nodes that haresources names as the home of a group. */
export const homesOf = ({ tables }: Signs): readonly string[] =>
  linesOf(tables.haresources).flatMap(([home = '']) => home)

/** All signs of one node. */
export function placesOf({ devices: { mounted }, tables }: Signs): readonly Place[] {
  const place = (from: string, device: string, mount: string, type = ''): Place => ({
    device,
    mount,
    ...(type === '' || type === 'auto' ? {} : { type }),
    from,
  })
  const resources = linesOf(tables.haresources).flatMap(([, ...words]) =>
    words.flatMap((word) => {
      const [agent, device, mount, type] = word.split('::')
      return agent === 'Filesystem' && device && mount ? [place(haresources, device, mount, type)] : []
    }),
  )
  const entries = linesOf(tables.fstab).flatMap(([device = '', mount = '', type]) =>
    device.startsWith('/dev/drbd') ? [place(fstab, device, mount, type)] : [],
  )
  return [...mounted, ...resources, ...entries]
}
