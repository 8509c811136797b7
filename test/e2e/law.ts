import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { builtins } from '../../plugins/index.js'
import { settle } from '../../src/config/settle.js'
import { withoutDefaults } from '../../src/reconstruct/defaults.js'
import { traced } from '../support/law.js'
import { type Control, type Lab, nodes, notOk } from './lab.js'
import { traces } from './traces.js'

/** Options with the defaults that no schema can say: without servers the first node is the source of the time. */
const complete = (plugin: string, options: object | undefined): object | undefined =>
  plugin === 'ntp' && options && !('servers' in options) ? { source: nodes[0], ...options } : options

/** What this tool made is read back, from a machine that never saw it. */
export function law(lab: () => Lab): void {
  describe('the law', () => {
    let control: Control

    it('reconstruct gives back the config, but for what is declared to leave no trace', async () => {
      control = await lab().elsewhere()
      const before = await traces(lab())
      const result = await control.ha([
        'reconstruct',
        ...(await lab().access()),
        '--cluster',
        'e2e',
        '--out',
        'ha.config.yaml',
        '--json',
      ])
      expect(result.code, result.stderr).toBe(0)
      // The record of the transport: one script of questions to each node, and every question is proven to read in test/reconstruct.
      const { asked } = JSON.parse(result.stdout) as { asked: Record<string, string[]> }
      for (const node of nodes) expect(asked[node]).toHaveLength(1)
      expect(await traces(lab())).toEqual(before)
      const written = await readFile(join(control.dir, 'ha.config.yaml'), 'utf8')
      const [wanted, given] = await Promise.all([lab().dir, control.dir].map((cwd) => settle({ cwd, builtins })))
      for (const plugin of builtins.filter(({ reconstruct }) => reconstruct)) {
        const [own, back] = [wanted, given].map((config) =>
          complete(
            plugin.name,
            traced(plugin, withoutDefaults(plugin.schema, config?.settings(plugin.name))) as object | undefined,
          ),
        )
        expect(back, `${plugin.name}\n${written}\n${result.stderr}`).toEqual(own)
      }
    })

    it('check with that config finds nothing and leaves no trace', async () => {
      const before = await traces(lab())
      const report = await control.report(['check', '--mode', 'modify'])
      expect({ ...report, outcomes: notOk(report) }).toMatchObject({
        exitCode: 0,
        outcomes: [],
        channels: { 'db-a': 1, 'db-b': 1 },
      })
      expect(await traces(lab())).toEqual(before)
    })

    it('modify from there mends with the key that a node has', async () => {
      const key = 'sha256sum < /etc/ha.d/authkeys'
      const before = await lab().on('db-a', key)
      await lab().on('db-b', 'rm /etc/ha.d/authkeys')
      const report = await control.report(['modify'])
      expect({ exitCode: report.exitCode, outcomes: notOk(report) }).toEqual({
        exitCode: 0,
        outcomes: [{ stage: 'heartbeat/key', status: 'changed' }],
      })
      for (const node of nodes) expect(await lab().on(node, key)).toBe(before)
    })
  })
}
