import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { importScript } from '../config/load.js'
import type { Settled } from '../config/settle.js'
import { suggestion } from '../config/suggest.js'
import { errors, reasonOf } from '../errors.js'
import type { Finding, HookEvent, HookName, Hooks } from '../plugin/types.js'

export const hookNames: readonly HookName[] = [
  'before-run',
  'before-stage',
  'plan',
  'before-fix',
  'after-fix',
  'after-stage',
  'after-run',
]

type Call = { readonly from: string; readonly run: (event: HookEvent) => unknown }
export type HookTable = ReadonlyMap<HookName, readonly Call[]>

function known(name: string, from: string): HookName {
  if (!(hookNames as readonly string[]).includes(name))
    throw errors.hook(
      from,
      `there is no hook "${name}" – ${suggestion(name, hookNames)}; known hooks: ${hookNames.join(', ')}`,
    )
  return name as HookName
}

/** All hooks of a run in the order in which they are called: files in `hooks/`, plugins', the config's. */
export async function discoverHooks(settled: Settled): Promise<HookTable> {
  const table = new Map<HookName, Call[]>()
  const add = (name: HookName, call: Call) => table.set(name, [...(table.get(name) ?? []), call])
  const dir = join(settled.cluster.configDir, 'hooks')
  for (const file of (await readdir(dir).catch(() => []))
    .filter((name) => /\.[cm]?[jt]s$/.test(name) && !name.endsWith('.d.ts'))
    .sort()) {
    const name = known(file.replace(/\.[cm]?[jt]s$/, ''), `hooks/${file}`)
    const run = await importScript(join(dir, file)).catch((error: unknown) => {
      throw errors.hook(`hooks/${file}`, `cannot be loaded: ${reasonOf(error)}`)
    })
    if (typeof run !== 'function') throw errors.hook(`hooks/${file}`, 'its default export must be a function')
    add(name, { from: `hooks/${file}`, run: run as Call['run'] })
  }
  const groups: readonly (readonly [string, Hooks])[] = [
    ...settled.plugins.flatMap((plugin) => (plugin.hooks ? [[`of plugin ${plugin.name}`, plugin.hooks] as const] : [])),
    ['in the config', settled.hooks],
  ]
  for (const [from, hooks] of groups) {
    for (const [name, run] of Object.entries(hooks)) {
      if (typeof run !== 'function') throw errors.hook(from, `"${name}" must be a function`)
      add(known(name, from), { from: `${name} ${from}`, run })
    }
  }
  return table
}

/** Calls every hook of a name. A hook that throws stops the run, with the blame on the hook. */
export async function callHooks(table: HookTable, name: HookName, event: HookEvent): Promise<void> {
  for (const { from, run } of table.get(name) ?? []) {
    try {
      await run(event)
    } catch (error) {
      throw errors.hook(from, reasonOf(error))
    }
  }
}

/** The findings that remain after the `plan` hooks waived known drift. They may only leave some out. */
export async function waive(
  table: HookTable,
  event: HookEvent & { readonly findings: readonly Finding[] },
): Promise<readonly Finding[]> {
  let findings = event.findings
  for (const { from, run } of table.get('plan') ?? []) {
    let kept: unknown
    try {
      kept = await run({ ...event, findings })
    } catch (error) {
      throw errors.hook(from, reasonOf(error))
    }
    if (kept === undefined) continue
    if (!Array.isArray(kept) || kept.some((one) => !findings.includes(one)))
      throw errors.hook(from, 'plan may only return some of the findings that it was given')
    findings = kept
  }
  return findings
}
