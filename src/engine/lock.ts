import { mkdir, open, readFile, rm } from 'node:fs/promises'
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
    try {
      const handle = await open(file, 'wx', 0o600)
      await handle.writeFile(JSON.stringify(own))
      await handle.close()
      return { release: () => rm(file, { force: true }), ...(note ? { note } : {}) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const text = await readFile(file, 'utf8').catch(() => '')
      let holder: Holder | undefined
      try {
        holder = JSON.parse(text) as Holder
      } catch {
        // Half-written: its writer was killed between two system calls, or is there right now.
      }
      const said = holder
        ? `${holder.what} by ${holder.who}, process ${holder.pid}, since ${holder.when}`
        : 'somebody who left an unreadable lock'
      if (!holder || !(await isGone(holder))) throw errors.locked(said, file)
      note = `the lock of a run that ended without releasing it was taken over (${said})`
      await rm(file, { force: true })
    }
  }
  throw errors.locked('another run that started at this moment', file)
}
