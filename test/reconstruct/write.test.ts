import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.js'
import type { Known } from '../../src/reconstruct/assemble.js'
import { toTypeScript, toYaml } from '../../src/reconstruct/write.js'
import { built, newDir, root } from '../support/cli.js'

const dir = newDir()
mkdirSync(join(dir, 'node_modules'))
symlinkSync(root, join(dir, 'node_modules/ha-provision'))
beforeAll(built, 90_000)
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const writers = { yaml: toYaml, ts: toTypeScript } as const
let count = 0
async function reloaded(kind: keyof typeof writers, config: object, known: readonly Known[] = []) {
  const text = writers[kind](config, known, 'Written by a test')
  const file = join(dir, `c${count++}.${kind}`)
  writeFileSync(file, text)
  const { config: loaded } = await loadConfig({ cwd: dir, file })
  rmSync(file)
  return { text, loaded }
}

const odd = [
  'true',
  'no',
  '~',
  'null',
  '0o17',
  '1e3',
  '12',
  '-',
  '- a',
  'a: b',
  '# x',
  ' lead',
  'trail ',
  '',
  '&a',
  '*a',
  '!t',
  '%d',
  '@x',
  '`x',
  '"',
  "'",
  '\\',
  '\\"',
  "\\'",
  'line\nbreak',
  'tab\tx',
  '\r',
  '\u2028',
  '\u0085',
  '\ufeff',
  '日本',
  '🐘',
  '\u0024{x}',
  '<<',
  '=',
  '2024-01-01',
  '__proto__',
  'constructor',
  'a.b',
  'a[0]',
  '{',
  '[',
  ',',
  '|',
  '>',
  '?',
  '...',
  '---',
]
const words = fc.oneof(fc.constantFrom(...odd), fc.string({ unit: 'binary' }), fc.string())
const leaf = fc.oneof(
  words,
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
  fc.constant(null),
)
const { config } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('value'), { maxLength: 4 }), tie('config')),
  config: fc
    .array(
      fc.tuple(
        words.filter((key) => key !== '__proto__'),
        tie('value'),
      ),
      { maxLength: 5 },
    )
    .map((entries) => Object.fromEntries(entries)),
}))
const known: fc.Arbitrary<readonly Known[]> = fc.array(
  fc.record({
    path: fc.array(fc.oneof(words, fc.nat(3)), { maxLength: 3 }),
    how: fc.constantFrom('inferred', 'other', 'differs', 'unknown', 'observed'),
    why: words,
    values: fc.dictionary(fc.string(), words, { maxKeys: 2 }),
  }),
  { maxLength: 4 },
)

describe.each(['yaml', 'ts'] as const)('the %s that is written', (kind) => {
  it('loads again to the same object, whatever strings, keys and remarks it holds', async () => {
    await fc.assert(
      fc.asyncProperty(config, known, async (value, remarks) => {
        // The file of a config is an object; what it holds is below it.
        const whole = { cluster: 'x', options: value }
        const about = remarks.map((one) => ({ ...one, path: ['options', ...one.path] }))
        expect((await reloaded(kind, whole, about)).loaded).toEqual(whole)
      }),
      { numRuns: kind === 'ts' ? 150 : 500 },
    )
  }, 120_000)
})

const small = { cluster: 'db', drbd: { resources: [{ name: 'r0', 'odd key': "it's" }], port: 7788 } }
const remarks: readonly Known[] = [
  { path: ['cluster'], how: 'inferred', why: 'from the\nnames' },
  { path: ['drbd', 'port'], how: 'differs', values: { a: 1, b: '2' }, why: 'look' },
  { path: ['drbd', 'resources', 0, 'odd key'], how: 'inferred', why: 'a sign' },
  { path: ['drbd', 'resources', 0, 'gone'], how: 'other', why: 'is no option' },
  { path: ['drbd', 'constructor'], how: 'other', why: 'not said' },
  { path: ['mysql'], how: 'other', why: 'runs, and is left alone' },
  { path: ['drbd', 'port'], how: 'observed', from: 'drbdadm dump' },
  { path: ['drbd', 'initialSync'], how: 'unknown', why: 'no trace' },
]
describe('comments', () => {
  it('stand in YAML above what they are about, or at the nearest that is there', async () => {
    expect(toYaml(small, remarks, 'Head')).toBe(`# Head
# mysql: runs, and is left alone

# inferred: from the names
cluster: db
# constructor: not said
drbd:
  # [0].gone: is no option
  resources:
    - name: r0
      # inferred: a sign
      odd key: it's
  # the nodes disagree: a has 1, b has "2"; look
  port: 7788
`)
  })
  it('stand in TypeScript likewise', () => {
    expect(toTypeScript(small, remarks, 'Head')).toBe(`// Head
// mysql: runs, and is left alone
import { defineConfig } from 'ha-provision'

export default defineConfig({
  // inferred: from the names
  cluster: 'db',
  // constructor: not said
  drbd: {
    // [0].gone: is no option
    resources: [
      {
        name: 'r0',
        // inferred: a sign
        'odd key': 'it\\'s',
      },
    ],
    // the nodes disagree: a has 1, b has "2"; look
    port: 7788,
  },
})
`)
  })
  it('loads with comments and without', async () => {
    for (const kind of ['yaml', 'ts'] as const) expect((await reloaded(kind, small, remarks)).loaded).toEqual(small)
  })
})
