import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import drbd from '../../../plugins/drbd/index.js'
import { globalConfig, keyOf, resourceConfig } from '../../../plugins/drbd/render.js'
import { parseJson, parseProc } from '../../../plugins/drbd/status.js'
import { reveal, type Step } from '../../../src/index.js'
import { filesOutput } from '../../support/files.js'
import { contextOf, factsOf, findingsOf, nodeContextOf, output, stepsOf, taskOf } from '../../support/task.js'

const recorded = (name: string): string => readFileSync(new URL(`recorded/${name}.txt`, import.meta.url), 'utf8')

const r0 = {
  volume: 'vg0/data',
  minor: 0,
  port: 7788,
  interface: 'link0',
  protocol: 'C',
  initialSync: 'full',
  resyncRate: '60M',
  metadata: 'internal',
  authentication: true,
  net: {},
  disk: {},
  startup: {},
  options: {},
  handlers: {},
  filesystem: { type: 'ext4', mount: '/srv/db' },
}
const link0 = { dhcp: false, addresses: { 'db-a': '10.77.0.1/24', 'db-b': '10.77.0.2/24' } }
const others = {
  network: { interfaces: { link0 } },
  storage: { partitions: {}, volumeGroups: {}, volumes: { 'vg0/data': { sizeMiB: 130 } }, filesystems: {} },
}
const situation = (changed: object = {}) => ({
  settings: { primary: 'db-b', resources: { r0: { ...r0, ...changed } } },
  others,
})

type Outputs = Readonly<Record<string, string>>
/** Judges a cluster task: what the probes of both nodes printed → findings, steps. */
function judge(id: string, a: Outputs, b: Outputs, changed: object = {}) {
  const task = taskOf(drbd, id)
  const at = contextOf(situation(changed))
  const facts = (node: string, texts: Outputs) =>
    factsOf(
      task,
      nodeContextOf(situation(changed), node),
      Object.fromEntries(Object.entries(texts).map(([probe, text]) => [probe, output(text)])),
    )
  const all = { ...at, nodes: { 'db-a': facts('db-a', a), 'db-b': facts('db-b', b) } }
  const answer = task.check(all)
  return {
    answer,
    ids: () => findingsOf(answer).map(({ id, subject }) => `${id} ${subject}`),
    steps: () => findingsOf(answer).flatMap((finding) => stepsOf(task, all, finding)),
    fix: task.fix,
  }
}
const view = (name: string, node: 'a' | 'b') => ({
  drbd: recorded(`${name}.${node}.status`),
  isNew: name === 'fresh' ? recorded(`${name}.${node}.isNew`) : '',
  pending: recorded(`${name}.${node}.pending`),
  evidence: recorded(`${name}.${node}.evidence`),
})
const scripts = (steps: readonly Step[]) => steps.map((step) => (step.kind === 'run' ? step.command.script : step.kind))

describe('status', () => {
  it('module 8.4 while it syncs', () => {
    expect(parseProc(recorded('syncing')).minors[0]).toEqual({
      connection: 'SyncSource',
      role: 'Secondary',
      peerRole: 'Secondary',
      disk: 'UpToDate',
      peerDisk: 'Inconsistent',
      synced: 0.08,
      finish: '0:00:13',
      speed: '7,168',
    })
  })
  it('module 9 says the same in its own words', () => {
    const device = { minor: 3, volume: 0, 'disk-state': 'UpToDate' }
    const peer = {
      volume: 0,
      'replication-state': 'SyncSource',
      'peer-disk-state': 'Inconsistent',
      'percent-in-sync': 42.5,
    }
    const connections = [{ 'connection-state': 'Connected', 'peer-role': 'Secondary', peer_devices: [peer] }]
    expect(parseJson('9.2.4', JSON.stringify([{ role: 'Primary', devices: [device], connections }]))).toEqual({
      module: '9.2.4',
      minors: {
        3: {
          connection: 'SyncSource',
          role: 'Primary',
          peerRole: 'Secondary',
          disk: 'UpToDate',
          peerDisk: 'Inconsistent',
          synced: 0.425,
        },
      },
    })
  })
})

describe('files', () => {
  const main = {
    '/etc/drbd.conf': 'include "drbd.d/global_common.conf";\ninclude "drbd.d/*.res";\n',
    '/etc/drbd.d/global_common.conf': 'global {\n usage-count no;\n}\n',
  }
  const path = '/etc/drbd.d/r0.res'
  const file = (key: string, major = 8) =>
    resourceConfig(contextOf(situation()) as never, 'r0', r0 as never, major, key)
  /** What drbdadm follows: a resource file that nobody includes is not there for it. */
  const dumped = (base: Record<string, string>, resource = '') =>
    [
      ...Object.values(base),
      ...(base['/etc/drbd.conf']?.includes('*.res') ? [`# defined at ${path}:1\n${resource}`] : []),
    ].join('')
  const node = (resource?: string, mode = '0600', base: Record<string, string> = main) => ({
    drbd: recorded('in-sync.a.status'),
    conf: `@@main /etc/drbd.conf\n@@dump\n${dumped(base, resource)}@@code 0\n`,
    base: filesOutput(base),
    pending: '',
    resources: resource === undefined ? filesOutput({}) : filesOutput({ [path]: resource }, mode),
  })
  it('the same file on both nodes, with a key, is as wanted', () => {
    expect(judge('config', node(file('k1')), node(file('k1'))).answer).toEqual([])
  })
  it('a new key is one key, the same for both nodes, and is shown nowhere', () => {
    const { steps, answer } = judge('config', node(), node())
    const written = steps().flatMap((step) =>
      step.kind === 'write' ? [[step.on, step.path, step.mode, reveal(step.content)]] : [],
    )
    const key = keyOf(String(written[0]?.[3])) ?? ''
    expect(key).toMatch(/^[0-9a-f]{32}$/)
    expect(written).toEqual([
      ['db-a', path, '0600', file(key)],
      ['db-b', path, '0600', file(key)],
    ])
    expect(JSON.stringify([answer, steps()])).not.toContain(key)
  })
  it('the key that one node has is given to the other', () => {
    const { ids, steps, answer } = judge('config', node(file('k1')), node(file('k2')))
    expect(ids()).toEqual(['resource-file r0 on db-b'])
    expect(JSON.stringify(answer)).toContain('[another key]')
    expect(JSON.stringify(answer)).not.toMatch(/k1|k2/)
    expect(steps().flatMap((step) => (step.kind === 'write' ? [step.on, reveal(step.content)] : []))).toEqual([
      'db-b',
      file('k1'),
    ])
  })
  it('is validated beside all other resources before it is installed, then adjusted', () => {
    const [validate, write, adjust] = judge('config', node(file('k1').replace('60M', '1M')), node(file('k1'))).steps()
    expect(scripts([validate as Step])[0]).toContain('drbdadm -c "$t" sh-nop all')
    expect(write).toMatchObject({ kind: 'write', path })
    expect(scripts([adjust as Step])[0]).toContain('else drbdadm adjust r0 </dev/null; fi')
  })
  it('a key that others can read is a finding', () => {
    expect(judge('config', node(file('k1'), '0644'), node(file('k1'))).answer).toMatchObject([
      { id: 'resource-file', note: 'mode 0644, not 0600' },
    ])
  })
  it('a main file that includes no resources is left to a person', () => {
    const other = { ...main, '/etc/drbd.conf': 'resource x {}\n' }
    expect(judge('config', node(file('k1'), '0600', other), node(file('k1'))).ids()).toEqual(['other-main-file db-a'])
  })
  it('only the usage count of the common file is touched', () => {
    expect(globalConfig('# mine\nglobal {\n  usage-count yes;\n}\ncommon { net { } }\n')).toBe(
      '# mine\nglobal {\n  usage-count no;\n}\ncommon { net { } }\n',
    )
    expect(globalConfig('common { }\n')).toBe('global {\n  usage-count no;\n}\ncommon { }\n')
    expect(globalConfig(undefined)).toBe('global {\n  usage-count no;\n}\n')
  })
  it('module 9 does not promote on mount', () => {
    expect(file('k', 9)).toContain('options {\n    auto-promote no;')
    expect(file('k', 8)).not.toContain('auto-promote')
  })
})

describe('metadata', () => {
  const down = recorded('in-sync.a.status').replace(/^ 0:[\s\S]*/m, '')
  const backing = (text: string) => ({
    drbd: down,
    isNew: '',
    pending: '',
    tool: '',
    evidence: text.replace('holder drbd0\n', ''),
  })
  const withTool = (name: string, node: 'a' | 'b') => ({ ...view(name, node), tool: '' })
  const empty = recorded('in-sync.a.evidence')
    .replace(/^(holder|DEVNAME|UUID|VERSION|TYPE|USAGE|inner).*\n/gm, '')
    .replace('blkid 0', 'blkid 2')
    .replace('nonzero 1 0 1', 'nonzero 0 0 0')
  it('in sync: nothing to do', () => {
    expect(judge('metadata', withTool('in-sync', 'a'), withTool('in-sync', 'b')).answer).toEqual([])
  })
  it('is made on an empty device, and kept where it is', () => {
    const { ids, steps } = judge('metadata', backing(empty), backing(recorded('in-sync.b.evidence')))
    expect(ids()).toEqual(['no-metadata r0 on db-a', 'not-up r0 on db-b'])
    expect(scripts(steps())).toEqual(['drbdadm create-md --force r0 </dev/null', 'drbdadm adjust r0 </dev/null'])
  })
  it('a backing device with a filesystem is wiped only by a step that says so', () => {
    const { ids, steps } = judge('metadata', backing(recorded('backing-ext4.b.evidence')), backing(empty))
    expect(ids()).toEqual(['backing-data r0 on db-a', 'no-metadata r0 on db-b'])
    expect(steps()[0]).toMatchObject({ on: 'db-a', destroys: { device: '/dev/vg0/data', what: 'ext4 filesystem' } })
  })
  it('a mounted backing device is refused', () => {
    const mounted = recorded('backing-ext4.b.evidence').replace('readable', 'mount /mnt\nreadable')
    const { ids, fix } = judge('metadata', backing(mounted), backing(empty))
    expect(ids()).toContain('backing-in-use r0 on db-a')
    expect(fix['backing-in-use']).toHaveProperty('manual')
  })
  it('what runs otherwise than its file says is adjusted, but not what was disconnected', () => {
    const edited = { ...withTool('in-sync', 'a'), pending: 'r0\n' }
    expect(judge('metadata', edited, withTool('in-sync', 'b')).ids()).toEqual(['not-adjusted r0 on db-a'])
    const stepFor = (pending: string) =>
      judge('metadata', { ...edited, pending }, withTool('in-sync', 'b')).steps()[0] as { interrupts?: string }
    expect(stepFor('r0 net-options disk-options\n').interrupts).toBeUndefined()
    expect(stepFor('r0 detach attach\n').interrupts).toBe(
      'r0 on db-a loses its disk or its peer for a moment (adjust would detach)',
    )
    expect(judge('metadata', withTool('split-brain', 'a'), withTool('split-brain', 'b')).answer).toEqual([])
  })
  it('metadata on a device of its own is never made, however empty the volume is', () => {
    const { ids, fix } = judge('metadata', backing(empty), backing(empty), { metadata: '/dev/sdx1[0]' })
    expect(ids()).toEqual(['external-metadata r0 on db-a', 'external-metadata r0 on db-b'])
    expect(fix['external-metadata']).toHaveProperty('manual')
  })
  it('no probe registers the node with LINBIT, whatever its usage count says', () => {
    const scripts = ['config', 'metadata', 'roles'].flatMap((id) =>
      Object.values(taskOf(drbd, id).probes(nodeContextOf(situation()))).flatMap((probe) =>
        'command' in probe ? [probe.command.script] : [],
      ),
    )
    expect(scripts.join('\n')).toContain('INIT_VERSION=1 drbdadm -d adjust')
    expect(scripts.join('\n')).not.toMatch(/(?<!INIT_VERSION=1 )drbdadm (dump|get-gi|-d|role|dstate|cstate)/)
  })
})

describe('source of the first sync', () => {
  const idle =
    'Id=heartbeat.service\nNames=heartbeat.service\nLoadState=loaded\nActiveState=inactive\nUnitFileState=enabled\n'
  const side = (name: string, node: 'a' | 'b', more: Outputs = {}) => {
    const { pending, ...rest } = view(name, node)
    return { ...rest, open: '', units: idle, ...more }
  }
  it('two new sides: the node of the config is forced, and asked again at the last moment', () => {
    const { ids, steps } = judge('roles', side('fresh', 'a'), side('fresh', 'b'))
    expect(ids()).toEqual(['no-sync-source r0'])
    expect(steps()).toEqual([
      {
        kind: 'run',
        on: 'db-b',
        title: 'db-b is the source of r0',
        command: {
          script:
            'if [ "$(drbdadm dstate r0)" = Inconsistent/Inconsistent ] && [ "$(drbdadm cstate r0)" = Connected ]; then drbdadm primary --force r0 && drbdadm secondary r0; else echo \'the picture has changed; nothing was done\' >&2; exit 1; fi',
        },
      },
    ])
  })
  it('skip declares two empty sides equal, and refuses when one holds data', () => {
    expect(
      scripts(judge('roles', side('fresh', 'a'), side('fresh', 'b'), { initialSync: 'skip' }).steps())[0],
    ).toContain('drbdadm -- --clear-bitmap new-current-uuid r0/0')
    const data = side('fresh', 'b', { evidence: recorded('in-sync.b.evidence') })
    expect(judge('roles', side('fresh', 'a'), data, { initialSync: 'skip' }).ids()).toEqual(['not-empty r0'])
  })
  it('a sync that would overwrite what the other side holds says so', () => {
    const data = side('fresh', 'a', { evidence: recorded('in-sync.a.evidence') })
    expect(judge('roles', data, side('fresh', 'b')).steps()).toMatchObject([
      { on: 'db-b', destroys: { node: 'db-a', device: '/dev/vg0/data', what: 'ext4 filesystem with DRBD metadata' } },
    ])
  })
  it('with metadata elsewhere, any signature on the volume is data', () => {
    const evidence = recorded('in-sync.a.evidence')
      .replace('TYPE=drbd', 'TYPE=linux_raid_member')
      .replace('inner ext4\n', '')
      .replace('nonzero 1 0 1', 'nonzero 0 0 1')
    const data = side('fresh', 'a', { evidence })
    expect(judge('roles', data, side('fresh', 'b'), { metadata: '/dev/sdx1' }).steps()).toMatchObject([
      { on: 'db-b', destroys: { node: 'db-a', device: '/dev/vg0/data', what: 'RAID member' } },
    ])
  })
  it('sides that were used before are never forced', () => {
    expect(judge('roles', side('fresh', 'a', { isNew: '' }), side('fresh', 'b')).ids()).toEqual(['no-good-copy r0'])
  })
  it('a split brain is reported with both sides, never healed', () => {
    const { answer, fix } = judge('roles', side('split-brain', 'a'), side('split-brain', 'b'))
    const actual =
      'db-a: StandAlone, Secondary, disk UpToDate (peer: Unknown, DUnknown); db-b: StandAlone, Secondary, disk UpToDate (peer: Unknown, DUnknown)'
    expect(answer).toEqual([{ id: 'split-brain', subject: 'r0', desired: 'connected', actual, note: actual }])
    expect(fix['split-brain']).toHaveProperty('manual')
  })
  const primary = recorded('in-sync.a.status').replace('ro:Secondary/Secondary', 'ro:Primary/Secondary')
  it('a primary that nothing uses and nobody manages is demoted: Heartbeat would take it for started', () => {
    const left = judge('roles', side('in-sync', 'a', { drbd: primary }), side('in-sync', 'b'))
    expect(left.ids()).toEqual(['left-primary r0 on db-a'])
    expect(scripts(left.steps())).toEqual(['drbdadm secondary r0'])
  })
  it('a primary that is mounted or managed is nobody else’s business', () => {
    const open = '36 25 147:0 / /srv/db rw,relatime shared:9 - ext4 /dev/drbd0 rw\n'
    expect(judge('roles', side('in-sync', 'a', { drbd: primary, open }), side('in-sync', 'b')).answer).toEqual([])
    const units = idle.replace('inactive', 'active')
    expect(judge('roles', side('in-sync', 'a', { drbd: primary, units }), side('in-sync', 'b')).answer).toEqual([])
  })
})

describe('filesystem', () => {
  const side = (evidence: string, name = 'in-sync', mounts = '/srv/db') => ({
    drbd: recorded(`${name}.a.status`),
    evidence,
    mounts,
  })
  const holds = recorded('in-sync.a.evidence')
  const bare = holds.replace('inner ext4', 'inner ').replace('nonzero 1 0 1', 'nonzero 0 0 1')
  it('is there', () => {
    expect(judge('filesystem', side(holds), side(holds)).answer).toEqual([])
  })
  it('is made when neither side holds anything, after one more look at the device itself', () => {
    const { ids, steps } = judge('filesystem', side(bare), side(bare))
    expect(ids()).toEqual(['no-filesystem r0'])
    const [script = ''] = scripts(steps())
    expect(script.indexOf('blkid -p -- /dev/drbd0')).toBeGreaterThan(script.indexOf('drbdadm primary r0'))
    expect(script.indexOf('mkfs.ext4')).toBeGreaterThan(script.indexOf('cmp -s -n 2097152'))
  })
  it.each(['ext3', 'ext4', 'xfs'])('is made as %s', (type) => {
    const { steps } = judge('filesystem', side(bare), side(bare), { filesystem: { type, mount: '/srv/db' } })
    expect(scripts(steps())[0]).toContain(`mkfs.${type} -q /dev/drbd0`)
  })
  it.each([
    ['unknown data on the good side', bare, bare.replace('nonzero 0', 'nonzero 1'), 'unknown-data r0'],
    [
      'another filesystem',
      holds.replace('inner ext4', 'inner xfs'),
      holds.replace('inner ext4', 'inner xfs'),
      'other-filesystem r0',
    ],
    ['something on the other side only', holds, bare, 'peer-data r0'],
    ['a side that cannot be read', bare, bare.replace('readable\n', ''), 'other-filesystem r0'],
  ])('%s is not formatted', (_, a, b, id) => {
    expect(judge('filesystem', side(a), side(b)).ids()).toEqual([id])
  })
  it('waits for a side that is UpToDate', () => {
    expect(judge('filesystem', side(bare, 'fresh'), side(bare, 'fresh')).answer).toEqual({
      waits: 'waits for drbd/roles: no side of r0 is UpToDate',
    })
  })
  it('its directory is made on both nodes', () => {
    expect(judge('filesystem', side(holds, 'in-sync', ''), side(holds)).ids()).toEqual([
      'no-mountpoint /srv/db on db-a',
    ])
  })
})

describe('rules that no schema can say', () => {
  it('names every fault', () => {
    const resources = { r0: { ...r0, volume: 'vg0/dat', interface: 'link9' }, r1: { ...r0, filesystem: undefined } }
    const faults = drbd.validate?.(
      contextOf({ settings: { primary: 'db-a', resources }, others, nodes: ['db-a'] }) as never,
    )
    expect(faults?.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'nodes: drbd replicates between two nodes; there is 1',
      'drbd.resources.r0.volume: nobody defines the volume "vg0/dat"',
      'drbd.resources.r0.interface: there is no interface "link9"',
      'drbd.resources.r1.minor: minor 0 is used by drbd.resources.r0 too',
      'drbd.resources.r1.port: port 7788 is used by drbd.resources.r0 too',
    ])
  })
  it('metadata elsewhere is on a volume that is there, and on one of its own', () => {
    const resources = {
      r0: { ...r0, metadata: 'vg0/meta[0]' },
      r1: { ...r0, volume: '/dev/sdb1', metadata: 'vg0/data', minor: 1, port: 7789, filesystem: undefined },
    }
    const faults = drbd.validate?.(contextOf({ settings: { primary: 'db-a', resources }, others }) as never)
    expect(faults?.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'drbd.resources.r0.metadata: nobody defines the volume "vg0/meta"',
      'drbd.resources.r1.metadata: volume vg0/data is used by drbd.resources.r0 too',
    ])
  })
})
