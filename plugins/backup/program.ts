import { type Finding, files, finding, type Step, sh, type Task, units } from 'ha-provision'
import { type At, type Builder, toolOf } from './layout.js'

type Id = 'file' | 'mode' | 'timer'

/** The tool's own files and timers, equal on both nodes: which of them works is decided when it runs. */
export const programTask = (t: Builder): Task =>
  t.perNode({
    id: 'program',
    title: 'the backup program, its settings and timer',
    probes: (at) => ({
      files: files(Object.fromEntries(Object.keys(toolOf(at).files(at)).map((path) => [path, path]))),
      units: units(...toolOf(at).timers),
    }),
    check(at): readonly Finding<Id>[] {
      const found: Finding<Id>[] = []
      for (const [path, { content, mode }] of Object.entries(toolOf(at).files(at))) {
        const actual = at.facts.files[path]
        if (actual?.content !== content)
          found.push(finding('file', { subject: path, desired: content, actual: actual?.content }))
        else if (actual.mode !== mode)
          found.push(finding('mode', { subject: path, desired: mode, actual: actual.mode }))
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
      file: (at) => write(at, at.finding.subject ?? ''),
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

function write(at: At, path: string): readonly Step[] {
  const file = toolOf(at).files(at)[path]
  if (!file) return []
  const isUnit = path.startsWith('/etc/systemd/system/')
  const unit = path.slice(path.lastIndexOf('/') + 1)
  return [
    { kind: 'write', path, ...file, owner: 'root:root' },
    ...(isUnit
      ? [
          {
            kind: 'run',
            title: `systemd reads ${unit}`,
            command: sh`systemctl daemon-reload${{ script: path.endsWith('.timer') ? ` && systemctl try-restart ${unit}` : '' }}`,
          } as const,
        ]
      : []),
  ]
}
