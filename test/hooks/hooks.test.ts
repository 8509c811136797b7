import { afterEach, describe, expect, it } from 'vitest'
import type { Hooks } from '../../src/index.js'
import { definePlugin } from '../../src/index.js'
import { cluster, told } from '../support/cluster.js'
import { filePlugin } from '../support/file-plugin.js'

const made: { remove(): void }[] = []
afterEach(() => {
  for (const one of made.splice(0)) one.remove()
})
function open(hooks: Hooks, files: Record<string, string> = {}) {
  const one = cluster([filePlugin('one'), filePlugin('two')], { hooks, files, nodes: ['a'] })
  made.push(one)
  return one
}
const throws = () => {
  throw new Error('not at night')
}

describe('hooks', () => {
  it('are called in the order of the run, files first, then plugins, then the config', async () => {
    const calls: string[] = []
    ;(globalThis as { hookCalls?: string[] }).hookCalls = calls
    const note = (from: string) =>
      Object.fromEntries(
        (['before-run', 'before-stage', 'before-fix', 'after-fix', 'after-stage', 'after-run'] as const).map((name) => [
          name,
          () => void calls.push(`${name} ${from}`),
        ]),
      )
    const plugin = definePlugin({ ...filePlugin('one'), hooks: note('plugin') } as never)
    const one = cluster([plugin], {
      hooks: note('config'),
      files: { 'hooks/before-fix.ts': "export default () => void globalThis.hookCalls.push('before-fix file')" },
      nodes: ['a'],
    })
    made.push(one)
    await one.run()
    expect(calls).toEqual([
      'before-run plugin',
      'before-run config',
      'before-stage plugin',
      'before-stage config',
      'before-fix file',
      'before-fix plugin',
      'before-fix config',
      'after-fix plugin',
      'after-fix config',
      'after-stage plugin',
      'after-stage config',
      'after-run plugin',
      'after-run config',
    ])
  })
  it('see the steps before they run, and the report at the end', async () => {
    const seen: unknown[] = []
    const one = open({
      'before-fix': ({ stage, node, steps }) => void seen.push([stage, node, steps?.length, one.has('a/two')]),
      'after-run': ({ report }) => void seen.push((report as { exitCode: number }).exitCode),
    })
    await one.run()
    expect(seen).toEqual([['one/file', 'a', 1, false], ['two/file', 'a', 1, false], 0])
  })
  it('may waive known drift', async () => {
    const one = open({ plan: ({ stage, findings = [] }) => (stage === 'one/file' ? [] : findings) })
    expect(told(await one.run())).toEqual(['a one/file ok', 'a two/file changed'])
    expect(one.has('a/one')).toBe(false)
  })
  it('may not add or change findings', async () => {
    const one = open({ plan: ({ findings = [] }) => findings.map((found) => ({ ...found })) })
    expect(told(await one.run())[0]).toBe(
      'a one/file failed: hook plan in the config: plan may only return some of the findings that it was given',
    )
    expect(one.has('a/one')).toBe(false)
  })
  it.each(['before-stage', 'plan', 'before-fix'] as const)(
    '%s that throws stops before anything changed, and is blamed',
    async (name) => {
      const one = open({ [name]: throws })
      expect(told(await one.run())).toEqual([
        `a one/file failed: hook ${name} in the config: not at night`,
        'a two/file skipped: after one/file',
      ])
      expect(one.has('a/one')).toBe(false)
    },
  )
  it('before-run that throws stops before any machine is asked', async () => {
    const one = open({ 'before-run': throws })
    await expect(one.run()).rejects.toThrow('hook before-run in the config: not at night')
    expect(one.read('calls')).toBe('')
  })
  it('in a file that throws are blamed by its name', async () => {
    const one = open({}, { 'hooks/before-stage.ts': "export default () => { throw 'a bare string' }" })
    expect(told(await one.run())[0]).toBe('a one/file failed: hook hooks/before-stage.ts: a bare string')
  })
})
