import { type Finding, files, finding, type Step, sh, type Task, units } from 'ha-provision'
import { type At, type Builder, toolOf } from './layout.js'
import type { Difference, ToolFile } from './tools/tool.js'
import { type DropIn, dropIns } from './unit.js'

type Id = 'file' | 'by-hand' | 'mode' | 'timer'

/** Drop-ins of our units. */
export const dropInsProbe = dropIns('ha-db2-backup.timer', 'ha-db2-backup.service')

/** A stricter mode is as good: root alone reads the files. */
export const isMode = (actual: string, desired: string): boolean =>
  actual[1] === desired[1] && (Number.parseInt(actual, 8) & ~Number.parseInt(desired, 8)) === 0

/** The tool's own files and timers, equal on both nodes: which of them works is decided when it runs. */
export const programTask = (t: Builder): Task =>
  t.perNode({
    id: 'program',
    title: 'the backup program, its settings and timer',
    probes: (at) => ({
      files: files(Object.fromEntries(Object.keys(toolOf(at).files(at)).map((path) => [path, path]))),
      units: units(...toolOf(at).timers),
      dropIns: dropInsProbe,
    }),
    check(at): readonly Finding<Id>[] {
      const found: Finding<Id>[] = []
      for (const [path, file] of Object.entries(toolOf(at).files(at))) {
        const actual = at.facts.files[path]
        const unit = path.slice(path.lastIndexOf('/') + 1)
        const beside = (at.facts.dropIns as Readonly<Record<string, readonly DropIn[]>>)[unit] ?? []
        const difference = compare(file, actual?.content, beside)
        if (difference && 'byHand' in difference)
          found.push(finding('by-hand', { subject: path, ...difference.byHand }))
        else if (difference)
          found.push(
            finding('file', {
              subject: difference.path ?? path,
              desired: difference.content,
              actual: difference.shown ?? actual?.content,
            }),
          )
        else if (actual && !isMode(actual.mode, file.mode))
          found.push(finding('mode', { subject: path, desired: file.mode, actual: actual.mode }))
      }
      for (const [unit, { enabled, active }] of Object.entries(at.facts.units))
        if (enabled !== 'enabled' || active !== 'active')
          found.push(
            finding('timer', {
              subject: unit,
              desired: 'enabled, active',
              actual: `${enabled || 'absent'}, ${active}`,
            }),
          )
      return found
    },
    fix: {
      file: (at) => write(at, at.finding),
      'by-hand': {
        manual:
          'The file says something that the config cannot, and that would be lost if it were written: change what is named in the file itself, on each node. Without the file, the next run writes it.',
      },
      mode: ({ finding: { subject = '', desired } }): readonly Step[] => [
        { kind: 'run', title: `mode of ${subject}`, command: sh`chmod ${String(desired)} ${subject}` },
      ],
      timer: ({ finding: { subject = '' } }): readonly Step[] => [
        {
          kind: 'run',
          title: `start ${subject}, now and at boot`,
          command: sh`systemctl daemon-reload && systemctl enable -q --now ${subject}`,
        },
      ],
    },
  })

const compare = (file: ToolFile, actual: string | undefined, beside: readonly DropIn[]): Difference | undefined =>
  actual !== undefined && file.compare
    ? file.compare(actual, beside)
    : actual === file.content
      ? undefined
      : { content: file.content }

function write(at: At, { subject: path = '', desired }: Finding): readonly Step[] {
  const mode = toolOf(at).files(at)[path]?.mode ?? '0644'
  const [, unit] = /^\/etc\/systemd\/system\/([^/]+?)(?:\.d\/.*)?$/.exec(path) ?? []
  return [
    { kind: 'write', path, content: String(desired), mode, owner: 'root:root' },
    ...(unit
      ? [
          {
            kind: 'run',
            title: `systemd reads ${unit}`,
            command: sh`systemctl daemon-reload${{ script: unit.endsWith('.timer') ? ` && systemctl try-restart ${unit}` : '' }}`,
          } as const,
        ]
      : []),
  ]
}
