import fc from 'fast-check'
import type drbd from '../../../plugins/drbd/index.js'
import type { Drbd } from '../../../plugins/drbd/layout.js'
import { ownOptions, resourceConfig } from '../../../plugins/drbd/render.js'
import type { InputOf } from '../../../src/index.js'
import { type NodeName, nodes, type World } from '../../support/law.js'
import { contextOf, output } from '../../support/task.js'
import { dumped } from './dumped.js'
import { mounted, others, said, status } from './nodes.js'

type Options = InputOf<typeof drbd>
type Resource = Options['resources'][string]
interface Cluster extends World<Options> {
  readonly major: number
  /** Said by haresources; else by who is Primary. */
  readonly hasHome: boolean
  readonly isMounted: boolean
  readonly active: NodeName
}

const count = (max = 100_000) => fc.integer({ min: 1, max })
const value = fc.oneof(
  count(),
  fc.constantFrom('yes', 'no', '10M', '512k', 'sha256', '/usr/lib/drbd/notify.sh root', 'echo o > /proc/sysrq; halt'),
)
/** Some options of one section, but for those that say what the resource file says by itself: nobody writes these. */
const options = (major: number, kind: 'net' | 'disk' | 'startup' | 'options' | 'handlers', names: readonly string[]) =>
  fc
    .dictionary(fc.constantFrom(...names), value, { maxKeys: names.length })
    .map((all) =>
      Object.fromEntries(
        Object.entries(all).filter(([option, own]) => String(own) !== ownOptions(major, true, false)[kind][option]),
      ),
    )
const rate = fc
  .tuple(count(9999), fc.constantFrom('K', 'M', 'G'))
  .map(([number, unit]) => `${number}${unit}`)
  .filter((own) => !['40960K'].includes(own))

/** The parts of the resource with that number that no other one may have. */
const places = (i: number): fc.Arbitrary<Pick<Resource, 'volume' | 'minor' | 'port' | 'metadata'>> =>
  fc.record(
    {
      volume: fc.constantFrom(
        i === 0 ? 'vg0/my-data' : `/dev/sd${'bcd'[i]}1`,
        `/dev/mapper/vg7-r${i}`,
        `/dev/vg8/r-${i}`,
      ),
      minor: count(60).map((minor) => 4 * minor + i),
      port: fc.integer({ min: 300, max: 16_000 }).map((port) => 4 * port + i),
      metadata: fc.constantFrom('internal', `/dev/sdx1[${i}]`, `/dev/sdx${i + 2}`, ...(i === 0 ? ['vg0/meta'] : [])),
    },
    { requiredKeys: ['volume', 'minor', 'port'] },
  )
const resource = (major: number, i: number): fc.Arbitrary<Resource> =>
  fc
    .tuple(
      places(i),
      fc.record(
        {
          interface: fc.constantFrom('link0', 'link1'),
          protocol: fc.constantFrom('A', 'B', 'C'),
          initialSync: fc.constantFrom('full', 'skip'),
          resyncRate: rate,
          authentication: fc.boolean(),
          net: options(major, 'net', ['max-buffers', 'ping-timeout', 'sndbuf-size', 'verify-alg', 'after-sb-1pri']),
          disk: options(major, 'disk', [
            'fencing',
            'c-plan-ahead',
            'al-extents',
            'on-io-error',
            'c-max-rate',
            'disk-barrier',
          ]),
          startup: options(major, 'startup', ['wfc-timeout', 'degr-wfc-timeout', 'become-primary-on']),
          options: options(major, 'options', ['auto-promote', 'cpu-mask', 'on-no-data-accessible']),
          handlers: options(major, 'handlers', ['split-brain', 'fence-peer', 'pri-lost']),
          filesystem: fc.record(
            { type: fc.constantFrom('ext3', 'ext4', 'xfs'), mount: fc.constantFrom(`/srv/db${i}`, `/data-${i}/x.y`) },
            { requiredKeys: ['mount'] },
          ),
        },
        { requiredKeys: ['interface'] },
      ),
    )
    .map(([own, rest]) => ({ ...own, ...rest }) as Resource)

export const clusters: fc.Arbitrary<Cluster> = fc.constantFrom(8, 9).chain((major) =>
  fc
    .record({
      primary: fc.constantFrom(...nodes),
      names: fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/), { minLength: 1, maxLength: 3 }),
      parts: fc.tuple(resource(major, 0), resource(major, 1), resource(major, 2)),
      hasHome: fc.boolean(),
      isMounted: fc.boolean(),
      active: fc.constantFrom(...nodes),
    })
    .map(({ primary, names, parts, hasHome, active, isMounted }) => ({
      options: { primary, resources: Object.fromEntries(names.map((name, i) => [name, parts[i]])) } as Options,
      others,
      major,
      hasHome,
      isMounted,
      active: hasHome ? active : primary,
    })),
)

/** What the nodes of such a cluster answer. */
export function model(settings: Drbd, world: World<Options>) {
  const { major, hasHome, isMounted, active } = world as Cluster
  const at = contextOf({ settings, others }) as never
  const resources = Object.entries(settings.resources)
  const files = Object.fromEntries([
    ['/etc/drbd.d/global_common.conf', 'global { usage-count no; }\n'],
    ...resources.map(([name, own]) => [`/etc/drbd.d/${name}.res`, resourceConfig(at, name, own, major, 'k3y')]),
  ])
  const keys = resources.map(([name]) => `@@secret 0600 /etc/drbd.d/${name}.res\n`).join('')
  const filesystems = resources.flatMap(([, { minor, filesystem }]) => (filesystem ? [{ minor, ...filesystem }] : []))
  const inner = resources.flatMap(([, { volume, filesystem }]) =>
    filesystem ? [`inner ${volume.startsWith('/') ? volume : `/dev/${volume}`} ${filesystem.type}\n`] : [],
  )
  const words = filesystems.map(({ minor, mount, type }) => `Filesystem::/dev/drbd${minor}::${mount}::${type}`)
  const haresources = `# Written by ha-provision\n${settings.primary} ${words.join(' ')}\n`
  const fstab = filesystems.map(({ minor, mount, type }) => `/dev/drbd${minor} ${mount} ${type} noauto 0 0\n`)
  const answers = Object.fromEntries(
    nodes.map((node) => [
      node,
      said({
        conf: dumped(node, files, { secrets: keys, nodeIds: major >= 9 }),
        drbd: status(
          resources.map(([, { minor }]) => minor),
          { isPrimary: node === active, major },
        ),
        devices: [
          ...(isMounted && node === active ? filesystems.map((own) => mounted(own.minor, own.mount, own.type)) : []),
          ...inner,
        ].join(''),
        tables: hasHome ? { '/etc/ha.d/haresources': haresources } : { '/etc/fstab': fstab.join('') },
      }),
    ]),
  )
  return (node: NodeName, probe: string) => answers[node]?.(probe) ?? output('')
}
