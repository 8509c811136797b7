import { linesOf, says, unreadable } from './messages.js'

export interface GlobalRegistry {
  readonly copies: readonly { readonly level: string; readonly path: string }[]
  readonly variables: readonly { readonly name: string; readonly value: string; readonly installDir: string }[]
  readonly instances: readonly InstanceRecord[]
}
export interface InstanceRecord {
  readonly instance: string
  readonly level: string
  /** The owner's home; some versions write its sqllib. */
  readonly home: string
  readonly startAtBoot: boolean
  readonly installDir: string
}

/** db2greg -dump. Records of other services, such as DAS, are left out. */
export function parseGlobalRegistry(text: string): GlobalRegistry {
  const records = linesOf(text)
    .map((line) => line.trim().split(','))
    .filter(([kind = '', service = '']) => ['S', 'V', 'I'].includes(kind) && service !== '')
  if (records.length === 0) throw unreadable('db2greg -dump', text)
  const of = (kind: string, service: string) => records.filter((record) => record[0] === kind && record[1] === service)
  return {
    copies: of('S', 'DB2').map(([, , level = '', path = '']) => ({ level, path })),
    variables: of('V', 'DB2GPRF').map(([, , name = '', value = '', installDir = '']) => ({ name, value, installDir })),
    instances: of('I', 'DB2').map(([, , level = '', instance = '', path = '', , boot, , installDir = '']) => {
      if (!path.startsWith('/') || (boot !== '0' && boot !== '1')) throw unreadable('db2greg -dump', text)
      return { instance, level, home: path.replace(/\/sqllib\/?$/, ''), startAtBoot: boot === '1', installDir }
    }),
  }
}

/** db2ilist: names, one a line; nothing but what can be a name. */
export function parseInstances(text: string): readonly string[] {
  const names = linesOf(text)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (names.some((name) => !/^[A-Za-z_][A-Za-z0-9_@#$]{0,7}$/.test(name))) throw unreadable('db2ilist', text)
  return names
}

/** db2 get instance: a name at the end of a line, whatever the language. */
export function parseCurrentInstance(text: string): string {
  const name = /:\s*([a-z_][a-z0-9_]{0,7})\s*$/m.exec(text.replaceAll('\r', ''))?.[1]
  if (name === undefined) throw unreadable('db2 get instance', text)
  return name
}

export interface Variable {
  /** e environment, u user, n node, i instance, g global; the first that has a variable wins. */
  readonly level: 'e' | 'u' | 'n' | 'i' | 'g'
  readonly name: string
  readonly value: string
}

/** db2set -all. Nothing set is an empty output (or DBI1303W), an error is not. */
export function parseProfileRegistry(text: string): readonly Variable[] {
  const found = linesOf(text).flatMap((line): readonly Variable[] => {
    const [, level, name = '', value = ''] = /^\[([euing])\] ([^=]+)=(.*?)\s*$/.exec(line) ?? []
    return level === undefined ? [] : [{ level: level as Variable['level'], name, value }]
  })
  if (found.length === 0 && text.trim() !== '' && !says(text, 'DBI1303W')) throw unreadable('db2set -all', text)
  return found
}

export interface Partition {
  readonly number: number
  readonly host: string
  readonly port: number
}

/** sqllib/db2nodes.cfg */
export function parseNodes(text: string): readonly Partition[] {
  const nodes = linesOf(text)
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, number, host = '', port] = /^\s*(\d+)\s+(\S+)(?:\s+(\d+))?/.exec(line) ?? []
      if (number === undefined) throw unreadable('db2nodes.cfg', text)
      return { number: Number(number), host, port: Number(port ?? 0) }
    })
  if (nodes.length === 0) throw unreadable('db2nodes.cfg', text)
  return nodes
}

/** Lines of /etc/services that belong to one instance and not to one whose name begins with its name: name → port. */
export function parseServices(text: string, instance: string): ReadonlyMap<string, number> {
  return new Map(
    linesOf(text).flatMap((line) => {
      const [, entry = '', owner, port] = /^((?:DB2|db2c)_(\S+?)(?:_\d+|_END)?)\s+(\d+)\/tcp\b/.exec(line) ?? []
      return owner === instance ? [[entry, Number(port)] as const] : []
    }),
  )
}

/** SVCENAME as a port: a number, or a name of /etc/services. */
export const portOf = (service: string, services: string, instance: string): number | undefined =>
  /^\d+$/.test(service) ? Number(service) : parseServices(services, instance).get(service)

/** Homes whose profile is read by the lines that db2icrt adds to an owner's shell profile. */
export const parseProfileHomes = (text: string): readonly string[] => [
  ...new Set([...text.matchAll(/^\s*\.\s+(\/\S+)\/sqllib\/db2profile\s*$/gm)].map(([, home = '']) => home)),
]

/** db2pd -: the engine of partition 0 is there, and for how many seconds. */
export function parseEngine(text: string): { readonly isActive: boolean; readonly upS?: number } {
  const [, days, hours, minutes, seconds] = /-- \S+ -- \S+ (\d+) \S+ (\d+):(\d+):(\d+) --/.exec(text) ?? []
  if (days === undefined) {
    if (/Unable to attach to database manager|not active|not running/i.test(text)) return { isActive: false }
    throw unreadable('db2pd -', text)
  }
  return {
    isActive: true,
    upS: Number(days) * 86_400 + Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds),
  }
}
