import { linesOf, says, unreadable } from './messages.js'

/** An entry of the system database directory. */
export interface DirectoryEntry {
  readonly alias: string
  readonly name: string
  /** Its data lives in this instance; a remote entry only points elsewhere. */
  readonly isLocal: boolean
  /** Of a local entry. */
  readonly directory?: string
  /** Of a remote entry: a name of the node directory. */
  readonly node?: string
  /** As printed: `Indirect`, `Home`, `Remote`…, translated where the labels are. */
  readonly type: string
  /** Database level in hexadecimal, `15.00` for 11.5. */
  readonly release: string
}

/**
 * db2 list database directory. The order of the lines is the same in every language, so labels are not read.
 * SQL1057W is an empty directory. SQL1031N is not: it also comes where the disk is not mounted.
 */
export function parseDirectory(text: string): readonly DirectoryEntry[] {
  if (says(text, 'SQL1057W')) return []
  const values: string[][] = []
  let count: number | undefined
  for (const line of linesOf(text)) {
    if (/^\S.*\d.*:\s*$/.test(line)) values.push([])
    const value = / =(.*)$/.exec(line)?.[1]?.trim()
    if (value === undefined) continue
    const entry = values.at(-1)
    if (entry) entry.push(value)
    else if (/^\d+$/.test(value)) count = Number(value)
  }
  // An entry that was cut off is not an entry less.
  if (count === undefined || values.length !== count || values.some((entry) => entry.length < 6))
    throw unreadable('db2 list database directory', text)
  return values.map(([alias = '', name = '', place = '', release = '', , type = '']) => {
    const isLocal = place.startsWith('/')
    return { alias, name, isLocal, ...(isLocal ? { directory: place } : { node: place }), type, release }
  })
}

export interface ActiveDatabase {
  readonly name: string
  readonly connections: number
  readonly path: string
}

/** db2 list active databases. SQL1611W: none. */
export function parseActive(text: string): readonly ActiveDatabase[] {
  if (says(text, 'SQL1611W')) return []
  const values = linesOf(text).flatMap((line) => {
    const value = / = (.*?)\s*$/.exec(line)?.[1]
    return value === undefined ? [] : [value]
  })
  if (values.length === 0 || values.length % 3 !== 0) throw unreadable('db2 list active databases', text)
  return Array.from({ length: values.length / 3 }, (_, i) => {
    const [name = '', connections = '', path = ''] = values.slice(3 * i, 3 * i + 3)
    if (!/^\d+$/.test(connections) || !path.startsWith('/')) throw unreadable('db2 list active databases', text)
    return { name, connections: Number(connections), path }
  })
}

/**
 * db2 get db cfg, db2 get dbm cfg: values by the parameter's name, which no language changes, or by the label where a
 * line has none. A value that is not set is an empty string.
 */
export function parseConfiguration(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  let named = 0
  for (const line of linesOf(text)) {
    const [, label, value] = /^\s+([^=]+?)\s*=(?: (.*?))?\s*$/.exec(line) ?? []
    if (label === undefined) continue
    const name = /\(([A-Z][A-Z0-9_]+)\)$/.exec(label)?.[1]
    if (name !== undefined) named += 1
    found.set(name ?? label, value ?? '')
  }
  if (named === 0) throw unreadable('db2 get … configuration', text)
  return found
}

export interface Connection {
  readonly server: string
  readonly user: string
  readonly alias: string
}

/** db2 connect to X; undefined where it was refused, whose message then says why. */
export function parseConnection(text: string): Connection | undefined {
  const [server, user, alias] = linesOf(text).flatMap((line) => {
    const value = /^ .* = (.*?)\s*$/.exec(line)?.[1]
    return value === undefined ? [] : [value]
  })
  if (server === undefined || user === undefined || alias === undefined) {
    if (/\bSQL\d{4,5}N\b/.test(text)) return undefined
    throw unreadable('db2 connect', text)
  }
  return { server, user, alias }
}
