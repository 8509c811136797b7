import { readFileSync } from 'node:fs'
import type { Context, Settings } from 'ha-provision'
import network, { addressOf, cidr, contains, ipv4 } from '../../network/index.js'
import { packaged } from '../../packaged.js'
import type { Vm } from '../../vm/index.js'
import type { schema } from '../schema.js'

/** Name that the callback's certificate is made out to; machines connect to an address with it. */
export const callbackName = 'ha-provision-control'

const prep = (): string => readFileSync(packaged('iso', 'medium', 'prep.sh'), 'utf8')

const lines = (...all: readonly string[]): string => all.map((line) => `${line}\n`).join('')

/** The readable part of a node's medium, by file name. Secrets and packages are added when it is built. */
export function mediumFiles(
  at: Context<Settings<typeof schema>, typeof network>,
  node: string,
  machine: Vm,
  port: string,
): Readonly<Record<string, string>> {
  const { interfaces, routes, resolvers, search, hosts } = at.of(network)
  const files: Record<string, string> = {
    prep: prep(),
    hostname: lines(node),
    vm: lines(machine.uuid),
    interfaces: lines(...Object.keys(interfaces).map((name) => `${name} ${machine.macs[name]}`)),
    hosts: lines(
      '127.0.0.1\tlocalhost',
      '::1\tlocalhost ip6-localhost ip6-loopback',
      ...at.cluster.nodes.flatMap(({ name }) =>
        addressOf(at.of(network), name) ? [`${addressOf(at.of(network), name)}\t${name}`] : [],
      ),
      ...Object.entries(hosts).map(([name, address]) => `${address}\t${name}`),
    ),
    callback: lines(
      `callback_name=${callbackName}`,
      `callback_host=${at.settings.callback.host ?? machine.callbackHost}`,
      `callback_port=${port}`,
    ),
  }
  for (const [name, { dhcp, addresses }] of Object.entries(interfaces)) {
    const mac = machine.macs[name]
    files[`network/10-${name}.link`] = lines('[Match]', `MACAddress=${mac}`, '', '[Link]', `Name=${name}`)
    const address = addresses[node]
    const own = routes.filter(({ via }) => reaches(addresses[node], via))
    files[`network/50-${name}.network`] = lines(
      '[Match]',
      `MACAddress=${mac}`,
      '',
      '[Network]',
      ...(dhcp ? ['DHCP=ipv4'] : ['LinkLocalAddressing=no']),
      ...(address ? [`Address=${address}`] : []),
      // A restart of systemd-networkd must not take away the virtual addresses of the cluster manager.
      'KeepConfiguration=static',
      ...own.flatMap(({ to, via }) => [
        '',
        '[Route]',
        ...(to === 'default' ? [] : [`Destination=${to}`]),
        `Gateway=${via}`,
      ]),
    )
  }
  if (resolvers.length > 0) {
    files['resolv.conf'] = lines(
      ...(search.length > 0 ? [`search ${search.join(' ')}`] : []),
      ...resolvers.map((address) => `nameserver ${address}`),
    )
  }
  return files
}

/** Whether a gateway is in the subnet of an address with prefix length. */
function reaches(subnet: string | undefined, via: string): boolean {
  const net = cidr(subnet ?? '')
  const gateway = ipv4(via)
  return net !== undefined && gateway !== undefined && contains(net, gateway)
}
