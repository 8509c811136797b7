import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { reveal } from '../../../src/index.js'
import { both, type Cluster, group, judged, reconstructed, remarksOf, roundTrip, simple } from './nodes.js'

/** A file that test/e2e/by-hand.sh writes. */
const script = readFileSync(new URL('../../e2e/by-hand.sh', import.meta.url), 'utf8')
const byHand = (path: string): string =>
  (new RegExp(`cat > ${path} <<-'?EOF'?\\n(.*?)\\n\\tEOF\\n`, 's').exec(script)?.[1] ?? '')
    .replaceAll(/^\t+/gm, '')
    .concat('\n')

const written = (cluster: Cluster, options: unknown, id: string) => {
  const [step] =
    judged(cluster, options)
      .found.find(({ finding }) => finding.id === id)
      ?.steps() ?? []
  return step?.kind === 'write' ? reveal(step.content) : ''
}
describe('the cluster of test/e2e/by-hand.sh', () => {
  const cluster = both({
    config: byHand('/etc/ha.d/ha.cf'),
    configMode: '0644',
    resources: byHand('/etc/ha.d/haresources'),
    key: '# key\nauth 2\n2  sha1   w0rd-of-2010-which-is-long\n',
  })
  const { options, ids, told } = roundTrip(cluster)
  it('is read', () => {
    expect(options).toEqual({
      udpPort: 694,
      links: [
        { type: 'bcast', interface: 'link0' },
        { type: 'bcast', interface: 'link1' },
      ],
      virtualIps: ['10.77.1.200/24'],
      keepaliveS: 2,
      warntimeS: 8,
      deadtimeS: 20,
    })
    expect(told).toEqual([
      ': ha.cf has "logfacility\tlocal0", which stays as it is',
      ': ha.cf has "debug 0", which stays as it is',
    ])
  })
  it('check finds nothing', () => {
    expect(ids).toEqual([])
  })
  it('one change rewrites ha.cf with the log and the rest that was there', () => {
    const changed = { ...(options as object), deadtimeS: 25 }
    expect(judged(cluster, changed).ids).toEqual(['db-a config-file', 'db-b config-file'])
    const after = written(cluster, changed, 'config-file')
    expect(after).toMatch(/\nlogfacility\tlocal0\nudpport 694\nbcast link0\nbcast link1\nnode db-a\n/)
    expect(after).toMatch(/\ndeadtime 25\ninitdead 60\n# What was there beside:\ndebug 0\n$/)
    expect(after).not.toContain('use_logd')
    // What was written means what it should, and says the same when it is written again.
    const again = both({ ...cluster['db-a'], config: after })
    expect(judged(again, changed).ids).toEqual([])
    expect(written(again, options, 'config-file')).toBe(after.replace('deadtime 25', 'deadtime 20'))
  })
  it('one more address rewrites haresources, and the others keep their spelling', () => {
    const changed = { ...(options as object), virtualIps: ['10.77.1.200/24', '10.77.0.9/24'] }
    expect(judged(cluster, changed).ids).toEqual(['db-a resources-file', 'db-b resources-file'])
    expect(written(cluster, changed, 'resources-file')).toContain(
      `\n${group} IPaddr2::10.77.1.200/24 IPaddr2::10.77.0.9/24/link0\n`,
    )
  })
  it.each([
    ['another port', 'udpport\t694', 'udpport\t695'],
    ['a port behind the links', 'bcast\tlink0 link1', 'bcast\tlink0 link1\nudpport 695\nucast link0 10.77.0.1'],
    ['a link less', 'bcast\tlink0 link1', 'bcast link1'],
    ['a link of another kind', 'bcast\tlink0 link1', 'bcast link1\nmcast link0 239.0.0.1 694 1 0'],
    ['failback', 'auto_failback off', 'auto_failback on'],
    ['no word about failback', 'auto_failback off', ''],
    ['a time in other units', 'warntime 8', 'warntime 8ms'],
    ['one node', 'node\tdb-a db-b', 'node db-a'],
    ['strangers', 'crm\toff', 'autojoin any'],
  ])('real drift in ha.cf is found: %s', (_, from, to) => {
    const config = byHand('/etc/ha.d/ha.cf')
    expect(config).toContain(from)
    const drifted = { ...cluster, 'db-b': { ...cluster['db-b'], config: config.replace(from, to) } }
    expect(judged(drifted, options).ids).toEqual(['db-b config-file'])
  })
  it.each([
    ['another home', 'db-a', 'db-b'],
    ['another mount point', '/srv/www', '/srv/ftp'],
    ['another type', 'ext4', 'xfs'],
    ['another address', '1.200', '1.201'],
    ['another prefix', '200/24', '200/25'],
    ['another interface', '200/24', '200/24/link0'],
    ['a service more', '200/24', '200/24 apache2'],
    ['no replication', 'drbddisk::www', ''],
    ['mounted before it is primary', /(drbddisk\S+) (\\\n\s*)(Filesystem\S+)/, '$3 $2$1'],
  ] as const)('real drift in haresources is found: %s', (_, from, to) => {
    const resources = byHand('/etc/ha.d/haresources')
    expect(resources).toMatch(from)
    const drifted = { ...cluster, 'db-b': { ...cluster['db-b'], resources: resources.replace(from, to) } }
    expect(judged(drifted, options).ids).toEqual(['db-b resources-file'])
  })
  it.each([
    ['config', 'config-file'],
    ['resources', 'resources-file'],
  ])('a missing file is found: %s', (file, id) => {
    const { [file as 'config']: _, ...rest } = cluster['db-b']
    expect(judged({ ...cluster, 'db-b': rest }, options).ids).toEqual([`db-b ${id}`])
  })
})

describe('the sample ha.cf of Heartbeat 2, filled in', () => {
  const cluster = both({
    config: `#	There are lots of options in this file.
debugfile /var/log/ha-debug
logfile	/var/log/ha-log
logfacility	local0
keepalive 1500ms
deadtime 30
warntime 10
initdead 120
udpport	694
baud	19200
serial	/dev/ttyS0	# Linux
udp	link0, link1
auto_failback legacy
stonith_host *     external/ipmi db-b 10.0.0.9 admin hunter2
watchdog /dev/watchdog
node	DB-A
node	db-b
ping 10.77.1.254
respawn hacluster /usr/lib/heartbeat/ipfail
apiauth ipfail gid=haclient uid=hacluster
crm no
`,
    resources: `#node1 10.0.0.170 Filesystem::/dev/sda1::/data1::ext2
db-a	10.77.1.200 10.77.1.201/24/link1:1 IPaddr2::10.77.0.200/255.255.255.0/link0/10.77.0.255 \\
	drbddisk::www \t\\
	Filesystem::/dev/drbd/by-res/www::/srv/www/::ext4::noatime,nodev apache2 MailTo::root@localhost::web
`,
    key: '#auth 1\nauth 3\n#1 crc\n3 md5 Hello!\n',
  })
  const { options, remarks, ids, told } = roundTrip(cluster)
  it('is read', () => {
    expect(options).toEqual({
      udpPort: 694,
      links: [
        { type: 'bcast', interface: 'link0' },
        { type: 'bcast', interface: 'link1' },
      ],
      virtualIps: ['10.77.1.200/24', '10.77.1.201/24', '10.77.0.200/24'],
      resources: ['apache2', 'MailTo::root@localhost::web'],
      autoFailback: true,
      keepaliveS: 1.5,
      warntimeS: 10,
      deadtimeS: 30,
      initdeadS: 120,
    })
    expect(remarksOf(remarks, 'inferred')).toEqual(['autoFailback: ha.cf says legacy, or nothing: the group goes home'])
  })
  it('every line that no option says is named, without passwords', () => {
    expect(told).toHaveLength(9 + 1 + 2)
    for (const line of ['debugfile', 'serial', 'watchdog', 'ping', 'respawn', 'apiauth', 'stonith_host'])
      expect(told.some((text) => text.includes(line))).toBe(true)
    expect(JSON.stringify([told, options])).not.toMatch(/hunter2|Hello/)
  })
  it('check finds the key, which was named', () => {
    expect(told).toContain(': db-a signs with md5; check asks for sha1')
    expect(ids).toEqual(['authkeys'])
  })
  it('no line is lost when a link changes', () => {
    const after = written(cluster, { ...(options as object), udpPort: 695 }, 'config-file')
    for (const line of [
      'baud	19200\nserial	/dev/ttyS0\n',
      'stonith_host *     external/ipmi db-b 10.0.0.9 admin hunter2\n',
      'ping 10.77.1.254\n',
      '\nlogfile	/var/log/ha-log\n',
    ])
      expect(after).toContain(line)
  })
  it('mount options stay when a service goes', () => {
    const after = written(cluster, { ...(options as object), resources: ['apache2'] }, 'resources-file')
    expect(after).toContain(
      '::noatime,nodev IPaddr::10.77.1.200 IPaddr::10.77.1.201/24/link1:1 IPaddr2::10.77.0.200/255.255.255.0/link0/10.77.0.255 apache2\n',
    )
  })
})

describe('each node names only its peer', () => {
  const config = (peer: number) =>
    `use_logd yes\n${simple.replace('bcast link0', `ucast link0 10.77.0.${peer}\nucast link1 10.77.1.${peer}`)}`
  const cluster = {
    'db-a': { config: config(2), resources: `${group}\n` },
    'db-b': { config: config(1), resources: `  ${group}   # the same\n` },
  }
  it('is a ucast link, and check finds nothing', () => {
    const { options, told, ids } = roundTrip(cluster)
    expect(options).toMatchObject({ udpPort: 694, links: [{ interface: 'link0' }, { interface: 'link1' }] })
    expect([told, ids]).toEqual([[], []])
  })
  it('a wrong peer is found and was named', () => {
    const { told, ids } = roundTrip({ ...cluster, 'db-a': { ...cluster['db-a'], config: config(9) } })
    expect(told).toEqual([': ha.cf of db-a says something about links that no config says; check finds it'])
    expect(ids).toEqual(['db-a config-file'])
  })
})

describe('two groups, and a multicast link', () => {
  const cluster = both({
    config: simple.replace('bcast link0', 'mcast link1 239.0.0.1 694 1 0\nmcast eth0 225.0.0.1 694 1 0'),
    resources: `db-b IPaddr::10.77.0.210/24 postfix\n${group} db2::db2inst1 IPaddr::10.77.1.200/24/link1:0\n`,
  })
  const { options, told, ids } = roundTrip(cluster)
  it('the one with the replication is read; an address behind a service keeps its place', () => {
    expect(options).toMatchObject({
      links: [
        { type: 'mcast', interface: 'link1', group: '239.0.0.1' },
        { type: 'mcast', interface: 'eth0', group: '225.0.0.1' },
      ],
      resources: ['db2::db2inst1', 'IPaddr::10.77.1.200/24/link1:0'],
    })
    expect(told).toEqual([
      'resources: haresources has another group, which stays as it is: db-b IPaddr::10.77.0.210/24 postfix',
    ])
    expect(ids).toEqual([])
  })
  it('the other one is not lost', () => {
    const after = written(cluster, { ...(options as object), resources: [] }, 'resources-file')
    expect(after.split('\n').slice(1)).toEqual([
      group,
      '# Groups that were there beside:',
      'db-b IPaddr::10.77.0.210/24 postfix',
      '',
    ])
  })
  it('what both would start is put right by hand', () => {
    const changed = { ...(options as object), virtualIps: ['10.77.0.210/24'] }
    expect(judged(cluster, changed).ids).toEqual(['db-a resources-by-hand', 'db-b resources-by-hand'])
  })
  it('an instance of Db2 is left to db2 where that will find it', () => {
    const own = both({ ...cluster['db-a'], signs: 'db2\n' })
    expect(remarksOf(reconstructed(own).remarks, 'other').join('\n')).toContain('db2::db2inst1 in haresources')
    expect(reconstructed(own).options).not.toHaveProperty('resources.0', 'db2::db2inst1')
    // Without db2's part the word would leave the group, and the database with it.
    expect(reconstructed(own).leftTo).toMatchObject([{ option: ['db2', 'instances', 'db2inst1'], path: ['resources'] }])
    expect(reconstructed(cluster).leftTo).toEqual([])
  })
})

describe('other ways to say it', () => {
  it('without a warning time: half of deadtime', () => {
    const { options, ids } = roundTrip(both({ config: simple.replace('warntime 8\n', ''), resources: `${group}\n` }))
    expect(options).toMatchObject({ warntimeS: 10 })
    expect(ids).toEqual([])
  })
  it('an address on an interface that is not its own is in resources', () => {
    const { options, ids } = roundTrip(both({ config: simple, resources: `${group} IPaddr::10.77.1.200/24/eth9\n` }))
    expect(options).toMatchObject({ resources: ['IPaddr::10.77.1.200/24/eth9'] })
    expect(ids).toEqual([])
  })
  it('a second group that starts the same is put right by hand', () => {
    const { told, ids } = roundTrip(both({ config: simple, resources: `${group}\ndb-b drbddisk::www\n` }))
    expect(told.join('\n')).toContain('drbddisk::www is in another group')
    expect(ids).toEqual(['db-a resources-by-hand', 'db-b resources-by-hand'])
  })
  it('groups that have nothing of ours stay beside it', () => {
    const { options } = roundTrip(both({ config: simple, resources: `${group}\n` }))
    const cluster = both({ config: simple, resources: 'db-a postfix\ndb-b apache2\n' })
    expect(written(cluster, options, 'resources-file').split('\n').slice(1)).toEqual([
      group,
      '# Groups that were there beside:',
      'db-a postfix',
      'db-b apache2',
      '',
    ])
  })
})
