import { describe, expect, it } from 'vitest'
import heartbeat from '../../../plugins/heartbeat/index.js'
import { judgeCluster, settings, unitsOutput } from './lab.js'

const unit = (active: string) => ({ units: unitsOutput({ 'heartbeat.service': [active, 'enabled'] }) })
const judge = (a: string, b: string, changed: object = {}) =>
  judgeCluster('running', { 'db-a': unit(a), 'db-b': unit(b) }, changed)

describe('heartbeat', () => {
  it('that runs on both nodes is left alone', () => {
    expect(judge('active', 'active').answer).toEqual([])
  })
  it('starts on the home node first, wherever that is', () => {
    const order = (changed: object) =>
      judge('inactive', 'failed', changed)
        .steps()
        .map((step) => step.on)
    expect(order({})).toEqual(['db-a', 'db-b'])
    expect(order({ home: 'db-b' })).toEqual(['db-b', 'db-a'])
  })
  it('starts only where it is down, after a device that nobody uses is demoted', () => {
    const { answer, steps } = judge('active', 'failed')
    expect(answer).toEqual([{ id: 'not-running', subject: 'db-b', desired: 'active', actual: 'failed' }])
    expect(steps()).toEqual([
      {
        kind: 'run',
        on: 'db-b',
        title: 'start heartbeat',
        command: {
          timeoutS: 180,
          script: `for r in r0:/data; do grep -q " \${r#*:} " /proc/mounts || drbdadm secondary "\${r%%:*}" 2>/dev/null; done
systemctl reset-failed heartbeat.service 2>/dev/null; systemctl start heartbeat.service`,
        },
      },
    ])
  })
})

describe('before a run', () => {
  const said = (changed: object) => {
    const lines: string[] = []
    heartbeat.hooks?.['before-run']?.({
      settings: () => ({ ...settings, ...changed }),
      log: (line: string) => lines.push(line),
    } as never)
    return lines.length
  }
  it('missing fencing is said, louder with one link, and not at all with fencing', () => {
    expect(said({})).toBe(1)
    expect(said({ links: settings.links.slice(0, 1) })).toBe(2)
    expect(said({ stonith: ['* external/ssh db-a db-b'] })).toBe(0)
  })
})

describe('what no two clusters share', () => {
  it('is the port, and the key without showing it', () => {
    expect(heartbeat.unique?.({ udpPort: 7000, authKey: 'correct-horse' })).toEqual([
      { path: 'udpPort', value: 7000, what: 'UDP port 7000' },
      { path: 'authKey', value: 'correct-horse', what: 'this key' },
    ])
    expect(heartbeat.unique?.(undefined)).toEqual([])
  })
})
