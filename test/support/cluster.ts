import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { settle } from '../../src/config/settle.js'
import type { RunEvent } from '../../src/engine/events.js'
import { stagesOf } from '../../src/engine/plan.js'
import type { Report } from '../../src/engine/report.js'
import { runStages } from '../../src/engine/run.js'
import { discoverHooks } from '../../src/hooks/hooks.js'
import type { AnyPlugin, Hooks, Mode } from '../../src/index.js'
import { newDir, project } from './cli.js'

/** Environment in which `ssh HOST command` runs the command here, in the folder `nodes/HOST` of `dir`. */
export const fakeNodes = (dir: string): Record<string, string> => ({
  FAKE_NODES: join(dir, 'nodes'),
  PATH: `${fileURLToPath(new URL('./fake-ssh', import.meta.url))}:${process.env.PATH}`,
})

interface RunSettings {
  readonly dryRun?: boolean
  readonly mode?: Mode
  readonly allow?: readonly string[]
  readonly only?: readonly string[]
  readonly soft?: AbortSignal
  readonly listener?: (event: RunEvent) => void
}

/** Two nodes and plugins, without virtual machines: the engine, its transports and the shell are the real ones. */
export function cluster(
  plugins: readonly AnyPlugin[],
  { hooks, files = {}, nodes = ['a', 'b'] }: { hooks?: Hooks; files?: Record<string, string>; nodes?: string[] } = {},
) {
  const dir = newDir()
  const config = {
    cluster: 'demo',
    nodes: Object.fromEntries(nodes.map((name) => [name, {}])),
    ...Object.fromEntries(plugins.map(({ name }) => [name, {}])),
  }
  project(dir, { 'ha.config.yaml': stringify(config), 'nodes/calls': '', ...files })
  Object.assign(process.env, fakeNodes(dir))
  const state = join(dir, 'state')
  process.env.XDG_STATE_HOME = state
  const path = (...parts: string[]) => join(dir, 'nodes', ...parts)
  const events: RunEvent[] = []
  return {
    dir,
    state,
    events,
    path,
    remove: () => rmSync(dir, { recursive: true, force: true }),
    has: (...parts: string[]) => existsSync(path(...parts)),
    read: (...parts: string[]) => readFileSync(path(...parts), 'utf8'),
    async run({
      dryRun = false,
      mode = 'modify',
      allow = [],
      only,
      soft,
      listener,
    }: RunSettings = {}): Promise<Report> {
      const settled = { ...(await settle({ cwd: dir, builtins: plugins })), ...(hooks ? { hooks } : {}) }
      events.length = 0
      return await runStages({
        settled,
        stages: stagesOf(settled, mode, only),
        hooks: await discoverHooks(settled),
        mode,
        dryRun,
        allow,
        soft: soft ?? new AbortController().signal,
        hard: new AbortController().signal,
        listeners: [(event) => events.push(event), ...(listener ? [listener] : [])],
      })
    },
  }
}

/** What a report says, short: `a one/file ok`, with the reason where there is one. */
export const told = ({ outcomes }: Report): readonly string[] =>
  outcomes
    .map(
      ({ node, stage, status, reason }) => `${node ? `${node} ` : ''}${stage} ${status}${reason ? `: ${reason}` : ''}`,
    )
    .sort()
