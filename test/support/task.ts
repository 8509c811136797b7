import type { AnyPlugin, Context, Facts, Finding, NodeContext, Output, Probes, Step, Waits } from '../../src/index.js'
import { builder } from '../../src/index.js'
import type { Task } from '../../src/plugin/types.js'

/** The tasks of a plugin as the engine sees them. */
export function taskOf(plugin: AnyPlugin, id: string): Task {
  const task = plugin.tasks(builder as never).find((t) => t.id === id)
  if (!task) throw new Error(`${plugin.name} has no task ${id}`)
  return task
}

export interface Situation {
  readonly settings: unknown
  readonly others?: Readonly<Record<string, unknown>>
  readonly nodes?: readonly string[]
  readonly stateDir?: string
  readonly offered?: Readonly<Record<string, readonly unknown[]>>
}

/** What a plugin's functions are given, without a machine. */
export function contextOf({
  settings,
  others = {},
  nodes = ['db-a', 'db-b'],
  stateDir = '/state',
  offered = {},
}: Situation): Context<unknown> {
  return {
    settings,
    mode: 'create',
    packages: [],
    offered: (name) => offered[name] ?? [],
    cluster: { name: 'demo', nodes: nodes.map((name) => ({ name })), configDir: '/config', stateDir },
    of: (plugin: AnyPlugin) => others[plugin.name] as never,
  }
}
export function nodeContextOf(situation: Situation, node = 'db-a'): NodeContext<unknown> {
  const nodes = situation.nodes ?? ['db-a', 'db-b']
  return { ...contextOf(situation), node, peers: nodes.filter((name) => name !== node) }
}

export const output = (stdout: string, code = 0, stderr = ''): Output => ({ code, stdout, stderr })

/** Parses recorded outputs with the task's probes; every probe must be given an output. */
export function factsOf(task: Task, at: unknown, outputs: Readonly<Record<string, Output>>): Facts<Probes> {
  return Object.fromEntries(
    Object.entries(task.probes(at)).map(([name, probe]) => {
      const recorded = outputs[name]
      if (!recorded) throw new Error(`no recorded output for probe "${name}"`)
      return [name, probe.parse(recorded)]
    }),
  )
}

export function findingsOf(answer: readonly Finding[] | Waits): readonly Finding[] {
  if ('waits' in answer) throw new Error(`waits: ${answer.waits}`)
  return answer
}

/** The steps with which a task would mend one finding. */
export function stepsOf(task: Task, at: object, finding: Finding): readonly (Step & { on?: string })[] {
  const fix = task.fix[finding.id]
  if (!fix) throw new Error(`no fix for ${finding.id}`)
  if ('manual' in fix) throw new Error(`manual: ${fix.manual}`)
  return fix({ ...at, finding })
}
