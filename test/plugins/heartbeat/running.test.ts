import { describe, expect, it } from 'vitest'
import heartbeat from '../../../plugins/heartbeat/index.js'
import { expected, filesOutput, judgeCluster, unitsOutput } from './lab.js'

const ours = expected('haresources')
const judge = (a: string, b: string, changed: object = {}, content = ours) => {
  const said = (active: string) => ({
    units: unitsOutput({ 'heartbeat.service': [active, 'enabled'] }),
    files: filesOutput(['/etc/ha.d/haresources', content, '0644']),
  })
  return judgeCluster('running', { 'db-a': said(a), 'db-b': said(b) }, changed)
}

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
  const back = { autoFailback: true }
  const others = `${ours}db-b postfix\n`
  const interrupts = (...given: Parameters<typeof judge>) =>
    judge(...given)
      .steps()
      .flatMap((step) => (step.kind === 'run' ? [step.interrupts] : []))
  it('that comes back to a peer takes home what others have in haresources: only with a word', () => {
    const why = (what: string, on: string) => [
      `auto_failback is on: with its start ${on} takes home what no option says: ${what}`,
    ]
    expect(interrupts('active', 'failed', back, others)).toEqual(why('db-b postfix', 'db-b'))
    const more = ours.replace(/\n$/, ' postfix\n')
    expect(interrupts('failed', 'active', back, more)).toEqual(why('postfix', 'db-a'))
  })
  it.each<[string, Parameters<typeof judge>]>([
    ['without failback', ['active', 'failed', {}, others]],
    ['on a node that is home to nothing else', ['failed', 'active', back, others]],
    ['with our group alone, which the config sends home', ['failed', 'active', back, ours]],
  ])('starts without a word %s', (_, given) => {
    expect(interrupts(...given)).toEqual([undefined])
  })
  it('starts without a word where nothing runs', () => {
    expect(interrupts('inactive', 'inactive', back, others)).toEqual([undefined, undefined])
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
