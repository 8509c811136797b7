import { ask, type Probe } from 'ha-provision'
import { ipCommand } from './probes.js'

/** An IPv4 address as the kernel has it. */
export interface LiveAddress {
  /** `10.77.0.1/24` */
  readonly text: string
  /** It has a lifetime: DHCP gave it. */
  readonly dynamic: boolean
  /** It came after another one of its subnet. */
  readonly secondary: boolean
  /** With a label of its own (`link0:0`): how cluster managers mark theirs. */
  readonly labelled: boolean
}

export interface Live {
  readonly interfaces: readonly { readonly name: string; readonly addresses: readonly LiveAddress[] }[]
  /** Routes that somebody set: not those of the kernel, DHCP or a router's advertisement. */
  readonly routes: readonly { readonly to: string; readonly via?: string }[]
}

interface IpAddress {
  readonly family: string
  readonly local: string
  readonly prefixlen: number
  readonly dynamic?: boolean
  readonly secondary?: boolean
  readonly label?: string
}
interface IpRoute {
  readonly dst: string
  readonly gateway?: string
  readonly protocol?: string
}

/** The answer that `check` reads as well; here with what tells whose an address or route is. ip-address(8), ip-route(8) */
export const liveProbe: Probe<Live> = ask(ipCommand, ({ stdout }) => {
  const [links, routes] = stdout
    .split('\n')
    .filter((line) => line.startsWith('['))
    .map((line) => JSON.parse(line)) as [{ ifname: string; addr_info: IpAddress[] }[]?, IpRoute[]?]
  if (!links || !routes) throw new Error('ip -j says nothing of addresses and routes')
  return {
    interfaces: links.map(({ ifname: name, addr_info }) => ({
      name,
      addresses: addr_info
        .filter(({ family }) => family === 'inet')
        .map(({ local, prefixlen, dynamic, secondary, label }) => ({
          text: `${local}/${prefixlen}`,
          dynamic: dynamic === true,
          secondary: secondary === true,
          labelled: label?.includes(':') ?? false,
        })),
    })),
    routes: routes
      .filter(({ gateway, protocol }) => gateway !== undefined && [undefined, 'static', 'boot'].includes(protocol))
      .map(({ dst, gateway }) => ({
        to: dst.includes('/') || dst === 'default' ? dst : `${dst}/32`,
        via: gateway ?? '',
      })),
  }
})
