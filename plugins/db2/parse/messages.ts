/** A message of Db2: `SQL1057W`. Severity I and W are no failure; N and E are errors, C is critical. */
export interface Message {
  readonly code: string
  readonly severity: 'I' | 'W' | 'N' | 'E' | 'C'
}

/** An output that says nothing of what it should say: cut off, of another command, or an error. Unknown is not empty. */
export function unreadable(command: string, text: string): Error {
  const said = text.trim().replace(/\s+/g, ' ').slice(0, 300)
  return new Error(`the output of ${command} could not be read: ${said === '' ? 'it is empty' : said}`)
}

export const linesOf = (text: string): readonly string[] => text.replaceAll('\r', '').split('\n')

/** Codes in the order in which they stand. Texts are wrapped and translated; codes are not. */
export const messagesOf = (text: string): readonly Message[] =>
  [...text.matchAll(/\b((?:SQL|DBI|DBT|DB2|LIC|ADM|DIA)\d{4,5}([IWNEC]))\b/g)].map(([, code = '', severity]) => ({
    code,
    severity: severity as Message['severity'],
  }))

export const says = (text: string, ...codes: readonly string[]): boolean =>
  messagesOf(text).some(({ code }) => codes.includes(code))

/** db2start, db2stop: success bears the letter of an error, and exit codes differ between versions. */
export function engineVerdict(text: string): 'up' | 'down' | 'failed' {
  const last = messagesOf(text).findLast(({ code }) =>
    ['SQL1063N', 'SQL1026N', 'SQL1064N', 'SQL1032N'].includes(code),
  )?.code
  // A summary such as SQL6032W counts partitions that failed.
  if (last === undefined || says(text, 'SQL6032W', 'SQL6033W')) return 'failed'
  return last === 'SQL1063N' || last === 'SQL1026N' ? 'up' : 'down'
}

/** db2icrt, db2iupdt, db2idrop: the program that says it completed; undefined when it did not. */
export const completedProgram = (text: string): string | undefined =>
  /DBI1070I\s+\S+\s+(\S+)/.exec(text.replace(/\s+/g, ' '))?.[1]
