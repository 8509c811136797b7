import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { built } from '../support/cli.js'
import { type JumpLab, jumpLab } from './sshd/lab.js'

let lab: JumpLab
beforeAll(async () => {
  await built()
  lab = await jumpLab(['db-a', 'db-b'])
}, 120_000)
afterAll(() => lab?.close())

/** What modify changes: a file of root's by `write`, one by `upload`, and a note by `run` of who did it. */
const plugin = `
import { ask, finding, sh } from 'ha-provision'
export default {
  name: 'motd',
  schema: { type: 'object', additionalProperties: false, properties: { text: { type: 'string', default: 'hello' } } },
  reconstruct: undefined,
  tasks: (t) => [t.perNode({
    id: 'files', title: 'its files',
    probes: () => ({ text: ask(sh\`cat /etc/motd.own\`, ({ stdout }) => stdout), sum: ask(sh\`sha256sum < /var/big\`, ({ stdout, code }) => stdout) }),
    check: ({ settings, facts }) => [
      ...(facts.text === settings.text ? [] : [finding('text', { desired: settings.text, actual: facts.text })]),
      ...(facts.sum.startsWith('BIGSUM') ? [] : [finding('big', { desired: 'there', actual: 'not' })]),
    ],
    fix: {
      text: ({ settings }) => [
        { kind: 'write', path: '/etc/motd.own', content: settings.text, mode: '0600', owner: 'root:root' },
        { kind: 'run', command: sh\`id -un; echo "$SUDO_USER $(id -un)" >/etc/motd.by\` },
      ],
      big: () => [{ kind: 'upload', from: '/root/project/big', to: '/var/big', mode: '0640' }],
    },
  })],
}
`
const q = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
const accept = (node: string, type: 'ed25519' | 'rsa' = 'ed25519') =>
  ['--accept-host-key', `${node}=${lab.nodes[node]?.fingerprint(type)}`] as const
const pins = '/root/state/ha-provision/demo/known_hosts'
const read = (file: string): string => lab.control.run(`cat ${file} 2>/dev/null`).stdout

describe('nodes behind a jump host, for a user with sudo', () => {
  it('a jump host that nobody knows is left to a person', () => {
    const big = lab.control.run(
      'mkdir -p project/node_modules; head -c 3000001 /dev/urandom >project/big; sha256sum <project/big',
    ).stdout
    const access = (node: string) =>
      `{ ssh: { host: ${lab.addresses[node]}, user: ops, jump: ops@${lab.addresses.jump}, sudo: true } }`
    const config = `cluster: demo\nnodes:\n  db-a: ${access('db-a')}\n  db-b: ${access('db-b')}\nplugins: [./motd.mjs]\n`
    lab.control.run(
      `printf %s ${q(config)} >project/ha.config.yaml; printf %s ${q(plugin.replace('BIGSUM', big.slice(0, 64)))} >project/motd.mjs`,
    )
    const { code, stdout } = lab.ha('check', '--mode', 'modify')
    expect(stdout).toContain('the host key of the jump host on the way to it is not known')
    expect(stdout).toContain(`ssh ops@${lab.addresses.jump}`)
    expect(code).toBe(4)
    expect(
      lab.control.run(`ssh-keyscan ${lab.addresses.jump} >>.ssh/known_hosts 2>/dev/null; wc -l <.ssh/known_hosts`)
        .stdout,
    ).not.toBe('0\n')
  })
  it('a node that nobody knows is refused, with its fingerprints and the flag; nothing is written', () => {
    const before = read('.ssh/known_hosts')
    const { code, stdout } = lab.ha('check', '--mode', 'modify')
    expect(code).toBe(4)
    for (const node of ['db-a', 'db-b']) {
      expect(stdout).toContain(
        `${node}: its host key is in no known_hosts; it offers\n    ed25519 ${lab.nodes[node]?.fingerprint('ed25519')}\n    rsa ${lab.nodes[node]?.fingerprint('rsa')}`,
      )
      expect(stdout).toContain(`then add: ${accept(node).join(' ')}`)
    }
    expect(lab.control.run('ls state').code).not.toBe(0)
    expect(read('.ssh/known_hosts')).toBe(before)
  })
  it('another fingerprint than the offered one is refused', () => {
    const wrong = lab.nodes['db-b']?.fingerprint('ed25519')
    const { code, stdout } = lab.ha('check', '--mode', 'modify', '--accept-host-key', `db-a=${wrong}`)
    expect(code).toBe(4)
    expect(stdout).toContain(`it does not have the host key that was accepted\n    accepted ${wrong}\n`)
  })
  it('check takes accepted keys for itself only', () => {
    const { code, stdout, stderr } = lab.ha('check', '--mode', 'modify', ...accept('db-a'), ...accept('db-b', 'rsa'))
    expect({ code, stderr: stderr.match(/host key of .*/g)?.sort() }).toEqual({
      code: 3,
      stderr: [
        `host key of db-a accepted: ed25519 ${lab.nodes['db-a']?.fingerprint('ed25519')}`,
        `host key of db-b accepted: rsa ${lab.nodes['db-b']?.fingerprint('rsa')}`,
      ],
    })
    expect(stdout).toContain('would on db-b: upload /root/project/big to /var/big')
    expect(lab.control.run('ls state').code).not.toBe(0)
  })
  it('modify pins them, and probes, write, upload and run work as root through jump host and sudo', () => {
    const { code, stdout, stderr } = lab.ha('modify', ...accept('db-a'), ...accept('db-b', 'rsa'))
    expect({ code, stdout, stderr }).toMatchObject({ code: 0 })
    expect(lab.control.run(`stat -c %a ${pins}`).stdout).toBe('600\n')
    expect(
      read(pins)
        .split('\n')
        .map((line) => line.split(' ').slice(0, 2).join(' '))
        .sort(),
    ).toEqual(['', 'db-a ssh-ed25519', 'db-b ssh-rsa'])
    for (const node of ['db-a', 'db-b']) {
      expect(
        lab.nodes[node]?.run('cat /etc/motd.own; echo; cat /etc/motd.by; stat -c "%a %U" /etc/motd.own /var/big')
          .stdout,
      ).toBe('hello\nops root\n600 root\n640 root\n')
    }
    expect(lab.control.run('sha256sum <project/big').stdout).toBe(lab.nodes['db-b']?.run('sha256sum </var/big').stdout)
  })
  it('afterwards the pinned keys are enough, in one round trip', () => {
    const { code, stdout } = lab.ha('modify', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ steps: 0, channels: { 'db-a': 1, 'db-b': 1 } })
    expect(code).toBe(0)
  })
  it('reconstruct accepts a key and pins it, so that check with its config needs no flag', () => {
    const node = (name: string) => `${name}=ops@${lab.addresses[name]}`
    const words = [
      'reconstruct',
      node('db-a'),
      node('db-b'),
      '--jump',
      `ops@${lab.addresses.jump}`,
      '--sudo',
      '--cluster',
      'found',
      '--out',
      'found.yaml',
    ]
    const refused = lab.ha(...words)
    expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining(`then add: ${accept('db-b').join(' ')}`) })
    const { code, stderr, stdout } = lab.ha(...words, ...accept('db-a'), ...accept('db-b'), '--json')
    expect({ code, stderr, stdout }).toMatchObject({ code: 0 })
    expect(Object.keys(JSON.parse(stdout).asked)).toEqual(['db-a', 'db-b'])
    expect(read('project/found.yaml')).toContain(
      `ssh:\n      host: ${lab.addresses['db-a']}\n      user: ops\n      jump: ops@${lab.addresses.jump}\n      sudo: true\n`,
    )
    expect(read('state/ha-provision/found/known_hosts')).toContain('db-b ssh-ed25519 ')
    const again = lab.ha(...words, '--json')
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('found.yaml') })
    const renamed = words.map((word) => word.replace('db-a=', 'db-c=').replace('found.yaml', 'other.yaml'))
    expect(lab.ha(...renamed, '--json').code).toBe(4)
  })
  it('a node that calls itself otherwise is refused', () => {
    const { code, stderr } = lab.ha(
      'reconstruct',
      `db-c=ops@${lab.addresses['db-a']}`,
      '--jump',
      `ops@${lab.addresses.jump}`,
      '--accept-host-key',
      `db-c=${lab.nodes['db-a']?.fingerprint('ed25519')}`,
    )
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining(`is not db-c: it calls itself db-a (uname -n)`),
    })
  })
  it('a changed key is refused with both fingerprints, whatever is accepted; the remedy works', async () => {
    const old = lab.nodes['db-a']?.fingerprint('ed25519')
    await lab.renew('db-a')
    const now = lab.nodes['db-a']?.fingerprint('ed25519')
    for (const more of [[], accept('db-a')]) {
      const { code, stdout } = lab.ha('modify', ...more)
      expect(code).toBe(4)
      expect(stdout).toContain(
        `db-a: its host key has changed, and is refused\n    known   ${old} (${pins})\n    offered ${now}\n`,
      )
      expect(stdout).toContain(`ssh-keygen -f ${pins} -R db-a, then --accept-host-key db-a=${now}`)
    }
    expect(lab.control.run(`ssh-keygen -f ${pins} -R db-a`).code).toBe(0)
    expect(lab.ha('modify', ...accept('db-a'))).toMatchObject({ code: 0 })
  })
  it("a changed key in the user's own known_hosts is refused likewise", async () => {
    lab.control.run(
      `rm -rf state; ssh -o StrictHostKeyChecking=accept-new -J ops@${lab.addresses.jump} ops@${lab.addresses['db-b']} true`,
    )
    expect(lab.ha('check', '--mode', 'modify', ...accept('db-a'))).toMatchObject({ code: 0 })
    const old = lab.nodes['db-b']?.fingerprint('ed25519')
    await lab.renew('db-b')
    const { stdout } = lab.ha('check', '--mode', 'modify', ...accept('db-a'), ...accept('db-b'))
    expect(stdout).toMatch(/known {3}SHA256:.* \(\/root\/\.ssh\/known_hosts\)/)
    expect(stdout).toContain(old)
    expect(stdout).toContain(`ssh-keygen -f /root/.ssh/known_hosts -R ${lab.addresses['db-b']}`)
  })
  it('without sudo the same user may not', () => {
    lab.control.run(
      `sed -i s/,.sudo:.true// project/ha.config.yaml; rm -f .ssh/known_hosts; ssh-keyscan ${lab.addresses.jump} >>.ssh/known_hosts 2>/dev/null`,
    )
    const { code, stdout } = lab.ha('modify', '--set', 'motd.text=other', ...accept('db-a'), ...accept('db-b'))
    expect(code).toBe(1)
    expect(stdout).toMatch(/Permission denied/)
  })
})
