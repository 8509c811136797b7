import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromConfig, type Settled } from '../config/settle.js'
import type { Mode } from '../plugin/types.js'
import { pinnedKeys, pinsFile } from '../transport/host-keys.js'
import { localTransport } from '../transport/local.js'
import { sshTransport } from '../transport/ssh.js'
import { type Accepted, trusting } from '../transport/trust.js'
import { type Endpoint, type Transport, UnreachableError } from '../transport/types.js'

export const controlName = 'control'

/** One connection for each node, opened when it is first needed, and the control machine itself. */
export interface Connections {
  /** @throws UnreachableError for a machine that does not exist yet */
  transport(on: string): Promise<Transport>
  /** A lost connection is set up anew when the node is asked the next time. */
  drop(node: string): Promise<void>
  /** Exec channels opened so far, by node. */
  channels(): Readonly<Record<string, number>>
  close(): Promise<void>
}

/** How to reach a node, as the plugins and then the config's own `ssh` say; undefined while it cannot be reached. */
async function endpointOf(settled: Settled, mode: Mode, node: string): Promise<Endpoint | undefined> {
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

export interface ConnectOptions {
  /** Host keys that the person accepts for nodes whose key is not known. */
  readonly acceptHostKeys?: Accepted
  /** What is accepted is forgotten at the end. */
  readonly dryRun?: boolean
  readonly note?: (text: string) => void
}

export function openConnections(
  settled: Settled,
  mode: Mode,
  { acceptHostKeys = new Map(), dryRun = false, note }: ConnectOptions = {},
): Connections {
  const control = localTransport(controlName)
  const transports = new Map<string, Transport>()
  const counted = new Map<string, number>()
  let controlDir: Promise<string> | undefined
  return {
    async transport(on) {
      if (on === controlName) return control
      const open = transports.get(on)
      if (open) return open
      const endpoint = await endpointOf(settled, mode, on)
      if (!endpoint) throw new UnreachableError(on, 'this machine does not exist yet')
      controlDir ??= mkdtemp(join(process.env.XDG_RUNTIME_DIR ?? tmpdir(), 'hap-'))
      const lasting = pinsFile(settled.cluster.stateDir)
      const pins = dryRun ? pinsFile(await controlDir) : lasting
      // A key that was pinned once is the only one from then on; the config's own file and a plugin's go before it.
      const known = [lasting, pins].find((file) => pinnedKeys(file, on).length > 0)
      const transport = sshTransport(
        on,
        known && endpoint.knownHostsFile === undefined ? { ...endpoint, knownHostsFile: known } : endpoint,
        await controlDir,
        trusting({ accepted: acceptHostKeys, pins, ...(note ? { note } : {}) }),
      )
      transports.set(on, transport)
      return transport
    },
    async drop(node) {
      const transport = transports.get(node)
      if (!transport) return
      transports.delete(node)
      counted.set(node, (counted.get(node) ?? 0) + transport.channels)
      await transport.close()
    },
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
