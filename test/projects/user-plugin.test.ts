import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { built, newDir, project, root, run } from '../support/cli.js'
import { fakeNodes } from '../support/cluster.js'

const top = newDir()
const dir = join(top, 'project')
const file = join(top, 'etc/sysctl.conf')
/** Stands in for sysctl(8): keeps its values in the home of the node. */
const fakeSysctl = `#!/bin/sh
case $1 in
  --) shift; for key; do [ ! -e "$HOME/$key" ] || echo "$key = $(cat "$HOME/$key")"; done ;;
  *) echo "\${3#*=}" >"$HOME/\${3%%=*}" ;;
esac
`
const env = (() => {
  const fake = fakeNodes(top)
  return {
    ...fake,
    PATH: `${join(top, 'bin')}:${fake.PATH}`,
    XDG_STATE_HOME: join(top, 'state'),
    XDG_CACHE_HOME: join(top, 'cache'),
  }
})()
const tool = (...args: string[]) => run(dir, [...args, '--set', `sysctl.file=${file}`], env)

beforeAll(async () => {
  await built()
  cpSync(fileURLToPath(new URL('./user-plugin', import.meta.url)), dir, { recursive: true })
  mkdirSync(join(dir, 'node_modules'))
  symlinkSync(root, join(dir, 'node_modules/ha-provision'))
  const values = { 'vm.swappiness': '60\n', 'net.ipv4.tcp_keepalive_time': '600\n' }
  const node = (name: string) => Object.entries(values).map(([key, value]) => [`nodes/${name}/${key}`, value])
  project(top, {
    'bin/sysctl': fakeSysctl,
    'nodes/calls': '',
    ...Object.fromEntries([...node('db-a'), ...node('db-b')]),
  })
  chmodSync(join(top, 'bin/sysctl'), 0o755)
}, 90_000)
afterAll(() => rmSync(top, { recursive: true, force: true }))

describe("a plugin in a user's own folder takes part like a built-in one", () => {
  it('check tells what differs, with a diff and the steps, and touches nothing', async () => {
    const { code, stdout } = await tool('check', '--mode', 'modify')
    expect(code).toBe(3)
    const differs = (node: string) => `${node} sysctl/values: drift
  boot-file FILE
    --- /dev/null
    +++ FILE
    @@ -0,0 +1,2 @@
    +vm.swappiness = 10
    +net.ipv4.tcp_keepalive_time = 600
    would on ${node}: write FILE
  running-value vm.swappiness
    is      60
    wanted  10
    would on ${node}: sysctl -q -w vm.swappiness=10
`
    expect(stdout.replaceAll(file, 'FILE').split('\ncluster')[0]).toBe(differs('db-a') + differs('db-b'))
    expect([existsSync(file), existsSync(env.XDG_STATE_HOME)]).toEqual([false, false])
  })
  it('modify makes it so and calls its hook; a second run finds nothing to do in one round trip', async () => {
    const first = await tool('modify')
    expect(first.code).toBe(0)
    expect(readFileSync(/^log: (.*)$/m.exec(first.stdout)?.[1] ?? '', 'utf8')).toContain(
      'db-a: kernel settings changed, tell the database team',
    )
    expect(readFileSync(file, 'utf8')).toBe('vm.swappiness = 10\nnet.ipv4.tcp_keepalive_time = 600\n')
    expect(readFileSync(join(top, 'nodes/db-b/vm.swappiness'), 'utf8')).toBe('10\n')
    const second = await tool('modify', '--json')
    expect(second.code).toBe(0)
    expect(JSON.parse(second.stdout)).toMatchObject({ steps: 0, channels: { 'db-a': 1, 'db-b': 1 } })
  })
  it('a setting that the kernel does not know is left to a person, and nothing else is changed', async () => {
    const { code, stdout } = await tool('modify', '--set', 'sysctl.values["vm.swapiness"]=1')
    expect(code).toBe(1)
    expect(stdout).toContain('unknown-setting (vm.swapiness)\n  The kernel of this node does not know it')
    expect(readFileSync(file, 'utf8')).not.toContain('swapiness')
  })
  it('its options are in the schema and are validated', async () => {
    expect(JSON.parse((await tool('schema')).stdout).properties.sysctl.properties.values.description).toBe(
      'Settings by name, such as vm.swappiness.',
    )
    const { code, stderr } = await tool('validate', '--set', 'sysctl.values["VM.x"]=1')
    expect([code, stderr]).toEqual([
      2,
      'error: the config has a fault; nothing was touched\n  --set sysctl.values["VM.x"]: the name "VM.x" must be a name as sysctl(8) prints it – rename it\n',
    ])
  })
})
