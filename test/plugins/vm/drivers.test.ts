import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'ha-provision'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { drivers, type VmContext } from '../../../plugins/vm/index.js'
import { schema } from '../../../plugins/vm/schema.js'
import { diskFile, pidFile, socketDir, type Vm, vmDir } from '../../../plugins/vm/state.js'
import { localTransport } from '../../../src/transport/local.js'
import { nodeContextOf } from '../../support/task.js'

const top = mkdtempSync(join(tmpdir(), 'ha-vm-'))
const control = localTransport()
const run = async (command: Command): Promise<number> => (await control.exec(command)).code
const path = process.env.PATH

beforeAll(() => {
  process.env.PATH = `${fileURLToPath(new URL('qemu-stand-in', import.meta.url))}${delimiter}${path}`
})
afterAll(() => {
  process.env.PATH = path
  rmSync(top, { recursive: true })
})

const uuid = '96dc6793-378c-4edd-a0ef-b9491cbcaff3'
const interfaces = { mgmt: { dhcp: true, addresses: {} }, link0: { dhcp: false, addresses: {} } }
let tries = 0

/** A machine in a new state folder, and the stub that it is to be made from. */
function newSituation(data = 8) {
  const stateDir = join(top, `${++tries}`, 'demo')
  const stub = join(top, `${tries}`, 'stub')
  mkdirSync(stub, { recursive: true })
  const settings = {
    memoryMiB: 512,
    cpus: 1,
    accelerator: 'tcg',
    dataDisks: { data: { sizeMiB: data } },
  }
  const at = nodeContextOf({ settings, others: { network: { interfaces } }, stateDir }) as VmContext
  const macs = { mgmt: '52:54:00:00:00:01', link0: '52:54:00:00:00:02' }
  const vm: Vm = { uuid, macs, sshHost: '127.0.0.1', sshPort: 22001, callbackHost: '10.0.2.2', stub, disks: ['data'] }
  const withDisks = (dataDisks: object): VmContext => ({ ...at, settings: { ...at.settings, dataDisks } }) as VmContext
  return { at, vm, stub, withDisks, disk: (name: string) => diskFile(at.cluster, at.node, name) }
}

it('every driver is a choice in the schema, and every choice is a driver', () => {
  expect(drivers.map(({ name }) => name)).toEqual(schema.properties.driver.enum)
})

describe.each(drivers.filter(({ makes }) => !makes))('driver $name, which makes no machines', (driver) => {
  const { at, vm } = newSituation()
  it('takes the node for running and leaves the address to others', async () => {
    const { command, parse } = driver.probe(at)
    expect(parse(await control.exec(command)).state).toBe('running')
    expect(await driver.connect(at)).toEqual({})
  })
  it('has commands that all fail and change nothing', async () => {
    const commands = [driver.make(at, vm), driver.grow(at, vm), driver.start(at, vm), driver.detach(at, vm)]
    for (const command of [...commands, driver.stop(at, true), driver.destroy(at)]) expect(await run(command)).toBe(1)
    expect(existsSync(at.cluster.stateDir)).toBe(false)
  })
})

describe.each(drivers.filter(({ makes }) => makes))('driver $name', (driver) => {
  let now: ReturnType<typeof newSituation>
  const fact = async () => {
    const { command, parse } = driver.probe(now.at)
    return parse(await control.exec(command))
  }
  const pid = () => Number(readFileSync(pidFile(now.at.cluster, now.at.node), 'utf8'))
  beforeEach(async () => {
    now = newSituation()
    for (const file of ['vmlinux', 'initrd.img']) writeFileSync(join(now.stub, file), file)
    const make = {
      script: `truncate -s 4M ${now.stub}/stub.raw && mke2fs -q -t ext4 -O metadata_csum_seed ${now.stub}/stub.raw`,
    }
    expect(await control.exec(make)).toMatchObject({ code: 0, stderr: '' })
    return async () => {
      await run(driver.stop(now.at, true))
      rmSync(socketDir(now.at.cluster), { recursive: true, force: true })
    }
  })

  it('makes a stopped machine with its own UUID, which needs its stub no longer', async () => {
    expect(await fact()).toMatchObject({ state: 'absent', files: {}, medium: false })
    expect(await run(driver.make(now.at, now.vm))).toBe(0)
    rmSync(now.stub, { recursive: true })
    expect(await fact()).toMatchObject({
      state: 'stopped',
      vm: now.vm,
      files: { 'root.raw': 4 << 20, 'data.raw': 8 << 20 },
    })
    const { stdout } = await control.exec({ script: `dumpe2fs -h ${now.disk('root')} 2>/dev/null` })
    expect(/UUID: +(\S+)/.exec(stdout)?.[1]).toBe(uuid)
    const dir = vmDir(now.at.cluster, now.at.node)
    const modes = ['.', 'root.raw', 'data.raw', 'vm.json'].map((file) =>
      (statSync(join(dir, file)).mode & 0o777).toString(8),
    )
    expect(modes).toEqual(['700', '600', '600', '600'])
    expect(await run(driver.start(now.at, now.vm))).toBe(0)
  })
  it('never makes a machine over another, complete or not', async () => {
    await run(driver.make(now.at, now.vm))
    writeFileSync(now.disk('data'), 'precious')
    expect(await run(driver.make(now.at, now.vm))).toBe(1)
    rmSync(join(vmDir(now.at.cluster, now.at.node), 'vm.json'))
    expect((await fact()).state).toBe('incomplete')
    expect(await run(driver.make(now.at, now.vm))).toBe(1)
    expect(readFileSync(now.disk('data'), 'utf8')).toBe('precious')
  })
  it('is incomplete without one of its disks', async () => {
    await run(driver.make(now.at, now.vm))
    rmSync(now.disk('data'))
    expect(await fact()).toMatchObject({ state: 'incomplete', vm: now.vm })
  })
  it('leaves nothing of a machine when it fails to make one, and makes it the next time', async () => {
    expect(await run(driver.make(now.at, { ...now.vm, uuid: 'no uuid' }))).not.toBe(0)
    expect((await fact()).state).toBe('absent')
    expect(await run(driver.make(now.at, now.vm))).toBe(0)
    expect((await fact()).state).toBe('stopped')
  })
  it('grows small disks and adds new ones while it is off, and never makes one smaller', async () => {
    await run(driver.make(now.at, now.vm))
    const more = now.withDisks({ data: { sizeMiB: 12 }, log: { sizeMiB: 2 } })
    const vm = { ...now.vm, disks: ['data', 'log'] }
    await run(driver.start(now.at, now.vm))
    expect(await run(driver.grow(more, vm))).toBe(1)
    await run(driver.stop(now.at, true))
    writeFileSync(now.disk('data'), 'precious')
    expect(await run(driver.grow(more, vm))).toBe(0)
    expect(await run(driver.grow(now.withDisks({ data: { sizeMiB: 1 }, log: { sizeMiB: 1 } }), vm))).toBe(0)
    expect(await fact()).toMatchObject({ state: 'stopped', vm, files: { 'data.raw': 12 << 20, 'log.raw': 2 << 20 } })
    expect(readFileSync(now.disk('data'), 'latin1').slice(0, 9)).toBe('precious\0')
  })
  it('starts a machine that outlives the command, once', async () => {
    await run(driver.make(now.at, now.vm))
    expect(await driver.connect(now.at)).toBeUndefined()
    expect(await run(driver.start(now.at, now.vm))).toBe(0)
    const first = pid()
    expect(await fact()).toMatchObject({ state: 'running', medium: false })
    expect(await driver.connect(now.at)).toEqual({ host: '127.0.0.1', port: 22001 })
    expect(await run(driver.start(now.at, now.vm))).toBe(0)
    expect(pid()).toBe(first)
  })
  it('takes the medium out, also when it is out already', async () => {
    await run(driver.make(now.at, now.vm))
    expect(await run(driver.start(now.at, now.vm, join(top, 'config.iso')))).toBe(0)
    expect((await fact()).medium).toBe(true)
    expect(await run(driver.detach(now.at, now.vm))).toBe(0)
    expect(await fact()).toMatchObject({ state: 'running', medium: false })
    expect(await run(driver.detach(now.at, now.vm))).toBe(0)
  })
  it.each([false, true])('ends a machine (as a power cut: %s), also when it is off already', async (kill) => {
    await run(driver.make(now.at, now.vm))
    await run(driver.start(now.at, now.vm, join(top, 'config.iso')))
    expect(await run(driver.stop(now.at, kill))).toBe(0)
    expect(await fact()).toMatchObject({ state: 'stopped', medium: false })
    expect(await run(driver.stop(now.at, kill))).toBe(0)
    expect(await run(driver.detach(now.at, now.vm))).toBe(0)
  })
  it('takes a process that only got the old number for no machine, and leaves it alone', async () => {
    await run(driver.make(now.at, now.vm))
    const other = spawn('sleep', ['60'])
    writeFileSync(pidFile(now.at.cluster, now.at.node), `${other.pid}\n`)
    expect((await fact()).state).toBe('stopped')
    expect(await driver.connect(now.at)).toBeUndefined()
    expect(await run(driver.stop(now.at, true))).toBe(0)
    expect(other.exitCode ?? other.signalCode).toBeNull()
    other.kill()
  })
  it('destroys a machine that is off, and no other', async () => {
    await run(driver.make(now.at, now.vm))
    await run(driver.start(now.at, now.vm))
    expect(await run(driver.destroy(now.at))).toBe(1)
    expect((await fact()).state).toBe('running')
    await run(driver.stop(now.at, false))
    expect(await run(driver.destroy(now.at))).toBe(0)
    expect((await fact()).state).toBe('absent')
    expect(existsSync(dirname(vmDir(now.at.cluster, now.at.node)))).toBe(true)
  })
  it('knows the port of another machine that is off', async () => {
    await run(driver.make(now.at, now.vm))
    now.at = { ...now.at, node: 'db-b' } as VmContext
    expect((await fact()).usedPorts).toContain(22001)
  })
  it('says no more of a broken record than that the machine is incomplete', async () => {
    await run(driver.make(now.at, now.vm))
    const file = join(vmDir(now.at.cluster, now.at.node), 'vm.json')
    chmodSync(file, 0o600)
    writeFileSync(file, '{"uuid":')
    expect((await fact()).state).toBe('incomplete')
    expect(await driver.connect(now.at)).toBeUndefined()
  })
})
