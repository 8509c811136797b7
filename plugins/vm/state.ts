import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cluster } from 'ha-provision'

/** What is remembered of a machine: `<stateDir>/vm/<node>/vm.json`. Comes into being together with its disks. */
export interface Vm {
  /** Also the UUID of its root filesystem. */
  readonly uuid: string
  /** By interface. */
  readonly macs: Readonly<Record<string, string>>
  /** Where ssh on this computer reaches the machine. */
  readonly sshHost: string
  readonly sshPort: number
  /** Address by which the machine reaches this computer. */
  readonly callbackHost: string
  /** Folder of the stub it was copied from. */
  readonly stub: string
  /** Names of the data disks, in their order. */
  readonly disks: readonly string[]
}

export const vmDir = ({ stateDir }: Cluster, node: string): string => join(stateDir, 'vm', node)
export const vmFile = (cluster: Cluster, node: string): string => join(vmDir(cluster, node), 'vm.json')
export const pidFile = (cluster: Cluster, node: string): string => join(vmDir(cluster, node), 'qemu.pid')
export const consoleFile = (cluster: Cluster, node: string): string => join(vmDir(cluster, node), 'console.log')
export const diskFile = (cluster: Cluster, node: string, disk: string): string =>
  join(vmDir(cluster, node), `${disk}.raw`)

/**
 * Sockets need a short path: 107 bytes is all that the kernel takes. The folder must be the same in every later run, and
 * stay while the machines do: neither is true of TMPDIR and XDG_RUNTIME_DIR, which goes with the last login.
 */
export const socketDir = ({ stateDir }: Cluster): string =>
  join('/tmp', `hap-${createHash('sha256').update(stateDir).digest('hex').slice(0, 12)}`)

export async function readVm(cluster: Cluster, node: string): Promise<Vm | undefined> {
  const text = await readFile(vmFile(cluster, node), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : parseVm(text)
}

/** Undefined for a file that somebody broke: the machine is incomplete then. */
export function parseVm(text: string): Vm | undefined {
  try {
    return JSON.parse(text) as Vm
  } catch {
    return undefined
  }
}
