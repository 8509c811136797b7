import { createTwoFilesPatch } from 'diff'
import { allowance } from '../engine/guard.js'
import type { Outcome, Planned, Report } from '../engine/report.js'
import { stepText } from '../engine/steps.js'
import type { Finding } from '../plugin/types.js'

const indent = (text: string, by: string): string => text.replace(/^(?=.)/gm, by)
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
const plain = (value: unknown): string =>
  value === undefined ? 'nothing' : typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))

/** A difference: a unified diff where both sides are text of several lines, `actual → desired` else. */
export function renderFinding({ id, subject, desired, actual, note }: Finding): string {
  const head = `${id}${subject ? ` ${subject}` : ''}${note ? `: ${note}` : ''}`
  const long =
    typeof desired === 'string' && desired.includes('\n') && (actual === undefined || typeof actual === 'string')
  if (long) {
    const name = subject ?? id
    const patch = createTwoFilesPatch(
      actual === undefined ? '/dev/null' : name,
      name,
      actual ?? '',
      desired,
      undefined,
      undefined,
      { context: 3 },
    )
    return `${head}\n${indent(patch.split('\n').slice(1).join('\n').trimEnd(), '  ')}`
  }
  return `${head}\n  is      ${plain(actual)}\n  wanted  ${plain(desired)}`
}

function renderPlanned({ finding, steps, manual }: Planned): string {
  const todo = manual
    ? [`  by hand: ${manual}`]
    : steps.map((step) => {
        const flag = allowance(step, step.on)
        return `  would on ${step.on}: ${stepText(step)}${flag ? `  [destroys data: needs --allow '${flag}']` : ''}${step.kind === 'run' && step.interrupts ? `  [interrupts the service (${step.interrupts}): needs --allow interruption]` : ''}`
      })
  return [renderFinding(finding), ...todo].join('\n')
}

const where = ({ node, stage }: Outcome): string => `${node ? `${node} ` : ''}${stage}`

/** What a person reads at the end: what differs or failed, then time per stage. */
export function renderReport(report: Report): string {
  const lines: string[] = []
  for (const outcome of report.outcomes) {
    if (outcome.status === 'ok' || outcome.status === 'skipped') continue
    if (outcome.status === 'changed') continue
    lines.push(`${where(outcome)}: ${outcome.status}${outcome.reason ? `\n${indent(outcome.reason, '  ')}` : ''}`)
    if (outcome.status === 'drift')
      lines.push(...outcome.findings.map((planned) => indent(renderPlanned(planned), '  ')))
  }
  if (lines.length > 0) lines.push('')
  if (!report.dryRun) {
    lines.push('time per stage:')
    const stages = new Map<string, Outcome[]>()
    for (const outcome of report.outcomes) stages.set(outcome.stage, [...(stages.get(outcome.stage) ?? []), outcome])
    for (const [stage, outcomes] of stages) {
      const longest = Math.max(...outcomes.map(({ ms }) => ms))
      const steps = outcomes.reduce((sum, { steps: n }) => sum + n, 0)
      lines.push(
        `  ${stage.padEnd(28)} ${seconds(longest).padStart(9)}  ${steps ? `${steps} step${steps === 1 ? '' : 's'}` : ''}`.trimEnd(),
      )
    }
  }
  const asked = Object.entries(report.channels)
    .map(([node, n]) => `${node} ${n}`)
    .join(', ')
  const verdict =
    {
      0: 'as wanted',
      1: 'stopped',
      3: 'differs from the config',
      4: 'a node could not be reached',
      130: 'interrupted',
    }[report.exitCode] ?? 'stopped'
  lines.push(
    `cluster ${report.cluster}: ${verdict}; ${report.steps} steps; ${seconds(report.ms)}; round trips: ${asked}`,
  )
  if (report.logFile) lines.push(`log: ${report.logFile}`)
  return lines.join('\n')
}
