import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cluster } from 'ha-provision'

/** What a machine said when it called back: `<stateDir>/iso/<node>/callback.json`. */
export interface Callback {
  readonly node: string
  /** UUID of the machine that was prepared. */
  readonly vm: string
  readonly status: 'ok' | 'failed'
  readonly machineId: string
  /** OpenSSH public keys of the machine's sshd. */
  readonly hostKeys: readonly string[]
  readonly steps: readonly { readonly name: string; readonly ok: boolean }[]
  /** The end of its log. */
  readonly log: string
  readonly receivedAt: string
  /** SHA-256 of the token it came with; absent when it was handed over by hand. */
  readonly tokenHash?: string
}

export const isoDir = ({ stateDir }: Cluster): string => join(stateDir, 'iso')
export const nodeDir = (cluster: Cluster, node: string): string => join(isoDir(cluster), node)
export const mediumFile = (cluster: Cluster, node: string): string => join(nodeDir(cluster, node), 'config.iso')
/** What goes onto the medium, while it is built. */
export const treeDir = (cluster: Cluster, node: string): string => join(nodeDir(cluster, node), 'tree')
export const tokenFile = (cluster: Cluster, node: string): string => join(nodeDir(cluster, node), 'token')
export const inputsFile = (cluster: Cluster, node: string): string => join(nodeDir(cluster, node), 'inputs')
export const callbackFile = (cluster: Cluster, node: string): string => join(nodeDir(cluster, node), 'callback.json')
export const keyFile = (cluster: Cluster): string => join(isoDir(cluster), 'id_ed25519')
export const nodeKeyFile = (cluster: Cluster, node: string): string => join(nodeDir(cluster, node), 'id_ed25519')
export const certificateFile = (cluster: Cluster): string => join(isoDir(cluster), 'callback.crt')
export const certificateKeyFile = (cluster: Cluster): string => join(isoDir(cluster), 'callback.key')
export const portFile = (cluster: Cluster): string => join(isoDir(cluster), 'callback.port')
export const knownHostsFile = ({ stateDir }: Cluster): string => join(stateDir, 'known_hosts')

export async function readCallback(cluster: Cluster, node: string): Promise<Callback | undefined> {
  const text = await readFile(callbackFile(cluster, node), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as Callback)
}
