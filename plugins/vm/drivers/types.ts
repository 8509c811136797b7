import type { Command, NodeContext, Output, Program } from 'ha-provision'
import type network from '../../network/index.js'
import type { VmSettings } from '../schema.js'
import type { Vm } from '../state.js'

export type VmContext = NodeContext<VmSettings, typeof network>

/** What a driver sees of a machine. */
export interface VmFact {
  /** `incomplete`: something of it is there, but not all disks and vm.json. */
  readonly state: 'absent' | 'incomplete' | 'stopped' | 'running'
  readonly vm?: Vm
  /** Files that belong to the machine, by name, with their size in bytes. */
  readonly files: Readonly<Record<string, number>>
  /** TCP ports of this computer that somebody listens on or another machine has; asked only while there is no machine. */
  readonly usedPorts: readonly number[]
  /** A config medium is attached to the running machine. */
  readonly medium: boolean
}

/** One way of having machines. A driver makes commands for this computer; it starts nothing itself. */
export interface Driver {
  readonly name: string
  /** Whether machines are made by this tool at all. Where not, every command below fails. */
  readonly makes: boolean
  readonly programs: readonly Program[]
  /** Where ssh reaches the machine; undefined while it does not run. */
  connect(at: NodeContext<unknown>): Promise<{ readonly host?: string; readonly port?: number } | undefined>
  probe(at: NodeContext<unknown>): { readonly command: Command; parse(output: Output): VmFact }
  /** Makes the machine from the stub, complete or not at all. Fails where anything of a machine is there. */
  make(at: VmContext, vm: Vm): Command
  /** Makes new data disks of a stopped machine and grows small ones; nothing is ever made smaller or anew. */
  grow(at: VmContext, vm: Vm): Command
  /** Starts the machine so that it outlives the command; succeeds when it runs already. */
  start(at: VmContext, vm: Vm, medium?: string): Command
  /** Takes the config medium out of the running machine; succeeds when there is none. */
  detach(at: VmContext, vm: Vm): Command
  /** Asks the machine to power itself off and waits; `kill` ends it as a power cut does. Succeeds when it is off already. */
  stop(at: NodeContext<unknown>, kill: boolean): Command
  /** Forgets the machine with its disks. Fails while it runs. */
  destroy(at: NodeContext<unknown>): Command
}
