import { describe, expect, it } from 'vitest'
import db2 from '../../plugins/db2/index.js'
import { parseGlobalRegistry } from '../../plugins/db2/parse/instance.js'
import { completedProgram } from '../../plugins/db2/parse/messages.js'
import { type InstanceFact, instanceProbe } from '../../plugins/db2/probes.js'
import { type Finding, finding, type Probe, quote } from '../../src/index.js'
import { others, settings } from '../plugins/db2/judge.js'
import { contextOf, findingsOf, nodeContextOf, output, stepsOf, taskOf } from '../support/task.js'
import { obstacle, sandbox } from './sandbox.js'

const fenced = { ...settings.instances.db2inst1.fenced, uid: 5101, gid: 5101 }
const own = {
  ...settings,
  // Numbers that no user of the computer has on which this runs.
  instances: { db2inst1: { ...settings.instances.db2inst1, uid: 5100, gid: 5100, fenced, databases: {} } },
}
const situation = { settings: own, others }

/** The plugin's own commands for a finding, one process each, as a node runs them. */
const mend = (task: string, id: string, subject: string, desired: unknown = undefined): string =>
  stepsOf(
    taskOf(db2, task),
    { ...contextOf(situation), nodes: {} },
    finding(id, { subject, desired, actual: undefined }) as Finding,
  )
    .flatMap((step) => (step.kind === 'run' ? [`sh -c ${quote(step.command.script)} || echo FAILED; `] : []))
    .join('')
function single<T>(probe: Probe<T> | undefined) {
  if (!probe || !('command' in probe)) throw new Error('not a probe of one command')
  return probe
}
const asked = single(instanceProbe(own as never, 'db2inst1'))
const copies = single(taskOf(db2, 'software').probes(nodeContextOf(situation)).copies)
const ask = (script: string) => `sh -c ${quote(script)}`

const bring =
  'userdel -r db2inst1; userdel -r db2fenc1; groupdel db2iadm1; groupdel db2fadm1; mkdir -p /var/tmp/ha-provision-db2; cp /tmp/image/i.tar.gz /var/tmp/ha-provision-db2/installer.tar.gz'
const software = mend('software', 'not-installed', '/opt/ibm/db2/V11.5')
const users = [
  mend('users', 'no-group', 'db2iadm1', 5100),
  mend('users', 'no-group', 'db2fadm1', 5101),
  mend('users', 'no-user', 'db2inst1'),
  mend('users', 'no-user', 'db2fenc1'),
].join('')
const prepared = `{ ${bring}; ${software} ${users} } 2>&1 | grep FAILED`
const factOf = (text: string): InstanceFact => asked.parse(output(text))

describe.skipIf(obstacle)(`the plugin's own commands on the stand-in (${obstacle ?? 'seen here'})`, () => {
  it('install it, and find it', () => {
    const { stdout } = sandbox(
      `{ ${bring}; } >/dev/null 2>&1; ${ask(copies.command.script)}; echo "$? before"; echo @@; { ${software} } | grep FAILED; ${ask(copies.command.script)}`,
    )
    const [before = '', after = ''] = stdout.split('@@\n')
    expect(before).toBe('99 before\n')
    const answer = (text: string, level: string) =>
      findingsOf(
        taskOf(db2, 'software').check({
          ...nodeContextOf({ ...situation, settings: { ...own, level } }),
          facts: { copies: copies.parse(output(text)) },
        } as never),
      ).map(({ id }) => id)
    expect(answer(after, '11.5.9.0')).toEqual([])
    expect(answer(after, '11.5.8.0')).toEqual(['other-level'])
  })

  it('make the instance where its home is, and see it with its autostart on', () => {
    const { stdout } = sandbox(
      `: >/var/db2/standin.conf; ${prepared}; sleep 0.3; ${ask(asked.command.script)} 2>/dev/null; echo @@@; ${mend('instance', 'no-instance', 'db2inst1 on db-a')} echo @@@; ${ask(asked.command.script)} 2>/dev/null`,
    )
    const [before = '', made = '', after = ''] = stdout.split('@@@\n')
    expect(factOf(before)).toMatchObject({ hasSqllib: false, faultMonitor: true, services: [] })
    expect(completedProgram(made)).toBe('db2icrt')
    expect(made).not.toContain('FAILED')
    const fact = factOf(after)
    expect(fact).toMatchObject({
      account: { uid: 5100, gid: 5100, home: '/srv/db/db2inst1' },
      hasSqllib: true,
      running: false,
      faultMonitor: false,
    })
    expect(fact.services).toHaveLength(7)
    expect(fact.outputs.set?.stdout).toContain('[g] DB2INSTDEF=db2inst1\n')
    expect(parseGlobalRegistry(fact.registryDump?.stdout ?? '').instances).toEqual([
      {
        instance: 'db2inst1',
        level: '11.5.9.0',
        home: '/srv/db/db2inst1',
        startAtBoot: true,
        installDir: '/opt/ibm/db2/V11.5',
      },
    ])
  })

  it('register it where its home is not, switched off', () => {
    const { stdout } = sandbox(
      `${prepared}; ${mend('stub', 'no-record', 'db2inst1 on db-b')} ${mend('stub', 'no-service', 'db2c_db2inst1 on db-b', '50000/tcp')} ${mend('instance', 'fault-monitor', 'db-b')} ${ask(asked.command.script)}; ls /srv/db 2>&1`,
    )
    expect(stdout).not.toContain('FAILED')
    const fact = factOf(stdout)
    expect(fact).toMatchObject({ hasSqllib: false, services: ['db2c_db2inst1\t50000/tcp'], faultMonitor: false })
    expect(parseGlobalRegistry(fact.registryDump?.stdout ?? '').instances).toEqual([
      {
        instance: 'db2inst1',
        level: '11.5.9.0',
        home: '/srv/db/db2inst1',
        startAtBoot: false,
        installDir: '/opt/ibm/db2/V11.5',
      },
    ])
  })
})
