import type { Settled } from '../config/settle.js'
import { callHooks, type HookTable, waive } from '../hooks/hooks.js'
import type { Finding, HookEvent, Mode, Step, Waits } from '../plugin/types.js'
import { HostKeyError } from '../transport/trust.js'
import { UnreachableError } from '../transport/types.js'
import { controlName } from './connections.js'
import type { Listener } from './events.js'
import { refusal } from './guard.js'
import type { Machines } from './machines.js'
import type { Stage } from './plan.js'
import type { Outcome, Planned, Status } from './report.js'
import { runStep, stepText } from './steps.js'

/** All that a stage needs of its run. */
export interface Run {
  readonly settled: Settled
  readonly mode: Mode
  readonly dryRun: boolean
  readonly allow: readonly string[]
  readonly machines: Machines
  readonly hooks: HookTable
  readonly soft: AbortSignal
  readonly hard: AbortSignal
  readonly tell: Listener
  /** Names the earlier stage that a machine must wait for, in a dry run. */
  pendingFor(node: string | undefined): string | undefined
}

/** A task may mend in several rounds (a volume group before its volumes); more than this is going in circles. */
const maxRounds = 8

class Stop extends Error {
  readonly status: Status
  constructor(status: Status, reason: string) {
    super(reason)
    this.status = status
  }
}

type Placed = Step & { readonly on: string }

/** The context of check and fix with facts that hold now. */
async function situation(stage: Stage, node: string | undefined, { settled, mode, machines }: Run): Promise<object> {
  const read = async (on: string | undefined) => {
    // What a rolling stage did to one node may have moved the service to the other.
    const isStrict = stage.task.scope === 'cluster' || stage.task.rolling === true
    const facts = await machines.facts(stage, on, isStrict)
    if ('unreadable' in facts) throw new Stop('failed', `${on ?? controlName}: ${facts.unreadable}`)
    return facts.facts
  }
  const extend = (context: object, more: object) =>
    Object.defineProperties(
      {},
      { ...Object.getOwnPropertyDescriptors(context), ...Object.getOwnPropertyDescriptors(more) },
    )
  if (stage.task.scope === 'cluster') {
    const names = settled.cluster.nodes.map(({ name }) => name)
    const facts = await Promise.all(names.map(read))
    return extend(settled.contextOf(stage.plugin, mode), {
      nodes: Object.fromEntries(names.map((name, i) => [name, facts[i]])),
    })
  }
  const context =
    node === undefined ? settled.contextOf(stage.plugin, mode) : settled.nodeContextOf(stage.plugin, mode, node)
  return extend(context, { facts: await read(node) })
}

/** The order in which a rolling stage takes the nodes: the config's, but first those that do not have the service. */
export async function passiveFirst(stage: Stage, nodes: readonly string[], run: Run): Promise<readonly string[]> {
  const { isActive } = stage.task
  if (!isActive) return nodes
  const active = await Promise.all(
    // A node that cannot be asked says so in its own turn.
    nodes.map((node) => situation(stage, node, run).then(isActive, () => false)),
  )
  return [...nodes.filter((_, i) => !active[i]), ...nodes.filter((_, i) => active[i])]
}

function planOf(stage: Stage, node: string | undefined, at: object, findings: readonly Finding[]): readonly Planned[] {
  return findings.map((finding) => {
    const fix = stage.task.fix[finding.id]
    if (!fix) throw new Error(`${stage.key} found "${finding.id}" and has no fix for it`)
    if ('manual' in fix) return { finding, steps: [], manual: fix.manual }
    const steps = fix(
      Object.defineProperty(Object.defineProperties({}, Object.getOwnPropertyDescriptors(at)), 'finding', {
        value: finding,
        enumerable: true,
      }),
    ) as readonly (Step & { on?: string })[]
    return {
      finding,
      steps: steps.map((step) => ({
        ...step,
        on: step.on ?? (stage.task.scope === 'node' ? (node as string) : controlName),
      })),
    }
  })
}

const spell = (findings: readonly Finding[]): string =>
  findings.map(({ id, subject, note }) => `${id}${subject ? ` (${subject})` : ''}${note ? `: ${note}` : ''}`).join('; ')

async function perform(step: Placed, stage: Stage, node: string | undefined, run: Run): Promise<void> {
  run.soft.throwIfAborted()
  const where = { stage: stage.key, ...(node ? { node } : {}), on: step.on }
  run.tell({
    type: 'step-start',
    ...where,
    text: stepText(step),
    ...(step.kind === 'run' ? { script: step.command.script } : {}),
  })
  const started = Date.now()
  // Before it runs, not after: a step that breaks off may have changed something.
  run.machines.changed(step.on, stage, node)
  const transport = await run.machines.transport(step.on)
  const { code, output } = await runStep(step, transport, {
    soft: run.soft,
    hard: run.hard,
    onProgress: (text) => run.tell({ type: 'note', ...where, text }),
  })
  run.machines.changed(step.on, stage, node)
  run.tell({ type: 'step-end', ...where, code, ms: Date.now() - started, output })
  if (code !== 0)
    throw new Stop(
      'failed',
      `${stepText(step)} on ${step.on}: exit ${code}${code === 124 ? ' (time limit)' : ''}\n${output}`,
    )
}

/** One stage on one node or on the cluster: check, and unless it is a dry run, fix until a check finds nothing. Never throws. */
export async function runStage(stage: Stage, node: string | undefined, run: Run): Promise<Outcome> {
  const started = Date.now()
  const base = { stage: stage.key, title: stage.task.title, ...(node ? { node } : {}) }
  let steps = 0
  let found: readonly Planned[] = []
  const end = (status: Status, reason?: string): Outcome => {
    const outcome = { ...base, status, ms: Date.now() - started, steps, findings: found, ...(reason ? { reason } : {}) }
    run.tell({ type: 'outcome', outcome })
    return outcome
  }
  const event = (more: Partial<HookEvent> = {}): HookEvent => ({
    cluster: run.settled.cluster,
    mode: run.mode,
    settings: run.settled.settings,
    ...base,
    log: (line) => run.tell({ type: 'say', text: `${node ? `${node} ` : ''}${stage.key}: ${line}` }),
    ...more,
  })
  run.tell({ type: 'stage-start', ...base })
  try {
    run.soft.throwIfAborted()
    await callHooks(run.hooks, 'before-stage', event())
    let before = ''
    for (let round = 0; ; round++) {
      const at = await situation(stage, node, run)
      const answer: readonly Finding[] | Waits = stage.task.check(at)
      if ('waits' in answer) {
        if (run.dryRun) return end('waits', answer.waits)
        throw new Stop('failed', `cannot be judged: ${answer.waits}`)
      }
      const findings = await waive(run.hooks, { ...event(), findings: answer })
      if (findings.length === 0) {
        await callHooks(run.hooks, 'after-stage', event({ findings: found.map(({ finding }) => finding) }))
        return end(round === 0 ? 'ok' : 'changed')
      }
      const planned = planOf(stage, node, at, findings)
      found = round === 0 ? planned : [...found, ...planned]
      if (run.dryRun) return end('drift')
      const manual = planned.filter((plan) => plan.manual !== undefined)
      if (manual.length > 0) {
        throw new Stop('refused', manual.map(({ finding, manual: what }) => `${spell([finding])}\n${what}`).join('\n'))
      }
      const now = JSON.stringify(findings)
      if (now === before || round >= maxRounds)
        throw new Stop('failed', `still there after its fix: ${spell(findings)}`)
      before = now
      const todo = planned.flatMap((plan) => plan.steps) as readonly Placed[]
      const refused = refusal(todo, run.allow)
      if (refused) throw new Stop('refused', `${spell(findings)}\n${refused}`)
      await callHooks(run.hooks, 'before-fix', event({ findings, steps: todo }))
      for (const step of todo) {
        await perform(step, stage, node, run)
        steps++
      }
      await callHooks(run.hooks, 'after-fix', event({ findings, steps: todo }))
    }
  } catch (error) {
    if (run.soft.aborted) return end('interrupted', 'stopped by a signal; the next run goes on from here')
    if (error instanceof Stop) return end(error.status, error.message)
    if (error instanceof UnreachableError) {
      // A key that is not trusted is said at once: it is no machine that is still to come.
      const pending = run.dryRun && !(error instanceof HostKeyError) ? run.pendingFor(error.node) : undefined
      return pending ? end('waits', `waits for ${pending}`) : end('unreachable', error.text)
    }
    return end(
      'failed',
      error instanceof Error
        ? error.name === 'KnownError'
          ? error.message
          : (error.stack ?? error.message)
        : String(error),
    )
  }
}
