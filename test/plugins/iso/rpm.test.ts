import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fetchPackages, repositoryOf } from '../../../plugins/iso/medium/repository.js'
import { contextOf } from '../../support/task.js'
import { perform } from './lab.js'

const tools = ['dnf', 'rpmbuild', 'createrepo_c'].every(
  (tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0,
)

/** Debian's own dnf, with rpm files made here as its mirror. */
describe.skipIf(!tools)('an rpm repository for the medium', () => {
  const top = mkdtempSync(join(tmpdir(), 'hap-rpm-'))
  const mirror = join(top, 'mirror')
  afterAll(() => rmSync(top, { recursive: true }))

  function rpm(name: string, ...lines: readonly string[]): void {
    const spec = join(top, `${name}.spec`)
    const head = ['Name', 'Summary', 'License'].map((key) => `${key}: ${name}`)
    const body = ['Version: 1', 'Release: 1', 'BuildArch: noarch', ...lines, '%description', name, '%files', '']
    writeFileSync(spec, [...head, ...body].join('\n'))
    const define = [`_topdir ${top}/build`, `_rpmdir ${mirror}`, `_dbpath ${top}/db`].flatMap((d) => ['--define', d])
    execFileSync('rpmbuild', ['-bb', '--quiet', ...define, spec], { stdio: 'pipe' })
  }
  const at = (...names: readonly string[]) =>
    ({
      ...contextOf({
        settings: { repository: 'rpm', rpm: { reposDir: 'repos', releasever: '9' }, callback: {} },
        others: { vm: { stub: '/stub' } },
      }),
      cluster: { name: 'demo', nodes: [], configDir: top, stateDir: top },
      packages: names.map((dnf) => ({ dnf, apt: 'not-this' })),
      // biome-ignore lint/suspicious/noExplicitAny: settings written by hand
    }) as any
  const held = (dir: string) => readdirSync(dir).sort()

  beforeAll(() => {
    process.env.XDG_CACHE_HOME = join(top, 'cache')
    rpm('library')
    rpm('extra')
    rpm('daemon', 'Requires: library', 'Recommends: extra')
    execFileSync('createrepo_c', ['-q', mirror])
    mkdirSync(join(top, 'repos'))
    const repo = `[mirror]\nname=mirror\nbaseurl=file://${mirror}\ngpgcheck=0\n`
    writeFileSync(join(top, 'repos/mirror.repo'), repo)
  })

  it('holds the packages, what they require and an index', async () => {
    await perform(fetchPackages(at('daemon')))
    const { dir } = repositoryOf(at('daemon')) as { dir: string }
    expect(held(dir)).toEqual(['daemon-1-1.noarch.rpm', 'library-1-1.noarch.rpm', 'repodata'])
    expect(held(join(dir, '..'))).toHaveLength(1)
    expect(held(join(dir, 'repodata'))).toContain('repomd.xml')
  })
  it('is not there at all when a package is nowhere', async () => {
    await expect(perform(fetchPackages(at('daemon', 'nowhere')))).rejects.toThrow(/nowhere/)
    expect(held(join(top, 'cache/ha-provision/packages'))).toHaveLength(1)
  })
})
