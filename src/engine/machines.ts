import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fromConfig, type Settled } from '../config/settle.js'
import type { Mode, Probes } from '../plugin/types.js'
import { localTransport } from '../transport/local.js'
import { sshTransport } from '../transport/ssh.js'
import { type Endpoint, type Transport, UnreachableError } from '../transport/types.js'
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
  asking: Promise<void> | undefined
}

export interface Machines {
  /** Facts of a stage that hold now: asked again, with all later stages, where something changed since. */
  facts(stage: Stage, node: string | undefined, strict: boolean): Promise<StageFacts>
  transport(on: string): Promise<Transport>
  changed(on: string, stage: Stage, node: string | undefined): void
  /** A lost connection is set up anew when the node is asked the next time. */
  drop(node: string): Promise<void>
  channels(): Readonly<Record<string, number>>
  close(): Promise<void>
}

export const controlName = 'control'
const patienceS = 240

export function openMachines(
  settled: Settled,
  stages: readonly Stage[],
  mode: Mode,
  signals: { hard: AbortSignal; soft: AbortSignal },
  tell: Listener,
): Machines {
  const control = localTransport(controlName)
  const transports = new Map<string, Transport>()
  const counted = new Map<string, number>()
  const awaited = new Set<string>()
  let changes = 0
  let controlDir: Promise<string> | undefined
  const machines = new Map<string, Machine>()
  const machineOf = (key: string, node: string | undefined, isControl: boolean): Machine => {
    let machine = machines.get(key)
    if (!machine) {
      machine = { key, node, control: isControl, facts: new Map(), askedAt: -1, changedAt: 0, asking: undefined }
      machines.set(key, machine)
    }
    return machine
  }
  const machineFor = (stage: Stage, node: string | undefined): Machine => {
    const isControl = stage.task.scope === 'control' || stage.task.scope === 'control-per-node'
    return machineOf(isControl ? (node ? `${controlName}:${node}` : controlName) : (node as string), node, isControl)
  }

  async function endpointOf(node: string): Promise<Endpoint | undefined> {
    let endpoint: Partial<Endpoint> = {}
    let silent = false
    for (const plugin of settled.plugins) {
      if (!plugin.connect || (plugin.modes && !plugin.modes.includes(mode))) continue
      const part = await plugin.connect(settled.nodeContextOf(plugin, mode, node))
      if (part === undefined) silent = true
      endpoint = { ...endpoint, ...part }
    }
    const own = settled.cluster.nodes.find(({ name }) => name === node)?.ssh ?? {}
    endpoint = { ...endpoint, ...own }
    if (silent && own.host === undefined) return undefined
    const path = (value: string | undefined) => (value === undefined ? undefined : fromConfig(settled.cluster, value))
    return JSON.parse(
      JSON.stringify({
        ...endpoint,
        host: endpoint.host ?? node,
        identityFile: path(endpoint.identityFile),
        knownHostsFile: path(endpoint.knownHostsFile),
      }),
    ) as Endpoint
  }

  async function transportOf(on: string): Promise<Transport> {
    if (on === controlName) return control
    const open = transports.get(on)
    if (open) return open
    const endpoint = await endpointOf(on)
    if (!endpoint) throw new UnreachableError(on, 'this machine does not exist yet')
    controlDir ??= mkdtemp(join(process.env.XDG_RUNTIME_DIR ?? tmpdir(), 'hap-'))
    const transport = sshTransport(on, endpoint, await controlDir)
    transports.set(on, transport)
    return transport
  }

  function probesFor(machine: Machine, from: number): ReadonlyMap<string, Probes> {
    const wanted = stages.filter(({ index, task: { scope } }) => {
      if (index < from) return false
      if (machine.control) return scope === (machine.node ? 'control-per-node' : 'control')
      return scope === 'node' || scope === 'cluster'
    })
    return new Map(
      wanted.map(({ key, plugin, task }) => [
        key,
        task.probes(machine.node ? settled.nodeContextOf(plugin, mode, machine.node) : settled.contextOf(plugin, mode)),
      ]),
    )
  }

  async function drop(node: string): Promise<void> {
    const transport = transports.get(node)
    if (!transport) return
    transports.delete(node)
    counted.set(node, (counted.get(node) ?? 0) + transport.channels)
    await transport.close()
  }

  async function askOnce(machine: Machine, from: number): Promise<void> {
    const at = changes
    const probes = probesFor(machine, from)
    const transport = machine.control ? control : await transportOf(machine.node as string)
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
        await drop(error.node)
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
        machine.asking ??= ask(machine, stage.index).finally(() => {
          machine.asking = undefined
        })
        await machine.asking
      }
      return machine.facts.get(stage.key) as StageFacts
    },
    transport: transportOf,
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
    drop,
    channels: () =>
      Object.fromEntries(
        settled.cluster.nodes.map(({ name }) => [
          name,
          (counted.get(name) ?? 0) + (transports.get(name)?.channels ?? 0),
        ]),
      ),
    async close() {
      await Promise.all([...transports.values()].map((transport) => transport.close().catch(() => undefined)))
      if (controlDir) await rm(await controlDir, { recursive: true, force: true })
    },
  }
}
