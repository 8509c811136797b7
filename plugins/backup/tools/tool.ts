import type { Command, Fault, PackageNeed } from 'ha-provision'
import type { At, Backup } from '../layout.js'
import type { DropIn } from '../unit.js'

/** How a file on a node differs in meaning. */
export type Difference =
  | {
      /** The whole file as it should be. */
      readonly content: string
      /** Path of another file that says it, such as a drop-in. */
      readonly path?: string
      /** What is there, as it may be shown. Default: the file. */
      readonly shown?: string
    }
  /** An administrator said something that we would lose by writing. */
  | { readonly byHand: { readonly desired: unknown; readonly actual: unknown } }

export interface ToolFile {
  readonly content: string
  readonly mode: string
  /** Compares by meaning; undefined: the same. Without it every byte counts. */
  compare?(actual: string, dropIns: readonly DropIn[]): Difference | undefined
}

/** A database by its instance and name: `db2inst1/SAMPLE`. */
export type Key = string

export interface ListFile {
  readonly path: string
  /** The whole file. */
  render(databases: readonly Key[]): string
  /** The databases in it, for a list whose form does not matter. */
  read?(text: string): readonly Key[]
}

/** What backs databases up. The commands run as root on a node, with the instance as `$1` and the database as `$2`. */
export interface Tool {
  readonly name: Backup['tool']
  faults(at: At): readonly Fault[]
  packages(settings: Backup): readonly PackageNeed[]
  /** Files that are the same on both nodes, by their path. */
  files(at: At): Readonly<Record<string, ToolFile>>
  /** Timers of systemd, enabled on both nodes. */
  readonly timers: readonly string[]
  /** The file that says what is backed up; undefined when it is not ours to write. */
  list(at: At): ListFile | undefined
  /** Prints a key a line; any exit but 0 means unknown, 127 that the tool is not there yet. */
  covered(settings: Backup): Command
  /** Prints epoch seconds of the last good backup on this node, or nothing when there is none; any exit but 0: unknown. */
  last(settings: Backup): Command
  /** Backs one database up and verifies it; fails when the backup is not good. */
  run(settings: Backup): Command
  /** Prints `WRITTEN BEFORE`: bytes of the backup that is being made, and of the one before where there is one. */
  progress?(settings: Backup): Command
}
