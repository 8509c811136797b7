import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))
const cli = join(root, 'dist/src/cli.js')

function newest(dir: string): number {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .reduce((latest, { parentPath, name }) => Math.max(latest, statSync(join(parentPath, name)).mtimeMs), 0)
}
const isBuilt = (): boolean =>
  existsSync(cli) && statSync(cli).mtimeMs > Math.max(newest(join(root, 'src')), newest(join(root, 'plugins')))

/** Builds dist/ where the sources are newer. Test files run in processes of their own: one builds, the others wait. */
export async function built(): Promise<void> {
  const busy = join(root, 'node_modules/.ha-provision-building')
  for (const until = Date.now() + 60_000; !isBuilt() && Date.now() < until; await sleep(200)) {
    try {
      mkdirSync(busy)
    } catch {
      if (Date.now() - (statSync(busy, { throwIfNoEntry: false })?.mtimeMs ?? 0) > 60_000)
        rmSync(busy, { recursive: true, force: true })
      continue
    }
    try {
      if (!isBuilt()) spawnSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { cwd: root })
    } finally {
      rmSync(busy, { recursive: true, force: true })
    }
  }
}

export const newDir = (): string => mkdtempSync(join(tmpdir(), 'hap-test-'))

/** Writes files of a project, folders included. */
export function project(dir: string, files: Readonly<Record<string, string>>): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), content)
  }
  return dir
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The built command line in a folder, as a person runs it. */
export function start(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [cli, ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: '1', CI: '1', ...env },
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    said.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    said.stderr += chunk
  })
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, ...said })))
  return { child, said, ended }
}
export const run = (cwd: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended> =>
  start(cwd, args, env).ended
