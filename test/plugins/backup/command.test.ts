import { describe, expect, it } from 'vitest'
import backup from '../../../plugins/backup/index.js'
import { paths } from '../../../plugins/backup/tools/native.js'
import type { Command, Output } from '../../../src/index.js'
import { contextOf, output } from '../../support/task.js'
import { settings } from './judge.js'

type Answers = Readonly<Record<string, Readonly<Record<string, Output>>>>

/** `restore-drill WORD` with what each node's program answers, by its words. */
async function drill(word: string, answers: Answers, changed: object = {}) {
  const printed: string[] = []
  const said: string[] = []
  const asked: string[] = []
  const io = {
    ...contextOf({ settings: { ...settings, ...changed } }),
    args: [word],
    options: {},
    print: (line: string) => printed.push(line),
    say: (line: string) => said.push(line),
    on: async (node: string, { script }: Command) => {
      const words = script.replace(`${paths.program} `, '')
      asked.push(`${node}: ${words}`)
      const answer = answers[node]?.[words]
      if (!answer) throw new Error(`${node} was asked: ${script}`)
      return answer
    },
  }
  const code = await backup.commands?.[0]?.run(io as never)
  return { code, printed, said, asked }
}
const covered = output('inst/SHOP\nother/SHOP\ninst/LEDGER\n')
const away = output('', 3, 'inst is not active on this node\n')

describe('restore-drill', () => {
  it('drills on the node where the instance is active', async () => {
    const passed = output('1 tables, 2 rows restored\ndrill passed\n', 0, '')
    expect(
      await drill('ledger', {
        'db-a': { covered, 'drill inst LEDGER': away },
        'db-b': { covered, 'drill inst LEDGER': passed },
      }),
    ).toEqual({
      code: 0,
      printed: ['1 tables, 2 rows restored', 'drill passed'],
      said: [
        'db-a: restoring inst/LEDGER under another name, beside the live one',
        'db-b: restoring inst/LEDGER under another name, beside the live one',
      ],
      asked: ['db-a: covered', 'db-b: covered', 'db-a: drill inst LEDGER', 'db-b: drill inst LEDGER'],
    })
  })
  it('fails with the words of the node, and asks no other', async () => {
    const corrupt = output('', 1, 'the image is corrupt\n')
    const { code, said, asked } = await drill('inst/SHOP', {
      'db-a': { covered, 'drill inst SHOP': corrupt },
      'db-b': { covered },
    })
    expect({ code, last: said.at(-1), asked: asked.length }).toEqual({
      code: 1,
      last: 'db-a: the image is corrupt',
      asked: 3,
    })
  })
  it('fails where the instance is active on no node', async () => {
    const node = { covered, 'drill inst LEDGER': away }
    const { code, said } = await drill('LEDGER', { 'db-a': node, 'db-b': node })
    expect({ code, last: said.at(-1) }).toEqual({ code: 1, last: 'inst is active on no node' })
  })
  it('asks which of two is meant, and knows what there is', async () => {
    const nodes = { 'db-a': { covered }, 'db-b': { covered } }
    expect(await drill('SHOP', nodes)).toMatchObject({
      code: 2,
      said: ['SHOP is the name of several: inst/SHOP, other/SHOP; say which'],
    })
    expect(await drill('NONE', nodes)).toMatchObject({
      code: 2,
      said: ['no such database in a backup: NONE; known: inst/LEDGER, inst/SHOP, other/SHOP'],
    })
  })
  it('does not take a node that cannot say for one without databases', async () => {
    const { code, said } = await drill('LEDGER', { 'db-a': { covered: output('', 127, 'not found\n') } })
    expect({ code, said }).toEqual({
      code: 1,
      said: ['db-a: its covered databases cannot be listed (exit 127): not found'],
    })
  })
  it('leaves a tool of the user to itself', async () => {
    expect(await drill('LEDGER', {}, { tool: 'custom' })).toMatchObject({ code: 2, asked: [] })
  })
})
