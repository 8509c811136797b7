import { execFile, spawn } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Report } from '../../src/engine/report.js'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const program = join(root, 'dist/src/cli.js')

export interface Result {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A project folder with a config of its own, its own state, and real virtual machines below it. */
export interface Lab {
  readonly dir: string
  readonly stateDir: string
  ha(...args: string[]): Promise<Result>
  /** Runs with `--json` and gives the report. */
  report(...args: string[]): Promise<Report>
  /** A script on a node as root, over the key and the pinned host key that the tool made; rejects when it fails. */
  on(node: string, script: string): Promise<string>
  /** The process of a node's QEMU, taken from its pid file and checked against its command line. */
  pid(node: string): Promise<number>
  env: NodeJS.ProcessEnv
  close(): Promise<void>
}

export function execute(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; input?: string },
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { ...options, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error && typeof error.code === 'string') reject(error)
      else resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr })
    })
    child.stdin?.end(options.input ?? '')
  })
}

interface Vm {
  readonly sshHost: string
  readonly sshPort: number
}

export async function openLab(nodes: readonly string[], config = join(root, 'ha.config.ts')): Promise<Lab> {
  const dir = await mkdtemp(join(tmpdir(), 'hap-e2e-'))
  await copyFile(config, join(dir, 'ha.config.ts'))
  const env = { ...process.env, XDG_STATE_HOME: join(dir, 'state'), CI: 'true', NO_COLOR: '1' }
  const stateDir = join(dir, 'state', 'ha-provision', 'demo')
  const vm = async (node: string): Promise<Vm> =>
    JSON.parse(await readFile(join(stateDir, 'vm', node, 'vm.json'), 'utf8')) as Vm
  const ha = (...args: string[]) => execute(process.execPath, [program, ...args], { cwd: dir, env })
  const sshArgs = async (node: string) => {
    const { sshHost, sshPort } = await vm(node)
    return [
      '-F',
      'none',
      '-i',
      join(stateDir, 'iso', 'id_ed25519'),
      '-o',
      'StrictHostKeyChecking=yes',
      '-o',
      'BatchMode=yes',
      '-o',
      `UserKnownHostsFile=${join(stateDir, 'known_hosts')}`,
      '-o',
      `HostKeyAlias=${node}`,
      '-o',
      'ConnectTimeout=15',
      '-p',
      String(sshPort),
      `root@${sshHost}`,
    ]
  }
  const pid = async (node: string): Promise<number> => {
    const number = Number(await readFile(join(stateDir, 'vm', node, 'qemu.pid'), 'utf8'))
    const line = await readFile(`/proc/${number}/cmdline`, 'utf8')
    if (!line.includes('qemu-system') || !line.includes(node))
      throw new Error(`process ${number} is not the QEMU of ${node}`)
    return number
  }
  return {
    dir,
    stateDir,
    env,
    ha,
    pid,
    async report(...args) {
      const result = await ha(...args, '--json')
      try {
        return JSON.parse(result.stdout) as Report
      } catch {
        throw new Error(`no report: exit ${result.code}\n${result.stderr}\n${result.stdout}`)
      }
    },
    async on(node, script) {
      const result = await execute('ssh', [...(await sshArgs(node)), 'sh -s'], { env, input: script })
      if (result.code !== 0)
        throw new Error(`${node}: exit ${result.code}\n${script}\n${result.stdout}${result.stderr}`)
      return result.stdout
    },
    async close() {
      for (const node of nodes) {
        const running = await pid(node).catch(() => undefined)
        if (running !== undefined) process.kill(running, 'SIGKILL')
      }
      if (!process.env.HA_PROVISION_KEEP) await rm(dir, { recursive: true, force: true })
    },
  }
}

/** Acknowledged lines: each was fsynced on the node before it was said here. Ends with the node. */
export async function startWriter(
  lab: Lab,
  node: string,
  file: string,
): Promise<{ acknowledged: number[]; ended: Promise<void> }> {
  const { sshPort } = await JSON.parse(await readFile(join(lab.stateDir, 'vm', node, 'vm.json'), 'utf8'))
  const args = [
    '-F',
    'none',
    '-i',
    join(lab.stateDir, 'iso', 'id_ed25519'),
    '-o',
    `UserKnownHostsFile=${join(lab.stateDir, 'known_hosts')}`,
    '-o',
    `HostKeyAlias=${node}`,
    '-o',
    'ServerAliveInterval=2',
    '-p',
    String(sshPort),
    'root@127.0.0.1',
    'sh -s',
  ]
  const child = spawn('ssh', args, { env: lab.env, stdio: ['pipe', 'pipe', 'ignore'] })
  // `dd conv=fsync,notrunc oflag=append` returns after fsync(2): only then is the number said.
  child.stdin.end(
    `i=0; while :; do i=$((i+1)); echo $i | dd of=${file} oflag=append conv=notrunc,fsync status=none && echo $i; done\n`,
  )
  const acknowledged: number[] = []
  child.stdout.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().split('\n')) if (/^\d+$/.test(line)) acknowledged.push(Number(line))
  })
  return { acknowledged, ended: new Promise((resolve) => child.on('close', () => resolve())) }
}

export async function until<T>(what: string, seconds: number, look: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const seen = await look().catch(() => undefined)
    if (seen !== undefined) return seen
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`)
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
}

export { mkdir, writeFile }
