import type { InputOf } from 'ha-provision'
import { describe, expect, it } from 'vitest'
import network from '../../../plugins/network/index.js'
import { contextOf } from '../../support/task.js'

type Options = InputOf<typeof network>

const link = (a: string, b: string) => ({ addresses: { 'db-a': a, 'db-b': b } })
const good: Options = {
  interfaces: {
    mgmt: { dhcp: true },
    link0: link('10.77.0.1/24', '10.77.0.2/24'),
    link1: link('10.77.1.1/24', '10.77.1.2/24'),
  },
}

/** Defaults as the schema fills them in. */
const filled = ({ interfaces, ...rest }: Options) => ({
  routes: [],
  resolvers: [],
  search: [],
  hosts: {},
  rootSsh: true,
  ...rest,
  interfaces: Object.fromEntries(
    Object.entries(interfaces).map(([name, options]) => [name, { dhcp: false, addresses: {}, ...options }]),
  ),
})
const faults = (options: Options) => network.validate?.(contextOf({ settings: filled(options) }) as never) ?? []
const withLink = (name: string, options: Options['interfaces'][string]): Options => ({
  interfaces: { ...good.interfaces, [name]: options },
})
const told = (options: Options) => faults(options).map(({ path, message }) => `${path}: ${message}`)

describe('what no schema can say about a network', () => {
  it('has nothing to say about a good one', () => {
    expect(
      faults({ ...good, routes: [{ to: '10.9.0.0/16', via: '10.77.0.254' }], hosts: { vip: '10.77.0.100' } }),
    ).toEqual([])
    expect(faults(withLink('link2', link('10.77.2.0/31', '10.77.2.1/31')))).toEqual([])
  })
  it.each<[string, Options, string]>([
    [
      'two nodes with one address',
      withLink('link1', link('10.77.1.1/24', '10.77.1.1/24')),
      'network.interfaces.link1.addresses.db-b: "10.77.1.1/24" is also the address of db-a on "link1"',
    ],
    [
      'a node without an address',
      withLink('link1', { addresses: { 'db-a': '10.77.1.1/24' } }),
      'network.interfaces.link1.addresses: no address for db-b on "link1"',
    ],
    [
      'an interface without anything',
      withLink('link1', {}),
      'network.interfaces.link1.addresses: no address for db-a and db-b on "link1"',
    ],
    [
      'DHCP beside addresses',
      { interfaces: { link1: { dhcp: true, ...link('10.77.1.1/24', '10.77.1.2/24') } } },
      'network.interfaces.link1: "link1" has both DHCP and addresses',
    ],
    [
      'two DHCP interfaces',
      withLink('wan', { dhcp: true }),
      'network.interfaces.wan.dhcp: "wan" and "mgmt" both get their addresses by DHCP',
    ],
    [
      'overlapping subnets',
      withLink('link1', link('10.77.0.65/26', '10.77.0.66/26')),
      'network.interfaces.link1.addresses.db-a: the subnet of "link1" overlaps that of "link0" (10.77.0.0/24)',
    ],
    [
      'ends in different subnets',
      withLink('link1', link('10.77.1.1/24', '10.77.2.2/24')),
      'network.interfaces.link1.addresses.db-b: "10.77.2.2/24" is not in the subnet of db-a (10.77.1.0/24)',
    ],
    [
      'ends with different prefix lengths',
      withLink('link1', link('10.77.1.1/24', '10.77.1.2/25')),
      'network.interfaces.link1.addresses.db-b: "10.77.1.2/25" is not in the subnet of db-a (10.77.1.0/24)',
    ],
    [
      'a host part of zero',
      withLink('link1', link('10.77.1.0/24', '10.77.1.2/24')),
      'network.interfaces.link1.addresses.db-a: "10.77.1.0/24" is the subnet itself: its host part is zero',
    ],
    [
      'a broadcast address',
      withLink('link1', link('10.77.1.1/24', '10.77.1.255/24')),
      'network.interfaces.link1.addresses.db-b: "10.77.1.255/24" is the subnet\'s broadcast address',
    ],
    [
      'an octet above 255',
      withLink('link1', link('10.77.1.1/24', '10.77.1.256/24')),
      'network.interfaces.link1.addresses.db-b: "10.77.1.256/24" is no IPv4 address with its prefix length',
    ],
    [
      'a prefix length for one host',
      withLink('link1', link('10.77.1.1/24', '10.77.1.2/32')),
      'network.interfaces.link1.addresses.db-b: "10.77.1.2/32" has the prefix length 32, which fits no link between nodes',
    ],
    [
      'a loopback address',
      withLink('link1', link('127.0.0.2/24', '10.77.1.2/24')),
      'network.interfaces.link1.addresses.db-a: "127.0.0.2/24" is reserved (this host, loopback, multicast or future use)',
    ],
    [
      'a gateway nobody can reach',
      { ...good, routes: [{ to: 'default', via: '192.168.7.1' }] },
      'network.routes.0.via: "192.168.7.1" is not a neighbour on any interface',
    ],
    [
      'a gateway that is a node',
      { ...good, routes: [{ to: 'default', via: '10.77.0.1' }] },
      'network.routes.0.via: "10.77.0.1" is not a neighbour on any interface',
    ],
    [
      'a destination with host bits',
      { ...good, routes: [{ to: '10.9.0.1/16', via: '10.77.0.254' }] },
      'network.routes.0.to: "10.9.0.1/16" is no subnet',
    ],
    [
      'a destination twice',
      {
        ...good,
        routes: [
          { to: 'default', via: '10.77.0.254' },
          { to: 'default', via: '10.77.1.254' },
        ],
      },
      'network.routes.1.to: "default" has two routes',
    ],
    [
      'a resolver that is no address',
      { ...good, resolvers: ['10.0.0.300'] },
      'network.resolvers.0: "10.0.0.300" is no IPv4 address',
    ],
    [
      'a host entry for a node',
      { ...good, hosts: { 'db-a': '10.77.1.1' } },
      'network.hosts.db-a: "db-a" has its address already',
    ],
  ])('%s: one fault, with its path', (_, options, expected) => {
    expect(told(options)).toEqual([expected])
    expect(faults(options).every(({ hint }) => hint !== undefined)).toBe(true)
  })
  it('reports every fault at once', () => {
    const options = { ...withLink('link1', link('10.77.1.0/24', '10.77.1.0/24')), resolvers: ['1.2.3.999'] }
    expect(told(options)).toHaveLength(3)
  })
})
