import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { built, newDir, project, run, start } from '../support/cli.js'
import { fakeNodes } from '../support/cluster.js'

const top = newDir()
beforeAll(built, 90_000)
afterAll(() => rmSync(top, { recursive: true, force: true }))

/** A step of `seconds` that writes a secret, in a project of its own. */
const plugin = `
import { Secret, sh, ask, finding } from 'ha-provision'
export default {
  name: 'slow',
  schema: { type: 'object', additionalProperties: false, properties: { seconds: { type: 'number', default: 0 }, key: { type: 'string', secret: true } } },
  tasks: (t) => [
    t.perNode({
      id: 'file', title: 'a file',
      probes: () => ({ done: ask(sh\`[ -e done ] && cat key\`, ({ code }) => code === 0) }),
      check: ({ facts }) => (facts.done ? [] : [finding('missing', { desired: 'the key', actual: 'none' })]),
      fix: {
        missing: ({ settings }) => [
          { kind: 'write', path: 'key', content: new Secret(settings.key ?? 'hunter2'), mode: '0600' },
          { kind: 'run', title: 'work', command: sh\`echo >>begun; sleep \${settings.seconds}; echo >>done\` },
        ],
      },
    }),
    t.perNode({ id: 'after', title: 'after it', probes: () => ({}), check: () => [], fix: {} }),
  ],
}
`
function open(name: string, seconds: number) {
  const dir = project(join(top, name), {
    'slow.mjs': plugin,
    'ha.config.yaml': `cluster: demo\nnodes: { a: {} }\nplugins: [./slow.mjs]\nslow: { seconds: ${seconds}, key: hunter2 }\n`,
    'nodes/calls': '',
  })
  const env = {
    ...fakeNodes(dir),
    HOME: join(dir, 'home'),
    XDG_STATE_HOME: join(dir, 'state'),
    XDG_CACHE_HOME: join(top, 'cache'),
  }
  const node = (file: string) => join(dir, 'nodes/a', file)
  return {
    dir,
    node,
    state: join(dir, 'state/ha-provision/demo'),
    start: (...args: string[]) => start(dir, args, env),
    run: (...args: string[]) => run(dir, args, env),
    async begun() {
      while (!existsSync(node('begun'))) await sleep(50)
    },
  }
}
const filesBelow = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))

describe.concurrent('the command line', () => {
  it('lets the running step end at the first Ctrl-C, exits 130, and the next run goes on', async () => {
    const one = open('interrupt', 3)
    const { child, ended } = one.start('modify')
    await one.begun()
    child.kill('SIGINT')
    const { code, stderr, stdout } = await ended
    expect([code, existsSync(one.node('done'))]).toEqual([130, true])
    expect(stderr).toContain('stopping: the running step is allowed to end')
    expect(stdout).toContain('cluster demo: interrupted')
    expect(readdirSync(one.state).sort()).toEqual(['config', 'logs'])
    expect(await one.run('modify', '--set', 'slow.seconds=0')).toMatchObject({ code: 0 })
  })
  it('leaves the running step to the node at the second Ctrl-C', async () => {
    const one = open('interrupt-twice', 8)
    const { child, said, ended } = one.start('modify')
    await one.begun()
    child.kill('SIGTERM')
    while (!said.stderr.includes('stopping')) await sleep(20)
    child.kill('SIGTERM')
    const started = Date.now()
    expect(await ended).toMatchObject({ code: 143 })
    expect(Date.now() - started).toBeLessThan(5000)
  })
  it('takes over after kill -9, and mends what is not done', async () => {
    const one = open('killed', 10)
    const { child, ended } = one.start('modify')
    await one.begun()
    const other = await one.run('modify')
    expect([other.code, other.stderr.includes('another run holds this cluster: modify by')]).toEqual([1, true])
    child.kill('SIGKILL')
    await ended
    const next = await one.run('modify', '--set', 'slow.seconds=0')
    expect(next.code).toBe(0)
    expect(next.stderr).toContain('the lock of a run that ended without releasing it was taken over')
  })
  it('check writes nothing anywhere, and prints one JSON document', async () => {
    const one = open('check', 0)
    mkdirSync(join(one.dir, 'home'))
    const before = filesBelow(one.dir)
    const { code, stdout } = await one.run('check', '--json', '--mode', 'modify')
    expect([code, JSON.parse(stdout).outcomes.map(({ status }: { status: string }) => status)]).toEqual([
      3,
      ['drift', 'ok'],
    ])
    expect(filesBelow(one.dir)).toEqual(before)
  })
  it('keeps secrets out of the log, the report, the terminal and every argument list', async () => {
    const one = open('secret', 1)
    const { ended } = one.start('modify', '--json')
    await one.begun()
    const seen = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
    const { code, stdout, stderr } = await ended
    const state = filesBelow(one.state).map((file) => readFileSync(file, 'utf8'))
    expect([code, readFileSync(one.node('key'), 'utf8')]).toEqual([0, 'hunter2'])
    expect([seen, stdout, stderr, ...state].filter((text) => text.includes('hunter2'))).toEqual([])
    expect(stdout).toContain('"content": "[redacted]"')
  })
  it('refuses a cluster name that belongs to another config', async () => {
    const one = open('mine', 0)
    await one.run('modify')
    writeFileSync(join(one.dir, 'other.yaml'), readFileSync(join(one.dir, 'ha.config.yaml')))
    const { code, stderr } = await one.run('modify', '--config', 'other.yaml')
    expect([code, stderr.split('\n')[0]]).toEqual([
      2,
      `error: cluster "demo" on this machine belongs to another config: ${join(one.dir, 'ha.config.yaml')}`,
    ])
  })
  it('unlock removes a lock that cannot be read', async () => {
    const one = open('unlock', 0)
    project(one.state, { lock: '{' })
    expect((await one.run('modify')).code).toBe(1)
    expect(await one.run('unlock')).toMatchObject({ code: 0, stdout: 'cluster demo is unlocked\n' })
    expect((await one.run('modify')).code).toBe(0)
  })
  it('says how to get help, and ends quietly when its reader goes', async () => {
    const one = open('help', 0)
    expect(await one.run('--help')).toMatchObject({ code: 0, stderr: '' })
    expect((await one.run('destroy')).code).toBe(2)
    const { child, ended } = one.start('schema')
    child.stdout.destroy()
    expect((await ended).stderr).toBe('')
  })
})
