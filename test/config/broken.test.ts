import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { built, newDir, project, run } from '../support/cli.js'

/**
 * Each file of broken/ is one project with one fault: its files, each after `-- name --`, optionally `args`, and `stderr`,
 * the whole of what is said. `UPDATE=1 npx vitest run test/config/broken.test.ts` rewrites `stderr`: read it then.
 */
const folder = fileURLToPath(new URL('./broken/', import.meta.url))
const names = readdirSync(folder).filter((name) => name.endsWith('.txt'))
const top = newDir()
const shared = Object.fromEntries(
  ['disk.mjs', 'whole.mjs'].map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
)

function read(name: string) {
  const text = readFileSync(join(folder, name), 'utf8')
  const parts = text.split(/^-- (.+) --\n/m).slice(1)
  const {
    stderr = '',
    args = '',
    ...files
  } = Object.fromEntries(parts.flatMap((part, i) => (i % 2 === 0 ? [[part, parts[i + 1] ?? '']] : [])))
  return { text, files, stderr, args: args.split('\n').filter(Boolean) }
}

beforeAll(built, 90_000)
afterAll(() => rmSync(top, { recursive: true, force: true }))

describe.concurrent('a broken config is refused with its own message, and nothing is touched', () => {
  it.each(names)('%s', async (name) => {
    const { text, files, args, stderr: wanted } = read(name)
    const dir = project(join(top, name), { ...shared, ...files })
    const state = join(dir, '.state')
    const ended = await run(dir, ['check', ...args], {
      HOME: join(top, name, '.home'),
      XDG_STATE_HOME: state,
      XDG_CACHE_HOME: join(top, 'cache'),
    })
    const stderr = ended.stderr.replaceAll(dir, '<dir>').replaceAll(/\[\d\d:\d\d:\d\d\]/g, '[time]')
    if (process.env.UPDATE)
      writeFileSync(join(folder, name), `${text.split(/^-- stderr --\n/m)[0]}-- stderr --\n${stderr}`)
    else expect(stderr).toBe(wanted)
    expect({ code: ended.code, stdout: ended.stdout, state: existsSync(state) }).toEqual({
      code: 2,
      stdout: '',
      state: false,
    })
    expect(stderr).not.toMatch(/^ {4}at /m)
  })
})

describe('the broken configs', () => {
  it('each have a message of their own', () => {
    const said = names.map((name) => read(name).stderr)
    expect(said.filter((text, i) => said.indexOf(text) !== i)).toEqual([])
    expect(names.length).toBeGreaterThanOrEqual(45)
  })
})
