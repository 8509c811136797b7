import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { agentFile } from '../../../plugins/heartbeat/node-tasks.js'

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'drbddisk-'))
  writeFileSync(join(dir, 'drbddisk'), agentFile())
  // A stand-in for drbdadm: its role is a file, and the first attempts fail as long as `busy` counts down.
  writeFileSync(
    join(dir, 'drbdadm'),
    `#!/bin/sh
cd ${dir}
echo "$*" >> calls
case $1 in
  role) [ -s role ] || exit 10; echo "$(cat role)/Secondary" ;;
  primary|secondary)
    n=$(cat busy); if [ "$n" -gt 0 ]; then echo $((n - 1)) > busy; exit 11; fi
    case $1 in primary) echo Primary ;; *) echo Secondary ;; esac > role ;;
esac
`,
  )
  // Nobody waits for real.
  writeFileSync(join(dir, 'sleep'), '#!/bin/sh\n')
  for (const name of ['drbdadm', 'sleep']) chmodSync(join(dir, name), 0o755)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

function agent(action: string, role: string, busy = 0) {
  writeFileSync(join(dir, 'role'), role)
  writeFileSync(join(dir, 'busy'), `${busy}\n`)
  writeFileSync(join(dir, 'calls'), '')
  let code = 0
  let stdout = ''
  try {
    stdout = execFileSync('sh', [join(dir, 'drbddisk'), 'r0', action], {
      env: { PATH: `${dir}:${process.env.PATH}` },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  } catch (error) {
    const failed = error as { status: number; stdout: string }
    code = failed.status
    stdout = failed.stdout
  }
  const calls = readFileSync(join(dir, 'calls'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && line !== 'role r0')
  return { code, stdout: stdout.trim(), calls }
}

describe('our own drbddisk', () => {
  it('answers status in the words and codes that heartbeat knows', () => {
    expect(agent('status', 'Primary')).toEqual({ code: 0, stdout: 'running (Primary)', calls: [] })
    expect(agent('status', 'Secondary')).toEqual({ code: 3, stdout: 'stopped (Secondary)', calls: [] })
    expect(agent('status', '')).toEqual({ code: 4, stdout: 'stopped (unconfigured)', calls: [] })
  })
  it('starts by promoting, and tries six times while the peer lets go', () => {
    expect(agent('start', 'Secondary')).toEqual({ code: 0, stdout: '', calls: ['primary r0'] })
    expect(agent('start', 'Primary')).toEqual({ code: 0, stdout: '', calls: [] })
    expect(agent('start', 'Secondary', 5)).toMatchObject({ code: 0, calls: Array(6).fill('primary r0') })
    expect(agent('start', 'Secondary', 9)).toMatchObject({ code: 1, calls: Array(6).fill('primary r0') })
  })
  it('stops by demoting, and tries three times while the device is in use', () => {
    expect(agent('stop', 'Primary')).toEqual({ code: 0, stdout: '', calls: ['secondary r0'] })
    expect(agent('stop', 'Secondary')).toEqual({ code: 0, stdout: '', calls: [] })
    expect(agent('stop', '')).toEqual({ code: 0, stdout: '', calls: [] })
    expect(agent('stop', 'Primary', 9)).toMatchObject({ code: 1, calls: Array(3).fill('secondary r0') })
  })
  it('knows nothing else', () => {
    expect(agent('monitor', 'Primary').code).toBe(2)
  })
})
