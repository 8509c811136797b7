import fc from 'fast-check'
import { expect, it } from 'vitest'
import heartbeat from '../../../plugins/heartbeat/index.js'
import { configFile, resourcesFile } from '../../../plugins/heartbeat/render.js'
import type { InputOf } from '../../../src/index.js'
import { holdsLaw, type World } from '../../support/law.js'
import { contextOf } from '../../support/task.js'
import { both, others, reconstructed, said } from './nodes.js'

type Options = InputOf<typeof heartbeat>
interface Written extends World<Options> {
  readonly offered: readonly string[]
}

const interfaces = fc.constantFrom('link0', 'link1', 'eth0')
const byte = fc.integer({ min: 1, max: 254 })
const links: fc.Arbitrary<Options['links']> = fc.uniqueArray(
  fc.oneof(
    fc.record({ type: fc.constantFrom('bcast' as const, 'ucast' as const), interface: interfaces }),
    fc.record(
      {
        type: fc.constant('mcast' as const),
        interface: interfaces,
        group: fc.tuple(fc.integer({ min: 224, max: 239 }), byte).map(([a, b]) => `${a}.0.7.${b}`),
      },
      { requiredKeys: ['type', 'interface'] },
    ),
  ),
  { minLength: 1, maxLength: 4, selector: (one) => JSON.stringify(one) },
)
const virtualIps = fc.uniqueArray(
  fc
    .tuple(
      fc.constantFrom('10.77.0.', '10.77.1.', '192.168.4.', '192.168.5.'),
      fc.integer({ min: 20, max: 250 }),
      fc.constantFrom(23, 24, 32),
    )
    .map(([net, host, prefix]) => `${net}${host}/${prefix}`),
  { maxLength: 4, selector: (text) => text.replace(/\/.*/, '') },
)
const resources = fc.uniqueArray(
  fc.oneof(
    fc.constantFrom(
      'apache2',
      'db2::inst1',
      'MailTo::root@localhost::cluster',
      'drbddisk::other',
      'rc.local',
      'LVM::vg3',
    ),
    fc.constantFrom(
      'IPaddr::172.16.0.9/24/eth7:0',
      'IPsrcaddr::10.77.1.200',
      'Filesystem::/dev/sdq1::/mnt::ext3::ro,noatime',
    ),
    fc.stringMatching(/^[A-Z][A-Za-z0-9_.-]{1,8}(::[a-z0-9/,=.-]{1,6}){0,3}$/),
  ),
  { maxLength: 5 },
)
/** Times that grow; to the millisecond where that is allowed. */
const times = fc
  .tuple(
    fc.integer({ min: 100, max: 9000 }),
    fc.integer({ min: 1, max: 9000 }),
    fc.integer({ min: 1, max: 90_000 }),
    fc.integer({ min: 0, max: 90_000 }),
    fc.boolean(),
  )
  .map(([keepalive, warn, dead, init, isWhole]) => {
    const ms = (value: number) => (isWhole ? Math.ceil(value / 1000) : value / 1000)
    const warntime = Math.max(1000, keepalive + warn + (isWhole ? 1000 : 0))
    const deadtime = Math.max(2000, warntime + dead + (isWhole ? 1000 : 0))
    return {
      keepaliveS: keepalive / 1000,
      warntimeS: ms(warntime),
      deadtimeS: ms(deadtime),
      initdeadS: ms(Math.max(4000, 2 * Math.round(ms(deadtime) * 1000) + init)),
    }
  })
const worlds: fc.Arbitrary<Written> = fc
  .tuple(
    fc.record(
      {
        udpPort: fc.integer({ min: 1, max: 65_535 }),
        links,
        home: fc.constant('db-b'),
        virtualIps,
        resources,
        autoFailback: fc.boolean(),
      },
      { requiredKeys: ['udpPort', 'links'] },
    ),
    fc.option(times, { nil: {} }),
    fc.subarray(['ha-db2::inst7::/srv/www/inst7', 'ha-db2::inst8::/srv/www/inst8']),
    fc.subarray(['* external/ipmi db-b 10.0.0.9 admin hunter2', 'db-a external/ssh db-b']),
  )
  .map(([options, own, offered, stonith]) => ({
    options: { ...options, ...own, ...(stonith.length > 0 ? { stonith } : {}) } as Options,
    others,
    offered,
  }))

it('gives back what its own files say', () => {
  holdsLaw(heartbeat, worlds, (settings, world) => {
    const { offered } = world as Written
    const at = contextOf({ settings, others, offered: { 'cluster-resource': offered.map((words) => ({ words })) } })
    const cluster = both({
      config: configFile(at as never),
      resources: resourcesFile(at as never),
      signs: 'enabled ssh.service\nagent /etc/ha.d/resource.d/ha-db2\n',
    })
    return (node, probe) => said(cluster[node], probe)
  })
})
it('a secret is in no option and in no remark', () => {
  const { options, remarks } = rebuiltWith(
    'stonith_host * external/ipmi db-b admin hunter2\nstonith external/x /etc/ha.d/x.conf hunter2\n',
  )
  expect(JSON.stringify([options, remarks])).not.toMatch(/hunter2|0123456789abcdef/)
})
const rebuiltWith = (more: string) =>
  reconstructed(both({ config: `bcast link0\nnode db-a db-b\n${more}`, resources: 'db-a drbddisk::www\n' }))
