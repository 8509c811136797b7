import { describe, expect, it } from 'vitest'
import { nearest, suggestion } from '../../src/config/suggest.js'
import { validateSchema } from '../../src/config/validate.js'

const said = (schema: object, config: object) => {
  const { faults } = validateSchema({ type: 'object', additionalProperties: false, ...schema }, config)
  return faults.map(({ path, message, hint }) => `${path}: ${message} – ${hint}`)
}

describe('validation', () => {
  it('names every fault at once', () => {
    const properties = { port: { type: 'integer' }, kind: { enum: ['x', 'yes'] } }
    expect(said({ properties, required: ['c'] }, { port: 'one', kind: 'ye', prot: 1 })).toEqual([
      ': required option "c" is missing – add it',
      'prot: unknown option – did you mean "port"?',
      'port: expected integer, got "one" (string) – give an integer',
      'kind: "ye" is not one of x, yes – did you mean "yes"?',
    ])
  })
  it('fills defaults into a copy, also inside lists and new folders of options', () => {
    const inner = { type: 'object', default: {}, properties: { port: { type: 'integer', default: 22 } } }
    const config = { list: [{}] }
    expect(
      validateSchema({ properties: { ssh: inner, list: { type: 'array', items: inner } } }, config).settings,
    ).toEqual({
      ssh: { port: 22 },
      list: [{ port: 22 }],
    })
    expect(config).toEqual({ list: [{}] })
  })
  it('keeps plugin objects and functions of a config as they are', () => {
    const plugin = { name: 'p', tasks: () => [] }
    const { settings } = validateSchema(
      { properties: { plugins: { type: 'array', items: {} } } },
      { plugins: [plugin] },
    )
    expect((settings.plugins as [typeof plugin])[0].tasks).toBe(plugin.tasks)
  })
  it('says of a choice what was meant, not what each branch lacks', () => {
    const forms = { anyOf: [{ type: 'integer' }, { const: 'off' }], description: 'A number, or off.' }
    expect(said({ properties: { a: forms } }, { a: 'of' })).toEqual([
      'a: "of" is none of the accepted forms – A number, or off.',
    ])
  })
  it('says what is wrong inside the branch that was meant', () => {
    const forms = {
      anyOf: [
        { type: 'string' },
        { type: 'object', additionalProperties: false, properties: { port: { type: 'integer' } } },
      ],
    }
    expect(said({ properties: { a: forms } }, { a: { port: 'x' } })).toEqual([
      'a.port: expected integer, got "x" (string) – give an integer',
    ])
  })
  it('never prints a secret', () => {
    const key = { type: 'string', secret: true, minLength: 16, pattern: '^[a-f]+$' }
    expect(said({ properties: { key } }, { key: 'hunter2' }).join()).not.toContain('hunter2')
    expect(said({ properties: { key } }, { key: 40712 }).join()).not.toContain('40712')
  })
  it('shortens long values', () => {
    expect(said({ properties: { a: { type: 'integer' } } }, { a: 'x'.repeat(500) })[0]?.length).toBeLessThan(150)
  })
})

describe('a suggestion', () => {
  it.each([
    ['udpport', 'udpPort'],
    ['voulmes', 'volumes'],
    ['adress', 'addresses'],
  ])('for %s is %s', (word, wanted) => {
    expect(nearest(word, ['udpPort', 'volumes', 'addresses'])).toBe(wanted)
  })
  it('is not made where nothing is near', () => {
    expect(nearest('D', ['A', 'B', 'C'])).toBeUndefined()
    expect(suggestion('zzz', ['ssh', 'vm'])).toBe('known here: ssh, vm')
    expect(suggestion('zzz', [])).toBe('remove it')
  })
})
