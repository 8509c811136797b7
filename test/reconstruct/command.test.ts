import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { type ReconstructCommand, reconstruct } from '../../src/commands/reconstruct.js'
import { loadConfig } from '../../src/config/load.js'
import { settle } from '../../src/config/settle.js'
import { type AnyPlugin, agreed, ask, definePlugin, type Reconstructed, reconstruction, sh } from '../../src/index.js'
import { newDir, project } from '../support/cli.js'
import { fakeNodes } from '../support/cluster.js'

const top = newDir()
afterAll(() => rmSync(top, { recursive: true, force: true }))

/** A plugin of one file on each node, `word`, with a default, a secret and a part that leaves no trace. */
const plugin = definePlugin({
  name: 'word',
  schema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      word: { type: 'string', pattern: '^[a-z ]+$', description: 'The word.' },
      size: { type: 'integer', default: 1, description: 'Its size.' },
      key: { type: 'string', secret: true, description: 'Its key.' },
      origin: { type: 'string', description: 'Where it came from.' },
    },
  },
  tasks: () => [],
  reconstruct: reconstruction({
    probes: {
      word: ask(sh`cat word`, ({ stdout, code }) => {
        if (stdout.startsWith('?')) throw new Error('this is no word')
        return code === 0 ? stdout.trim() : undefined
      }),
    },
    build({ nodes }): Reconstructed<{ word?: string; size: number; key?: string }> {
      const both = agreed(Object.fromEntries(Object.entries(nodes).map(([name, { word }]) => [name, word])))
      const sources = [{ path: [], from: 'the file word' }]
      if ('values' in both)
        return {
          options: { size: 2 },
          sources,
          remarks: [{ path: ['word'], kind: 'differs' as const, values: both.values }],
        }
      if (both.value === undefined) return { sources, remarks: [] }
      return { options: { word: both.value, size: 1, key: 'hunter2' }, sources, remarks: [] }
    },
    untraced: { origin: 'nobody wrote it down' },
  }),
})

let dir = ''
let count = 0
beforeEach(() => {
  dir = project(join(top, String(count++)), {
    'nodes/calls': '',
    'bin/uname': '#!/bin/sh\ncat "$HOME/uname" 2>/dev/null || basename "$HOME"\n',
  })
  chmodSync(join(dir, 'bin/uname'), 0o755)
  const fake = fakeNodes(dir)
  Object.assign(process.env, fake, { PATH: `${join(dir, 'bin')}:${fake.PATH}`, XDG_STATE_HOME: join(dir, 'state') })
})
const node = (name: string, files: Readonly<Record<string, string>>) =>
  project(dir, Object.fromEntries(Object.entries(files).map(([file, text]) => [`nodes/${name}/${file}`, text])))
const calls = (): readonly string[] => readFileSync(join(dir, 'nodes/calls'), 'utf8').split('\n').filter(Boolean)

async function run(
  destinations: readonly string[],
  more: Partial<ReconstructCommand> = {},
  builtins: readonly AnyPlugin[] = [plugin],
) {
  const out: string[] = []
  const said: string[] = []
  const code = await reconstruct({
    cwd: dir,
    builtins,
    destinations,
    print: (line) => out.push(line),
    say: (line) => said.push(line),
    ...more,
  }).catch((error: Error & { exitCode?: number; text?: string; hint?: string }) => ({
    exit: error.exitCode ?? 4,
    error: error.text ?? error.message,
    hint: error.hint,
  }))
  return { code, out: out.join('\n'), said: said.join('\n') }
}

describe('reconstruct writes', () => {
  it('YAML on stdout and the gap report beside it, in one round trip to each node, and no secret', async () => {
    node('db-a', { word: 'hello' })
    node('db-b', { word: 'hello' })
    const { code, out, said } = await run(['db-a', 'db-b'])
    expect(code).toBe(0)
    expect(
      out,
    ).toBe(`# Written by ha-provision reconstruct from db-a and db-b. Look it over, then: npx ha-provision check --mode modify

# inferred: from the names of the nodes, which do not know it; --cluster NAME says it
cluster: db
nodes:
  db-a: {}
  db-b: {}
# key: a secret: it is read on the nodes and never written; where the config must say it, refer to it (a file, an environment variable)
word:
  word: hello`)
    expect(said).toBe(`there, and not to be said in a config (1):
  word.key: a secret: it is read on the nodes and never written; where the config must say it, refer to it (a file, an environment variable)
inferred (1):
  cluster: from the names of the nodes, which do not know it; --cluster NAME says it
not recoverable (1):
  word.origin: nobody wrote it down
observed (2):
  nodes: the command line and uname -n
  word.word: the file word`)
    expect(`${out}${said}`).not.toContain('hunter2')
    expect(calls().length).toBe(2)
    expect(existsSync(join(dir, 'state'))).toBe(false)
  })
  it.each(['yaml', 'ts'])(
    'a .%s file that loads to what the nodes are, and --json with what was asked',
    async (kind) => {
      node('db-a', { word: 'hello' })
      node('10.0.0.2', { word: 'hello', uname: 'db-b' })
      const out = `sub/ha.config.${kind}`
      project(dir, { 'sub/x': '' })
      const {
        code,
        out: json,
        said,
      } = await run(['db-a', 'db-b=ops@10.0.0.2:2222'], {
        out,
        json: true,
        cluster: 'shop',
        identity: 'keys/id',
        jump: 'gate',
        sudo: false,
      })
      expect({ code, said }).toEqual({
        code: 0,
        said: `${out} written; look it over, then: npx ha-provision check --mode modify --config ${out}`,
      })
      const access = { identityFile: '../keys/id', jump: 'gate' }
      expect((await loadConfig({ cwd: dir, file: join(dir, out) })).config).toEqual({
        cluster: 'shop',
        nodes: { 'db-a': { ssh: access }, 'db-b': { ssh: { host: '10.0.0.2', port: 2222, user: 'ops', ...access } } },
        word: { word: 'hello' },
      })
      const report = JSON.parse(json)
      expect(Object.keys(report.asked)).toEqual(['db-a', 'db-b'])
      expect(report.asked['db-a']).toEqual([expect.stringContaining('cat word')])
      expect(report.asked['db-a'][0]).toContain('uname -n')
      expect(report.known).toContainEqual({ path: ['cluster'], how: 'observed', from: '--cluster' })
    },
  )
  it('both values where the nodes disagree, and chooses none', async () => {
    node('db-a', { word: 'one' })
    node('db-b', { word: 'two' })
    const { said } = await run(['db-a', 'db-b'], { out: 'c.yaml' })
    expect(said).toContain('the nodes disagree; nothing was chosen (1):\n  word.word: db-a has "one"; db-b has "two"\n')
    const content = readFileSync(join(dir, 'c.yaml'), 'utf8')
    expect(content).toContain(
      'word:\n  size: 2\n  # the nodes disagree: db-a has "one", db-b has "two"\n  word: <undecided>\n',
    )
    expect(said).toContain(
      'what is to be said in it first: the config has a fault; nothing was touched\n  c.yaml:11:9 word.word: <undecided>: the nodes did not say it',
    )
    const settled = (set: readonly string[]) => settle({ cwd: dir, builtins: [plugin], file: 'c.yaml', set })
    await expect(settled([])).rejects.toMatchObject({ exitCode: 2 })
    expect((await settled(['word.word=one'])).settings('word')).toMatchObject({ word: 'one', size: 2 })
    writeFileSync(join(dir, 'c.yaml'), content.replace('  word: <undecided>\n', ''))
    expect((await settled([])).settings('word')).toMatchObject({ size: 2 })
  })
  it('why a node could not be read, and nothing of that plugin', async () => {
    node('db-a', { word: 'hello' })
    node('db-b', { word: '?' })
    const { code, out, said } = await run(['db-a', 'db-b'])
    expect(code).toBe(0)
    expect(out).not.toContain('word:')
    expect(said).toContain('word: db-b: probe "word" gave an answer that cannot be read: this is no word')
  })
  it('what no config takes, with a remark, and says what the file lacks', async () => {
    node('db-a', { word: 'UPPER' })
    node('DB-B', { word: 'UPPER' })
    const { code, said } = await run(['db-a', 'DB-B'], { out: 'c.yaml' })
    expect(code).toBe(0)
    expect(said).toMatch(/word\.word: not valid in a config: .*does not match/)
    expect(said).toMatch(/nodes\.DB-B: not valid in a config: the name "DB-B" must be a lower-case host name/)
    expect(said).toContain('what is to be said in it first: the config has 2 faults')
  })
  it('nothing of a plugin where the nodes have nothing of it', async () => {
    const { out, said } = await run(['db-a', 'db-b'])
    expect(out).not.toContain('word')
    expect(said).toContain('word: not there, by the file word')
  })
})

describe('reconstruct refuses', () => {
  it.each<[string, readonly string[], Partial<ReconstructCommand>, RegExp]>([
    ['no node', [], {}, /no node is named/],
    ['the same twice', ['db-a', 'db-a'], {}, /db-a is named twice/],
    ['an option as a host', ['-oProxyCommand=x'], {}, /this is no destination/],
    ['an empty host', ['ops@'], {}, /this is no destination/],
    ['two hosts', ['a b'], {}, /this is no destination/],
    ['a port of six digits', ['a:123456'], {}, /123456 is no port/],
    ['a user that is none', ['O!@a'], {}, /"O!" is no user name/],
    ['a name that is none', ['Db_A=a'], {}, /the name "Db_A" must be a lower-case host name/],
    ['a wrong ending', ['a'], { out: 'x.json' }, /--out x\.json: the ending is not known/],
    ['--json without a file', ['a'], { json: true }, /the config needs --out FILE/],
    ['a cluster name that is none', ['a'], { cluster: '../x' }, /--cluster \.\.\/x: must be lower-case/],
    ['a jump host that is an option', ['a'], { jump: '-x' }, /--jump -x: must be/],
    ['a fingerprint in half', ['a'], { acceptHostKey: ['a=SHA256:abc'] }, /expected NODE=SHA256:… with all 43/],
    ['a fingerprint of another node', ['a'], { acceptHostKey: [`b=SHA256:${'x'.repeat(43)}`] }, /there is no node b/],
  ])('%s, before any node is asked', async (_, destinations, more, message) => {
    expect(await run(destinations, more)).toMatchObject({ code: { exit: 2, error: expect.stringMatching(message) } })
    expect(calls()).toEqual([])
  })
  it('two addresses of one node', async () => {
    node('10.0.0.1', { uname: 'db-a' })
    expect((await run(['db-a', '10.0.0.1'])).code).toMatchObject({
      exit: 2,
      error: expect.stringMatching(/both call themselves db-a/),
    })
  })
  it('a node that calls itself otherwise', async () => {
    expect((await run(['db-a=db-b'])).code).toEqual({
      exit: 2,
      error: 'db-b is not db-a: it calls itself db-b (uname -n)',
      hint: 'give db-b=db-b if that node is meant',
    })
  })
  it('to go on without all nodes, and names each that does not answer', async () => {
    writeFileSync(join(dir, 'nodes/db-b.down'), '')
    writeFileSync(join(dir, 'nodes/db-c.down'), '')
    const { code, said } = await run(['db-a', 'db-b', 'db-c'], { out: 'c.yaml' })
    expect(code).toMatchObject({ exit: 4, error: expect.stringMatching(/^db-b does not answer: .*timed out/) })
    expect(said).toMatch(/^error: db-c does not answer: .*timed out$/)
    expect(existsSync(join(dir, 'c.yaml'))).toBe(false)
  })
  it('to write over a file', async () => {
    writeFileSync(join(dir, 'c.yaml'), 'mine')
    expect((await run(['db-a'], { out: 'c.yaml' })).code).toMatchObject({
      exit: 2,
      error: 'c.yaml exists and is left as it is',
    })
    expect(readFileSync(join(dir, 'c.yaml'), 'utf8')).toBe('mine')
  })
  it('a folder that is not there', async () => {
    expect((await run(['db-a'], { out: 'no/c.yaml' })).code).toMatchObject({
      exit: 2,
      error: expect.stringMatching(/cannot be written/),
    })
  })
})
