import { describe, expect, it } from 'vitest'
import type { Schema } from '../../src/index.js'
import { ask, definePlugin, type Reconstructed, reconstruction, sh } from '../../src/index.js'
import { assemble } from '../../src/reconstruct/assemble.js'
import { withUndecided } from '../../src/reconstruct/undecided.js'

const schema = {
  type: 'object',
  properties: {
    a: { type: 'integer' },
    list: { type: 'array', items: { type: 'object', properties: { x: { type: 'boolean' } } } },
    deep: { type: 'object', properties: { b: { type: 'string' } } },
    map: { type: 'object', additionalProperties: { type: 'object', properties: { y: { type: 'integer' } } } },
  },
} as const satisfies Schema
describe('an option is left open', () => {
  it.each([
    ['where it stands', { a: 1 }, ['deep', 'b'], { a: 1, deep: { b: '<undecided>' } }],
    ['as a new entry of a map', {}, ['map', 'one'], { map: { one: '<undecided>' } }],
    ['in an entry that is there', { map: { one: {} } }, ['map', 'one', 'y'], { map: { one: { y: '<undecided>' } } }],
    ['as a whole list', {}, ['list'], { list: '<undecided>' }],
  ])('%s', (_, before, path, after) => expect(withUndecided(schema, before, path)).toEqual(after))
  it.each([
    ['where something stands', { a: 1 }, ['a']],
    ['where the schema has no such option', {}, ['deep', 'c', 'd']],
    ['in an entry that is not there', {}, ['map', 'one', 'y']],
    ['in a list', {}, ['list', 0, 'x']],
    ['as a whole', {}, []],
  ])('not %s', (_, before, path) => expect(withUndecided(schema, before, path)).toEqual(before))
})

describe('what one plugin leaves to another', () => {
  const plugin = (name: string, made: Omit<Reconstructed<object>, 'sources' | 'remarks'>) =>
    definePlugin({
      name,
      schema: {
        type: 'object',
        properties: {
          words: { type: 'array', items: { type: 'string' } },
          made: { type: 'object', additionalProperties: { type: 'object' } },
        },
      },
      tasks: () => [],
      reconstruct: reconstruction({
        probes: { x: ask(sh`true`, () => 1) },
        build: (): Reconstructed<object> => ({ sources: [], remarks: [], ...made }),
      }),
    })
  const group = plugin('group', {
    options: {},
    leftTo: [{ option: ['late', 'made', 'one'], path: ['words'], why: 'one stands there' }],
  })
  it.each([
    ['is open where that wrote nothing', undefined, { group: { words: '<undecided>' } }],
    ['is open where that wrote another', { made: { two: {} } }, { group: { words: '<undecided>' } }],
    ['is said by that', { made: { one: {} } }, { group: {} }],
  ])('%s', (_, late, wanted) => {
    const { options, known } = assemble([group, plugin('late', late ? { options: late } : {})], {
      a: new Map([
        ['group', { facts: { x: 1 } }],
        ['late', { facts: { x: 1 } }],
      ]) as never,
    })
    expect(options).toMatchObject(wanted)
    const isOpen = 'words' in (options.group as object)
    expect(known.filter(({ how }) => how === 'undecided')).toEqual(
      isOpen ? [{ path: ['group', 'words'], how: 'undecided', why: 'one stands there' }] : [],
    )
  })
})
