import type { Word } from './shell.js'

const isOption = (arg: string): boolean => arg.startsWith('-')

/** sed: each command of its script is known to write nowhere but to stdout. */
function sedWrites(script: string): string | undefined {
  let rest = script
  while (rest.trim() !== '') {
    const [head] = /^[\s;]*(?:(?:\d+|\$|\/(?:\\.|[^/\\])*\/I?)(?:,(?:\+?\d+|\$|\/(?:\\.|[^/\\])*\/I?))?)?\s*!?\s*/.exec(
      rest,
    ) ?? ['']
    rest = rest.slice(head.length)
    const letter = rest[0] ?? ''
    if (letter === '') return undefined
    if (letter === 's' || letter === 'y') {
      const mark = (rest[1] ?? '').replace(/[|^$.*+?()[\]{}\\]/, '\\$&')
      const whole = new RegExp(
        `^[sy]${mark}(?:\\\\[\\s\\S]|\\[\\^?\\]?[^\\]]*\\]|(?!${mark})[^\\\\])*${mark}(?:\\\\[\\s\\S]|(?!${mark})[^\\\\])*${mark}[gpIi0-9]*(?=[\\s;}]|$)`,
      ).exec(rest)
      if (!whole) return rest
      rest = rest.slice(whole[0].length)
    } else if (/^[{}pdq=nNDhHgGxPl]/.test(letter)) rest = rest.slice(1)
    else if (/^[btT:]/.test(letter)) rest = rest.replace(/^[^;\n]*/, '')
    else return rest
  }
  return undefined
}
/** What a call of sed would do besides reading; undefined: nothing. */
export const sed = (args: readonly Word[]): string | undefined => {
  let expectsScript = false
  let hasScript = false
  for (const { text, raw } of args) {
    if (!expectsScript && text !== undefined && isOption(text) && text !== '-') {
      if (!/^-([nErsz]*e?|-quiet|-regexp-extended)$/.test(text)) return text
      expectsScript = text.endsWith('e') && !text.startsWith('--')
      continue
    }
    if (hasScript && !expectsScript) continue
    // A variable in a script could hold any command.
    const wrong = text === undefined ? raw : sedWrites(text)
    if (wrong !== undefined) return wrong
    hasScript = true
    expectsScript = false
  }
  return hasScript ? undefined : 'no script'
}
/** awk: no output but to stdout, no process. */
export const awk = (args: readonly Word[]): string | undefined => {
  const program = args.filter(({ raw }, i) => !isOption(raw) && !/^-[Fv]$/.test(args[i - 1]?.raw ?? ''))[0]
  if (args.some(({ text, raw }) => /^-(?!F|v|-$)/.test(text ?? raw)) || program?.text === undefined)
    return program?.raw ?? 'awk'
  const bare = program.text
    .replace(/"(?:\\.|[^"\\])*"/g, '""')
    .replace(/(^|[\s(,!~&|;{])\/(?:\\.|[^/\\\n])+\//g, '$1//')
  return /system|getline|fflush|@|(?<!\|)\|(?!\|)|>>|print[^;}\n]*>/.exec(bare)?.[0]
}
