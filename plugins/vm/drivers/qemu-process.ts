import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Command, type NodeContext, sh } from 'ha-provision'
import { pidFile, socketDir } from '../state.js'

/** The argument by which a process shows that it is this machine. */
const mark = (at: NodeContext<unknown>): string => `-pidfile ${pidFile(at.cluster, at.node)}`

/** Whether the machine's own process is there, and not another that got its number. `$pid` is set then. */
export const isAlive = (at: NodeContext<unknown>): Command =>
  sh`{ read -r pid < ${pidFile(at.cluster, at.node)} && tr '\\0' ' ' < "/proc/$pid/cmdline" | grep -q -F -- ${mark(at)}; } 2>/dev/null`

/** The same, asked without a shell. */
export async function runs(at: NodeContext<unknown>): Promise<boolean> {
  try {
    const pid = (await readFile(pidFile(at.cluster, at.node), 'utf8')).trim()
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8')
    return line.replaceAll('\0', ' ').includes(mark(at))
  } catch {
    return false
  }
}

export const socket = (at: NodeContext<unknown>, name: string): string =>
  join(socketDir(at.cluster), `${at.node}.${name}`)
