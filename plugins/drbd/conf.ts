/** A section of a DRBD configuration: `on db-a { … }`. */
export interface Section {
  /** What stands in front of the brace: `['on', 'db-a']`; empty for a whole file. */
  readonly words: readonly string[]
  /** Statements without their semicolon, a string as one word without its quotes. */
  readonly statements: readonly (readonly string[])[]
  readonly sections: readonly Section[]
  /** `FILE:LINE` where `drbdadm dump` says it, else the file that was read. */
  readonly from?: string
}

interface Draft extends Section {
  readonly statements: (readonly string[])[]
  readonly sections: Draft[]
}
const draft = (words: readonly string[], from?: string): Draft => ({
  words,
  statements: [],
  sections: [],
  ...(from === undefined ? {} : { from }),
})

const token = /#([^\n]*)|"([^"\n]*)"|([{};])|([^\s{};"#]+)/g

/**
 * Reads the grammar of drbd.conf(5), in a file as in what `drbdadm dump` prints. What `skip` hides is left out;
 * an `include` stays a statement. Throws where braces or semicolons do not fit, with the line.
 * `path` is the file, where the text is one.
 */
export function parseConf(text: string, path?: string): Section {
  const root = draft([])
  const open: Draft[] = [root]
  let words: string[] = []
  let from = path
  let last = 0
  const fail = (what: string, index: number): never => {
    throw new Error(`line ${text.slice(0, index).split('\n').length}: ${what}`)
  }
  for (const match of text.matchAll(token)) {
    const { index } = match
    const [whole, comment, quoted, mark, word] = match
    if (text.slice(last, index).trim() !== '') fail('a string without its end', last)
    last = index + whole.length
    const inner = open.at(-1) as Draft
    if (comment !== undefined) from = /^ defined at (.+)$/.exec(comment)?.[1] ?? from
    else if (mark === undefined) words.push(quoted ?? word ?? '')
    else if (mark === '{') {
      const section = draft(words, open.length === 1 ? from : undefined)
      from = path
      if (words[0] !== 'skip') inner.sections.push(section)
      open.push(section)
      words = []
    } else if (mark === ';') {
      if (words.length > 0) inner.statements.push(words)
      words = []
    } else {
      // Inside `skip` there may be anything.
      if (words.length > 0 && !open.some((section) => section.words[0] === 'skip'))
        fail('a semicolon is missing', index)
      if (open.length === 1) fail('a brace too many', index)
      open.pop()
      words = []
    }
  }
  if (text.slice(last).trim() !== '') fail('a string without its end', last)
  if (open.length > 1) fail('a closing brace is missing', text.length)
  if (words.length > 0) fail('a semicolon is missing', text.length)
  return root
}
