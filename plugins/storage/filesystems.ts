import {
  type AnyPlugin,
  ask,
  type Finding,
  files,
  finding,
  given,
  type Settings,
  type Step,
  sh,
  type Task,
  type TaskBuilder,
} from 'ha-provision'
import { describe, type Evidence, evidenceOf, isEmpty, isInUse, uses } from './evidence.js'
import type { schema } from './schema.js'
import { wipe } from './wipe.js'

type Storage = Settings<typeof schema>
type Id =
  | 'no-device'
  | 'no-filesystem'
  | 'other-filesystem'
  | 'foreign-data'
  | 'device-in-use'
  | 'fstab'
  | 'not-mounted'
  | 'mountpoint-full'

const mkfs = (type: string, device: string, force: boolean) =>
  given(
    type === 'xfs'
      ? sh`mkfs.xfs -q ${force ? ['-f'] : []} ${device}`
      : sh`mkfs.ext4 -q ${force ? ['-F'] : []} ${device} </dev/null`,
    { timeoutS: 900 },
  )

const fields = (line: string): readonly string[] => line.replace(/#.*/, '').trim().split(/\s+/)

/** Line of a mount point; undefined when there is none. */
const entryOf = (fstab: string, mount: string): string | undefined =>
  fstab.split('\n').find((line) => fields(line)[1] === mount)

/** Somebody else mounts it, perhaps on one node at a time: a cluster manager, or a person. mount(8) */
export const isByHand = (options: string): boolean => options.split(',').includes('noauto')

export const filesystemsTask = (t: TaskBuilder<Storage, AnyPlugin>): Task =>
  t.perNode({
    id: 'filesystems',
    title: 'local filesystems and mounts',
    probes: ({ settings }) => ({
      evidence: evidenceOf(Object.values(settings.filesystems).map(({ device }) => device)),
      files: files({ fstab: '/etc/fstab' }),
      full: ask(
        sh`for m in ${Object.keys(settings.filesystems)}; do if ! mountpoint -q -- "$m" && [ -n "$(ls -A -- "$m" 2>/dev/null)" ]; then echo "$m"; fi; done`,
        ({ stdout }) => stdout.split('\n').filter(Boolean),
      ),
    }),
    check: ({ settings, facts }) =>
      Object.entries(settings.filesystems).flatMap(([mount, { device, type, options }]): readonly Finding<Id>[] => {
        const e = facts.evidence[device] as Evidence
        const desired = `${type} on ${mount}`
        if (!e.exists) return [finding('no-device', { subject: device, desired, actual: 'no such device' })]
        const isMounted = e.mounts.includes(mount)
        if (e.type === type && (isMounted || (isByHand(options) && !isInUse(e)))) {
          return entryOf(facts.files.fstab?.content ?? '', mount)
            ? []
            : [
                finding('fstab', {
                  subject: mount,
                  desired: `${device} ${mount} ${type} ${options}`,
                  actual: 'no entry',
                }),
              ]
        }
        if (isInUse(e))
          return [
            finding('device-in-use', { subject: device, desired, actual: `${describe(e)}, ${uses(e)}`, note: uses(e) }),
          ]
        if (e.type === type) {
          if (facts.full.includes(mount))
            return [
              finding('mountpoint-full', {
                subject: mount,
                desired: 'an empty directory',
                actual: 'files that the mount would hide',
              }),
            ]
          return [finding('not-mounted', { subject: mount, desired, actual: 'not mounted' })]
        }
        if (isEmpty(e)) return [finding('no-filesystem', { subject: device, desired, actual: 'empty device' })]
        const kinds: readonly string[] = ['ext2', 'ext3', 'ext4', 'xfs', 'btrfs']
        return [
          finding(kinds.includes(e.type ?? '') ? 'other-filesystem' : 'foreign-data', {
            subject: device,
            desired,
            actual: describe(e),
          }),
        ]
      }),
    fix: {
      'no-device': { manual: 'Correct the path in the config, or define what it names (a volume, a partition).' },
      'device-in-use': { manual: 'It is in use and stays as it is. Free it first, after looking at what it holds.' },
      'mountpoint-full': { manual: 'Move the files out of the directory first: the mount would hide them.' },
      'no-filesystem': ({ settings, finding: { subject = '' } }) => {
        const type = Object.values(settings.filesystems).find(({ device }) => device === subject)?.type ?? 'ext4'
        return [{ kind: 'run', title: `${type} on ${subject}`, command: mkfs(type, subject, false) }]
      },
      'other-filesystem': (at) => [format(at)],
      'foreign-data': (at) => [format(at)],
      fstab: (at) => [fstabStep(at)],
      'not-mounted': (at) => [
        fstabStep(at),
        {
          kind: 'run',
          title: `mount ${at.finding.subject}`,
          command: sh`mkdir -p ${at.finding.subject ?? ''} && mount ${at.finding.subject ?? ''}`,
        },
      ],
    },
  })

type At = {
  readonly settings: Storage
  readonly facts: {
    readonly evidence: Readonly<Record<string, Evidence>>
    readonly files: { readonly fstab: { readonly content: string } | undefined }
  }
  readonly finding: Finding
}

function format({ settings, facts, finding: { subject = '' } }: At): Step {
  const type = Object.values(settings.filesystems).find(({ device }) => device === subject)?.type ?? 'ext4'
  const what = describe(facts.evidence[subject] as Evidence)
  return {
    kind: 'run',
    title: `${type} on ${subject}`,
    command: given(sh`${wipe(subject)} && ${mkfs(type, subject, true)}`, { timeoutS: 900 }),
    destroys: { device: subject, what },
  }
}

/** A line of our own for the mount point; a line that is there already stays as it is. */
function fstabStep({ settings, facts, finding: { subject = '' } }: At): Step {
  const before = facts.files.fstab?.content ?? ''
  const { device, type, options } = settings.filesystems[subject] ?? { device: '', type: 'ext4', options: 'defaults' }
  const line = entryOf(before, subject) === undefined ? `${device} ${subject} ${type} ${options} 0 0\n` : ''
  return {
    kind: 'write',
    path: '/etc/fstab',
    content: `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${line}`,
    mode: '0644',
  }
}
