import { readFile } from 'node:fs/promises'
import type { AnyPlugin, PluginCommand } from 'ha-provision'
import { readVm } from '../vm/index.js'
import { accept, note } from './accept.js'
import { type Message, publicKey, readMessage } from './message.js'

/** `callback <node>`: what a machine would have said over the network, handed over by a person. */
export const callbackCommand: PluginCommand<unknown, AnyPlugin> = {
  usage: 'callback <node>',
  description: 'hand over the prep status of a node by hand; a waiting run goes on with it',
  options: [
    ['--status <file>', "the machine's /var/lib/ha-provision/report.json"],
    ['--host-key <key>', "without a status: the machine's /etc/ssh/ssh_host_ed25519_key.pub, read on its console"],
  ],
  async run({ args, options, cluster, print, say }) {
    const [node = ''] = args
    if (!cluster.nodes.some(({ name }) => name === node)) {
      say(`no such node: ${node}; known: ${cluster.nodes.map(({ name }) => name).join(', ')}`)
      return 2
    }
    const machine = await readVm(cluster, node)
    if (!machine) {
      say(`${node} has no machine yet: run \`ha-provision create\` first`)
      return 1
    }
    let message: Message
    if (typeof options.status === 'string') {
      const text = await readFile(options.status, 'utf8').catch((error: Error) => error)
      const read = text instanceof Error ? { wrong: text.message } : readMessage(text)
      if ('wrong' in read) {
        say(`${options.status}: ${read.wrong}`)
        return 2
      }
      if (read.node !== node || read.vm !== machine.uuid) {
        say(`${options.status} is about ${read.node} (machine ${read.vm}), not about ${node} (machine ${machine.uuid})`)
        return 2
      }
      message = read
    } else {
      const key = typeof options.hostKey === 'string' ? publicKey(options.hostKey) : undefined
      if (key === undefined) {
        say(
          `without --status the machine's host key is needed, so that it and no other is trusted:\n  ha-provision callback ${node} --host-key "ssh-ed25519 AAAA…"\nread it on the machine's console: cat /etc/ssh/ssh_host_ed25519_key.pub`,
        )
        return 2
      }
      message = { node, vm: machine.uuid, status: 'ok', machineId: '', hostKeys: [key], steps: [], log: '' }
    }
    await accept(cluster, message)
    await note(cluster, `${node} was called back by hand`)
    print(`${node}: status ${message.status} handed over`)
    return message.status === 'ok' ? 0 : 1
  },
}
