import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster } from 'ha-provision'

/** What is remembered of a machine: `<stateDir>/vm/<node>/vm.json`. Written once, when its disks are complete. */
export interface Vm {
  readonly uuid: string
  /** By interface. */
  readonly macs: Readonly<Record<string, string>>
  /** Where ssh on this computer reaches the machine. */
  readonly sshHost: string
  readonly sshPort: number
  /** Address by which the machine reaches this computer. */
  readonly callbackHost: string
  /** Folder of the stub it was copied from: its kernel still starts the machine. */
  readonly stub: string
  /** Names of the data disks, in their order. */
  readonly disks: readonly string[]
}

export const vmDir = ({ stateDir }: Cluster, node: string): string => join(stateDir, 'vm', node)
export const vmFile = (cluster: Cluster, node: string): string => join(vmDir(cluster, node), 'vm.json')
export const pidFile = (cluster: Cluster, node: string): string => join(vmDir(cluster, node), 'qemu.pid')
export const consoleFile = (cluster: Cluster, node: string): string => join(vmDir(cluster, node), 'console.log')

/** Sockets need a short path: 107 bytes is all that the kernel takes. */
export const socketDir = ({ stateDir }: Cluster): string =>
  join(
    process.env.XDG_RUNTIME_DIR ?? tmpdir(),
    `hap-${createHash('sha256').update(stateDir).digest('hex').slice(0, 12)}`,
  )

export async function readVm(cluster: Cluster, node: string): Promise<Vm | undefined> {
  const text = await readFile(vmFile(cluster, node), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as Vm)
}
