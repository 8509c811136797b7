import { setTimeout as sleep } from 'node:timers/promises'
import type { Settled } from '../config/settle.js'
import type { Mode, Probes } from '../plugin/types.js'
import { type Transport, UnreachableError } from '../transport/types.js'
import { type ConnectOptions, controlName, openConnections } from './connections.js'
import type { Listener } from './events.js'
import type { Stage } from './plan.js'
import { type StageFacts, survey } from './survey.js'

/** A machine's answers and whether they still hold. The control machine appears once for itself and once for each node. */
interface Machine {
  readonly key: string
  readonly node: string | undefined
  readonly control: boolean
  facts: ReadonlyMap<string, StageFacts>
  /** Value of the change counter that matters to this machine when it was last asked; -1 before. */
  askedAt: number
  changedAt: number
  /** How many of its stages it was asked about the last time. */
  ahead: number
  asking: Promise<void> | undefined
}

/**
 * Stages that are asked about together. Everything at first: a run that finds nothing needs one round trip. After a change
 * the stage itself and the next, since a run that changed one thing usually changes the next as well and all answers
 * would be void again; the double with every survey that no change asked for.
 */
const aheadAfterChange = 2

export interface Machines {
  /** Facts of a stage that hold now: asked again, with some of the later stages, where something changed since. */
  facts(stage: Stage, node: string | undefined, strict: boolean): Promise<StageFacts>
  transport(on: string): Promise<Transport>
  changed(on: string, stage: Stage, node: string | undefined): void
  /** A lost connection is set up anew when the node is asked the next time. */
  drop(node: string): Promise<void>
  channels(): Readonly<Record<string, number>>
  close(): Promise<void>
}

const patienceS = 240

export function openMachines(
  settled: Settled,
  stages: readonly Stage[],
  mode: Mode,
  signals: { hard: AbortSignal; soft: AbortSignal },
  tell: Listener,
  connect: ConnectOptions = {},
): Machines {
  const connections = openConnections(settled, mode, connect)
  const awaited = new Set<string>()
  let changes = 0
  const machines = new Map<string, Machine>()
  const machineOf = (key: string, node: string | undefined, isControl: boolean): Machine => {
    let machine = machines.get(key)
    if (!machine) {
      machine = {
        key,
        node,
        control: isControl,
        facts: new Map(),
        askedAt: -1,
        changedAt: 0,
        ahead: Infinity,
        asking: undefined,
      }
      machines.set(key, machine)
    }
    return machine
  }
  const machineFor = (stage: Stage, node: string | undefined): Machine => {
    const isControl = stage.task.scope === 'control' || stage.task.scope === 'control-per-node'
    return machineOf(isControl ? (node ? `${controlName}:${node}` : controlName) : (node as string), node, isControl)
  }

  function probesFor(machine: Machine, from: number): ReadonlyMap<string, Probes> {
    const wanted = stages.filter(({ index, task: { scope } }) => {
      if (index < from) return false
      if (machine.control) return scope === (machine.node ? 'control-per-node' : 'control')
      return scope === 'node' || scope === 'cluster'
    })
    return new Map(
      wanted
        .slice(0, machine.ahead)
        .map(({ key, plugin, task }) => [
          key,
          task.probes(
            machine.node ? settled.nodeContextOf(plugin, mode, machine.node) : settled.contextOf(plugin, mode),
          ),
        ]),
    )
  }

  async function askOnce(machine: Machine, from: number): Promise<void> {
    const at = changes
    const probes = probesFor(machine, from)
    const transport = await connections.transport(machine.control ? controlName : (machine.node as string))
    const started = Date.now()
    machine.facts = await survey(transport, probes, signals.hard)
    machine.askedAt = at
    tell({ type: 'survey', machine: machine.key, questions: probes.size, ms: Date.now() - started })
  }

  /** A node that this run has just started gets time to come up; any other must answer now. */
  async function ask(machine: Machine, from: number): Promise<void> {
    const until = Date.now() + (machine.node && awaited.has(machine.node) ? patienceS * 1000 : 0)
    for (;;) {
      try {
        await askOnce(machine, from)
        return
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error
        await connections.drop(error.node)
        if (Date.now() >= until) throw error
        await sleep(2000, undefined, { signal: signals.soft })
      }
    }
  }

  return {
    async facts(stage, node, strict) {
      const machine = machineFor(stage, node)
      const stale = () => machine.askedAt < (strict && !machine.control ? changes : machine.changedAt)
      while (stale() || !machine.facts.has(stage.key)) {
        if (!machine.asking) {
          if (machine.askedAt >= 0) machine.ahead = stale() ? aheadAfterChange : machine.ahead * 2
          machine.asking = ask(machine, stage.index).finally(() => {
            machine.asking = undefined
          })
        }
        await machine.asking
      }
      return machine.facts.get(stage.key) as StageFacts
    },
    transport: connections.transport,
    changed(on, stage, node) {
      changes++
      for (const machine of machines.values()) {
        const same =
          on === controlName
            ? machine.control && (machine.node === node || stage.task.scope === 'control')
            : machine.node === on && !machine.control
        if (same) machine.changedAt = changes
      }
      if (on === controlName && node !== undefined) {
        awaited.add(node)
        const own = machines.get(node)
        if (own) own.changedAt = changes
      }
    },
    drop: connections.drop,
    channels: connections.channels,
    close: connections.close,
  }
}
