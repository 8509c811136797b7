import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const here = fileURLToPath(new URL('.', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Machine {
  /** Runs a script on the machine as root, past ssh. */
  run(script: string): Ended
  /** The fingerprint of a host key. */
  fingerprint(type: 'ed25519' | 'rsa'): string
}

/** A control machine, a jump host, and behind it nodes that nobody else reaches: network namespaces of this computer. */
export interface JumpLab {
  readonly control: Machine
  readonly jump: Machine
  readonly nodes: Readonly<Record<string, Machine>>
  readonly addresses: Readonly<Record<string, string>>
  /** `ha-provision …` on the control machine, in its folder /root/project. */
  ha(...args: readonly string[]): Ended
  /** A node that was set up anew: another host key. */
  renew(node: string): Promise<void>
  close(): void
}

const ip = (...args: readonly string[]): void => void execFileSync('ip', args)
const fingerprintOf = (file: string): string =>
  execFileSync('ssh-keygen', ['-lf', `${file}.pub`], { encoding: 'utf8' }).split(' ')[1] ?? ''

export async function jumpLab(names: readonly string[]): Promise<JumpLab> {
  const sshd = join(root, 'build/sshd')
  mkdirSync(sshd, { recursive: true })
  execFileSync('sh', [join(here, 'fetch.sh'), sshd], { stdio: 'pipe' })
  const dir = mkdtempSync(join(tmpdir(), 'hap-jump-'))
  const tag = randomBytes(3).toString('hex')
  const spaces: string[] = []
  const running = new Map<string, ChildProcess>()
  const keysOf = (name: string) => join(dir, name)
  const newKey = (file: string, type: string) =>
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', '', '-f', file])
  const close = () => {
    // The first process of a pid namespace takes all others with it.
    for (const child of running.values()) child.kill('SIGKILL')
    for (const space of spaces.splice(0)) spawnSync('ip', ['netns', 'del', space])
    rmSync(dir, { recursive: true, force: true })
  }
  const boot = async (name: string, role: 'sshd' | 'control'): Promise<void> => {
    const args = ['netns', 'exec', `hap${tag}${name}`, 'unshare', '--mount', '--uts', '--pid', '--fork', '--kill-child']
    const child = spawn('ip', [...args, 'sh', join(here, 'machine.sh'), name, role, join(sshd, 'root'), keysOf(name)])
    running.set(name, child)
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString()
      })
    const isUp = role === 'control' ? /^ready/m : /Server listening on 0\.0\.0\.0/
    for (const until = Date.now() + 20_000; !isUp.test(said); await sleep(50))
      if (Date.now() > until || child.exitCode !== null) throw new Error(`${name} does not start: ${said}`)
  }
  const machine = (name: string): Machine => ({
    run(script) {
      const pid = running.get(name)?.pid
      const inner = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0] ?? ''
      const { status, stdout, stderr } = spawnSync(
        'nsenter',
        ['-t', inner, '-m', '-u', '-n', '-p', '-r', '-w', '--', 'sh', '-c', `cd /root; ${script}`],
        { encoding: 'utf8', timeout: 110_000, cwd: '/' },
      )
      return { code: status, stdout, stderr }
    },
    fingerprint: (type) => fingerprintOf(join(keysOf(name), `host_${type}`)),
  })
  try {
    newKey(join(dir, 'login'), 'ed25519')
    for (const name of ['control', 'jump', ...names]) {
      mkdirSync(keysOf(name))
      for (const type of ['ed25519', 'rsa']) newKey(join(keysOf(name), `host_${type}`), type)
      execFileSync('cp', [join(dir, 'login'), join(dir, 'login.pub'), keysOf(name)])
      ip('netns', 'add', `hap${tag}${name}`)
      spaces.push(`hap${tag}${name}`)
    }
    const join2 = (one: string, oneAddress: string, other: string, otherAddress: string, i: number) => {
      const ends = [`h${tag}${i}a`, `h${tag}${i}b`] as const
      ip('link', 'add', ends[0], 'type', 'veth', 'peer', 'name', ends[1])
      for (const [end, name, address] of [
        [ends[0], one, oneAddress],
        [ends[1], other, otherAddress],
      ] as const) {
        const space = `hap${tag}${name}`
        ip('link', 'set', end, 'netns', space)
        ip('-n', space, 'addr', 'add', `${address}/30`, 'dev', end)
        ip('-n', space, 'link', 'set', end, 'up')
      }
    }
    join2('control', '10.77.0.1', 'jump', '10.77.0.2', 0)
    const addresses: Record<string, string> = { jump: '10.77.0.2' }
    for (const [i, name] of names.entries()) {
      join2('jump', `10.77.${i + 1}.1`, name, `10.77.${i + 1}.2`, i + 1)
      addresses[name] = `10.77.${i + 1}.2`
    }
    await Promise.all([boot('control', 'control'), ...['jump', ...names].map((name) => boot(name, 'sshd'))])
    const control = machine('control')
    if (!existsSync(join(root, 'dist/src/cli.js'))) throw new Error('dist/ is not built')
    return {
      control,
      jump: machine('jump'),
      nodes: Object.fromEntries(names.map((name) => [name, machine(name)])),
      addresses,
      ha: (...args) => {
        const words = [process.execPath, join(root, 'dist/src/cli.js'), ...args].map(
          (word) => `'${word.replaceAll("'", "'\\''")}'`,
        )
        return control.run(
          `mkdir -p project; cd project; HOME=/root CI=1 NO_COLOR=1 XDG_STATE_HOME=/root/state XDG_CACHE_HOME=/root/cache XDG_RUNTIME_DIR=/run ${words.join(' ')}`,
        )
      },
      async renew(node) {
        running.get(node)?.kill('SIGKILL')
        rmSync(join(keysOf(node), 'mount'), { recursive: true, force: true })
        for (const type of ['ed25519', 'rsa']) {
          rmSync(join(keysOf(node), `host_${type}`))
          rmSync(join(keysOf(node), `host_${type}.pub`))
          newKey(join(keysOf(node), `host_${type}`), type)
        }
        await boot(node, 'sshd')
      },
      close,
    }
  } catch (error) {
    close()
    throw error
  }
}
