import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildMedium, inputsOf } from '../../../plugins/iso/medium/build.js'
import { repositoryOf } from '../../../plugins/iso/medium/repository.js'
import { callbackFile, inputsFile, mediumFile, nodeKeyFile, tokenFile, treeDir } from '../../../plugins/iso/state.js'
import { nodeContextOf } from '../../support/task.js'
import { newState, perform, uuid } from './lab.js'

const machine = {
  uuid: uuid('db-a'),
  macs: { mgmt: '52:54:00:00:00:01', link0: '52:54:00:00:00:02' },
  sshHost: '127.0.0.1',
  sshPort: 22100,
  callbackHost: '10.0.2.2',
  stub: '/stub',
  disks: [],
}
const network = {
  interfaces: {
    mgmt: { dhcp: true, addresses: {} },
    link0: { dhcp: false, addresses: { 'db-a': '10.77.0.1/24', 'db-b': '10.77.0.2/24' } },
  },
  routes: [
    { to: '10.9.0.0/16', via: '10.77.0.254' },
    { to: '10.8.0.0/16', via: '10.66.0.1' },
  ],
  resolvers: ['10.77.0.53'],
  search: ['ha.test'],
  hosts: { backup: '10.77.0.60' },
}
const vm = { driver: 'qemu', stub: 'own', memoryMiB: 512, cpus: 1, accelerator: 'tcg', dataDisks: {} }
const settings = {
  repository: 'apt',
  rpm: { reposDir: 'repos', releasever: '9' },
  callback: { timeoutS: 60, bind: '127.0.0.1', host: '192.0.2.7' },
}

const top = mkdtempSync(join(tmpdir(), 'hap-medium-'))
const out = join(top, 'medium')
let state: Awaited<ReturnType<typeof newState>>
// biome-ignore lint/suspicious/noExplicitAny: settings of three plugins, written by hand
let at: any

const build = () => perform(buildMedium(at, 'db-a', machine, '45001'))
function extract(): void {
  rmSync(out, { recursive: true, force: true })
  const file = mediumFile(at.cluster, 'db-a')
  execFileSync('xorriso', ['-osirrox', 'on', '-indev', file, '-extract', '/', out], { stdio: 'pipe' })
  execFileSync('chmod', ['-R', 'u+rwX', out])
}
const read = (name: string) => readFileSync(join(out, name), 'utf8')
const mode = (file: string) => (statSync(file).mode & 0o777).toString(8)

beforeAll(async () => {
  process.env.XDG_CACHE_HOME = join(top, 'cache')
  state = await newState()
  at = {
    ...nodeContextOf({ settings, others: { vm, network } }),
    cluster: state.cluster,
    packages: [{ apt: 'lvm2' }],
  }
  const { dir } = repositoryOf(at) as { dir: string }
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, 'Packages'), 'Package: lvm2\n')
  state.write(callbackFile(at.cluster, 'db-a'), 'left of another machine')
  await build()
  extract()
})
afterAll(() => {
  state.remove()
  rmSync(top, { recursive: true })
})

describe('the medium', () => {
  it('holds the prep program, the config as plain files, keys, the token, the certificate and the packages', () => {
    const files = readdirSync(out, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(out.length + 1))
      .sort()
    expect(files).toEqual([
      'authorized_keys',
      'callback',
      'callback.crt',
      'hostname',
      'hosts',
      'id',
      'id_ed25519',
      'id_ed25519.pub',
      'interfaces',
      'network/10-link0.link',
      'network/10-mgmt.link',
      'network/50-link0.network',
      'network/50-mgmt.network',
      'prep',
      'repo/Packages',
      'resolv.conf',
      'token',
      'vm',
    ])
  })
  it('says who the node is and how it calls back', () => {
    expect({
      hostname: read('hostname'),
      vm: read('vm'),
      interfaces: read('interfaces'),
      hosts: read('hosts'),
      resolver: read('resolv.conf'),
      callback: read('callback'),
    }).toEqual({
      hostname: 'db-a\n',
      vm: `${uuid('db-a')}\n`,
      interfaces: 'mgmt 52:54:00:00:00:01\nlink0 52:54:00:00:00:02\n',
      hosts:
        '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n10.77.0.1\tdb-a\n10.77.0.2\tdb-b\n10.77.0.60\tbackup\n',
      resolver: 'search ha.test\nnameserver 10.77.0.53\n',
      callback: 'callback_name=ha-provision-control\ncallback_host=192.0.2.7\ncallback_port=45001\n',
    })
  })
  it('names interfaces by MAC address, and gives each the routes whose gateway it reaches', () => {
    expect([read('network/10-link0.link'), read('network/50-link0.network'), read('network/50-mgmt.network')]).toEqual([
      '[Match]\nMACAddress=52:54:00:00:00:02\n\n[Link]\nName=link0\n',
      '[Match]\nMACAddress=52:54:00:00:00:02\n\n[Network]\nLinkLocalAddressing=no\nAddress=10.77.0.1/24\nKeepConfiguration=static\n\n[Route]\nDestination=10.9.0.0/16\nGateway=10.77.0.254\n',
      '[Match]\nMACAddress=52:54:00:00:00:01\n\n[Network]\nDHCP=ipv4\nKeepConfiguration=static\n',
    ])
  })
  it('carries a key pair of the node and the public half only of the control machine', () => {
    const derived = execFileSync('ssh-keygen', ['-y', '-f', nodeKeyFile(at.cluster, 'db-a')], { encoding: 'utf8' })
    expect(read('id_ed25519.pub')).toBe(derived)
    expect(read('authorized_keys')).toMatch(/^ssh-ed25519 \S+ ha-provision demo\n$/)
    expect(read('callback.crt')).toMatch(/^-----BEGIN CERTIFICATE/)
    expect(read('callback.crt')).not.toContain('PRIVATE')
  })
  it('is read by its owner only, has the label that the stub looks for, and leaves no tree behind', () => {
    const iso = mediumFile(at.cluster, 'db-a')
    expect([iso, tokenFile(at.cluster, 'db-a'), nodeKeyFile(at.cluster, 'db-a')].map(mode)).toEqual([
      '600',
      '600',
      '600',
    ])
    expect(readFileSync(iso).toString('latin1', 32_808, 32_840).trim()).toBe('HACONFIG')
    expect(() => statSync(treeDir(at.cluster, 'db-a'))).toThrow('ENOENT')
    expect(() => statSync(callbackFile(at.cluster, 'db-a'))).toThrow('ENOENT')
    expect(readFileSync(inputsFile(at.cluster, 'db-a'), 'utf8')).toBe(inputsOf(at, 'db-a', machine, '45001'))
  })
  it('built again has another token and another id, and the same node key', async () => {
    const before = { token: read('token'), id: read('id'), key: read('id_ed25519') }
    await build()
    extract()
    expect(read('token')).toMatch(/^[0-9a-f]{64}$/)
    expect(read('token')).toBe(readFileSync(tokenFile(at.cluster, 'db-a'), 'utf8'))
    expect([read('token') === before.token, read('id') === before.id, read('id_ed25519') === before.key]).toEqual([
      false,
      false,
      true,
    ])
  })
})
