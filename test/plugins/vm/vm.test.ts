import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { qemu } from '../../../plugins/vm/drivers/qemu.js'
import { newVm } from '../../../plugins/vm/identity.js'
import vm, { startSteps, type Vm, type VmContext } from '../../../plugins/vm/index.js'
import { buildStub, stubDir } from '../../../plugins/vm/stub.js'
import type { Finding } from '../../../src/index.js'
import { contextOf, factsOf, findingsOf, nodeContextOf, output, stepsOf, taskOf } from '../../support/task.js'

const recorded = (name: string): string => readFileSync(new URL(`recorded/${name}.txt`, import.meta.url), 'utf8')
const running = recorded('running')
const stopped = running.replace('alive\n', '')

const dhcp = { dhcp: true, addresses: {} }
const link = { dhcp: false, addresses: {} }
const interfaces = { mgmt: dhcp, link0: link, link1: link }
const settings = {
  driver: 'qemu',
  stub: '/stub',
  memoryMiB: 768,
  cpus: 1,
  accelerator: 'tcg',
  dataDisks: { data: { sizeMiB: 64 } },
}
const situation = (changed: object = {}, network: object = interfaces) => ({
  settings: { ...settings, ...changed },
  others: { network: { interfaces: network } },
})
const disks = (data: number, more: Record<string, number> = {}) => ({
  dataDisks: Object.fromEntries(Object.entries({ data, ...more }).map(([name, sizeMiB]) => [name, { sizeMiB }])),
})

function judge(machine: string, changed?: object, network?: object) {
  const task = taskOf(vm, 'copy')
  const at = nodeContextOf(situation(changed, network))
  const facts = factsOf(task, at, { machine: output(machine) })
  const answer = task.check({ ...at, facts })
  return { answer, steps: () => findingsOf(answer).flatMap((one: Finding) => stepsOf(task, { ...at, facts }, one)) }
}

describe('copy', () => {
  it('finds nothing where the machine is as configured, on or off', () => {
    expect(judge(running).answer).toEqual([])
    expect(judge(stopped).answer).toEqual([])
  })
  it('of a node without a machine is one step', () => {
    const { answer, steps } = judge(recorded('absent'))
    expect(answer).toEqual([{ id: 'absent', desired: 'a machine', actual: 'none' }])
    expect(steps()).toMatchObject([{ kind: 'run', title: 'copy the stub for db-a: new UUIDs and MAC addresses' }])
  })
  it('with a disk missing is left to a person', () => {
    const { answer, steps } = judge(stopped.replace(/^file .*data\.raw\n/m, ''))
    expect(answer).toEqual([
      {
        id: 'incomplete',
        desired: 'vm.json, root.raw, data.raw',
        actual: 'console.log, initrd.img, qemu.pid, root.raw, vm.json, vmlinux',
      },
    ])
    expect(steps).toThrow('bring them back')
  })
  it('gets larger and new disks while it is off, at the end of its record', () => {
    const { answer, steps } = judge(stopped, disks(100, { log: 10 }))
    expect(answer).toEqual([
      { id: 'small-disks', desired: 'data 100 MiB, log 10 MiB', actual: 'data 64 MiB, log none' },
    ])
    const [step] = steps()
    expect(step).toMatchObject({ title: 'data disks of db-a: data 100 MiB, log 10 MiB' })
    if (step?.kind !== 'run') throw new Error('no run step')
    expect(JSON.parse(step.command.stdin as string).disks).toEqual(['data', 'log'])
    expect(step.command.script).toContain(
      "truncate -s '>100M' /state/vm/db-a/data.raw &&\ntruncate -s '>10M' /state/vm/db-a/log.raw &&\n",
    )
  })
  it('is not stopped for larger disks', () => {
    const { answer, steps } = judge(running, disks(100))
    expect(answer).toEqual([{ id: 'small-disks-in-use', desired: 'data 100 MiB', actual: 'data 64 MiB' }])
    expect(steps).toThrow('vm stop')
  })
  it.each([
    ['made smaller', disks(32), 'data 32 MiB', 'data 64 MiB'],
    ['taken away', { dataDisks: {} }, 'data none', 'data 64 MiB'],
  ])('has no disk %s', (_, changed, desired, actual) => {
    const { answer, steps } = judge(stopped, changed)
    expect(answer).toEqual([{ id: 'other-disks', desired, actual }])
    expect(steps).toThrow('never')
  })
  it('has the network cards that it was made with', () => {
    expect(judge(running, {}, { ...interfaces, link2: link }).answer).toEqual([
      { id: 'other-interfaces', desired: 'link0, link1, link2, mgmt', actual: 'link0, link1, mgmt' },
    ])
    expect(judge(running, {}, { link1: link, mgmt: dhcp, link0: link }).answer).toEqual([])
  })
  it('is nothing to a driver that makes no machines', () => {
    expect(judge('', { driver: 'existing' }).answer).toEqual([])
  })
})

describe('identity', () => {
  const nodes = ['db-a', 'db-b', 'db-c']
  const make = (node: string, usedPorts: readonly number[] = []): Vm =>
    newVm(nodeContextOf({ ...situation(), nodes }, node) as VmContext, Object.keys(interfaces), { usedPorts })
  it('is never shared, although nodes do not see each other choose', () => {
    for (let i = 0; i < 50; i++) {
      const made = nodes.map((node) => make(node))
      const macs = made.flatMap((one) => Object.values(one.macs))
      // Each has numbers that no other can draw.
      expect(new Set(macs.map((mac) => Number.parseInt(mac.slice(9).replaceAll(':', ''), 16) % 9)).size).toBe(9)
      expect(macs.filter((mac) => !/^52:54:00(:[0-9a-f]{2}){3}$/.test(mac))).toEqual([])
      expect(made.map(({ sshPort }) => sshPort % 3)).toEqual([0, 1, 2])
      expect(new Set(made.map(({ uuid }) => uuid)).size).toBe(3)
    }
  })
  it('has no port that somebody uses', () => {
    const all = Array.from({ length: 10_000 }, (_, i) => 22_000 + i)
    expect(
      make(
        'db-b',
        all.filter((port) => port !== 22_021),
      ).sshPort,
    ).not.toBe(22_022)
    expect(
      make(
        'db-a',
        all.filter((port) => port !== 22_002),
      ).sshPort,
    ).toBe(22_002)
  })
})

describe('start', () => {
  const { vm: machine } = qemu.probe(nodeContextOf(situation())).parse(output(running))
  const start = (nodes: string[], medium?: string): string => {
    const at = nodeContextOf({ ...situation(), nodes, stateDir: '/state' })
    const [step] = startSteps(at as never, at.settings as never, machine as Vm, medium)
    return step?.kind === 'run' ? step.command.script : ''
  }
  it('joins two machines by sockets that both name, and more by a segment', () => {
    const two = start(['db-a', 'db-b'])
    const [, folder] = /local\.path=(\/tmp\/hap-[0-9a-f]{12})\/db-a\.link0,/.exec(two) ?? []
    const ends = `local.type=unix,local.path=${folder}/db-a.link1,remote.type=unix,remote.path=${folder}/db-b.link1`
    expect(two).toContain(`-netdev dgram,id=nic-link1,${ends} `)
    expect(two).toContain('-netdev user,id=nic-mgmt,hostfwd=tcp:127.0.0.1:24570-:22 ')
    const segments = [...start(['db-a', 'db-b', 'db-c']).matchAll(/mcast=(239\.[\d.]+:\d+),localaddr=127\.0\.0\.1/g)]
    expect(new Set(segments.map(([, segment]) => segment)).size).toBe(2)
  })
  it('brings the medium as a CD that can be taken out, and without it none', () => {
    expect(start(['db-a', 'db-b'], '/iso/a,b.iso')).toContain(
      '-drive if=none,id=config,file=/iso/a,,b.iso,format=raw,readonly=on -device scsi-cd,drive=config,id=medium ',
    )
    expect(start(['db-a', 'db-b'])).not.toContain('scsi-cd')
  })
})

describe('validate', () => {
  const faults = (network: object, changed: object = {}, ssh?: object) => {
    const at = contextOf(situation(changed, network))
    const nodes = [{ name: 'db-a', ...(ssh ? { ssh } : {}) }]
    return vm.validate?.({ ...at, cluster: { ...at.cluster, nodes } } as never)
  }
  it('wants just one interface with dhcp, which carries ssh', () => {
    expect(faults(interfaces)).toEqual([])
    expect(faults({ link0: link })).toMatchObject([{ path: 'network.interfaces', message: /there is none$/ }])
    expect(faults({ a: dhcp, b: dhcp })).toMatchObject([{ path: 'network.interfaces', message: /there are 2$/ }])
  })
  it('leaves address and port of a node to the driver that makes it', () => {
    expect(faults(interfaces, {}, { port: 22 })).toMatchObject([{ path: 'nodes.db-a.ssh' }])
    expect(faults({ link0: link }, { driver: 'existing' }, { port: 22 })).toEqual([])
  })
})

describe('stub', () => {
  const judgeStub = (stub: string, missing: string) => {
    const task = taskOf(vm, 'stub')
    const at = contextOf(situation({ stub }))
    const facts = factsOf(task, at, { missing: output(missing) })
    return { task, at: { ...at, facts }, answer: findingsOf(task.check({ ...at, facts })) }
  }
  it('that is built in is built where it is missing', () => {
    const dir = stubDir('debian-12', { configDir: '/config' })
    const { task, at, answer } = judgeStub('debian-12', `${dir}/vmlinux\n`)
    expect(answer).toEqual([
      {
        id: 'no-stub',
        subject: dir,
        desired: 'stub.raw, vmlinux, initrd.img',
        actual: `missing: ${dir}/vmlinux`,
      },
    ])
    expect(answer.flatMap((one) => stepsOf(task, at, one))).toEqual([buildStub(dir)])
    expect(judgeStub('debian-12', '').answer).toEqual([])
  })
  it('of the user is never built over', () => {
    const { task, at, answer } = judgeStub('images/mine', '/config/images/mine/stub.raw\n')
    expect(answer).toMatchObject([{ id: 'no-own-stub', subject: '/config/images/mine' }])
    expect(() => answer.flatMap((one) => stepsOf(task, at, one))).toThrow('manual')
  })
})
