import { describe, expect, it } from 'vitest'
import { existingProbe } from '../../plugins/db2/existing.js'
import { reconstruct } from '../../plugins/db2/reconstruct.js'
import { type Probe, quote } from '../../src/index.js'
import { output } from '../support/task.js'
import { obstacle, sandbox } from './sandbox.js'

const script =
  'command' in (existingProbe as Probe) ? (existingProbe as { command: { script: string } }).command.script : ''
const ask = `sh -c ${quote(script)}`

describe.skipIf(obstacle)(`what reconstruct asks, of the stand-in (${obstacle ?? 'seen here'})`, () => {
  it('is answered by no Db2, and by an instance with its databases', () => {
    const { stdout } = sandbox(
      `${ask}; echo @@@; { install && icrt && own 'db2set DB2_WORKLOAD=ANALYTICS; db2start; db2 create database SHOP using codeset ISO8859-1 territory DE; db2 catalog database SHOP as STORE; db2 update db cfg for SHOP using LOGARCHMETH1 DISK:/home/db2inst1'; } >/dev/null 2>&1; ${ask}`,
    )
    const [none = '', one = ''] = stdout.split('@@@\n')
    expect(existingProbe.parse(output(none))).toEqual({ instances: {}, services: '' })
    const fact = existingProbe.parse(output(one))
    expect(fact.instances.db2inst1).toMatchObject({
      home: '/home/db2inst1',
      installDir: '/opt/ibm/db2/V11.5',
      owner: { name: 'db2inst1', uid: 5100, gid: 5100, group: 'db2iadm1' },
      fenced: { name: 'db2fenc1', uid: 5101, gid: 5101, group: 'db2fadm1' },
      hasDirectory: true,
    })
    const drbd = { primary: 'db-a', resources: { r0: { minor: 0, filesystem: { type: 'ext4', mount: '/home' } } } }
    const stub = { ...fact.instances.db2inst1, outputs: {}, fenced: undefined }
    const nodes = { 'db-a': { db2: fact }, 'db-b': { db2: { ...fact, instances: { db2inst1: stub } } } }
    const { options, remarks } = reconstruct.build({ nodes, of: () => drbd } as never)
    expect(options).toMatchObject({
      instances: {
        db2inst1: {
          port: 50000,
          registry: { DB2_WORKLOAD: 'ANALYTICS' },
          config: {},
          databases: {
            SHOP: {
              codeSet: 'ISO8859-1',
              territory: 'DE',
              pageSize: 4096,
              config: { LOGARCHMETH1: 'DISK:/home/db2inst1' },
            },
          },
        },
      },
    })
    expect(remarks).toEqual([
      { kind: 'other', path: ['instances', 'db2inst1', 'databases'], why: 'STORE is another name of SHOP' },
    ])
  })
})
