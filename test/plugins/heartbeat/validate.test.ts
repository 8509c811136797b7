import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { validate } from '../../../plugins/heartbeat/validate.js'
import { contextOf } from '../../support/task.js'
import { situation } from './lab.js'

const faults = (changed: object, configDir = '/config', nodes = ['db-a', 'db-b']) => {
  const at = contextOf({ ...situation(changed), nodes })
  return validate({ ...at, cluster: { ...at.cluster, configDir } } as never).map(
    ({ path, message }) => `${path}: ${message}`,
  )
}
const link = (type: string, name: string) => ({ links: [{ type, interface: name, group: '239.77.0.1' }] })

describe('the config', () => {
  it('of the lab has no fault', () => {
    expect(faults({})).toEqual([])
  })
  it('takes two nodes', () => {
    expect(faults({}, '/config', ['db-a'])).toEqual([
      'nodes: heartbeat without a resource manager takes two nodes; there is 1',
    ])
  })
  it('ucast needs addresses that it knows; bcast does not', () => {
    expect(faults(link('ucast', 'eth0'))).toEqual([
      'heartbeat.links[0].interface: db-a has no address on "eth0"',
      'heartbeat.links[0].interface: db-b has no address on "eth0"',
    ])
    expect(faults(link('bcast', 'eth0'))).toEqual([])
    expect(faults(link('bcast', 'eth7'))).toEqual(['heartbeat.links[0].interface: there is no interface "eth7"'])
  })
  it('a virtual address is in a subnet, free, and there once', () => {
    expect(faults({ virtualIps: ['10.9.9.9/24'] })).toEqual([
      'heartbeat.virtualIps[0]: 10.9.9.9/24 is in the subnet of no interface',
    ])
    expect(faults({ virtualIps: ['10.77.2.2/24', '10.77.2.255/24'] })).toEqual([
      'heartbeat.virtualIps[0]: 10.77.2.2 is the address of db-b itself',
      'heartbeat.virtualIps[1]: 10.77.2.255 is the network or broadcast address of its subnet',
    ])
    expect(faults({ virtualIps: ['10.77.1.100/24', '10.77.1.100/32'] })).toEqual([
      'heartbeat.virtualIps[1]: 10.77.1.100 is there twice',
    ])
  })
  it('times grow from keepalive to initdead', () => {
    expect(faults({ keepaliveS: 6, warntimeS: 6, deadtimeS: 6, initdeadS: 11 })).toEqual([
      'heartbeat.warntimeS: 6 is not more than keepaliveS (6)',
      'heartbeat.deadtimeS: 6 is not more than warntimeS (6)',
      'heartbeat.initdeadS: 11 is less than twice deadtimeS (6)',
    ])
  })
  it('fencing starts from a node', () => {
    expect(faults({ stonith: ['db-c external/ssh db-a', '* external/ssh db-a', 'db-b external/ssh db-a'] })).toEqual([
      'heartbeat.stonith[0]: "db-c" is no node',
    ])
  })
  it('a key comes from one place, and its file holds one', () => {
    const dir = mkdtempSync(join(tmpdir(), 'key-'))
    writeFileSync(join(dir, 'good'), '0123456789abcdef0123\n')
    writeFileSync(join(dir, 'short'), 'abc\n')
    expect(faults({ authKeyFile: 'good' }, dir)).toEqual([])
    expect(faults({ authKeyFile: 'good', authKey: '0123456789abcdef' }, dir)).toEqual([
      'heartbeat.authKeyFile: there is authKey as well',
    ])
    expect(faults({ authKeyFile: 'short' }, dir)).toEqual(['heartbeat.authKeyFile: short holds no key'])
    expect(faults({ authKeyFile: 'none' }, dir)).toEqual(['heartbeat.authKeyFile: none cannot be read'])
    rmSync(dir, { recursive: true })
  })
  it('its port is not a replication port', () => {
    expect(faults({ udpPort: 7789 })).toEqual(['heartbeat.udpPort: 7789 is the port of drbd.resources.r0 too'])
  })
})
