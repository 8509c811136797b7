import type { Settled } from '../config/settle.js'
import { guarded } from '../errors.js'
import { builder } from '../plugin/define.js'
import type { AnyPlugin, Mode, Task } from '../plugin/types.js'

/** One task of one plugin in its place in the run. */
export interface Stage {
  /** `plugin/task` */
  readonly key: string
  readonly index: number
  readonly plugin: AnyPlugin
  readonly task: Task
}

/**
 * A stretch of the run. In `lanes` every node goes through the stages at its own pace;
 * `together` is one stage that needs all nodes at one place.
 */
export type Segment =
  | { readonly kind: 'lanes'; readonly stages: readonly Stage[] }
  | { readonly kind: 'together'; readonly stage: Stage }

/** What must be known before anything changes comes first on the nodes: after the plugins that make them, which have modes. */
function early<S extends Omit<Stage, 'index'>>(stages: readonly S[]): readonly S[] {
  const first = stages.findIndex(({ plugin, task }) => !plugin.modes && !task.early)
  const making = stages.slice(0, Math.max(first, 0))
  const rest = stages.slice(making.length)
  return [...making, ...rest.filter(({ task }) => task.early), ...rest.filter(({ task }) => !task.early)]
}

/** A task that names another plugin goes to its place, behind others that did so; where that one takes no part, it stays. */
function before<S extends Omit<Stage, 'index'>>(stages: readonly S[]): readonly S[] {
  const named = new Set(stages.map(({ plugin }) => plugin.name))
  const moved = stages.filter(({ task }) => task.before !== undefined && named.has(task.before))
  const kept = stages.filter((stage) => !moved.includes(stage))
  return kept.flatMap((stage, i) =>
    stage.plugin === kept[i - 1]?.plugin
      ? [stage]
      : [...moved.filter(({ task }) => task.before === stage.plugin.name), stage],
  )
}

export function stagesOf(settled: Settled, mode: Mode, only?: readonly string[]): readonly Stage[] {
  const stages = settled.plugins
    .filter(({ modes, name }) => (!modes || modes.includes(mode)) && (!only?.length || only.includes(name)))
    .flatMap((plugin) =>
      guarded(plugin.name, 'tasks', () => plugin.tasks(builder as never)).map((task) => ({
        plugin,
        task,
        key: `${plugin.name}/${task.id}`,
      })),
    )
  return early(before(stages)).map((stage, index) => ({ ...stage, index }))
}

export function segmentsOf(stages: readonly Stage[]): readonly Segment[] {
  const segments: Segment[] = []
  for (const stage of stages) {
    const last = segments.at(-1)
    const alone = stage.task.rolling || stage.task.scope === 'cluster' || stage.task.scope === 'control'
    if (alone) segments.push({ kind: 'together', stage })
    else if (last?.kind === 'lanes') segments[segments.length - 1] = { kind: 'lanes', stages: [...last.stages, stage] }
    else segments.push({ kind: 'lanes', stages: [stage] })
  }
  return segments
}
