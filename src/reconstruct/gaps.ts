import { renderPath } from '../config/override.js'
import type { Known } from './assemble.js'

const titles: Readonly<Record<Known['how'], string>> = {
  differs: 'the nodes disagree; nothing was chosen',
  undecided: 'for a person to say',
  other: 'there, and not to be said in a config',
  inferred: 'inferred',
  unknown: 'not recoverable',
  observed: 'observed',
}

function line({ path, how, from, why, values }: Known): string {
  const option = renderPath(path)
  if (how === 'observed') return `  ${option}: ${why ? `${why}, by ` : ''}${from}`
  const each = Object.entries(values ?? {}).map(([node, value]) => `${node} has ${JSON.stringify(value)}`)
  return `  ${option}: ${[...each, ...(why ? [why] : [])].join('; ')}`
}

/** The gap report: every option, how it is known and from what; what needs a person comes first. */
export function gapReport(known: readonly Known[]): string {
  return (Object.keys(titles) as Known['how'][])
    .flatMap((how) => {
      const own = known.filter((one) => one.how === how)
      return own.length === 0 ? [] : [`${titles[how]} (${own.length}):`, ...own.map(line)]
    })
    .join('\n')
}
