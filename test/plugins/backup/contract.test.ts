import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import type { At } from '../../../plugins/backup/layout.js'
import { type Survey, surveyProbe } from '../../../plugins/backup/survey.js'
import { custom, render } from '../../../plugins/backup/tools/custom.js'
import { tools } from '../../../plugins/backup/tools/index.js'
import { drillName, native, paths } from '../../../plugins/backup/tools/native.js'
import type { Tool } from '../../../plugins/backup/tools/tool.js'
import type { Command } from '../../../src/index.js'
import { contextOf } from '../../support/task.js'
import { settings } from './judge.js'
import { directory, type Node, node } from './lab.js'

let own: Node
afterEach(() => own.remove())

/** Where a tool's list is on this node of a test, and its options. */
const rows: Readonly<Record<string, { tool: Tool; list: string; options(at: Node): object; prepare(at: Node): void }>> =
  {
    'db2-native': { tool: native, list: 'list', options: () => ({}), prepare: () => {} },
    custom: {
      tool: custom,
      list: 'custom.list',
      options: ({ at }) => ({
        custom: {
          packages: ['mybackup'],
          configFile: { path: at('custom.list'), template: at('template') },
          coveredBy: `sed -n 's/^backup //p' ${at('custom.list')}`,
          run: `[ "$2" != BROKEN ] && date +%s >${at('last')}."$1.$2"`,
          lastBackup: `[ "$2" != ODD ] || exit 4; cat ${at('last')}."$1.$2" 2>/dev/null; true`,
        },
      }),
      prepare: (lab) => {
        lab.write('template', 'tool: mine\nbackup {{instance}}/{{database}}\nend\n')
        lab.write('custom.list', 'tool: mine\nbackup db2inst1/SHOP\nend\n')
      },
    },
  }

describe.each(Object.entries(rows))('the tool %s', (name, { tool, list, options, prepare }) => {
  const start = (): At => {
    own = node()
    prepare(own)
    return contextOf({
      settings: { ...settings, tool: name, ...options(own) },
      others: {
        db2: { installDir: own.at('copy'), instances: { db2inst1: { home: '/data', databases: {} } } },
        drbd: { primary: 'db-a', resources: {} },
      },
    }) as unknown as At
  }
  const sh = ({ script }: Command, ...args: string[]) => {
    const text = script.replaceAll(paths.program, `sh ${own.at('program')} -c ${own.at('conf')}`)
    try {
      const stdout = execFileSync('sh', ['-c', text, 'backup', ...args], {
        env: own.env,
        encoding: 'utf8',
        stdio: 'pipe',
      })
      return { code: 0, stdout, stderr: '' }
    } catch (error) {
      const { status, stdout } = error as { status: number; stdout: string }
      return { code: status, stdout, stderr: '' }
    }
  }
  const survey = (at: At): Survey => {
    const probe = surveyProbe(at)
    if (!('command' in probe)) throw new Error('no command')
    return probe.parse(sh(probe.command))
  }
  it('is a row of the table', () => {
    start()
    expect(tools[tool.name]).toBe(tool)
    expect(tool.name).toBe(name)
  })
  it('has no faults, and files with absolute paths', () => {
    const at = start()
    expect(tool.faults(at)).toEqual([])
    for (const path of Object.keys(tool.files(at))) expect(path).toMatch(/^\//)
    for (const timer of tool.timers) expect(Object.keys(tool.files(at))).toContain(`/etc/systemd/system/${timer}`)
  })
  it('tells what it covers; never backed up is no epoch, not an error', () => {
    const { now, ...rest } = survey(start())
    expect(Math.abs(Date.now() / 1000 - now)).toBeLessThan(20)
    expect(rest).toEqual({
      instances: { db2inst1: { source: '/dev/drbd0', running: true, databases: ['SHOP'] } },
      covered: ['db2inst1/SHOP'],
      last: { 'db2inst1/SHOP': undefined },
    })
  })
  it('backs one up, and then knows when', () => {
    const at = start()
    expect(sh(tool.run(at.settings), 'db2inst1', 'SHOP').code).toBe(0)
    const { now, last } = survey(at)
    expect(Math.abs(now - (last['db2inst1/SHOP'] ?? 0))).toBeLessThan(20)
  })
  it('fails when a backup fails', () => {
    const at = start()
    expect(sh(tool.run(at.settings), 'db2inst1', 'BROKEN').code).not.toBe(0)
  })
  it('covers what is in the list that is written for it', () => {
    const at = start()
    const keys = ['db2inst1/NEW', 'db2inst1/SHOP']
    own.write(list, tool.list(at)?.render(keys) ?? '')
    expect(survey(at).covered).toEqual(keys)
    expect(survey(at).last).toEqual({ 'db2inst1/NEW': undefined, 'db2inst1/SHOP': undefined })
  })
  it('is not there yet: nothing is known, which is not nothing', () => {
    const at = start()
    const probe = surveyProbe(at)
    if (!('command' in probe)) throw new Error('no command')
    const absent = probe.command.script
      .replaceAll(paths.program, '/nowhere/program')
      .replaceAll("sed -n '\\''s/^backup", "/nowhere '\\''s")
    const { covered, last } = probe.parse(sh({ script: absent }))
    expect({ covered, last }).toEqual({ covered: undefined, last: {} })
  })
  it('an instance whose home is away has no list of databases', () => {
    const at = start()
    writeFileSync(own.at('copy/instance/db2ilist'), '#!/bin/sh\necho db2inst1; echo away\n')
    own.write('directory', directory('SHOP SHOP Indirect', 'FAR FAR Remote'))
    expect(survey(at).instances).toEqual({
      db2inst1: { source: '/dev/drbd0', running: true, databases: ['SHOP'] },
      away: { source: '/dev/drbd0', running: false },
    })
  })
})

describe('custom', () => {
  it('repeats only lines that name a database', () => {
    own = node()
    expect(render('a\n{{instance}}: {{database}}$\nb\n', ['i/A$&', 'j/B'])).toBe('a\ni: A$&$\nj: B$\nb\n')
    expect(render('a\n{{database}}\n', [])).toBe('a\n')
  })
  it('that cannot tell a last backup is an error', () => {
    own = node()
    const at = contextOf({
      settings: {
        ...settings,
        tool: 'custom',
        custom: { packages: [], coveredBy: 'echo i/ODD', run: 'true', lastBackup: 'echo yesterday' },
      },
      others: { db2: { installDir: own.at('copy'), instances: {} }, drbd: {} },
    }) as unknown as At
    const probe = surveyProbe(at)
    if (!('command' in probe)) throw new Error('no command')
    const stdout = execFileSync('sh', ['-c', probe.command.script], { env: own.env, encoding: 'utf8' })
    expect(() => probe.parse({ code: 0, stdout, stderr: '' })).toThrow(
      'when i/ODD was last backed up cannot be told (exit 0): yesterday',
    )
  })
  it('without its options, or with those of the other tool, is a fault', () => {
    own = node()
    const faults = (tool: Tool, more: object) =>
      tool.faults(contextOf({ settings: { ...settings, ...more } }) as unknown as At).map(({ path }) => path)
    const options = { packages: [], coveredBy: 'a', run: 'b', lastBackup: 'c' }
    expect(faults(custom, {})).toEqual(['backup.custom'])
    expect(faults(custom, { custom: options, copy: { program: 'rclone', target: 'x:' } })).toEqual(['backup.copy'])
    expect(faults(custom, { custom: { ...options, configFile: { path: '/x', template: '/nowhere/t' } } })).toEqual([
      'backup.custom.configFile.template',
    ])
    own.write('template', 'nothing of a database\n')
    expect(
      faults(custom, { custom: { ...options, configFile: { path: '/x', template: own.at('template') } } }),
    ).toEqual(['backup.custom.configFile.template'])
    expect(faults(native, { custom: options, copy: { program: 'restic', target: '/r' } })).toEqual([
      'backup.custom',
      'backup.copy.passwordFile',
    ])
  })
})

it('the program is the pieces in their order, and a shell reads it', () => {
  own = node()
  expect(readFileSync(own.at('program'), 'utf8')).toMatch(/^#!\/bin\/sh\n# ha-db2-backup: /)
  expect(readFileSync(own.at('program'), 'utf8')).toContain(`\ndrill_name=${drillName}\n`)
  expect(execFileSync('sh', ['-n', own.at('program')], { encoding: 'utf8' })).toBe('')
})
