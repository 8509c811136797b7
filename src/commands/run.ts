import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { settle } from '../config/settle.js'
import type { Listener } from '../engine/events.js'
import { takeLock } from '../engine/lock.js'
import { openLog } from '../engine/log.js'
import { stagesOf } from '../engine/plan.js'
import type { Report } from '../engine/report.js'
import { runStages } from '../engine/run.js'
import { errors } from '../errors.js'
import { discoverHooks } from '../hooks/hooks.js'
import type { AnyPlugin, Cluster, Mode } from '../plugin/types.js'
import { renderReport } from '../report/text.js'
import { showProgress } from '../ui/progress.js'
import { acceptedKeys } from './accept.js'

export interface RunCommand {
  readonly cwd: string
  readonly builtins: readonly AnyPlugin[]
  readonly mode: Mode
  readonly dryRun: boolean
  readonly config?: string | undefined
  readonly set?: readonly string[]
  readonly allow?: readonly string[]
  readonly only?: readonly string[]
  /** `NODE=SHA256:…` */
  readonly acceptHostKey?: readonly string[]
  readonly json?: boolean
  readonly print: (line: string) => void
  readonly say: (line: string) => void
}

/** The state of a cluster belongs to one config; another with the same cluster name must not find its machines. */
async function claimState({ name, stateDir }: Cluster, config: string): Promise<void> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  const file = join(stateDir, 'config')
  const owner = await readFile(file, 'utf8').catch(() => undefined)
  if (owner === undefined) await writeFile(file, config, { mode: 0o600 })
  else if (owner !== config) throw errors.foreignState(name, owner, file)
}

/** First signal: end waits, begin nothing new, let the running step end. Second: leave at once. */
function onSignals(say: (line: string) => void): {
  soft: AbortSignal
  hard: AbortSignal
  exitCode(): number | undefined
  remove(): void
} {
  const soft = new AbortController()
  const hard = new AbortController()
  let code: number | undefined
  const handler = (signal: NodeJS.Signals) => {
    if (soft.signal.aborted) {
      hard.abort()
      process.exit(code ?? 130)
    }
    code = signal === 'SIGTERM' ? 143 : 130
    say('stopping: the running step is allowed to end; once more leaves it running on the node')
    soft.abort(new Error(signal))
  }
  process.on('SIGINT', handler).on('SIGTERM', handler)
  return {
    soft: soft.signal,
    hard: hard.signal,
    exitCode: () => code,
    remove: () => process.off('SIGINT', handler).off('SIGTERM', handler),
  }
}

/** create, modify and check: one way through for all. Returns the exit code. */
export async function runCommand(options: RunCommand): Promise<number> {
  const { mode, dryRun, print, say } = options
  const settled = await settle({
    cwd: options.cwd,
    builtins: options.builtins,
    file: options.config,
    ...(options.set ? { set: options.set } : {}),
  })
  const unknown = options.only?.find((name) => !settled.plugins.some((plugin) => plugin.name === name))
  if (unknown !== undefined)
    throw errors.usage(
      `--only ${unknown}: no such plugin in this config`,
      `plugins here: ${settled.plugins.map(({ name }) => name).join(', ')}`,
    )
  const acceptHostKeys = acceptedKeys(
    options.acceptHostKey ?? [],
    settled.cluster.nodes.map(({ name }) => name),
  )
  const stages = stagesOf(settled, mode, options.only)
  const hooks = await discoverHooks(settled)
  const { cluster } = settled
  const what = dryRun ? 'check' : mode

  // A dry run changes nothing anywhere: no state, no lock, no log.
  if (!dryRun) await claimState(cluster, settled.file)
  const lock = dryRun ? undefined : await takeLock(cluster.stateDir, what)
  const log = dryRun ? undefined : openLog(cluster.stateDir, what)
  const signals = onSignals(say)
  const ui = showProgress(
    stages,
    cluster.nodes.map(({ name }) => name),
  )
  const listeners: Listener[] = [ui.listener, (event) => event.type === 'say' && say(event.text)]
  if (log) listeners.push(log.listener)
  if (lock?.note) say(lock.note)
  let report: Report
  try {
    report = await runStages({
      settled,
      stages,
      hooks,
      mode,
      dryRun,
      allow: options.allow ?? [],
      acceptHostKeys,
      soft: signals.soft,
      hard: signals.hard,
      listeners,
      ...(log ? { logFile: log.file } : {}),
    })
  } finally {
    ui.stop()
    await ui.done
    signals.remove()
    await log?.close()
    await lock?.release()
  }
  print(options.json ? JSON.stringify(report, undefined, 2) : renderReport(report))
  return signals.exitCode() ?? report.exitCode
}
