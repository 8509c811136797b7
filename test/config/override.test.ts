import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { override, parsePath, renderPath } from '../../src/config/override.js'
import type { Schema } from '../../src/index.js'

const schema: Schema = {
  type: 'object',
  properties: {
    cluster: { type: 'string' },
    storage: {
      type: 'object',
      properties: {
        volumes: {
          type: 'object',
          additionalProperties: {
            type: 'object',
            properties: { sizeMiB: { type: 'integer' }, label: { type: 'string' } },
          },
        },
        devices: { type: 'array', items: { type: 'string' } },
      },
    },
    heartbeat: { type: 'object', properties: { fencing: { type: 'boolean' }, level: { enum: ['1', '2'] } } },
  },
}
const set = (config: object, ...assignments: string[]) =>
  assignments.reduce((before, assignment) => override(before, schema, assignment), config)

describe('--set', () => {
  it('replaces one option and leaves its neighbours and the config it was given', () => {
    const config = { cluster: 'a', storage: { volumes: { 'vg0/data': { sizeMiB: 1, label: 'x' } } } }
    expect(set(config, 'storage.volumes["vg0/data"].sizeMiB=512')).toEqual({
      cluster: 'a',
      storage: { volumes: { 'vg0/data': { sizeMiB: 512, label: 'x' } } },
    })
    expect(config.storage.volumes['vg0/data'].sizeMiB).toBe(1)
  })
  it('makes what is on the way', () => {
    expect(set({}, 'storage.volumes["a.b"].sizeMiB=1', 'storage.devices[0]=/dev/vdb')).toEqual({
      storage: { volumes: { 'a.b': { sizeMiB: 1 } }, devices: ['/dev/vdb'] },
    })
  })
  it('keeps text where the schema wants text, and reads YAML elsewhere', () => {
    expect(set({}, 'cluster=007', 'heartbeat.level=1', 'heartbeat.fencing=true', 'storage.devices=[a, "b=c"]')).toEqual(
      {
        cluster: '007',
        heartbeat: { level: '1', fencing: true },
        storage: { devices: ['a', 'b=c'] },
      },
    )
  })
  it('takes everything after the first = as the value', () => {
    expect(set({}, 'cluster=a=b=c')).toEqual({ cluster: 'a=b=c' })
  })
  it('refuses what no schema has, with the nearest name', () => {
    expect(() => set({}, 'storage.volume.x=1')).toThrow('unknown option "volume" in storage')
  })
})

describe('a path', () => {
  it('reads back as it was written, whatever the names', () => {
    const name = fc.string({ minLength: 1 }).filter((text) => !text.includes('"'))
    const path = fc.array(fc.oneof(name, fc.nat(99)), { minLength: 1 })
    fc.assert(
      fc.property(path, (parts) => {
        expect(parsePath(renderPath(parts))).toEqual(parts)
      }),
    )
  })
  it.each(['', 'a[', 'a[x]', 'a["b]', 'a..b', '=1'])('is not: %s', (text) => {
    expect(parsePath(text)).toBeUndefined()
  })
})
