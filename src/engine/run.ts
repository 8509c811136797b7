import type { Settled } from '../config/settle.js'
import { callHooks, type HookTable } from '../hooks/hooks.js'
import type { Mode } from '../plugin/types.js'
import type { Accepted } from '../transport/trust.js'
import type { Listener, RunEvent } from './events.js'
import { openMachines } from './machines.js'
import { type Stage, segmentsOf } from './plan.js'
import { exitCodeOf, type Outcome, type Report } from './report.js'
import { passiveFirst, type Run, runStage } from './stage.js'

export interface RunOptions {
  readonly settled: Settled
  readonly stages: readonly Stage[]
  readonly hooks: HookTable
  readonly mode: Mode
  readonly dryRun: boolean
  /** Names of destruction that the person allowed, as the guard prints them. */
  readonly allow: readonly string[]
  /** Host keys that the person accepted, by node. */
  readonly acceptHostKeys?: Accepted
  /** Ends waits and begins nothing new. */
  readonly soft: AbortSignal
  /** Leaves running commands behind. */
  readonly hard: AbortSignal
  readonly listeners: readonly Listener[]
  readonly logFile?: string
}

const stops = (outcome: Outcome): boolean => !['ok', 'changed', 'drift', 'waits'].includes(outcome.status)

/** Walks the stages: lanes at their own pace, what concerns all nodes together. All settle before a failure stops the run. */
export async function runStages(options: RunOptions): Promise<Report> {
  const { settled, mode, dryRun, stages, hooks } = options
  const started = Date.now()
  const tell = (event: RunEvent) => {
    for (const listener of options.listeners) listener(event)
  }
  const outcomes: Outcome[] = []
  const machines = openMachines(settled, stages, mode, options, tell, {
    dryRun,
    note: (text) => tell({ type: 'say', text }),
    ...(options.acceptHostKeys ? { acceptHostKeys: options.acceptHostKeys } : {}),
  })
  const nodes = settled.cluster.nodes.map(({ name }) => name)
  const run: Run = {
    ...options,
    machines,
    tell,
    pendingFor: (node) =>
      outcomes.find(
        (outcome) =>
          (outcome.node === node || outcome.node === undefined) && ['drift', 'waits'].includes(outcome.status),
      )?.stage,
  }
  const event = {
    cluster: settled.cluster,
    mode,
    settings: settled.settings,
    log: (text: string) => tell({ type: 'say', text }),
  }
  const skip = (stage: Stage, node: string | undefined, after: string) => {
    const outcome: Outcome = {
      stage: stage.key,
      title: stage.task.title,
      ...(node ? { node } : {}),
      status: 'skipped',
      ms: 0,
      steps: 0,
      findings: [],
      reason: `after ${after}`,
    }
    outcomes.push(outcome)
    tell({ type: 'outcome', outcome })
  }
  const settle = async (stage: Stage, node: string | undefined): Promise<Outcome> => {
    const outcome = await runStage(stage, node, run)
    outcomes.push(outcome)
    return outcome
  }
  try {
    await callHooks(hooks, 'before-run', event)
    let failed: string | undefined
    for (const segment of segmentsOf(stages)) {
      if (segment.kind === 'together') {
        const { stage } = segment
        const all = stage.task.rolling ? nodes : [undefined]
        const each = stage.task.rolling && !failed ? await passiveFirst(stage, nodes, run) : all
        for (const node of each) {
          if (failed) skip(stage, node, failed)
          else if (stops(await settle(stage, node))) failed = stage.key
        }
        continue
      }
      const before = failed
      const lane = async (node: string) => {
        let stopped = before
        for (const stage of segment.stages) {
          if (stopped) skip(stage, node, stopped)
          else if (stops(await settle(stage, node))) stopped = stage.key
        }
        failed ??= stopped
      }
      await Promise.all(nodes.map(lane))
    }
  } finally {
    await machines.close()
  }
  // Lanes end in any order; a person and a script read the same one every time.
  const place = ({ stage, node }: Outcome): number =>
    stages.findIndex(({ key }) => key === stage) * nodes.length + (node === undefined ? 0 : nodes.indexOf(node))
  outcomes.sort((one, other) => place(one) - place(other))
  const report: Report = {
    cluster: settled.cluster.name,
    mode,
    dryRun,
    startedAt: new Date(started).toISOString(),
    ms: Date.now() - started,
    outcomes,
    steps: outcomes.reduce((sum, { steps }) => sum + steps, 0),
    channels: machines.channels(),
    exitCode: exitCodeOf(outcomes),
    ...(options.logFile ? { logFile: options.logFile } : {}),
  }
  // The work is done and its report is owed, whatever a hook makes of it.
  const told = await callHooks(hooks, 'after-run', { ...event, report }).then(
    () => report,
    (error: Error) => {
      tell({ type: 'say', text: `error: ${error.message}` })
      return { ...report, exitCode: report.exitCode || 1 }
    },
  )
  tell({ type: 'end', report: told })
  return told
}
