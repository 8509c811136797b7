import { execFile, spawn } from 'node:child_process'
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Report } from '../../src/engine/report.js'

export const nodes = ['db-a', 'db-b'] as const
const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Result {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A control machine as the program sees it: a folder with a config, and a state of its own. */
export interface Control {
  readonly dir: string
  /** `npx ha-provision …` in the folder; with a Node of another version where one is named. */
  ha(args: readonly string[], node?: string): Promise<Result>
  /** The same with `--json`. */
  report(args: readonly string[], node?: string): Promise<Report>
}

/** A user's project: the packed package installed into an empty folder, with a config, a plugin and a state of its own. */
export interface Lab extends Control {
  readonly stateDir: string
  /** Another control machine that has nothing yet but the program. */
  elsewhere(): Promise<Control>
  /** Arguments of `reconstruct`: how each node is reached from there. */
  access(): Promise<readonly string[]>
  /** A script on a node as root, over the key and the pinned host key that the tool made; rejects when it fails. */
  on(node: string, script: string): Promise<string>
  ssh(node: string): Promise<readonly string[]>
  /** The process of a node's QEMU, from its pid file and checked against its command line. */
  pid(node: string): Promise<number>
  /** Ends what it started, also when a test failed. */
  close(): Promise<void>
}

export function execute(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly input?: string },
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { ...options, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error && typeof error.code === 'string') reject(error)
      else resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr })
    })
    child.stdin?.end(options.input ?? '')
  })
}

async function must(command: string, args: readonly string[], cwd: string): Promise<string> {
  const result = await execute(command, args, { cwd })
  if (result.code !== 0)
    throw new Error(`${command} ${args.join(' ')}: exit ${result.code}\n${result.stdout}${result.stderr}`)
  return result.stdout
}

/** The packed package, a config and a plugin in an empty project. */
async function install(dir: string, configFile: string): Promise<void> {
  await must('npm', ['pack', '--silent', '--pack-destination', dir], root)
  const [tarball = ''] = (await readdir(dir)).filter((name) => name.endsWith('.tgz'))
  await writeFile(join(dir, 'package.json'), '{ "name": "project", "private": true, "type": "module" }\n')
  await must('npm', ['install', '--no-audit', '--no-fund', join(dir, tarball)], dir)
  const config = await readFile(join(root, 'test/e2e', configFile), 'utf8')
  await writeFile(join(dir, 'ha.config.ts'), config.replace('../projects/user-plugin/sysctl.js', './sysctl.ts'))
  await copyFile(join(root, 'test/projects/user-plugin/sysctl.ts'), join(dir, 'sysctl.ts'))
  await must('bash', [join(root, 'test/standin/db2/build.sh'), join(dir, 'db2-stand-in.tar.gz')], root)
}

/** `project` has the program installed; `dir` is where it is called. */
function control(project: string, dir: string, env: NodeJS.ProcessEnv): Control {
  const call =
    dir === project ? ['npx', '--no-install', 'ha-provision'] : [join(project, 'node_modules', '.bin', 'ha-provision')]
  const main = join(project, 'node_modules', 'ha-provision', 'dist', 'src', 'cli.js')
  const ha: Control['ha'] = (args, node) => {
    const [program = '', ...words] = node === undefined ? call : ['npx', '-y', '-p', `node@${node}`, 'node', main]
    return execute(program, [...words, ...args], { cwd: dir, env })
  }
  return {
    dir,
    ha,
    async report(args, node) {
      const result = await ha([...args, '--json'], node)
      try {
        return JSON.parse(result.stdout) as Report
      } catch {
        throw new Error(`no report: exit ${result.code}\n${result.stderr}\n${result.stdout}`)
      }
    },
  }
}

/** A lab with the config `file` of this folder, whose cluster is `cluster`. */
export async function openLab(nodes: readonly string[], file = 'ha.config.ts', cluster = 'e2e'): Promise<Lab> {
  // One that HA_PROVISION_KEEP=1 kept, to work on one part of the suite (vitest -t).
  const kept = process.env.HA_PROVISION_LAB
  const dir = kept ?? (await mkdtemp(join(tmpdir(), 'hap-e2e-')))
  const stateDir = join(dir, 'state', 'ha-provision', cluster)
  if (!kept) await install(dir, file)
  const environment = (stateHome: string) => ({ ...process.env, XDG_STATE_HOME: stateHome, CI: 'true', NO_COLOR: '1' })
  const env = environment(join(dir, 'state'))
  const others: string[] = []
  const ssh: Lab['ssh'] = async (node) => {
    const { sshHost, sshPort } = JSON.parse(await readFile(join(stateDir, 'vm', node, 'vm.json'), 'utf8'))
    const options = [
      'StrictHostKeyChecking=yes',
      'BatchMode=yes',
      `UserKnownHostsFile=${join(stateDir, 'known_hosts')}`,
      `HostKeyAlias=${node}`,
      'ConnectTimeout=15',
      'ServerAliveInterval=3',
    ]
    return [
      '-F',
      'none',
      '-i',
      join(stateDir, 'iso', 'id_ed25519'),
      ...options.flatMap((option) => ['-o', option]),
      '-p',
      String(sshPort),
      `root@${sshHost}`,
    ]
  }
  const pid: Lab['pid'] = async (node) => {
    const number = Number(await readFile(join(stateDir, 'vm', node, 'qemu.pid'), 'utf8'))
    const line = await readFile(`/proc/${number}/cmdline`, 'utf8')
    if (!line.includes('qemu-system') || !line.includes(stateDir))
      throw new Error(`process ${number} is not the QEMU of ${node}`)
    return number
  }
  return {
    ...control(dir, dir, env),
    stateDir,
    ssh,
    pid,
    async elsewhere() {
      // Not below the project: two configs of one folder tree may not claim the same ports.
      const other = await mkdtemp(join(tmpdir(), 'hap-elsewhere-'))
      others.push(other)
      return control(dir, other, environment(join(other, 'state')))
    },
    async access() {
      const reached = await Promise.all(
        nodes.map(async (node) => {
          const { sshHost, sshPort } = JSON.parse(await readFile(join(stateDir, 'vm', node, 'vm.json'), 'utf8'))
          return `${node}=root@${sshHost}:${sshPort}`
        }),
      )
      const files = ['--identity', join(stateDir, 'iso', 'id_ed25519'), '--known-hosts', join(stateDir, 'known_hosts')]
      return [...reached, ...files]
    },
    async on(node, script) {
      const result = await execute('ssh', [...(await ssh(node)), 'sh -s'], { env, input: script })
      if (result.code !== 0)
        throw new Error(`${node}: exit ${result.code}\n${script}\n${result.stdout}${result.stderr}`)
      return result.stdout
    },
    async close() {
      // Twice: what fences may be starting one of them again.
      for (const node of nodes) await rm(join(stateDir, 'vm', node, 'restart'), { force: true })
      for (const again of [true, false]) {
        for (const node of nodes) {
          const running = await pid(node).catch(() => undefined)
          if (running !== undefined) process.kill(running, 'SIGKILL')
        }
        if (again) await new Promise((resolve) => setTimeout(resolve, 5000))
      }
      if (!process.env.HA_PROVISION_KEEP)
        for (const folder of [dir, ...others]) await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Writes numbered lines on a node until it dies; a number is acknowledged when fsync(2) of its line has returned. */
export async function startWriter(
  lab: Lab,
  node: string,
  file: string,
): Promise<{ readonly acknowledged: number[]; readonly ended: Promise<void> }> {
  const child = spawn('ssh', [...(await lab.ssh(node)), 'sh -s'], { stdio: ['pipe', 'pipe', 'ignore'] })
  child.stdin.end(
    `i=0; while :; do i=$((i+1)); echo $i | dd of=${file} oflag=append conv=notrunc,fsync status=none && echo $i; done\n`,
  )
  const acknowledged: number[] = []
  let rest = ''
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    acknowledged.push(...lines.map(Number))
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

/** Outcomes other than "ok", as far as a test compares them. */
export const notOk = ({ outcomes }: Report) =>
  outcomes
    .filter(({ status }) => status !== 'ok')
    .map(({ stage, node, status, reason }) => ({ stage, node, status, reason }))

/** `NODE STAGE FINDING` of every difference that a check found; `-` where it concerns all nodes. */
export const differences = ({ outcomes }: Report): readonly string[] =>
  outcomes
    .filter(({ status }) => status === 'drift')
    .flatMap(({ stage, node, findings }) => findings.map(({ finding }) => `${node ?? '-'} ${stage} ${finding.id}`))

/** A script as the owner of an instance, in its environment. */
export const asOwner = (instance: string, script: string): string =>
  `runuser -l ${instance} -c '. ~/sqllib/db2profile
${script.replaceAll("'", `'\\''`)}'`
