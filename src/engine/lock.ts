import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { here } from '../config/settle.js'
import { errors } from '../errors.js'

interface Holder {
  readonly who: string
  readonly host: string
  readonly pid: number
  /** Start time of the process in clock ticks since boot, so that a reused pid is not taken for the holder. */
  readonly started: string
  readonly when: string
  readonly what: string
}

const startOf = async (pid: number): Promise<string | undefined> =>
  (await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined))?.split(') ')[1]?.split(' ')[19]

const isGone = async ({ host, pid, started }: Holder): Promise<boolean> =>
  host === hostname() && (await startOf(pid)) !== started

export const lockFile = (stateDir: string): string => join(stateDir, 'lock')

/** The file appears whole or not at all: a run that is killed here leaves no half-written lock. */
async function create(file: string, holder: Holder): Promise<boolean> {
  const own = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  await writeFile(own, JSON.stringify(holder), { mode: 0o600 })
  try {
    await link(own, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    await rm(own, { force: true })
  }
}

/** Removes the lock that was read, and never one that another run has put in its place since. */
async function removeLeft(file: string, text: string): Promise<void> {
  const guard = `${file}.takeover`
  const age = Date.now() - ((await stat(guard).catch(() => undefined))?.mtimeMs ?? Date.now())
  if (age > 10_000) await rm(guard, { force: true })
  try {
    await (await open(guard, 'wx')).close()
  } catch {
    return
  }
  try {
    if ((await readFile(file, 'utf8').catch(() => undefined)) === text) await rm(file, { force: true })
  } finally {
    await rm(guard, { force: true })
  }
}

/** Takes the cluster's lock: atomically, and over a holder on this machine that no longer lives. */
export async function takeLock(stateDir: string, what: string): Promise<{ release(): Promise<void>; note?: string }> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  const file = lockFile(stateDir)
  const own: Holder = {
    who: here(),
    host: hostname(),
    pid: process.pid,
    started: (await startOf(process.pid)) ?? '',
    when: new Date().toISOString(),
    what,
  }
  let note: string | undefined
  for (let attempt = 0; attempt < 2; attempt++) {
    if (await create(file, own)) return { release: () => rm(file, { force: true }), ...(note ? { note } : {}) }
    const text = await readFile(file, 'utf8').catch(() => undefined)
    // Released at this moment.
    if (text === undefined) continue
    let holder: Holder | undefined
    try {
      holder = JSON.parse(text) as Holder
    } catch {
      // Not written by this program.
    }
    const said = holder
      ? `${holder.what} by ${holder.who}, process ${holder.pid}, since ${holder.when}`
      : 'somebody who left an unreadable lock'
    if (!holder || !(await isGone(holder))) throw errors.locked(said, file)
    note = `the lock of a run that ended without releasing it was taken over (${said})`
    await removeLeft(file, text)
  }
  throw errors.locked('another run that started at this moment', file)
}
