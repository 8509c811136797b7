import { spawnSync } from 'node:child_process'
import { builder, definePlugin, type PackageNeed, packages } from 'ha-provision'
import { describe, expect, it } from 'vitest'
import { apt, dnf, managers, packageManager, packageTask, zypper } from '../../../plugins/packages/index.js'
import { contextOf, factsOf, findingsOf, nodeContextOf, output, stepsOf } from '../../support/task.js'

const needs: readonly PackageNeed[] = [
  { apt: 'chrony', dnf: 'chrony', zypper: 'chrony' },
  { apt: 'drbd-utils', dnf: 'drbd9x-utils', zypper: 'drbd-utils' },
  { apt: 'heartbeat' },
]
const at = nodeContextOf({ settings: {} })
const plugin = definePlugin({ name: 'x', schema: { type: 'object' }, tasks: (t) => [packageTask(t, needs)] })
const [task] = plugin.tasks(builder as never)
if (!task) throw new Error('no task')

const judge = (manager: string, installed: string) => {
  const facts = factsOf(task, at, { manager: output(manager), installed: output(installed) })
  return { facts, findings: findingsOf(task.check({ ...at, facts })) }
}

describe('packages', () => {
  it('asks about every name that any manager uses, each once', () => {
    const { installed } = task.probes(at)
    expect(installed && 'items' in installed && installed.items).toEqual([
      'chrony',
      'drbd-utils',
      'heartbeat',
      'drbd9x-utils',
    ])
  })
  it('finds nothing when all are installed', () => {
    const dpkg = 'installed chrony 4.3-2+deb12u3\ninstalled drbd-utils 9.22.0-1\ninstalled heartbeat 1:3.0.6-13+b2\n'
    expect(judge('apt-get\n', dpkg).findings).toEqual([])
  })
  it('does not take a removed package with its configuration left for an installed one', () => {
    const dpkg = 'config-files chrony 4.3-2+deb12u3\ninstalled drbd-utils 9.22.0-1\ninstalled heartbeat 1:3.0.6-13+b2\n'
    expect(judge('apt-get\n', dpkg).findings).toEqual([
      { id: 'missing-package', desired: 'chrony', actual: 'not installed' },
    ])
  })
  it('names all that is missing in one finding, mended by one step', () => {
    const { facts, findings } = judge('apt-get\n', '')
    expect(findings).toEqual([
      { id: 'missing-package', desired: 'chrony drbd-utils heartbeat', actual: 'not installed' },
    ])
    expect(findings.map((finding) => stepsOf(task, { ...at, facts }, finding))).toEqual([
      [
        {
          kind: 'run',
          title: 'install chrony, drbd-utils, heartbeat',
          command: apt.install(['chrony', 'drbd-utils', 'heartbeat']),
        },
      ],
    ])
  })
  it('installs in the same run what other plugins miss, and finds only its own', () => {
    const all = { ...at, packages: [...needs, { apt: 'lvm2' }, { apt: 'rsync' }] }
    expect(task.probes(all).installed).toMatchObject({ items: expect.arrayContaining(['lvm2', 'rsync', 'chrony']) })
    const facts = factsOf(task, all, {
      manager: output('apt-get\n'),
      installed: output('installed chrony 1\ninstalled heartbeat 1\ninstalled rsync 3\n'),
    })
    const findings = findingsOf(task.check({ ...all, facts }))
    expect(findings.map(({ desired }) => desired)).toEqual(['drbd-utils'])
    expect(findings.flatMap((finding) => stepsOf(task, { ...all, facts }, finding))).toEqual([
      {
        kind: 'run',
        title: 'install drbd-utils, and for other plugins lvm2',
        command: apt.install(['drbd-utils', 'lvm2']),
      },
    ])
    expect(
      findingsOf(
        task.check({ ...all, facts: { ...facts, installed: Object.fromEntries(needs.map((n) => [n.apt, {}])) } }),
      ),
    ).toEqual([])
  })
  it('leaves out what has no name in the node’s package manager', () => {
    expect(judge('dnf\n', 'installed chrony 4.5-1.el9\n').findings.map(({ desired }) => desired)).toEqual([
      'drbd9x-utils',
    ])
    expect(judge('zypper\n', 'installed chrony 4.1-1\ninstalled drbd-utils 9.2\n').findings).toEqual([])
  })
  it('says what it looked for on a node without a known package manager', () => {
    expect(judge('', '').findings).toEqual([
      { id: 'no-package-manager', desired: 'apt-get or zypper or dnf', actual: 'none' },
    ])
    expect(task.fix['no-package-manager']).toHaveProperty('manual')
  })
  it('needs may follow the settings, and none are no finding anywhere', () => {
    const own = packageTask(builder as never, ({ cluster }) => (cluster.name === 'demo' ? [] : needs))
    const facts = { manager: undefined, installed: {} }
    expect(own.check({ ...contextOf({ settings: {} }), ...at, facts })).toEqual([])
  })
  it('parses what rpm says', () => {
    expect(
      packages('chrony', 'heartbeat').parse(output('installed chrony 4.5-1.el9\npackage heartbeat is not installed\n')),
    ).toEqual({
      chrony: { version: '4.5-1.el9' },
      heartbeat: undefined,
    })
  })
})

describe.each(managers.map((manager) => [manager.name, manager] as const))('the row %s', (_, manager) => {
  const { script, timeoutS } = manager.install(['one', "tw'o"])
  it('is recognised by its program', () => {
    expect(packageManager.parse(output(`${manager.program}\n`))).toBe(manager)
  })
  it('installs every name in one run, quoted, asks nobody, in the C locale, with time for a slow machine', () => {
    expect(script).toContain('install')
    expect(script).toContain("one 'tw'\\''o'")
    expect(script).toContain('export LC_ALL=C')
    expect(script).toMatch(/ -y |--non-interactive/)
    expect(script).toMatch(/--no-install-recommends|--no-recommends|install_weak_deps=False/)
    expect(timeoutS).toBe(900)
  })
  it('is a script that sh can read', () => {
    expect(spawnSync('sh', ['-n'], { input: script })).toMatchObject({ status: 0 })
  })
  it('looks at the offline repository only if the node has it', () => {
    expect(script).toMatch(new RegExp(`(list=|\\[ -e )${manager.offline}`))
  })
})

it('rows differ in name, program and place of their offline repository', () => {
  for (const key of ['name', 'program', 'offline'] as const) expect(new Set(managers.map((m) => m[key])).size).toBe(3)
  expect([apt, dnf, zypper].every((row) => managers.includes(row))).toBe(true)
})
