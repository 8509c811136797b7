import { linesOf, messagesOf, says, unreadable } from './messages.js'

/** How a backup ended: the image's timestamp (14 digits), or the code that says why there is none. */
export type BackupResult = { readonly timestamp: string } | { readonly failed: string }

/** db2 backup database. The sentence is translated; 14 digits at the end of a line without an error are not. */
export function parseBackup(text: string): BackupResult {
  const error = messagesOf(text).find(({ severity }) => severity !== 'I' && severity !== 'W')
  if (error) return { failed: error.code }
  const timestamp = /:\s*(\d{14})\s*$/m.exec(text.replaceAll('\r', ''))?.[1]
  if (timestamp === undefined) throw unreadable('db2 backup database', text)
  return { timestamp }
}

/** db2ckbkp: an image is good only with this very sentence. */
export const isGoodImage = (text: string): boolean =>
  text.replace(/\s+/g, ' ').includes('Image Verification Complete - successful.')

/** db2ckbkp -h: the media header, by its labels, and the name that the image should have. */
export function parseImageHeader(text: string): {
  readonly header: Readonly<Record<string, string>>
  readonly fileName: string
} {
  const lines = linesOf(text)
  const header = Object.fromEntries(
    lines.flatMap((line) => {
      const [, label, value] = /^ +(\S.*?)\s+--(?: (.*?))?\s*$/.exec(line) ?? []
      return label === undefined ? [] : [[label, value ?? ''] as const]
    }),
  )
  const fileName = lines.find((line) => /^\S+\.\d\.\S+\.(DBPART|NODE)\d+\.\S*\d{14}\.\d{3}\s*$/.test(line))?.trim()
  if (fileName === undefined || !/^\d{14}$/.test(header.Timestamp ?? '')) throw unreadable('db2ckbkp -h', text)
  return { header, fileName }
}

export interface BackupRecord {
  readonly timestamp: string
  readonly sequence: number
  /** F offline, N online, I and O incremental, D and E delta. */
  readonly type: string
  /** D disk, A TSM… */
  readonly device: string
  readonly firstLog: string
  readonly lastLog: string
  /** A active, I inactive, E expired, D deleted, X not to be deleted. */
  readonly status: string
  readonly location: string
}

/** db2 list history backup. The count in its head tells a cut-off list from a short one. */
export function parseHistory(text: string): readonly BackupRecord[] {
  const flat = linesOf(text).join('\n')
  const count = /^[^\n=]+ = (\d+)\s*$/m.exec(flat)?.[1]
  const row = /^ {1,3}B {2}[DP] {2}(\d{14})(\d{3}) {1,4}(\w) {4}(\w) (?: *(S\d+\.LOG) (S\d+\.LOG))?/gm
  const rows = [...flat.matchAll(row)]
  if (count === undefined || rows.length !== Number(count)) throw unreadable('db2 list history backup', text)
  return rows.map((match, i) => {
    const block = flat.slice(match.index, rows[i + 1]?.index)
    const [, timestamp = '', sequence, type = '', device = '', firstLog = '', lastLog = ''] = match
    // The labels are translated; a status is one letter, a location follows the record's number.
    const status = /^ +\S+: ([AIEDX])\s*$/m.exec(block)?.[1]
    const location = /^ +EID: \d+ \S+: (\S*)\s*$/m.exec(block)?.[1]
    if (status === undefined || location === undefined) throw unreadable('db2 list history backup', text)
    return { timestamp, sequence: Number(sequence), type, device, firstLog, lastLog, status, location }
  })
}

/** db2 rollforward: no further log is waited for when it is not pending. */
export function parseRollforward(text: string): { readonly alias: string; readonly isPending: boolean } {
  if (!says(text, 'DB20000I')) throw unreadable('db2 rollforward', text)
  const values = linesOf(text).flatMap((line) => {
    const value = /^ .* =(?: (.*?))?\s*$/.exec(line)
    return value ? [value[1] ?? ''] : []
  })
  const [alias, , , status] = values
  if (alias === undefined || status === undefined) throw unreadable('db2 rollforward', text)
  return { alias, isPending: status !== 'not pending' }
}

/** How a command of the command line processor or a tool ended, with its warnings. */
export function parseRestore(text: string): { readonly done: boolean; readonly warnings: readonly string[] } {
  const messages = messagesOf(text)
  if (messages.length === 0) throw unreadable('db2 restore database', text)
  return {
    done:
      messages.some(({ code }) => code === 'DB20000I') &&
      !messages.some(({ severity }) => severity !== 'I' && severity !== 'W'),
    warnings: messages.filter(({ severity }) => severity === 'W').map(({ code }) => code),
  }
}

/** db2relocatedb */
export const isRelocated = (text: string): boolean => says(text, 'DBT1000I')

/** db2sampl: the database that it made; undefined when it did not come to its end. */
export const parseSample = (text: string): string | undefined =>
  /'db2sampl'/.test(text.slice(text.lastIndexOf('...'))) && messagesOf(text).length === 0
    ? /"([A-Z0-9_@#$]{1,8})"\.\.\./.exec(text)?.[1]
    : undefined
