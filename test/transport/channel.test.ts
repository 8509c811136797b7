import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { given, Secret, sh } from '../../src/index.js'
import { channel } from '../../src/transport/channel.js'
import { localTransport } from '../../src/transport/local.js'
import { sshTransport } from '../../src/transport/ssh.js'
import { UnreachableError } from '../../src/transport/types.js'
import { newDir, project } from '../support/cli.js'
import { fakeNodes } from '../support/cluster.js'

const dir = project(newDir(), { 'nodes/calls': '' })
Object.assign(process.env, fakeNodes(dir))
afterAll(() => rmSync(dir, { recursive: true, force: true }))
const node = (name = 'a') => sshTransport(name, { host: name }, '/tmp')
const local = localTransport()

describe('a command', () => {
  it('gives its exit code, stdout and stderr, each whole', async () => {
    expect(await local.exec(sh`echo out; echo err >&2; exit 3`)).toMatchObject({
      code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    })
  })
  it('gives every exit code, also the ones that ssh uses itself', async () => {
    const codes = await Promise.all([0, 1, 124, 127, 255].map((code) => node().exec(sh`exit ${code}`)))
    expect(codes.map(({ code }) => code)).toEqual([0, 1, 124, 127, 255])
  })
  it('with a syntax error does not run its first lines', async () => {
    const { code } = await node('syntax').exec({ script: 'echo >ran\nif' })
    expect(code).not.toBe(0)
    await expect(node('syntax').exec(sh`[ -e ran ]`)).resolves.toMatchObject({ code: 1 })
  })
  it('reads its own stdin, never the rest of the script', async () => {
    expect(await local.exec(sh`cat; echo end`)).toMatchObject({ stdout: 'end\n' })
  })
  it('may end in a comment, a here-document or a backslash in quotes', async () => {
    const scripts = ['echo a # b', 'cat <<E\na\nE', "printf %s 'a\\'"]
    const outputs = await Promise.all(scripts.map((script) => local.exec({ script })))
    expect(outputs.map(({ stdout }) => stdout)).toEqual(['a\n', 'a\n', 'a\\'])
  })
  it('passes any bytes on stdin, and hides a secret from every text', async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7) % 256))
    const file = join(dir, 'bytes')
    await local.exec(given(sh`cat >${file}`, { stdin: bytes }))
    expect(readFileSync(file).equals(bytes)).toBe(true)
    const secret = given(sh`cat`, { stdin: new Secret('hunter2') })
    expect(JSON.stringify(secret)).not.toContain('hunter2')
    expect(`${secret.stdin}`).toBe('[redacted]')
    expect((await local.exec(secret)).stdout).toBe('hunter2')
  })
  it('keeps output whole where letters of two bytes cross the borders of chunks', async () => {
    const { stdout } = await local.exec(sh`yes 'aäöü€' | head -n 40000; printf é`)
    expect(stdout === `${'aäöü€\n'.repeat(40000)}é`).toBe(true)
  })
  it('is in no argument list', async () => {
    const { stdout } = await local.exec(given(sh`cat >/dev/null; ps -eo args`, { stdin: new Secret('hunter2') }))
    expect(stdout).toContain('sh -s')
    expect(stdout).not.toContain('hunter2')
  })
  it('counts as one exec channel', async () => {
    const transport = node()
    await transport.exec(sh`true`)
    await transport.write(join(dir, 'written'), 'x', { mode: '0600' })
    expect(transport.channels).toBe(2)
  })
})

describe('a connection', () => {
  it('that fails is told apart from a script that exits 255', async () => {
    writeFileSync(join(dir, 'nodes/down.down'), '')
    await expect(node('down').exec(sh`true`)).rejects.toThrow(UnreachableError)
    await expect(node('up').exec(sh`exit 255`)).resolves.toMatchObject({ code: 255 })
  })
  it('that ends before it read a large input is an error of this node only', async () => {
    writeFileSync(join(dir, 'nodes/down.down'), '')
    const command = given(sh`cat`, { stdin: Buffer.alloc(3_000_000) })
    await expect(node('down').exec(command)).rejects.toThrow('Connection timed out')
  })
  it.each([40, 150, 300])('cut after %d bytes has run nothing', async (count) => {
    writeFileSync(join(dir, 'nodes/cut.cut'), String(count))
    const script = `echo >>ran\n${'echo more >>ran\n'.repeat(40)}`
    await expect(node('cut').exec({ script })).rejects.toThrow('client_loop')
    rmSync(join(dir, 'nodes/cut.cut'))
    expect((await node('cut').exec(sh`[ -e ran ]`)).code).toBe(1)
  })
  it('cut within the input of a script has run nothing', async () => {
    writeFileSync(join(dir, 'nodes/cut.cut'), '1500')
    const command = given(sh`cat >ran`, { stdin: 'x'.repeat(3000) })
    await expect(node('cut').exec(command)).rejects.toThrow('client_loop')
    rmSync(join(dir, 'nodes/cut.cut'))
    expect((await node('cut').exec(sh`[ -e ran ]`)).code).toBe(1)
  })
  it('that is lost after the script began is no success', async () => {
    const result = await channel(['sh', '-c', 'sh -s >/dev/null 2>&1; exit 255'], sh`true`)
    expect(result).toMatchObject({ ended: false, code: 255 })
  })
})

describe('a stop', () => {
  it('ends a command at once', async () => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 200)
    const started = Date.now()
    await node()
      .exec(sh`sleep 20`, { signal: stop.signal })
      .catch(() => undefined)
    expect(Date.now() - started).toBeLessThan(5000)
  })
  it('before a command keeps it from running', async () => {
    await expect(local.exec(sh`true`, { signal: AbortSignal.abort() })).rejects.toThrow()
  })
})

describe('a file', () => {
  it('is written with its folders, mode and every byte, and no temporary file stays', async () => {
    const path = join(dir, "new/it's here/file")
    const content = 'no last line break, ä, $HOME, `id`'
    expect(await local.write(path, content, { mode: '0640' })).toMatchObject({ code: 0 })
    expect(readFileSync(path, 'utf8')).toBe(content)
    expect((await local.exec(sh`stat -c %a ${path}; ls ${join(path, '..')}`)).stdout).toBe('640\nfile\n')
  })
  it('does not go into a folder of its name', async () => {
    expect((await local.write(join(dir, 'nodes'), 'x', { mode: '0600' })).code).not.toBe(0)
    expect((await local.exec(sh`ls ${join(dir, 'nodes')} | grep -c ha-provision`)).stdout).toBe('0\n')
  })
  it('that cannot be written leaves the old one', async () => {
    const path = join(dir, 'kept')
    writeFileSync(path, 'old')
    expect((await local.write(path, 'new', { mode: '0600', owner: 'no-such-user' })).code).not.toBe(0)
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect((await local.exec(sh`ls ${dir} | grep -c ha-provision`)).stdout).toBe('0\n')
  })
})

describe('an upload', () => {
  const from = join(dir, 'large')
  const bytes = Buffer.from(Array.from({ length: 3_000_001 }, (_, i) => (i * 31) % 251))
  writeFileSync(from, bytes)
  it.each([
    ['the control machine', () => local, join(dir, "up/it's here/a")],
    ['a node', () => node('to'), "up/it's here/b"],
  ])('to %s arrives whole, with its mode, and tells how far it is', async (_, transport, to) => {
    const told: string[] = []
    const onOutput = (text: string) => told.push(text)
    expect(await transport().upload(from, to, { mode: '0640', onOutput })).toMatchObject({ code: 0 })
    const path = to.startsWith('/') ? to : join(dir, 'nodes/to', to)
    expect(readFileSync(path).equals(bytes)).toBe(true)
    expect((await local.exec(sh`stat -c %a ${path}; ls ${join(path, '..')}`)).stdout).toMatch(/^640\n[ab]\n$/)
    expect(told.at(-1)).toBe('100 % 3 MiB of 3 MiB')
  })
  it('that is cut leaves what was there', async () => {
    await node('half').exec(sh`echo old >kept`)
    writeFileSync(join(dir, 'nodes/half.cut'), '1000000')
    expect(await node('half').upload(from, 'kept', { mode: '0600' })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('did not arrive whole'),
    })
    rmSync(join(dir, 'nodes/half.cut'))
    expect((await node('half').exec(sh`cat kept; ls`)).stdout).toBe('old\nkept\n')
  })
  it('of a file that is not there says so', async () => {
    const result = await local.upload(join(dir, 'none'), join(dir, 'no'), { mode: '0600' })
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('no such file') })
  })
})
