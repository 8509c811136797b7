import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import network from '../../../plugins/network/index.js'
import { filesOutput } from '../../support/files.js'
import { factsOf, findingsOf, nodeContextOf, output, stepsOf, taskOf } from '../../support/task.js'

const recorded = (name: string): string => readFileSync(new URL(`recorded/${name}.txt`, import.meta.url), 'utf8')
const settings = {
  interfaces: {
    eth0: { dhcp: true, addresses: {} },
    eth1: { dhcp: false, addresses: { 'db-a': '10.77.0.1/24', 'db-b': '10.77.0.2/24' } },
    eth2: { dhcp: false, addresses: { 'db-a': '10.77.1.1/24', 'db-b': '10.77.1.2/24' } },
  },
  routes: [{ to: '10.9.0.0/16', via: '10.77.0.254' }],
  resolvers: ['10.0.2.3'],
  search: ['lab.test'],
  hosts: { vip: '10.77.0.100' },
  rootSsh: true,
}

function judge(id: string, outputs: Record<string, string>, changed: object = {}) {
  const task = taskOf(network, id)
  const at = nodeContextOf({ settings: { ...settings, ...changed } })
  const facts = factsOf(task, at, Object.fromEntries(Object.entries(outputs).map(([key, text]) => [key, output(text)])))
  const findings = findingsOf(task.check({ ...at, facts }))
  return { findings, steps: () => findings.flatMap((finding) => stepsOf(task, { ...at, facts }, finding)), task }
}
const file = (path: string, content: string): string => filesOutput({ [path]: content })

describe('host name', () => {
  it('is in order when it is so now and after a reboot', () => {
    expect(judge('hostname', { names: 'db-a\n# set by hand\ndb-a\n' }).findings).toEqual([])
  })
  it('is found when only the file differs', () => {
    const { findings, steps } = judge('hostname', { names: 'db-a\ndebian\n' })
    expect(findings).toEqual([{ id: 'hostname', desired: 'db-a', actual: 'db-a now, debian after a reboot' }])
    expect(steps()).toEqual([
      { kind: 'write', path: '/etc/hostname', content: 'db-a\n', mode: '0644' },
      { kind: 'run', title: 'host name db-a', command: { script: 'hostnamectl hostname db-a || hostname db-a' } },
    ])
  })
})

describe('hosts file', () => {
  const hosts = (content: string) => judge('hosts', { files: file('/etc/hosts', content) }).findings
  it('gets a block of ours, loses our names elsewhere, and keeps what is foreign', () => {
    const before = '127.0.0.1\tlocalhost db-a # own\n127.0.1.1 db-a\n\n# a note\n192.168.9.9 printer\n::1 localhost\n\n'
    const after =
      '127.0.0.1\tlocalhost # own\n\n# a note\n192.168.9.9 printer\n::1 localhost\n' +
      '# ha-provision: begin\n10.77.0.1\tdb-a\n10.77.0.2\tdb-b\n10.77.0.100\tvip\n# ha-provision: end\n'
    expect(hosts(before)).toEqual([{ id: 'hosts-file', subject: '/etc/hosts', desired: after, actual: before }])
    expect(hosts(after)).toEqual([])
  })
  it('accepts lines that a person wrote when the names stand for the same', () => {
    expect(hosts('127.0.0.1 localhost\n10.77.0.1 db-a.example db-a\n10.77.0.2 db-b\n10.77.0.100 vip\n')).toEqual([])
  })
  it('finds an own name that also stands for the loopback', () => {
    expect(hosts('127.0.1.1 db-a\n10.77.0.1 db-a\n10.77.0.2 db-b\n10.77.0.100 vip\n')).toHaveLength(1)
  })
  it('replaces its block when an address changed', () => {
    const old = '127.0.0.1 localhost\n# ha-provision: begin\n10.1.1.1\tdb-a\n# ha-provision: end\n'
    expect(hosts(old)[0]?.desired).toBe(
      '127.0.0.1 localhost\n# ha-provision: begin\n10.77.0.1\tdb-a\n10.77.0.2\tdb-b\n10.77.0.100\tvip\n# ha-provision: end\n',
    )
  })
})

describe('addresses and routes', () => {
  it('are in order when the node has them', () => {
    expect(judge('addresses', { ip: recorded('ip-after') }).findings).toEqual([])
  })
  it('are added, and kept for the next boot beside the file that applies', () => {
    const { findings, steps } = judge('addresses', { ip: recorded('ip-before') })
    expect(findings).toEqual([
      { id: 'address', subject: 'eth2', desired: '10.77.1.1/24', actual: 'none' },
      { id: 'route', subject: '10.9.0.0/16', desired: '10.9.0.0/16 via 10.77.0.254', actual: 'no route' },
    ])
    expect(steps()).toEqual([
      {
        kind: 'write',
        path: '/etc/systemd/network/50-ha-provision-eth2.network',
        content:
          '# Written by ha-provision\n[Match]\nName=eth2\n\n[Network]\nAddress=10.77.1.1/24\nKeepConfiguration=static\n',
        mode: '0644',
      },
      {
        kind: 'run',
        title: '10.77.1.1/24 on eth2',
        command: { script: 'ip link set eth2 up && ip addr add 10.77.1.1/24 brd + dev eth2' },
      },
      {
        kind: 'write',
        path: '/etc/systemd/network/20-link0.network.d/ha-provision.conf',
        content:
          '# Written by ha-provision\n[Network]\nAddress=10.77.0.1/24\nKeepConfiguration=static\n\n[Route]\nDestination=10.9.0.0/16\nGateway=10.77.0.254\n',
        mode: '0644',
      },
      {
        kind: 'run',
        title: 'route 10.9.0.0/16 via 10.77.0.254',
        command: { script: 'ip route add 10.9.0.0/16 via 10.77.0.254 dev eth1' },
      },
    ])
  })
  it('are left to a person where systemd-networkd does not look after the interfaces', () => {
    const { findings, task } = judge('addresses', { ip: recorded('ip-before').replace(/^networkd$/m, '') })
    expect(findings.map(({ id }) => id)).toEqual(['address-by-hand', 'route-by-hand'])
    for (const { id } of findings) expect(task.fix[id]).toHaveProperty('manual')
  })
  it('are never replaced or taken away', () => {
    const ip = recorded('ip-after')
      .replace('"local":"10.77.1.1","prefixlen":24', '"local":"10.77.1.1","prefixlen":16')
      .replace('"gateway":"10.77.0.254"', '"gateway":"10.77.0.253"')
    const { findings, task } = judge('addresses', { ip })
    expect(findings).toEqual([
      { id: 'other-prefix', subject: 'eth2', desired: '10.77.1.1/24', actual: '10.77.1.1/16' },
      {
        id: 'other-route',
        subject: '10.9.0.0/16',
        desired: '10.9.0.0/16 via 10.77.0.254',
        actual: '10.9.0.0/16 via 10.77.0.253',
      },
    ])
    for (const { id } of findings) expect(task.fix[id]).toHaveProperty('manual')
  })
  it('an interface that is not there is named with those that are', () => {
    const { findings } = judge(
      'addresses',
      { ip: recorded('ip-after') },
      { interfaces: { link9: settings.interfaces.eth2 }, routes: [] },
    )
    expect(findings).toEqual([{ id: 'no-interface', subject: 'link9', desired: 'link9', actual: 'eth0 eth1 eth2' }])
  })
  it('an address on another interface is reported, not added twice', () => {
    const { findings } = judge(
      'addresses',
      { ip: recorded('ip-after') },
      { interfaces: { eth1: settings.interfaces.eth2 }, routes: [] },
    )
    expect(findings).toEqual([
      { id: 'address-elsewhere', subject: 'eth1', desired: '10.77.1.1/24 on eth1', actual: 'on eth2' },
    ])
  })
})

describe('resolver', () => {
  const resolver = (target: string, content: string, changed = {}) =>
    judge('resolver', { file: `${target}\n${content}` }, changed).findings
  it('gets name servers and domains, and keeps options', () => {
    expect(resolver('/etc/resolv.conf', 'nameserver 10.255.255.53\noptions timeout:1\ndomain old.test\n')).toEqual([
      {
        id: 'resolver',
        subject: '/etc/resolv.conf',
        desired: 'options timeout:1\nsearch lab.test\nnameserver 10.0.2.3\n',
        actual: 'nameserver 10.255.255.53\noptions timeout:1\ndomain old.test\n',
      },
    ])
  })
  it('is in order in any order of lines', () => {
    expect(resolver('/etc/resolv.conf', '# by hand\nnameserver 10.0.2.3\nsearch lab.test\n')).toEqual([])
  })
  it('stays as it is when the config says nothing about it', () => {
    expect(resolver('/etc/resolv.conf', 'nameserver 9.9.9.9\n', { resolvers: [], search: [] })).toEqual([])
  })
  it('is left to the program that writes the file', () => {
    expect(resolver('/run/systemd/resolve/stub-resolv.conf', 'nameserver 127.0.0.53\n').map(({ id }) => id)).toEqual([
      'resolver-by-hand',
    ])
  })
})
