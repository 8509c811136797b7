import { describe, expectTypeOf, it } from 'vitest'
import { ask, defineConfig, definePlugin, finding, type Input, type Settings, sh } from '../src/index.js'

const disk = definePlugin({
  name: 'disk',
  schema: {
    type: 'object',
    required: ['device'],
    additionalProperties: false,
    properties: {
      device: { type: 'string' },
      sizeMiB: { type: 'integer', default: 64 },
      kind: { enum: ['ext4', 'xfs'] },
      mounts: { type: 'object', additionalProperties: { type: 'string' } },
    },
  },
  tasks: (t) => [
    t.perNode({
      id: 'size',
      title: 'size',
      probes: ({ settings }) => ({
        size: ask(sh`blockdev --getsize64 ${settings.device}`, ({ stdout }) => Number(stdout)),
      }),
      check: ({ facts, settings }) =>
        facts.size < settings.sizeMiB ? [finding('too-small', { desired: settings.sizeMiB, actual: facts.size })] : [],
      fix: { 'too-small': { manual: 'Add a disk.' } },
    }),
    t.perNode({
      id: 'unmended',
      title: 'a finding without a fix',
      probes: () => ({}),
      check: () => [finding('lost', { desired: 1, actual: 2 })],
      // @ts-expect-error a finding without a fix is a compile error
      fix: {},
    }),
    t.perCluster({
      id: 'homeless',
      title: 'a cluster step without a node',
      probes: () => ({}),
      check: () => [finding('lost', { desired: 1, actual: 2 })],
      // @ts-expect-error a cluster step says on which node it runs
      fix: { lost: () => [{ kind: 'run', command: sh`true` }] },
    }),
  ],
})
const other = definePlugin({
  name: 'other',
  schema: { type: 'object', properties: { port: { type: 'integer', default: 1 } } },
  tasks: () => [],
})
const reader = definePlugin({
  name: 'reader',
  reads: [disk],
  schema: { type: 'object' },
  validate({ of }) {
    expectTypeOf(of(disk).sizeMiB).toEqualTypeOf<number>()
    // @ts-expect-error options of a plugin that is not named are not readable
    of(other)
    return []
  },
  tasks: () => [],
})

describe('types come from schemas', () => {
  it('defaults are optional to write and there to read', () => {
    type S = typeof disk extends { schema: infer T } ? T : never
    expectTypeOf<Settings<S>>().toEqualTypeOf<{
      readonly device: string
      readonly sizeMiB: number
      readonly kind?: 'ext4' | 'xfs'
      readonly mounts?: { readonly [key: string]: string }
    }>()
    expectTypeOf<Input<S>['sizeMiB']>().toEqualTypeOf<number | undefined>()
  })
  it('a config knows the options of the plugins it lists', () => {
    defineConfig({
      cluster: 'c',
      nodes: { a: {} },
      plugins: [disk, reader],
      disk: { device: '/dev/vdb', kind: 'ext4' },
    })
    // @ts-expect-error no such kind
    defineConfig({ cluster: 'c', nodes: { a: {} }, plugins: [disk], disk: { device: '/dev/vdb', kind: 'zfs' } })
  })
})
