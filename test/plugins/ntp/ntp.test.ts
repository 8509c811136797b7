import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import network from '../../../plugins/network/index.js'
import { chrony, daemons, ntpsec } from '../../../plugins/ntp/daemons.js'
import ntp from '../../../plugins/ntp/index.js'
import { filesOutput } from '../../support/files.js'
import { contextOf, factsOf, findingsOf, nodeContextOf, output, stepsOf, taskOf } from '../../support/task.js'

const recorded = (name: string): string => readFileSync(new URL(`recorded/${name}.txt`, import.meta.url), 'utf8')
const link = (a: string, b: string) => ({ dhcp: false, addresses: { 'db-a': a, 'db-b': b } })
const interfaces = {
  mgmt: { dhcp: true, addresses: {} },
  link0: link('10.77.0.1/24', '10.77.0.2/24'),
  link1: link('10.77.1.1/24', '10.77.1.2/24'),
}
const situation = (changed: object = {}) => ({
  settings: { daemon: 'chrony', servers: [], pools: [], allow: [], maxOffsetMs: 500, ...changed },
  others: { network: { interfaces } },
})

function judge(id: string, outputs: Record<string, string>, node = 'db-b', changed: object = {}) {
  const task = taskOf(ntp, id)
  const at = nodeContextOf(situation(changed), node)
  const facts = factsOf(task, at, Object.fromEntries(Object.entries(outputs).map(([key, text]) => [key, output(text)])))
  const answer = task.check({ ...at, facts })
  const steps = () => findingsOf(answer).flatMap((finding) => stepsOf(task, { ...at, facts }, finding))
  return { answer, steps }
}
const file = (path: string, content: string): string => filesOutput({ [path]: content })

const dropIn = '/etc/chrony/conf.d/ha-provision.conf'
const follower =
  '# Written by ha-provision\nserver 10.77.0.1 iburst prefer minpoll 2 maxpoll 6\nserver 10.77.1.1 iburst prefer minpoll 2 maxpoll 6\nmakestep 1 3\n'
const source = '# Written by ha-provision\nlocal stratum 10\nallow 10.77.0.0/24\nallow 10.77.1.0/24\nmakestep 1 3\n'

describe('configuration', () => {
  const main = file('/etc/chrony/chrony.conf', recorded('chrony.conf'))
  it('without servers: the first node serves its clock, the other asks it over every link', () => {
    const missing = (node: string, desired: string) =>
      expect(judge('config', { files: main }, node).answer).toEqual([
        { id: 'config-file', subject: dropIn, desired, actual: '' },
      ])
    missing('db-a', source)
    missing('db-b', follower)
    expect(judge('config', { files: main + file(dropIn, follower) }).answer).toEqual([])
  })
  it('another source turns the roles round', () => {
    expect(judge('config', { files: main + file(dropIn, source) }, 'db-b', { source: 'db-b' }).answer).toEqual([])
  })
  it('with servers every node asks those', () => {
    const text = '# Written by ha-provision\nserver ntp1.test iburst\nserver 10.0.0.9 iburst\nmakestep 1 3\n'
    for (const node of ['db-a', 'db-b']) {
      const files = main + file(dropIn, text)
      expect(judge('config', { files }, node, { servers: ['ntp1.test', '10.0.0.9'] }).answer).toEqual([])
    }
  })
  it('a main file that reads no drop-ins is made to', () => {
    const files = file('/etc/chrony.conf', 'pool x iburst') + file(dropIn, follower)
    expect(judge('config', { files }).answer).toEqual([
      {
        id: 'config-file',
        subject: '/etc/chrony.conf',
        desired: 'pool x iburst\nconfdir /etc/chrony/conf.d\n',
        actual: 'pool x iburst',
      },
    ])
  })
})

describe('one daemon', () => {
  const units = recorded('units-chrony')
  const timesyncd = units.replace(
    /(Id=systemd-timesyncd.service\n.*\n)LoadState=not-found\nActiveState=inactive\nUnitFileState=/,
    '$1LoadState=loaded\nActiveState=active\nUnitFileState=enabled',
  )
  it('its aliases are not others', () => {
    expect(judge('other-daemons', { units }).answer).toEqual([])
  })
  it('another one is stopped and disabled', () => {
    const { answer, steps } = judge('other-daemons', { units: timesyncd })
    expect(answer).toEqual([
      {
        id: 'other-daemon',
        subject: 'systemd-timesyncd.service',
        desired: 'stopped and disabled',
        actual: 'running and enabled',
      },
    ])
    expect(steps()).toEqual([
      {
        kind: 'run',
        title: 'stop systemd-timesyncd.service',
        command: { script: 'systemctl stop systemd-timesyncd.service && systemctl disable systemd-timesyncd.service' },
      },
    ])
  })
  it('runs, is enabled, and has read its configuration', () => {
    expect(judge('service', { units, changed: recorded('stat-in-order') }).answer).toEqual([])
  })
  it('one that runs on after its package was removed is stopped', () => {
    const { answer, steps } = judge('other-daemons', { units: recorded('units-removed-chrony') }, 'db-a', {
      daemon: 'ntpsec',
    })
    expect(findingsOf(answer).map(({ subject, actual }) => [subject, actual])).toEqual([
      ['chrony.service', 'running and disabled'],
    ])
    expect(steps().map((step) => step.kind === 'run' && step.command.script)).toEqual(['systemctl stop chrony.service'])
  })
  it('is restarted when its configuration is newer than its start', () => {
    const { answer, steps } = judge('service', { units, changed: recorded('stat-changed') })
    expect(answer).toEqual([
      {
        id: 'old-config',
        subject: 'chrony.service',
        desired: 'started after its configuration',
        actual: `older than ${dropIn}`,
      },
    ])
    expect(steps()).toEqual([
      { kind: 'run', title: 'restart chrony.service', command: { script: 'systemctl restart chrony.service' } },
    ])
  })
  it('is started when stopped, and enabled only when it was not', () => {
    const stopped = units.replaceAll('ActiveState=active', 'ActiveState=inactive')
    const titles = (text: string) =>
      judge('service', { units: text, changed: '' })
        .steps()
        .map((step) => step.kind === 'run' && step.title)
    expect(titles(stopped)).toEqual(['restart chrony.service'])
    expect(titles(stopped.replaceAll('=enabled', '=masked').replaceAll('=loaded', '=masked'))).toEqual([
      'enable chrony.service',
      'restart chrony.service',
    ])
  })
  it('cannot be judged before it is installed', () => {
    const { answer } = judge('service', { units: '', changed: '' })
    expect(answer).toEqual({ waits: 'chrony is not installed' })
  })
})

describe('clocks', () => {
  const task = taskOf(ntp, 'clock')
  const clocks = (a: string, b: string, code = 0) => {
    const facts = Object.fromEntries(
      [['db-a', a, 0] as const, ['db-b', b, code] as const].map(([node, text, exit]) => {
        return [node, factsOf(task, nodeContextOf(situation(), node), { clock: output(text, exit) })]
      }),
    )
    const at = { ...contextOf(situation()), nodes: facts }
    return { at, answer: task.check(at) }
  }
  const local = recorded('chronyc-tracking-source')
  /** Three readings of a wait, by the names of their recordings. */
  const thrice = (...names: readonly string[]) =>
    output([0, 1, 2].map((i) => `${recorded(`chronyc-tracking-${names[i] ?? names[0]}`)}@@0\n`).join(''))
  it('agree when the source serves and the follower follows', () => {
    expect(clocks(local, recorded('chronyc-tracking-follower')).answer).toEqual([])
  })
  it('are waited for when a node has no time yet', () => {
    const { at, answer } = clocks(local, recorded('chronyc-tracking-unsynchronised'))
    expect(answer).toEqual([
      { id: 'not-synchronised', subject: 'db-b', desired: 'synchronised', actual: 'no time from any server' },
    ])
    const [finding] = findingsOf(answer)
    const steps = finding ? stepsOf(task, at, finding) : []
    expect(steps.map(({ on, kind }) => [on, kind])).toEqual([
      ['db-b', 'run'],
      ['db-b', 'wait'],
    ])
    const wait = steps[1]
    if (wait?.kind !== 'wait') throw new Error('no wait')
    expect(wait.until.parse(thrice('unsynchronised'))).toEqual({
      done: false,
      text: 'no time from any server yet',
    })
    expect(wait.until.parse(thrice('off'))).toEqual({
      done: true,
      text: '3680 ms from 10.77.0.1',
    })
    // After a reboot of its server, chrony found and lost it again within seconds.
    expect(wait.until.parse(thrice('follower', 'unsynchronised', 'follower'))).toEqual({
      done: false,
      text: 'time from a server that comes and goes',
    })
    expect(wait.until.parse(output(`${recorded('chronyc-tracking-follower')}@@0\n`)).done).toBe(false)
  })
  it('a stopped daemon gives no time', () => {
    expect(findingsOf(clocks(local, '506 Cannot talk to daemon\n', 1).answer).map(({ id }) => id)).toEqual([
      'not-synchronised',
    ])
  })
  it('beyond the limit are set at once, unless Heartbeat would see a jump', () => {
    const { at, answer } = clocks(local, recorded('chronyc-tracking-off'))
    expect(answer).toEqual([
      { id: 'offset', subject: 'db-b', desired: '500 ms at most', actual: '3680 ms from 10.77.0.1' },
    ])
    const [finding] = findingsOf(answer)
    const [jump, wait] = finding ? stepsOf(task, at, finding) : []
    expect(jump?.kind === 'run' && jump.command.script).toBe(
      'if ! systemctl is-active -q heartbeat.service; then chronyc makestep; fi',
    )
    if (wait?.kind !== 'wait') throw new Error('no wait')
    expect(wait.until.parse(thrice('off')).done).toBe(false)
    expect(wait.until.parse(thrice('follower')).done).toBe(true)
  })
  it('cannot be judged before the daemon is installed everywhere', () => {
    expect(clocks(local, '', 127).answer).toEqual({ waits: 'chrony is not installed on db-b' })
  })
})

describe('rules', () => {
  const faults = (changed: object, links: object = interfaces) =>
    ntp
      .validate?.(contextOf({ ...situation(changed), others: { network: { interfaces: links } } }) as never)
      ?.map(({ path, message }) => `${path}: ${message}`)
  it('a source beside servers, a daemon that cannot serve, and no link to serve over are refused', () => {
    expect(faults({})).toEqual([])
    expect(faults({ servers: ['x'], source: 'db-a' })).toEqual([
      'ntp.source: "db-a" cannot be the source: there are servers',
    ])
    expect(faults({ daemon: 'systemd-timesyncd' })).toEqual([
      'ntp.servers: systemd-timesyncd only asks for the time and cannot serve the other node',
    ])
    expect(faults({}, { mgmt: interfaces.mgmt })).toEqual([
      'ntp.servers: no server, and no link between the nodes over which one could serve the other',
    ])
    expect(faults({ daemon: 'systemd-timesyncd', servers: ['x'] }, { mgmt: interfaces.mgmt })).toEqual([])
  })
  it('pools are asked beside servers, where the daemon knows them', () => {
    expect(faults({ pools: ['p.house'] })).toEqual([])
    expect(faults({ pools: ['p.house'] }, { mgmt: interfaces.mgmt })).toEqual([])
    expect(faults({ pools: ['p.house'], source: 'db-a' })).toEqual([
      'ntp.source: "db-a" cannot be the source: there are pools',
    ])
    expect(faults({ daemon: 'systemd-timesyncd', servers: ['x'], pools: ['p.house'] })).toEqual([
      'ntp.pools: systemd-timesyncd asks one server at a time and knows no pools',
    ])
    const role = { servers: ['a.house'], pools: ['p.house'], close: false, local: false, allow: [] }
    expect(chrony.render(role)).toContain('server a.house iburst\npool p.house iburst\n')
    expect(ntpsec.render(role)).toMatch(/^pool p\.house iburst$.*^restrict source nomodify noquery$/ms)
    expect(ntpsec.render({ ...role, pools: [] })).not.toContain('restrict source')
  })
  it('the package follows the daemon', () => {
    expect(ntp.packages?.(contextOf(situation({ daemon: 'ntpsec' })) as never)).toEqual([ntpsec.package])
    expect(ntp.requires).toEqual([network])
  })
})

describe.each(daemons.map((daemon) => [daemon.name, daemon] as const))('the row %s', (name, daemon) => {
  const role = { servers: ['10.77.0.1'], close: true, local: false, allow: [] }
  it('is what the schema offers', () => {
    expect(ntp.schema).toHaveProperty(
      'properties.daemon.enum',
      daemons.map((row) => row.name),
    )
    expect(name).toBe(daemon.name)
  })
  it('configures its servers and says who wrote the file', () => {
    expect(daemon.render(role)).toMatch(/^# Written by ha-provision\n.*10\.77\.0\.1.*\n$/s)
  })
  it.runIf(daemon.serves)('serves its own clock to the subnets it is told, and only then', () => {
    const served = daemon.render({ servers: [], close: false, local: true, allow: ['10.77.0.0/20'] })
    expect(served).toMatch(/^(local stratum 10|tos orphan 10 orphanwait 5)$/m)
    expect(served).toMatch(/^(allow 10\.77\.0\.0\/20|restrict 10\.77\.0\.0 mask 255\.255\.240\.0 .*)$/m)
    expect(daemon.render(role)).not.toMatch(/^(local|tos orphan|allow)/m)
  })
  it('takes a failed question for an unsynchronised clock', () => {
    expect(daemon.parse(output('', 1))).toEqual({ synchronised: false })
  })
})

describe('what daemons say', () => {
  it('ntpq', () => {
    expect(ntpsec.parse(output(recorded('ntpq-rv-follower')))).toEqual({
      synchronised: true,
      offsetS: 0.00025748700000000004,
      source: '10.77.0.1',
    })
    expect(ntpsec.parse(output('leap=11, stratum=16, refid=INIT, offset=0.0\n'))).toEqual({ synchronised: false })
    expect(ntpsec.parse(output('***Request timed out\n'))).toEqual({ synchronised: false })
  })
  it('chronyc', () => {
    expect(chrony.parse(output(recorded('chronyc-tracking-follower')))).toEqual({
      synchronised: true,
      offsetS: 0.00006205,
      source: '10.77.0.1',
    })
    expect(chrony.parse(output(recorded('chronyc-tracking-source')))).toEqual({
      synchronised: true,
      offsetS: 0,
      source: '7F7F0101',
    })
  })
})
