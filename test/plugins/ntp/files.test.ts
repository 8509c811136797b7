import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { confFiles, discover } from '../../../plugins/ntp/files.js'
import { readChrony } from '../../../plugins/ntp/read-chrony.js'
import { readNtp } from '../../../plugins/ntp/read-ntp.js'
import type { Probe } from '../../../src/index.js'

describe('configuration files, by a real shell', () => {
  const top = mkdtempSync(join(tmpdir(), 'ha-ntp-'))
  afterAll(() => rmSync(top, { recursive: true }))
  const put = (path: string, content: string): void => {
    mkdirSync(dirname(join(top, path)), { recursive: true })
    writeFileSync(join(top, path), content)
  }
  const shell = (script: string) => {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' })
    return { code: status ?? -1, stdout, stderr }
  }
  const ask = <T>(probe: Probe<T>): T => {
    if (!('command' in probe)) throw new Error('no command')
    return probe.parse(shell(probe.command.script))
  }
  put(
    'chrony.conf',
    `# first\nconfdir ${top}/conf.d ${top}/more.d\nInclude ${top}/site/*.inc\nsourcedir ${top}/src\nserver z`,
  )
  put('conf.d/b.conf', `server b\ninclude ${top}/chrony.conf\n`)
  put('conf.d/a.conf', 'server a\n')
  put('conf.d/a.conf.bak', 'server never\n')
  put('more.d/b.conf', 'server shadowed\n')
  put('more.d/c d.conf', 'server blank\n')
  put('site/1.inc', 'server inc\n')
  put('src/dhcp.sources', 'pool src\n')
  put('src/dhcp.conf', 'pool never\n')
  put('ntp/ntp.conf', 'includefile extra.d # all\nserver n\nincludefile "extra.conf"')
  put('ntp/extra.conf', 'server e\n')
  put('ntp/extra.d/x.conf', 'server x\n')
  put('ntp/ntp.d/y.conf', 'server y\n')

  it('chrony: include, confdir and sourcedir, each file once, loops and all', () => {
    const files = ask(confFiles([`${top}/chrony.conf`, `${top}/absent.conf`]))
    const addresses = readChrony(files, [`${top}/chrony.conf`]).sources.map(({ address }) => address)
    expect(addresses).toEqual(['a', 'b', 'blank', 'inc', 'src', 'z'])
    expect([...files.keys()].filter((path) => path.startsWith(top))).toHaveLength(7)
    expect(files.get(`${top}/conf.d/a.conf`)?.content).toBe('server a\n')
  })
  it('ntp: includefile of a file beside it, of a directory, and ntp.d', () => {
    const files = ask(confFiles([`${top}/ntp/ntp.conf`, `${top}/ntp/ntp.d/*.conf`]))
    const addresses = readNtp(files, `${top}/ntp/ntp.conf`).sources.map(({ address }) => address)
    expect(addresses).toEqual(['x', 'n', 'e', 'y'])
  })
  it('nothing there is no error', () => {
    expect(shell(`${discover([`${top}/absent/*.conf`]).script}\necho $#`)).toEqual({
      code: 0,
      stdout: '0\n',
      stderr: '',
    })
  })
})
