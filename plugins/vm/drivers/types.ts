import type { Command, NodeContext, Output, Program } from 'ha-provision'
import type { VmContext } from '../index.js'
import type { Vm } from '../state.js'

/** What a driver sees of a machine. */
export interface VmFact {
  readonly state: 'absent' | 'incomplete' | 'stopped' | 'running'
  readonly vm?: Vm
  /** Files that belong to the machine, by name, with their size in bytes. */
  readonly files: Readonly<Record<string, number>>
  /** TCP ports of this computer that somebody listens on. */
  readonly usedPorts: readonly number[]
  /** A config medium is attached to the running machine. */
  readonly medium: boolean
}

/** One way of having machines. A driver makes commands for this computer; it starts nothing itself. */
export interface Driver {
  readonly name: string
  /** Whether machines are made by this tool at all. */
  readonly makes: boolean
  readonly programs: readonly Program[]
  probe(at: NodeContext<unknown>): { readonly command: Command; parse(output: Output): VmFact }
  /** Makes the machine's disks from the stub, complete or not at all. */
  make(at: VmContext, vm: Vm): Command
  start(at: VmContext, vm: Vm, medium?: string): Command
  /** Takes the config medium out of the running machine. */
  detach(at: VmContext, vm: Vm): Command
  /** Asks the machine to power itself off; `kill` ends it as a power cut does. */
  stop(at: VmContext, vm: Vm, kill: boolean): Command
  /** Forgets the machine with its disks. */
  destroy(at: VmContext, vm: Vm): Command
}
