import type { Finding, Mode, Step } from '../plugin/types.js'

/**
 * How a stage ended on a node (or for the cluster).
 * `ok` nothing to do · `changed` mended and measured again · `drift` a dry run found differences ·
 * `waits` cannot be judged before an earlier stage · `failed` · `refused` the guard stopped it ·
 * `unreachable` · `interrupted` · `skipped` an earlier stage of this node failed.
 */
export type Status =
  | 'ok'
  | 'changed'
  | 'drift'
  | 'waits'
  | 'failed'
  | 'refused'
  | 'unreachable'
  | 'interrupted'
  | 'skipped'

export interface Planned {
  readonly finding: Finding
  readonly steps: readonly (Step & { readonly on: string })[]
  /** Set where the tool reports and does not repair. */
  readonly manual?: string
}

export interface Outcome {
  /** `plugin/task` */
  readonly stage: string
  readonly title: string
  /** Absent for stages of the whole cluster. */
  readonly node?: string
  readonly status: Status
  /** Milliseconds, waiting for nobody but its own work. */
  readonly ms: number
  /** Steps that were run. */
  readonly steps: number
  readonly findings: readonly Planned[]
  /** Why it did not end well, for a person. */
  readonly reason?: string
}

export interface Report {
  readonly cluster: string
  readonly mode: Mode
  readonly dryRun: boolean
  readonly startedAt: string
  readonly ms: number
  readonly outcomes: readonly Outcome[]
  /** Steps that were run in all. */
  readonly steps: number
  /** Exec channels opened on each node: one for a cluster in order. */
  readonly channels: Readonly<Record<string, number>>
  readonly exitCode: number
  readonly logFile?: string
}

/** 0 as wanted · 1 a step failed or was refused · 3 drift found by a dry run · 4 a node could not be reached · 130 interrupted */
export function exitCodeOf(outcomes: readonly Outcome[]): number {
  const some = (...statuses: Status[]) => outcomes.some(({ status }) => statuses.includes(status))
  if (some('interrupted')) return 130
  if (some('unreachable')) return 4
  if (some('failed', 'refused', 'skipped')) return 1
  return some('drift', 'waits') ? 3 : 0
}
