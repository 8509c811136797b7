import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AnyPlugin, definePlugin } from '../../src/index.js'
import { sequence } from '../../src/plugin/sequence.js'

const plugin = (name: string, more: object = {}): AnyPlugin =>
  definePlugin({ name, schema: { type: 'object' }, tasks: () => [], ...more })
const names = (plugins: readonly AnyPlugin[]) => sequence(plugins).map(({ name }) => name)

describe('the order of plugins', () => {
  it('is that of the list where nothing else is said', () => {
    expect(names([plugin('c'), plugin('a'), plugin('b')])).toEqual(['c', 'a', 'b'])
  })
  it('puts what is required first', () => {
    const storage = plugin('storage')
    expect(names([plugin('drbd', { requires: [storage] }), storage])).toEqual(['storage', 'drbd'])
  })
  it('places a plugin between two others', () => {
    const drbd = plugin('drbd')
    const heartbeat = plugin('heartbeat', { requires: [drbd] })
    const sysctl = plugin('sysctl', { after: ['storage'], before: ['drbd'] })
    expect(names([plugin('storage'), drbd, heartbeat, sysctl])).toEqual(['storage', 'sysctl', 'drbd', 'heartbeat'])
  })
  it('ignores plugins that take no part', () => {
    expect(names([plugin('a', { after: ['gone'], before: ['lost'] })])).toEqual(['a'])
  })
  it('that goes in a circle is an error that names the circle', () => {
    const circle = [plugin('a', { after: ['c'] }), plugin('b', { after: ['a'] }), plugin('c', { after: ['b'] })]
    expect(() => names([plugin('free'), ...circle])).toThrow('plugins wait for each other: a → b → c')
  })
  it('holds every wish of any acyclic set', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(9), fc.nat(9))), (pairs) => {
        const wishes = pairs.filter(([a, b]) => a < b)
        const after = (i: number) => wishes.filter(([, b]) => b === i).map(([a]) => `p${a}`)
        const order = names(Array.from({ length: 10 }, (_, i) => plugin(`p${9 - i}`, { after: after(9 - i) })))
        expect(wishes.every(([a, b]) => order.indexOf(`p${a}`) < order.indexOf(`p${b}`))).toBe(true)
      }),
    )
  })
})
