import type { Command, Output } from './command.js'
import type { Secret } from './secret.js'

/** How to reach a node with OpenSSH. Whatever is absent is left to the user's own ssh config. */
export interface Endpoint {
  readonly host: string
  readonly port?: number
  readonly user?: string
  readonly identityFile?: string
  /** When present, only the keys in this file are accepted, under the node's name as HostKeyAlias. */
  readonly knownHostsFile?: string
  readonly jump?: string
  /** Run everything through `sudo -n`. */
  readonly sudo?: boolean
}

export interface ExecOptions {
  readonly signal?: AbortSignal
  /** Called with each chunk of stdout while the command runs. */
  readonly onOutput?: (text: string) => void
}

/** One machine that can be asked and told. `exec` opens exactly one exec channel. */
export interface Transport {
  readonly name: string
  /** Exec channels opened so far. */
  readonly channels: number
  /** @throws UnreachableError when the machine cannot be asked at all */
  exec(command: Command, options?: ExecOptions): Promise<Output>
  /** Writes a whole file: to a temporary name in the same directory, then renamed. */
  write(path: string, content: string | Uint8Array | Secret, options: { mode: string; owner?: string }): Promise<Output>
  /** Copies a file of any size from the control machine, in one piece or not at all; `onOutput` is told how far it is. */
  upload(from: string, to: string, options: { mode: string } & ExecOptions): Promise<Output>
  close(): Promise<void>
}

/** The machine did not answer. An outcome of its own, exit code 4. */
export class UnreachableError extends Error {
  readonly node: string
  constructor(node: string, reason: string) {
    super(reason)
    this.name = 'UnreachableError'
    this.node = node
  }
  /** For a person. */
  get text(): string {
    return `${this.node} does not answer: ${this.message}`
  }
}
