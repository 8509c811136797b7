import { linesOf, messagesOf, says, unreadable } from './messages.js'

/** A Db2 copy. `level` is version.release.modification.fix: `11.5.8.0`. */
export interface Copy {
  readonly path: string
  readonly level: string
  readonly fixPack: string
  readonly special?: string
  /** As printed, in the zone of the node. */
  readonly installed: string
  readonly installerUid: number
}

const plainRow =
  /^(\/\S+)\s+(\d+(?:\.\d+){3}\w?)\s+(\w+)\s+(?:(\d+)\s+)?(\w{3} \w{3} +\d+ [\d:]+ \d{4} \S+)\s+(\d+)\s*$/

/** db2ls, with `-c` (fields parted by colons, as those of the time are) or without. Its header alone means no copies. */
export function parseCopies(text: string): readonly Copy[] {
  const lines = linesOf(text)
  const copy = (
    path: string,
    level: string,
    fixPack: string,
    special: string | undefined,
    installed: string,
    uid: string,
  ): Copy => ({ path, level, fixPack, ...(special ? { special } : {}), installed, installerUid: Number(uid) })
  if (lines.some((line) => line.startsWith('#PATH:'))) {
    return lines
      .filter((line) => line.startsWith('/'))
      .map((line) => {
        const [, path, level, fixPack, special, installed, uid] =
          /^([^:]+):([^:]+):([^:]*):([^:]*):(.*):\s*(\d+)\s*$/.exec(line)?.map((field) => field.trim()) ?? []
        if (path === undefined || level === undefined || uid === undefined) throw unreadable('db2ls -c', text)
        return copy(path, level, fixPack ?? '', special, installed ?? '', uid)
      })
  }
  if (!lines.some((line) => /^-{20,}$/.test(line.trim()))) throw unreadable('db2ls', text)
  return lines
    .filter((line) => line.startsWith('/'))
    .map((line) => {
      const [, path, level, fixPack, special, installed, uid] = plainRow.exec(line) ?? []
      if (path === undefined || level === undefined || uid === undefined) throw unreadable('db2ls', text)
      return copy(path, level, fixPack ?? '', special, installed ?? '', uid)
    })
}

export interface Feature {
  readonly id: string
  readonly level: string
  readonly fixPack: string
  readonly description: string
}

/** db2ls -q -b DIR: what is installed there. A server has `BASE_DB2_ENGINE`, a client has not. */
export function parseFeatures(text: string): { readonly path: string; readonly features: readonly Feature[] } {
  const lines = linesOf(text)
  const path = lines.map((line) => /:\s+(\/\S+)\s*$/.exec(line)?.[1]).find((found) => found !== undefined)
  const rows = lines.flatMap((line) => {
    const [, id, level, fixPack, description] =
      /^([A-Z][A-Z0-9_]+)\s+(\d+(?:\.\d+){3}\w?)\s+(\S+)\s+(.*?)\s*$/.exec(line) ?? []
    return id === undefined ? [] : [{ id, level: level ?? '', fixPack: fixPack ?? '', description: description ?? '' }]
  })
  if (path === undefined || rows.length === 0) throw unreadable('db2ls -q', text)
  return { path, features: rows }
}

export interface Level {
  /** Undefined where the copy was asked, not an instance. */
  readonly instance?: string
  readonly bits: number
  readonly release: string
  readonly levelId: string
  /** `11.5.8.0` */
  readonly level: string
  readonly build: string
  readonly ptf: string
  readonly fixPack: string
  readonly path: string
}

/** db2level: what it quotes, in its order, in whichever language and however wrapped. */
export function parseLevel(text: string): Level {
  const from = text.indexOf('DB21085I')
  const quoted =
    from < 0
      ? []
      : [
          ...text
            .slice(from)
            .replace(/\s+/g, ' ')
            .matchAll(/"([^"]*)"/g),
        ].map(([, word = '']) => word.trim())
  const [instance, bits, release, levelId, product, build, ptf, fixPack, path] = quoted
  const level = /v(\d+(?:\.\d+){3}\w?)/.exec(product ?? '')?.[1]
  if (
    instance === undefined ||
    bits === undefined ||
    release === undefined ||
    levelId === undefined ||
    level === undefined ||
    build === undefined ||
    ptf === undefined ||
    fixPack === undefined ||
    path === undefined
  )
    throw unreadable('db2level', text)
  return {
    ...(instance === '*' ? {} : { instance }),
    bits: Number(bits),
    release,
    levelId,
    level,
    build,
    ptf,
    fixPack,
    path,
  }
}

/** db2licm -l: what it says of each product; the keys vary between versions. */
export function parseLicences(text: string): readonly Readonly<Record<string, string>>[] {
  const products = linesOf(text)
    .join('\n')
    .split(/\n\s*\n/)
    .map((block) =>
      Object.fromEntries(
        block.split('\n').flatMap((line) => {
          const [, key, value] = /^\s*([^:]+):\s+"(.*)"\s*$/.exec(line) ?? []
          return key === undefined ? [] : [[key.trim(), value ?? ''] as const]
        }),
      ),
    )
    .filter((product) => Object.keys(product).length > 0)
  if (products.length === 0) throw unreadable('db2licm -l', text)
  return products
}

export interface Prerequisites {
  /** Codes of requirements that are not met, errors (`DBT3507E`) and warnings (`DBT3514W`). */
  readonly unmet: readonly string[]
  /** An installation can begin: no error among them. */
  readonly isMet: boolean
}

/** db2prereqcheck */
export function parsePrerequisites(text: string): Prerequisites {
  const messages = messagesOf(text).filter(({ code }) => code.startsWith('DBT'))
  if (messages.length === 0) throw unreadable('db2prereqcheck', text)
  const unmet = messages.filter(({ severity }) => severity !== 'I')
  return { unmet: [...new Set(unmet.map(({ code }) => code))], isMet: !unmet.some(({ severity }) => severity !== 'W') }
}

export interface Installation {
  readonly verdict: 'done' | 'warnings' | 'failed'
  readonly log?: string
}

/** The end of db2_install and db2setup. A text without their closing sentence is a failure. */
export function parseInstallation(text: string): Installation {
  const flat = text.replace(/\s+/g, ' ')
  const log = /log at "([^"]+)"/.exec(flat)?.[1]
  const verdict = /The execution completed successfully\./.test(flat)
    ? 'done'
    : /The execution completed with warnings\./.test(flat) && !says(text, 'DBI1264E')
      ? 'warnings'
      : 'failed'
  return { verdict, ...(log === undefined ? {} : { log }) }
}
