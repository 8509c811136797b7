/** A word of a script. */
export interface Word {
  readonly raw: string
  /** What it is after quoting; undefined where an expansion is in it. */
  readonly text?: string
  /** The variable or `@` that is all of it. */
  readonly variable?: string
  /** Literal text after its last expansion. */
  readonly tail: string
}

/** A command with its arguments; assignments before it are left out. */
export interface Simple {
  readonly words: readonly Word[]
  /** The function in whose body it stands. */
  readonly inside?: string
}

export interface Redirection {
  readonly operator: string
  readonly target: Word
}

export interface Script {
  readonly commands: readonly Simple[]
  readonly redirections: readonly Redirection[]
  readonly functions: ReadonlySet<string>
  /** Literal words over which a variable runs in a `for`; undefined where one of them is no literal. */
  readonly loops: ReadonlyMap<string, readonly string[] | undefined>
}

const plain = (text: string): Word => ({ raw: text, text, tail: text })

/** Reads a POSIX sh script, and what is in its substitutions; throws at what it does not know. Runs nothing. */
export function parseShell(source: string): Script {
  const commands: Simple[] = []
  const redirections: Redirection[] = []
  const functions = new Set<string>()
  const loops = new Map<string, readonly string[] | undefined>()

  function parse(src: string, inside: string | undefined): void {
    let i = 0
    const documents: { readonly end: string; readonly isLiteral: boolean; readonly strip: boolean }[] = []
    const fail = (why: string): never => {
      throw new Error(`${why} at: ${src.slice(i, i + 60)}`)
    }

    /** From after `$(` to after its `)`. */
    function substitution(): void {
      const from = i
      list(new Set(), ')')
      if (src[i] !== ')') fail(`$( without ) from ${src.slice(from, from + 40)}`)
      i++
    }
    /** From after `$`; returns the name where it is a plain variable. */
    function expansion(): string | undefined {
      if (src.startsWith('((', i)) {
        let depth = 0
        do {
          if (src[i] === '(') depth++
          else if (src[i] === ')') depth--
          else if (src[i] === '$' || src[i] === '`') fail('expansion in arithmetic')
          else if (i >= src.length) fail('$(( without ))')
          i++
        } while (depth > 0)
        return undefined
      }
      if (src[i] === '(') {
        i++
        substitution()
        return undefined
      }
      if (src[i] === '{') {
        const name = /^\{(\w+)\}/.exec(src.slice(i))?.[1]
        i++
        while (src[i] !== '}') {
          if (i >= src.length) fail('an expansion without its }')
          piece(false)
        }
        i++
        return name
      }
      const name = /^(\w+|[@*#?$!-])/.exec(src.slice(i))?.[1]
      i += name?.length ?? 0
      return name ?? '$'
    }
    /** One quoted or plain piece of a word; returns its text, undefined for an expansion. */
    function piece(isQuoted: boolean): { text?: string; variable?: string | undefined } {
      const sign = src[i] as string
      if (sign === '\\') {
        i += 2
        const next = src[i - 1] ?? ''
        if (next === '\n') return { text: '' }
        return { text: isQuoted && !/[$`"\\]/.test(next) ? `\\${next}` : next }
      }
      if (sign === '$' && /[\w({@*#?$!-]/.test(src[i + 1] ?? '')) {
        i++
        const variable = expansion()
        return { variable }
      }
      if (sign === '`') {
        const end = src.indexOf('`', i + 1)
        if (end < 0) fail('` without its end')
        parse(src.slice(i + 1, end), inside)
        i = end + 1
        return {}
      }
      if (!isQuoted && sign === "'") {
        const end = src.indexOf("'", i + 1)
        if (end < 0) fail("' without its end")
        const text = src.slice(i + 1, end)
        i = end + 1
        return { text }
      }
      if (!isQuoted && sign === '"') {
        i++
        let text: string | undefined = ''
        let variable: string | undefined
        let pieces = 0
        while (src[i] !== '"') {
          if (i >= src.length) fail('" without its end')
          const one = piece(true)
          pieces++
          if (one.text === undefined) {
            text = undefined
            variable = one.variable
          } else if (text !== undefined) text += one.text
          else variable = undefined
        }
        i++
        return text === undefined ? { variable: pieces === 1 ? variable : undefined } : { text }
      }
      i++
      return { text: sign }
    }
    function word(): Word | undefined {
      const from = i
      let text: string | undefined = ''
      let tail = ''
      let variable: string | undefined
      let pieces = 0
      while (i < src.length && !/[\s;&|()<>]/.test(src[i] as string)) {
        const quoted = src[i] === '"' ? i : undefined
        const one = piece(false)
        pieces++
        if (one.text === undefined) {
          text = undefined
          variable = one.variable
          // "$d/bin/x": what follows the expansion inside the quotes counts too.
          tail =
            quoted === undefined
              ? ''
              : (/[^}$"`)]*$/.exec(src.slice(quoted, i - 1).replace(/^.*\$\w+/s, ''))?.[0] ?? '')
        } else {
          if (text !== undefined) text += one.text
          tail += one.text
        }
      }
      if (i === from) return undefined
      const raw = src.slice(from, i)
      return {
        raw,
        tail,
        ...(text === undefined ? {} : { text }),
        ...(variable !== undefined && pieces === 1 ? { variable } : {}),
      }
    }
    const blanks = (): void => {
      for (;;) {
        const gap = /^(?:[ \t\r]|\\\n)+|^#[^\n]*/.exec(src.slice(i))?.[0]
        if (!gap) return
        i += gap.length
      }
    }
    const newline = (): void => {
      i++
      for (const { end, isLiteral, strip } of documents.splice(0)) {
        const from = i
        for (;;) {
          if (i >= src.length) fail(`<< without ${end}`)
          const stop = src.indexOf('\n', i) < 0 ? src.length : src.indexOf('\n', i)
          const line = src.slice(i, stop)
          i = stop + 1
          if ((strip ? line.replace(/^\t+/, '') : line) !== end) continue
          const body = src.slice(from, i - line.length - 1)
          if (!isLiteral && /[`]|\$\(/.test(body)) fail('a substitution in a here-document')
          break
        }
      }
    }
    /** A redirection here, if there is one. */
    function redirected(): boolean {
      const head = /^(\d*)(<<-?|<>|<&|>&|>>|>\||<|>)/.exec(src.slice(i))
      if (!head) return false
      i += head[0].length
      blanks()
      const target = word() ?? fail('a redirection without a target')
      const operator = head[2] ?? ''
      if (operator.startsWith('<<'))
        documents.push({
          end: target.text ?? fail('<< $x'),
          isLiteral: /['"\\]/.test(target.raw),
          strip: operator === '<<-',
        })
      else redirections.push({ operator, target })
      return true
    }
    const trailing = (): void => {
      for (blanks(); redirected(); blanks());
    }
    const peek = (): string => /^[^\s;&|()<>'"$`\\]+/.exec(src.slice(i))?.[0] ?? ''
    function expect(reserved: string): void {
      blanks()
      if (peek() !== reserved) fail(`no ${reserved}`)
      i += reserved.length
    }
    /** Commands until one of these words, or `end`, stands where a command would. */
    function list(ends: ReadonlySet<string>, end?: string): void {
      for (;;) {
        blanks()
        if (i >= src.length || (end !== undefined && src[i] === end) || src.startsWith(';;', i)) return
        if (src[i] === '\n') newline()
        else if (/[;&|]/.test(src[i] as string)) i++
        else if (ends.has(peek())) return
        else command()
      }
    }
    function command(): void {
      if (src[i] === '(') {
        i++
        list(new Set(), ')')
        if (src[i++] !== ')') fail('( without its end')
        trailing()
        return
      }
      const reserved = peek()
      const skip = () => {
        i += reserved.length
      }
      if (reserved === '!') {
        skip()
        return
      }
      if (reserved === '{') {
        skip()
        list(new Set(['}']))
        expect('}')
        trailing()
        return
      }
      if (reserved === 'if') {
        skip()
        list(new Set(['then']))
        expect('then')
        list(new Set(['elif', 'else', 'fi']))
        while (peek() === 'elif') {
          expect('elif')
          list(new Set(['then']))
          expect('then')
          list(new Set(['elif', 'else', 'fi']))
        }
        if (peek() === 'else') {
          expect('else')
          list(new Set(['fi']))
        }
        expect('fi')
        trailing()
        return
      }
      if (reserved === 'while' || reserved === 'until') {
        skip()
        list(new Set(['do']))
        body()
        return
      }
      if (reserved === 'for') {
        skip()
        blanks()
        const name = word()?.text ?? fail('for without a name')
        blanks()
        const words: Word[] = []
        if (peek() === 'in') {
          expect('in')
          for (blanks(); !/[;\n]/.test(src[i] ?? '\n'); blanks()) words.push(word() ?? fail('for'))
        } else words.push({ raw: '"$@"', tail: '' })
        const known = words.every(({ text }) => text !== undefined) ? words.map(({ text = '' }) => text) : undefined
        const before = loops.has(name) ? loops.get(name) : []
        loops.set(name, known && before ? [...before, ...known] : undefined)
        list(new Set(['do']))
        body()
        return
      }
      if (reserved === 'case') {
        skip()
        blanks()
        word()
        blanks()
        while (src[i] === '\n') {
          newline()
          blanks()
        }
        expect('in')
        for (;;) {
          blanks()
          if (src[i] === '\n') newline()
          else if (peek() === 'esac') break
          else {
            if (src[i] === '(') i++
            for (blanks(); src[i] !== ')'; blanks()) {
              if (src[i] === '|') i++
              else word() ?? fail('case')
            }
            i++
            list(new Set(['esac']))
            if (src.startsWith(';;', i)) i += 2
          }
        }
        expect('esac')
        trailing()
        return
      }
      const define = /^(\w+)[ \t]*\(\)\s*/.exec(src.slice(i))
      if (define) {
        functions.add(define[1] ?? '')
        i += define[0].length
        const outer = inside
        inside = define[1]
        command()
        inside = outer
        return
      }
      simple()
    }
    function body(): void {
      expect('do')
      list(new Set(['done']))
      expect('done')
      trailing()
    }
    function simple(): void {
      const words: Word[] = []
      for (;;) {
        blanks()
        if (redirected()) continue
        const from = i
        const one = word()
        if (!one) break
        const isAssignment = words.length === 0 && /^[A-Za-z_]\w*=/.test(src.slice(from, i))
        if (!isAssignment) words.push(one)
      }
      if (words.length > 0) commands.push({ words, ...(inside === undefined ? {} : { inside }) })
      else if (src[i] === ')' || src[i] === '(') fail('a bracket that belongs to nothing')
    }

    list(new Set())
    if (i < src.length) fail('not understood')
    if (documents.length > 0) fail('<< without its text')
  }
  parse(source, undefined)
  return { commands, redirections, functions, loops }
}

export { plain }
