import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import heartbeat from '../../../plugins/heartbeat/index.js'
import { builder } from '../../../src/index.js'

const readme = readFileSync(new URL('../../../plugins/heartbeat/README.md', import.meta.url), 'utf8')
const rows = readme.split('\n').flatMap((line) => /^\| (`[^|]*) \|/.exec(line)?.[1] ?? [])

it('the README has a row for each finding', () => {
  const ids = heartbeat.tasks(builder as never).flatMap(({ fix }) => Object.keys(fix))
  expect(ids.filter((id) => !rows.some((row) => row.includes(`\`${id}\``)))).toEqual([])
})
