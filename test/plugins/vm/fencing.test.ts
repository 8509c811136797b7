import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'ha-provision'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { qemu } from '../../../plugins/vm/drivers/qemu.js'
import vmPlugin, { type VmContext } from '../../../plugins/vm/index.js'
import { pidFile, socketDir, type Vm, vmDir } from '../../../plugins/vm/state.js'
import { localTransport } from '../../../src/transport/local.js'
import { nodeContextOf } from '../../support/task.js'

const top = mkdtempSync(join(tmpdir(), "ha-fence, it's "))
const stateDir = join(top, 'demo')
const control = localTransport()
const done = async (command: Command) => expect(await control.exec(command)).toMatchObject({ code: 0, stderr: '' })
const path = process.env.PATH
beforeAll(() => {
  process.env.PATH = `${fileURLToPath(new URL('qemu-stand-in', import.meta.url))}${delimiter}${path}`
})
afterAll(() => {
  process.env.PATH = path
  rmSync(top, { recursive: true })
})

const interfaces = { mgmt: { dhcp: true, addresses: {} }, link0: { dhcp: false, addresses: {} } }
const settings = { driver: 'qemu', memoryMiB: 512, cpus: 1, accelerator: 'tcg', dataDisks: {}, fencing: true }
const at = (node: string, changed: object = {}) =>
  nodeContextOf(
    { settings: { ...settings, ...changed }, others: { network: { interfaces } }, stateDir },
    node,
  ) as VmContext
const [a, b] = [at('db-a'), at('db-b')]
const vm: Vm = {
  uuid: '96dc6793-378c-4edd-a0ef-b9491cbcaff3',
  macs: { mgmt: '52:54:00:00:00:01', link0: '52:54:00:00:00:02' },
  sshHost: '127.0.0.1',
  sshPort: 22001,
  callbackHost: '10.0.2.2',
  stub: join(top, 'stub'),
  disks: [],
}
const dir = ({ cluster, node }: VmContext) => vmDir(cluster, node)
const pid = ({ cluster, node }: VmContext) => Number(readFileSync(pidFile(cluster, node), 'utf8'))
const argumentsOf = (one: VmContext) => readFileSync(`/proc/${pid(one)}/cmdline`, 'utf8').split('\0')
const isOn = async (one: VmContext) => (await qemu.connect(one)) !== undefined
const until = async (what: () => Promise<boolean>) => {
  for (let tries = 0; tries < 100; tries++) {
    if (await what()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('never came')
}

/** What comes back when a machine's guest says that, by the command which its QEMU would start. */
async function said(from: VmContext, words: string, token = readFileSync(join(dir(from), 'fencing'), 'utf8')) {
  const door = /guestfwd=tcp:10\.0\.2\.100:620-cmd:(.*)$/.exec(
    argumentsOf(from).find((word) => word.includes('guestfwd')) ?? '',
  )?.[1]
  const script = (door ?? 'false').replaceAll(',,', ',')
  const { stdout } = await control.exec({ script, stdin: `${token.replace(/.*=/, '')} ${words}\n` })
  return stdout
}

describe('fencing of machines', () => {
  beforeEach(async () => {
    mkdirSync(vm.stub, { recursive: true })
    for (const file of ['vmlinux', 'initrd.img']) writeFileSync(join(vm.stub, file), file)
    await done({
      script: `cd "${vm.stub}" && truncate -s 4M stub.raw && mke2fs -q -t ext4 -O metadata_csum_seed stub.raw`,
    })
    for (const one of [a, b]) {
      await done(qemu.make(one, vm))
      await done(qemu.start(one, vm))
      const program = join(dir(one), 'fence')
      writeFileSync(program, readFileSync(program, 'utf8').replace('young=15', 'young=0'))
    }
    return async () => {
      for (const one of [a, b]) {
        await done(qemu.stop(one, true))
        await done(qemu.destroy(one))
      }
      rmSync(socketDir(a.cluster), { recursive: true, force: true })
    }
  })

  it('gives each machine a word of its own, which is in no argument', () => {
    const [one, other] = [a, b].map((each) => readFileSync(join(dir(each), 'fencing'), 'utf8'))
    expect(one).toMatch(/^ha-provision-fencing=[0-9a-f]{32}$/)
    expect(other).not.toBe(one)
    expect(statSync(join(dir(a), 'fencing')).mode & 0o777).toBe(0o600)
    expect(argumentsOf(a).join(' ')).not.toContain(one?.replace(/.*=/, ''))
    expect(argumentsOf(a)).toContain(`type=11,path=${join(dir(a), 'fencing').replaceAll(',', ',,')}`)
  })
  it('a reset ends the process, and starts the machine again without its medium', async () => {
    const before = pid(a)
    expect(await said(b, 'status db-a')).toBe('ok: on\n')
    expect(await said(b, 'reset db-a')).toBe('ok: switched off, and on again\n')
    await until(() => isOn(a))
    expect(pid(a)).not.toBe(before)
    expect(argumentsOf(a).join(' ')).not.toContain('scsi-cd')
    expect(readFileSync(join(dir(a), 'fenced.log'), 'utf8')).toMatch(/^\S+Z db-b asked for reset: switched off/)
    expect(await isOn(b)).toBe(true)
  })
  it('a machine that has just been switched on is the next one, and not reset again', async () => {
    const [program, before] = [join(dir(b), 'fence'), pid(a)]
    writeFileSync(program, readFileSync(program, 'utf8').replace('young=0', 'young=15'))
    expect(await said(b, 'reset db-a')).toMatch(/^ok: was switched on \d s ago\n$/)
    expect(pid(a)).toBe(before)
    // What it has may be old all the same.
    expect(await said(a, 'reset db-b')).toMatch(/^refused: db-a was fenced by db-b/)
    expect(await said(b, 'off db-a')).toBe('ok: switched off\n')
  })
  it('a machine that hangs is ended as well', async () => {
    process.kill(pid(a), 'SIGSTOP')
    expect(await said(b, 'off db-a')).toBe('ok: switched off\n')
    expect(await isOn(a)).toBe(false)
    expect(await said(b, 'status db-a')).toBe('ok: off\n')
    expect(await said(b, 'on db-a')).toBe('ok: switched on\n')
    await until(() => isOn(a))
  })
  it('is not fooled by a pid file that is gone', async () => {
    const before = pid(a)
    rmSync(pidFile(a.cluster, a.node))
    expect(await said(b, 'status db-a')).toBe('ok: on\n')
    expect(await said(b, 'off db-a')).toBe('ok: switched off\n')
    expect(existsSync(`/proc/${before}/cmdline`) && readFileSync(`/proc/${before}/cmdline`, 'utf8')).toBeFalsy()
  })
  it('what was off stays off, and counts as reset', async () => {
    await done(qemu.stop(a, true))
    expect(await said(b, 'reset db-a')).toBe('ok: was off already\n')
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await isOn(a)).toBe(false)
  })
  it('of two that fence each other one wins', async () => {
    const [one, other] = await Promise.all([said(a, 'off db-b'), said(b, 'off db-a')])
    expect([one, other].sort()).toEqual([
      'ok: switched off\n',
      'refused: the machine that asked was switched off itself\n',
    ])
    expect([await isOn(a), await isOn(b)].sort()).toEqual([false, true])
  })
  it('a machine that was fenced fences nobody before it was in sync', async () => {
    expect(await said(b, 'reset db-a')).toMatch(/^ok/)
    await until(() => isOn(a))
    const before = pid(b)
    for (const verb of ['off', 'reset'])
      expect(await said(a, `${verb} db-b`)).toMatch(
        /^refused: db-a was fenced by db-b at \S+Z and has not been in sync since: its data may be old\. .*: rm .*\/vm\/db-a\/fenced\n$/,
      )
    expect(pid(b)).toBe(before)
    expect(await said(a, 'status db-b')).toBe('ok: on\n')
    expect(await said(b, 'reset db-a')).toMatch(/^ok/)
    await until(() => isOn(a))
    expect(await said(a, 'insync db-b')).toBe('ok: noted\n')
    expect(await said(a, 'off db-b')).toBe('ok: switched off\n')
  })
  it.each([
    ['reset db-a', 'not the token of this machine', 'f'.repeat(32)],
    ['reset db-a', 'not the token of this machine', ''],
    ['reset db-b', 'no peer db-b'],
    ['reset db-c', 'no peer db-c'],
    ['reset ../db-a', 'no name of a node'],
    ['reset', 'no name of a node'],
    ['destroy db-a', 'neither on, off, reset, insync nor status'],
  ])('%s is refused: %s', async (words, why, token?: string) => {
    const before = [pid(a), pid(b)]
    expect(await said(b, words, token)).toBe(`refused: ${why}\n`)
    expect([await isOn(a), await isOn(b)]).toEqual([true, true])
    expect([pid(a), pid(b)]).toEqual(before)
  })
  it('leaves other processes alone that name the pid file', async () => {
    const other = spawn('sh', ['-c', 'sleep 60; :', pidFile(a.cluster, a.node)])
    expect(await said(b, 'off db-a')).toBe('ok: switched off\n')
    expect(other.exitCode ?? other.signalCode).toBeNull()
    other.kill()
  })
  it('is no part of a machine without it', async () => {
    await done(qemu.stop(a, true))
    await done(qemu.start(at('db-a', { fencing: false }), vm))
    expect(argumentsOf(a).join(' ')).not.toMatch(/guestfwd|smbios/)
  })
})

describe('the program on a node', () => {
  const program = readFileSync(fileURLToPath(new URL('../../../plugins/vm/fencing/node.sh', import.meta.url)), 'utf8')
  const called = (words: string, seen = 'dead', more = '') =>
    control.exec({
      script: `cl_status() { echo ${seen}; }; logger() { :; }; timeout() { cat >/dev/null; echo 'ok: switched off'; }; ${more} set -- ${words}; hostlist=db-b\n${program}`,
    })
  it('answers what stonith(8) asks of a plugin', async () => {
    expect(await called('getconfignames')).toMatchObject({ code: 0, stdout: 'hostlist\n' })
    expect(await called('gethosts')).toMatchObject({ code: 0, stdout: 'db-b\n' })
    for (const word of ['getinfo-devid', 'getinfo-devname', 'getinfo-devdescr', 'getinfo-devurl', 'getinfo-xml'])
      expect((await called(word)).stdout).not.toBe('')
    expect((await called('monitor')).code).toBe(1)
  })
  it('leaves a peer alone that Heartbeat hears again, unless DRBD asks', async () => {
    expect(await called('reset db-b')).toMatchObject({ code: 0, stdout: 'switched off\n' })
    expect(await called('reset db-b', 'active')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Heartbeat hears it again'),
    })
    expect(await called('reset db-b', 'active', 'DRBD_RESOURCE=r0;')).toMatchObject({ code: 0 })
  })
  it('fails where nobody answers', async () => {
    const { code, stderr } = await called('off db-b', 'dead', 'timeout() { cat >/dev/null; };')
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('external/ha-qemu: off db-b: no answer within 60 s\n'),
    })
  })
})

it('is offered only where it is wanted, and refused for a driver that cannot', () => {
  expect(vmPlugin.offers?.(a as never)).toMatchObject({ fencing: [{ name: 'ha-qemu' }] })
  expect(vmPlugin.offers?.(at('db-a', { fencing: false }) as never)).toEqual({ fencing: [] })
  expect(vmPlugin.validate?.(at('db-a', { driver: 'existing' }) as never)).toMatchObject([{ path: 'vm.fencing' }])
})
