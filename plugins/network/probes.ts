import { ask, type Probe, sh } from 'ha-provision'

export interface InterfaceFact {
  readonly name: string
  /** `10.77.0.1/24`, IPv4 only. */
  readonly addresses: readonly string[]
  /** systemd-networkd's .network file that applies to it; undefined when it does not look after it. */
  readonly networkFile?: string
}

export interface RouteFact {
  readonly to: string
  readonly via?: string
  readonly dev?: string
}

export interface IpFact {
  readonly interfaces: readonly InterfaceFact[]
  readonly routes: readonly RouteFact[]
  readonly networkd: boolean
}

interface IpAddr {
  readonly ifindex: number
  readonly ifname: string
  readonly addr_info: readonly { readonly family: string; readonly local: string; readonly prefixlen: number }[]
}
interface IpRoute {
  readonly dst: string
  readonly gateway?: string
  readonly dev?: string
}

/** Addresses, routes, and which of systemd-networkd's files applies to which interface: three processes. */
export const ipCommand = sh`ip -j addr show && echo && ip -j -4 route show && echo && grep -s '^NETWORK_FILE=' /run/systemd/netif/links/* /dev/null; [ ! -d /run/systemd/netif/links ] || echo networkd`

export const ipProbe: Probe<IpFact> = ask(ipCommand, ({ stdout }) => {
  const lines = stdout.split('\n').filter((line) => line.trim() !== '')
  const [links = [], routes = []] = lines.filter((line) => line.startsWith('[')).map((line) => JSON.parse(line)) as [
    IpAddr[]?,
    IpRoute[]?,
  ]
  const networkFiles = new Map(
    [...stdout.matchAll(/^\/run\/systemd\/netif\/links\/(\d+):NETWORK_FILE=(.+)$/gm)].map(([, index, path = '']) => [
      Number(index),
      path,
    ]),
  )
  return {
    interfaces: links.map(({ ifindex, ifname, addr_info }) => {
      const networkFile = networkFiles.get(ifindex)
      return {
        name: ifname,
        addresses: addr_info
          .filter(({ family }) => family === 'inet')
          .map(({ local, prefixlen }) => `${local}/${prefixlen}`),
        ...(networkFile ? { networkFile } : {}),
      }
    }),
    routes: routes.map(({ dst, gateway, dev }) => ({
      to: dst,
      ...(gateway ? { via: gateway } : {}),
      ...(dev ? { dev } : {}),
    })),
    networkd: lines.includes('networkd'),
  }
})
