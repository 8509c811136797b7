import { randomInt, randomUUID } from 'node:crypto'
import type { VmContext, VmFact } from './drivers/types.js'
import type { Vm } from './state.js'
import { stubDir } from './stub.js'

/**
 * The n-th of `of` values of one random block below `limit`. Nodes are made at the same time and don't see each other's
 * choice: by their own n they cannot choose the same.
 */
const nth = (n: number, of: number, limit: number): number => randomInt(Math.floor(limit / of)) * of + n

/** Locally administered, in QEMU's own range. */
const mac = (number: number): string =>
  `52:54:00:${number
    .toString(16)
    .padStart(6, '0')
    .replace(/..(?=.)/g, '$&:')}`

/** What a copy of the stub has of its own. */
export function newVm(at: VmContext, interfaces: readonly string[], { usedPorts }: Pick<VmFact, 'usedPorts'>): Vm {
  const nodes = at.cluster.nodes.map(({ name }) => name)
  const index = nodes.indexOf(at.node)
  // Below 32768, where Linux takes the ports of outgoing connections from.
  const free = Array.from({ length: 10_000 }, (_, i) => 22_000 + i).filter(
    (port) => port % nodes.length === index && !usedPorts.includes(port),
  )
  return {
    uuid: randomUUID(),
    macs: Object.fromEntries(
      interfaces.map((name, i) => [
        name,
        mac(nth(index * interfaces.length + i, nodes.length * interfaces.length, 1 << 24)),
      ]),
    ),
    sshHost: '127.0.0.1',
    sshPort: free[randomInt(free.length)] as number,
    callbackHost: '10.0.2.2',
    stub: stubDir(at.settings.stub, at.cluster),
    disks: Object.keys(at.settings.dataDisks),
  }
}
