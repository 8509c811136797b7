import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dnf } from '../../../plugins/packages/index.js'

const tools = ['dnf', 'rpm', 'rpmbuild', 'createrepo_c'].every(
  (tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0,
)

/** Debian's own dnf, with a root of its own and rpm files made here. */
describe.skipIf(!tools || process.getuid?.() !== 0)('dnf, for real', () => {
  const top = mkdtempSync(join(tmpdir(), 'ha-dnf-'))
  const root = join(top, 'root')
  afterAll(() => rmSync(top, { recursive: true }))

  const rpm = (repository: string, name: string, ...lines: readonly string[]): void => {
    const spec = join(top, `${name}.spec`)
    const head = ['Name', 'Summary', 'License'].map((key) => `${key}: ${name}`)
    writeFileSync(
      spec,
      [...head, 'Version: 1', 'Release: 1', 'BuildArch: noarch', ...lines, '%description', name, '%files', ''].join(
        '\n',
      ),
    )
    const define = [
      '--define',
      `_topdir ${top}/build`,
      '--define',
      `_rpmdir ${join(top, repository)}`,
      '--define',
      `_dbpath ${top}/db`,
    ]
    execFileSync('rpmbuild', ['-bb', '--quiet', ...define, spec], { stdio: 'pipe' })
    execFileSync('createrepo_c', ['-q', join(top, repository)])
  }
  const repository = (id: string): string =>
    `[${id}]\nname=${id}\nbaseurl=file://${join(top, id)}\ngpgcheck=0\nenabled=1\n`

  /** The row's command, with dnf confined to `root`. */
  const install = (...names: readonly string[]) => {
    const script = dnf.install(names).script.replaceAll(dnf.offline, `${root}${dnf.offline}`)
    const env = { ...process.env, PATH: `${top}/bin:${process.env.PATH}` }
    return spawnSync('sh', ['-c', script], { env, encoding: 'utf8' })
  }
  const installed = (): readonly string[] =>
    execFileSync('rpm', ['--root', root, '-qa', '--qf', '%{NAME}\n'], { encoding: 'utf8' }).trim().split('\n').sort()

  beforeAll(() => {
    for (const directory of ['bin', 'root/etc/yum.repos.d', 'root/etc/dnf'])
      mkdirSync(join(top, directory), { recursive: true })
    const confined = `exec /usr/bin/dnf --installroot=${root} --releasever=1 --setopt=cachedir=${top}/cache --setopt=logdir=${top} "$@"`
    writeFileSync(join(top, 'bin/dnf'), `#!/bin/sh\n${confined}\n`, { mode: 0o755 })
    writeFileSync(join(root, 'etc/dnf/dnf.conf'), '[main]\n')
    rpm('ha-provision', 'extra')
    rpm('ha-provision', 'library')
    rpm('ha-provision', 'daemon', 'Requires: library', 'Recommends: extra')
    rpm('mirror', 'elsewhere')
    writeFileSync(join(root, 'etc/yum.repos.d/mirror.repo'), repository('mirror'))
    writeFileSync(`${root}${dnf.offline}`, repository('ha-provision'))
  })

  it('installs from the offline repository, with what is required and without what is recommended', () => {
    expect(install('daemon')).toMatchObject({ status: 0 })
    expect(installed()).toEqual(['daemon', 'library'])
  })
  it('turns to the configured mirrors for what the offline repository lacks', () => {
    expect(install('elsewhere')).toMatchObject({ status: 0 })
    expect(installed()).toEqual(['daemon', 'elsewhere', 'library'])
  })
  it('fails and installs nothing when a name is nowhere', () => {
    expect(install('extra', 'nowhere').status).not.toBe(0)
    expect(installed()).toEqual(['daemon', 'elsewhere', 'library'])
  })
})
