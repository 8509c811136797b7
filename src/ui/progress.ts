import { Listr, type ListrTask, PRESET_TIMER, PRESET_TIMESTAMP } from 'listr2'
import { controlName } from '../engine/connections.js'
import type { Listener, RunEvent } from '../engine/events.js'
import { type Stage, segmentsOf } from '../engine/plan.js'
import type { Outcome } from '../engine/report.js'

/** Repaints are dear: a node's line changes at most this often. */
const throttleMs = 200

const keyOf = (stage: string, node: string | undefined): string => `${node ?? ''}/${stage}`

interface Row {
  readonly ended: Promise<Outcome>
  end(outcome: Outcome): void
  show?: (text: string) => void
}

const summary = (outcome: Outcome): string | undefined => {
  if (outcome.status === 'ok') return undefined
  if (outcome.status === 'changed') return `${outcome.steps} step${outcome.steps === 1 ? '' : 's'}`
  return outcome.status
}

/** The end of what was said, with the node it is about: what happens on this computer happens for one, too. */
function lastLine({ text, on, node }: { readonly text: string; readonly on?: string; readonly node?: string }): string {
  const line = text.trim().split('\n').at(-1) ?? ''
  const who = on === controlName ? (node ?? on) : on
  return (who ? `${who}: ` : '') + (line.length > 110 ? `${line.slice(0, 109)}…` : line)
}

/**
 * Shows a run with listr2: nodes side by side, stages below each other. The engine owns order and outcomes;
 * this only listens. Without a usable terminal (a pipe, CI) listr2 logs lines instead.
 */
export function showProgress(
  stages: readonly Stage[],
  nodes: readonly string[],
): { listener: Listener; done: Promise<void>; stop(): void } {
  const rows = new Map<string, Row>()
  const rowOf = (stage: string, node: string | undefined): Row => {
    const key = keyOf(stage, node)
    let row = rows.get(key)
    if (!row) {
      let end!: (outcome: Outcome) => void
      const ended = new Promise<Outcome>((resolve) => {
        end = resolve
      })
      row = { ended, end }
      rows.set(key, row)
    }
    return row
  }
  const plain =
    !process.stderr.isTTY || !process.stderr.columns || Boolean(process.env.CI) || process.env.TERM === 'dumb'
  let stopped = false
  const leaf = (stage: Stage, node?: string): ListrTask => ({
    // Lines of a log stand alone; in a tree the node is above.
    title: `${plain && node ? `${node} ` : ''}${stage.plugin.name}: ${stage.task.title}`,
    async task(_, task) {
      // A run that broke off tells of no more outcomes: nothing may wait for one.
      if (stopped) return task.skip()
      const row = rowOf(stage.key, node)
      row.show = (text) => {
        task.output = text
      }
      const outcome = await row.ended
      const more = summary(outcome)
      if (more) task.title = `${task.title} [${more}]`
      if (!['ok', 'changed', 'drift', 'waits', 'skipped'].includes(outcome.status))
        throw new Error(outcome.reason?.split('\n')[0] ?? outcome.status)
    },
  })
  const ordered = { concurrent: false, exitOnError: false } as const
  const root: ListrTask[] = segmentsOf(stages).map((segment) => {
    if (segment.kind === 'together' && !segment.stage.task.rolling) return leaf(segment.stage)
    const own = segment.kind === 'together' ? [segment.stage] : segment.stages
    return {
      title: nodes.join(', '),
      task: (_, task) =>
        task.newListr(
          nodes.map((node) => ({
            title: node,
            task: (_c, lane) =>
              lane.newListr(
                own.map((stage) => leaf(stage, node)),
                ordered,
              ),
          })),
          { concurrent: segment.kind === 'lanes', exitOnError: false },
        ),
    }
  })
  const list = new Listr(root, {
    ...ordered,
    registerSignalListeners: false,
    renderer: plain ? 'simple' : 'default',
    rendererOptions: plain
      ? { timestamp: PRESET_TIMESTAMP, timer: PRESET_TIMER }
      : { collapseSubtasks: false, collapseErrors: false, timer: PRESET_TIMER },
  } as never)
  // listr2 writes to stdout; stdout is for answers.
  const done = onStderr(() =>
    list
      .run()
      .then(noteNothing, (error: Error) => process.stderr.write(`the progress display failed: ${error.message}\n`)),
  )
  const shownAt = new Map<string, number>()
  return {
    done,
    stop() {
      stopped = true
      for (const row of rows.values())
        row.end({ stage: '', title: '', status: 'skipped', ms: 0, steps: 0, findings: [] })
    },
    listener(event: RunEvent) {
      if (event.type === 'outcome') return rowOf(event.outcome.stage, event.outcome.node).end(event.outcome)
      if (event.type !== 'note' && event.type !== 'step-start') return
      const key = keyOf(event.stage, event.node)
      const now = Date.now()
      const wait = plain && event.type === 'note' ? 10_000 : event.type === 'note' ? throttleMs : 0
      if (now - (shownAt.get(key) ?? 0) < wait) return
      shownAt.set(key, now)
      rowOf(event.stage, event.node).show?.(lastLine(event))
    },
  }
}

const noteNothing = (): void => {}

async function onStderr(run: () => Promise<unknown>): Promise<void> {
  const write = process.stdout.write
  process.stdout.write = process.stderr.write.bind(process.stderr) as typeof write
  try {
    await run()
  } finally {
    process.stdout.write = write
  }
}
