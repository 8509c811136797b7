import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { quote, raw, sh } from '../../src/index.js'

const dash = (script: string): string => execFileSync('/bin/sh', ['-s'], { input: script, encoding: 'utf8' })

describe('sh', () => {
  it('passes any words through a shell unchanged', () => {
    const word = fc
      .oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...'\'"\\$`!~*?;&|<>(){}[]# \n\t-=é') }))
      .filter((text) => !text.includes('\0') && Buffer.from(text).toString() === text)
    fc.assert(
      fc.property(fc.array(word, { minLength: 20, maxLength: 60 }), (words) => {
        const { script } = sh`printf '%s\\000' ${words}`
        expect(dash(script).split('\0').slice(0, -1)).toEqual(words)
      }),
      { numRuns: 60 },
    )
  })
  it('quotes only what needs it, so that a person can read it', () => {
    expect(sh`mkfs -t ${'ext4'} ${'/dev/vg0/data'} ${"it's"} ${7}`.script).toBe(
      "mkfs -t ext4 /dev/vg0/data 'it'\\''s' 7",
    )
    expect(quote('')).toBe("''")
    expect(quote('~root')).toBe("'~root'")
  })
  it('takes commands and raw text as they are', () => {
    expect(sh`if ${sh`test -e ${'a b'}`}; then ${raw('echo $x')}; fi`.script).toBe("if test -e 'a b'; then echo $x; fi")
  })
  it('makes an empty list no word at all', () => {
    expect(sh`rm -f -- ${[]}`.script).toBe('rm -f -- ')
  })
})
