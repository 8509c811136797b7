import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readMessage } from '../../../plugins/iso/message.js'
import { uuid } from './lab.js'

const program = readFileSync(new URL('../../../plugins/iso/medium/prep.sh', import.meta.url), 'utf8')

/** Folders of this computer that the program writes to; in its namespace they are copies. */
const own = ['/etc', '/root', '/var/lib', '/var/log']
let top: string
const at = (...path: string[]) => join(top, ...path)
const read = (...path: string[]) => readFileSync(at(...path), 'utf8')
const put = (path: string, content: string, mode = 0o644) => {
  mkdirSync(join(at(path), '..'), { recursive: true })
  writeFileSync(at(path), content)
  chmodSync(at(path), mode)
}

/** What a machine has that a test computer may not have. */
const fakes = {
  systemctl: `printf '%s\\n' "$*" >> "$TOP/systemctl.log"\n`,
  'systemd-machine-id-setup': `printf '%032d\\n' 7 > /etc/machine-id\n`,
  curl: `cat > "$TOP/header"; printf '%s\\n' "$*" >> "$TOP/curl.log"\nread -r answer rest < "$TOP/answers"; echo "$rest" > "$TOP/answers"; printf %s "$answer"\n`,
  sleep: ':\n',
}

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'hap-prep-'))
  for (const [name, body] of Object.entries(fakes)) put(`bin/${name}`, `#!/bin/sh\n${body}`, 0o755)
  for (const dir of own) mkdirSync(at('own', dir), { recursive: true })
  execFileSync('cp', ['-rL', '/etc/passwd', '/etc/group', '/etc/nsswitch.conf', at('own/etc/')])
  execFileSync('cp', ['-a', '/etc/alternatives', at('own/etc/')])
  mkdirSync(at('own/etc/ssh'))
  mkdirSync(at('own/etc/apt'))
  put('answers', '200')
  put('medium/prep', program.replace('PATH=', `TOP=${top} PATH=${at('bin')}:`))
  put('medium/id', 'medium-1\n')
  put('medium/vm', `${uuid('db-a')}\n`)
  put('medium/hostname', 'db-a\n')
  put('medium/hosts', '127.0.0.1\tlocalhost\n10.77.0.1\tdb-a\n')
  put('medium/interfaces', 'mgmt 52:54:00:00:00:01\nlink0 52:54:00:00:00:02\n')
  put('medium/network/50-mgmt.network', '[Network]\nDHCP=ipv4\n')
  put('medium/resolv.conf', 'nameserver 10.77.0.53\n')
  put('medium/authorized_keys', 'ssh-ed25519 AAAA control\n')
  put('medium/id_ed25519', 'private\n')
  put('medium/id_ed25519.pub', 'public\n')
  put('medium/token', 'secret-token')
  put('medium/callback', 'callback_name=control\ncallback_host=10.0.2.2\ncallback_port=45001\n')
  put('medium/repo/Packages', 'Package: lvm2\n')
})
afterEach(() => rmSync(top, { recursive: true, force: true }))

/** Runs the program in namespaces of its own; the two interfaces have each other's names at first. */
function prep(before = '') {
  const script = `set -e
mount -t sysfs sys /sys
${own.map((dir) => `mount --bind ${at('own', dir)} ${dir}`).join('\n')}
ip link add link0 address 52:54:00:00:00:01 type veth peer name mgmt address 52:54:00:00:00:02
${before}
set +e
sh ${at('medium/prep')}; echo "exit $?"
hostname
ip -o link show | sed -n 's/^[0-9]*: \\([a-z0-9]*\\)@.*link.ether \\([0-9a-f:]*\\).*/\\1 \\2/p' | sort`
  const user = process.getuid?.() === 0 ? [] : ['-r']
  const { stdout, stderr } = spawnSync('unshare', [...user, '-nmu', 'sh', '-c', script], { encoding: 'utf8' })
  return { lines: stdout.trim().split('\n'), stderr }
}
const report = () => readMessage(read('own/var/lib/ha-provision/report.json'))
const steps = ['machine-id', 'hostname', 'hosts', 'interfaces', 'resolver', 'ssh-keys', 'repository', 'ssh-server']
const listing = () =>
  execFileSync('sh', ['-c', 'find etc root var -type f ! -name report.json ! -path "*/log/*" -exec sha256sum {} +'], {
    cwd: at('own'),
    encoding: 'utf8',
  })
    .split('\n')
    .sort()

describe('the prep program', () => {
  it('prepares a machine, says each step, and reports what the control machine understands', () => {
    expect(prep()).toEqual({
      lines: [
        'ha-prep: preparing db-a from medium medium-1',
        ...steps.map((name) => `ha-prep: ${name}: done`),
        'ha-prep: status ok, written to /var/lib/ha-provision/report.json',
        'ha-prep: called back',
        'exit 0',
        'db-a',
        'link0 52:54:00:00:00:02',
        'mgmt 52:54:00:00:00:01',
      ],
      stderr: '',
    })
    const key = read('own/etc/ssh/ssh_host_ed25519_key.pub').split(' ').slice(0, 2).join(' ')
    expect(report()).toEqual({
      node: 'db-a',
      vm: uuid('db-a'),
      status: 'ok',
      machineId: '00000000000000000000000000000007',
      hostKeys: [key],
      steps: steps.map((name) => ({ name, ok: true })),
      log: expect.stringMatching(/Z preparing db-a from medium medium-1\n.*Z ssh-server: done\n$/s),
    })
    expect(read('own/etc/hosts')).toBe(read('medium/hosts'))
    expect(read('own/etc/resolv.conf')).toBe(read('medium/resolv.conf'))
    expect(read('own/root/.ssh/authorized_keys')).toBe('ssh-ed25519 AAAA control\n')
    expect(read('own/root/.ssh/id_ed25519')).toBe('private\n')
    expect(read('own/var/lib/ha-provision/prepared')).toBe('medium-1\n')
    expect(read('own/var/lib/ha-provision/repo/Packages')).toBe('Package: lvm2\n')
    expect(read('own/etc/apt/sources.list.d/ha-provision.list')).toBe(
      'deb [trusted=yes] file:/var/lib/ha-provision/repo ./\n',
    )
    expect(read('systemctl.log')).toBe('restart systemd-networkd\nstart --no-block ssh\n')
  })
  it('run again changes nothing', () => {
    prep()
    const before = listing()
    put('answers', '409')
    expect(prep().lines.slice(-5)).toEqual([
      'ha-prep: this medium called back before; another status goes by: ha-provision callback db-a --status FILE',
      'exit 0',
      'db-a',
      'link0 52:54:00:00:00:02',
      'mgmt 52:54:00:00:00:01',
    ])
    expect(listing()).toEqual(before)
  })
  it('keeps the token out of the arguments of programs, and pins the certificate', () => {
    prep()
    expect(read('header')).toBe('header = "Authorization: Bearer secret-token"\n')
    expect(read('curl.log')).not.toContain('secret-token')
    expect(read('curl.log')).toContain(`--cacert ${at('medium/callback.crt')}`)
  })
  it('leaves no identity of the stub: keys, machine-id, the cluster manager’s', () => {
    for (const file of [
      'own/etc/ssh/ssh_host_ed25519_key',
      'own/etc/ssh/ssh_host_rsa_key',
      'own/root/.ssh/id_ed25519',
      'own/var/lib/heartbeat/hb_uuid',
    ])
      put(file, 'of the stub')
    put('own/etc/machine-id', `${'f'.repeat(32)}\n`)
    prep('touch -d @1000000000 /etc/machine-id')
    expect(report()).toMatchObject({ machineId: '00000000000000000000000000000007' })
    expect(listing().join('\n')).not.toMatch(/rsa_key|hb_uuid/)
    for (const file of ['own/etc/ssh/ssh_host_ed25519_key', 'own/root/.ssh/id_ed25519'])
      expect(read(file)).not.toBe('of the stub')
  })
  it('with rpm packages: dnf and zypper are given the repository', () => {
    rmSync(at('medium/repo/Packages'))
    put('medium/repo/repodata/repomd.xml', '<repomd/>')
    mkdirSync(at('own/etc/yum.repos.d'))
    prep()
    expect(read('own/etc/yum.repos.d/ha-provision.repo')).toBe(
      '[ha-provision]\nname=ha-provision\nbaseurl=file:///var/lib/ha-provision/repo\nenabled=1\ngpgcheck=0\n',
    )
    expect(() => read('own/etc/apt/sources.list.d/ha-provision.list')).toThrow('ENOENT')
  })
  it('that fails does the later steps, reports the log whatever is in it, and does not count as prepared', () => {
    const noise = String.raw`no "device" \ here
	%s $(id) \u0041`
    put('noise', `${noise}\u0007\u001b[31m ü\n`)
    put(
      'bin/systemctl',
      `#!/bin/sh\nif [ "$1" = restart ]; then cat ${at('noise')}; printf '\\377\\376\\n'; exit 3; fi\n`,
      0o755,
    )
    const { lines } = prep()
    expect(lines).toContain('ha-prep: interfaces: FAILED, exit 3')
    expect(lines).toContain('exit 1')
    expect(report()).toMatchObject({
      status: 'failed',
      steps: steps.map((name) => ({ name, ok: name !== 'interfaces' })),
      log: expect.stringContaining(`${noise}[31m ü\n`),
    })
    expect(() => read('own/var/lib/ha-provision/prepared')).toThrow('ENOENT')
  })
  it('calls until the control machine answers, and gives up when it is refused', () => {
    put('answers', '000 500 408 401')
    expect(prep().lines.slice(-6, -3)).toEqual([
      'ha-prep: the management node does not answer yet; trying again every 3 s',
      'ha-prep: the call was refused: 401; hand /var/lib/ha-provision/report.json over with: ha-provision callback db-a --status FILE',
      'exit 1',
    ])
    expect(read('curl.log').trim().split('\n')).toHaveLength(4)
  })
})
