/** A file of `KEY=value` lines holds more than that: what it says cannot be known without running it. */
export class NotPlain extends Error {
  constructor(line: number) {
    super(`line ${line} is more than KEY=value`)
  }
}

/** One word as a shell reads it, from `from` on; undefined where an expansion or an operator makes it more than text. */
function word(text: string, from: number): { readonly value: string; readonly end: number } | undefined {
  let value = ''
  let i = from
  while (i < text.length) {
    const sign = text[i] as string
    if (/[\s;]/.test(sign)) break
    if (/[$`()|&<>]/.test(sign) || (sign === '~' && i === from)) return undefined
    if (sign === "'") {
      const end = text.indexOf("'", i + 1)
      if (end < 0) return undefined
      value += text.slice(i + 1, end)
      i = end + 1
    } else if (sign === '"') {
      for (i++; text[i] !== '"'; i++) {
        if (i >= text.length || text[i] === '$' || text[i] === '`') return undefined
        if (text[i] !== '\\' || !/[$`"\\\n]/.test(text[i + 1] ?? '')) value += text[i]
        else if (text[++i] !== '\n') value += text[i]
      }
      i++
    } else if (sign === '\\') {
      if (text[i + 1] !== '\n') value += text[i + 1] ?? ''
      i += 2
    } else {
      value += sign
      i++
    }
  }
  return { value, end: i }
}

/** Reads `KEY=value` lines, comments and `export` as a shell would; throws `NotPlain` at anything else. The last of a key wins. */
export function parseAssignments(text: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {}
  const next = /(?:\s|;|#.*)*(?:export[ \t]+)?([A-Za-z_]\w*)=/y
  const rest = /(?:\s|;|#.*)*$/y
  let i = 0
  for (;;) {
    rest.lastIndex = i
    if (rest.test(text)) return found
    next.lastIndex = i
    const key = next.exec(text)?.[1]
    const read = key === undefined ? undefined : word(text, next.lastIndex)
    if (key === undefined || !read) {
      const blank = /(?:\s|;|#.*)*/y
      blank.lastIndex = i
      blank.test(text)
      throw new NotPlain(text.slice(0, blank.lastIndex).split('\n').length)
    }
    found[key] = read.value
    i = read.end
  }
}
