import {
  type AnyPlugin,
  ask,
  type Finding,
  finding,
  given,
  type Output,
  type Probe,
  type Settings,
  sh,
  type Task,
  type TaskBuilder,
} from 'ha-provision'
import { describe, type Evidence, evidenceOf, isEmpty, isInUse, uses } from './evidence.js'
import type { schema } from './schema.js'
import { wipe } from './wipe.js'

type Storage = Settings<typeof schema>
type Id = 'no-disk' | 'disk-in-use' | 'no-table' | 'foreign-disk' | 'not-gpt' | 'no-partition' | 'no-room'

interface Part {
  readonly label: string
  readonly sizeMiB?: number
}

/** Partition labels of each disk; free MiB at its end. */
type Tables = Readonly<Record<string, { readonly labels: readonly string[]; readonly freeMiB: number }>>

/** Read from the disks themselves: what udev or the kernel knows of a table can be older. Undefined without sfdisk. */
const tableProbe = (disks: readonly string[]): Probe<Tables | undefined> =>
  ask(
    sh`command -v sfdisk >/dev/null || exit 9
for d in ${disks}; do printf '@@disk %s\n' "$d"; [ -b "$d" ] && sfdisk -J -- "$d" 2>/dev/null; done; true`,
    ({ code, stdout }: Output) => {
      if (code === 9) return undefined
      interface Table {
        readonly lastlba: number
        readonly sectorsize?: number
        readonly partitions?: readonly { readonly start: number; readonly size: number; readonly name?: string }[]
      }
      const tables: Record<string, { labels: readonly string[]; freeMiB: number }> = {}
      for (const block of stdout.split(/^@@disk /m).slice(1)) {
        const [disk = '', ...json] = block.split('\n')
        const text = json.join('\n').trim()
        if (!text) continue
        const {
          lastlba,
          sectorsize = 512,
          partitions = [],
        } = (JSON.parse(text) as { partitiontable: Table }).partitiontable
        const end = Math.max(1048576 / sectorsize, ...partitions.map(({ start, size }) => start + size))
        tables[disk] = {
          labels: partitions.flatMap(({ name }) => name ?? []),
          freeMiB: Math.floor(((lastlba + 1 - end) * sectorsize) / 1048576),
        }
      }
      return tables
    },
  )

/** sfdisk(8) lines: no size is all that is free. */
const script = (parts: readonly Part[]): string =>
  parts.map(({ label, sizeMiB }) => `${sizeMiB ? `size=${sizeMiB}MiB, ` : ''}type=linux, name="${label}"\n`).join('')

function diskFinding(disk: string, parts: readonly Part[], e: Evidence, tables: Tables): Finding<Id> | undefined {
  const labels = parts.map(({ label }) => label).join(' ')
  if (!e.exists) return finding('no-disk', { subject: disk, desired: 'a disk', actual: 'none' })
  if (e.table === 'gpt') {
    const has = tables[disk]?.labels ?? []
    const missing = parts.filter(({ label }) => !has.includes(label))
    if (missing.length === 0) return undefined
    const need = missing.reduce((sum, { sizeMiB = 1 }) => sum + sizeMiB, 0)
    const id = need <= (tables[disk]?.freeMiB ?? 0) ? 'no-partition' : 'no-room'
    return finding(id, {
      subject: disk,
      desired: missing.map(({ label }) => label).join(' '),
      actual: has.join(' ') || 'none',
    })
  }
  if (e.table)
    return finding('not-gpt', { subject: disk, desired: `GPT with ${labels}`, actual: `${e.table} partition table` })
  if (isInUse(e))
    return finding('disk-in-use', {
      subject: disk,
      desired: `GPT with ${labels}`,
      actual: `${describe(e)}, ${uses(e)}`,
      note: uses(e),
    })
  return finding(isEmpty(e) ? 'no-table' : 'foreign-disk', {
    subject: disk,
    desired: `GPT with ${labels}`,
    actual: describe(e),
  })
}

export const partitionsTask = (t: TaskBuilder<Storage, AnyPlugin>): Task =>
  t.perNode({
    id: 'partitions',
    title: 'partitions',
    probes: ({ settings }) => ({
      evidence: evidenceOf(Object.keys(settings.partitions)),
      tables: tableProbe(Object.keys(settings.partitions)),
    }),
    check({ settings, facts: { evidence, tables } }) {
      if (Object.keys(settings.partitions).length === 0) return []
      if (!tables) return { waits: 'waits for storage/packages: sfdisk is not installed' }
      return Object.entries(settings.partitions).flatMap(
        ([disk, parts]) => diskFinding(disk, parts, evidence[disk] as Evidence, tables) ?? [],
      )
    },
    fix: {
      'no-disk': { manual: 'Attach the disk, or correct the path in the config.' },
      'disk-in-use': { manual: 'It is in use and stays as it is. Free it first, after looking at what it holds.' },
      'not-gpt': {
        manual:
          'Its partitions stay as they are. Use them by their own paths, or empty the disk yourself (wipefs -a) after looking at what it holds.',
      },
      'no-room': { manual: 'There is no room for them at the end of the disk; partitions are never moved or shrunk.' },
      'no-table': ({ settings, finding: { subject = '' } }) => [
        {
          kind: 'run',
          title: `partition ${subject}`,
          command: given(sh`sfdisk -q --wipe never --label gpt -- ${subject} && udevadm settle`, {
            stdin: script(settings.partitions[subject] ?? []),
          }),
        },
      ],
      'no-partition': ({ settings, facts, finding: { subject = '' } }) => [
        {
          kind: 'run',
          title: `add partitions to ${subject}`,
          command: given(
            sh`sfdisk -q --append --wipe never --wipe-partitions never --no-reread --force -- ${subject}; partx -u -- ${subject}; udevadm settle`,
            {
              stdin: script(
                (settings.partitions[subject] ?? []).filter(
                  ({ label }) => !facts.tables?.[subject]?.labels.includes(label),
                ),
              ),
            },
          ),
        },
      ],
      'foreign-disk': ({ settings, facts, finding: { subject = '' } }) => [
        {
          kind: 'run',
          title: `wipe and partition ${subject}`,
          command: given(sh`${wipe(subject)} && sfdisk -q --label gpt -- ${subject} && udevadm settle`, {
            stdin: script(settings.partitions[subject] ?? []),
          }),
          destroys: { device: subject, what: describe(facts.evidence[subject] as Evidence) },
        },
      ],
    },
  })
