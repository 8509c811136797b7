import type { Secret } from './secret.js'

/** A POSIX sh script as data. Secrets travel in `stdin` only, never in the script (it is printed and logged). */
export interface Command {
  readonly script: string
  readonly stdin?: string | Uint8Array | Secret
  /** Seconds until the machine itself ends it. Default 120. */
  readonly timeoutS?: number
}

/** What a command printed, whole. */
export interface Output {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Script text that `sh` inserts without quoting. */
export class Raw {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}
export const raw = (text: string): Raw => new Raw(text)

/** Quotes for POSIX sh (not bash's `$'…'`, which dash does not know). */
export const quote = (text: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

type Part = string | number | Raw | Command | readonly (string | number)[]

function render(part: Part): string {
  if (part instanceof Raw) return part.text
  if (typeof part === 'string') return quote(part)
  if (typeof part === 'number') return String(part)
  if ('script' in part) return part.script
  return part.map((word) => quote(String(word))).join(' ')
}

/** Builds a command: interpolated strings are quoted, lists become several words, commands and `raw` go in as they are. */
export function sh(strings: TemplateStringsArray, ...parts: readonly Part[]): Command {
  return { script: strings.reduce((text, next, i) => text + render(parts[i - 1] as Part) + next) }
}

/** The same command with input on stdin, or with another time limit. */
export const given = (command: Command, extra: Omit<Command, 'script'>): Command => ({ ...command, ...extra })
