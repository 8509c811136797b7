import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Report } from '../../src/engine/report.js'
import { type Lab, openLab, startWriter, until } from './lab.js'

const nodes = ['db-a', 'db-b'] as const
let lab: Lab
beforeAll(async () => {
  lab = await openLab(nodes)
})
afterAll(async () => {
  await lab?.close()
})

const notOk = ({ outcomes }: Report) =>
  outcomes
    .filter(({ status }) => status !== 'ok')
    .map(({ stage, node, status, reason }) => ({ stage, node, status, reason }))
const drift = ({ outcomes }: Report) =>
  outcomes
    .filter(({ status }) => status === 'drift')
    .flatMap(({ stage, node, findings }) => findings.map(({ finding }) => `${node ?? '-'} ${stage} ${finding.id}`))

describe('from an empty project to a cluster', () => {
  it('check says what waits for what, and writes nothing', async () => {
    const report = await lab.report(['check'])
    expect(report.exitCode).toBe(3)
    expect(report.outcomes.filter(({ status }) => !['ok', 'drift', 'waits'].includes(status))).toEqual([])
    expect((await lab.ha(['vm'])).stdout).toMatch(/db-a +absent\ndb-b +absent/)
  })

  it('create ends with a replicated, monitored cluster', async () => {
    const { code, stdout, stderr } = await lab.ha(['create'])
    expect(code, stderr + stdout).toBe(0)
    expect(stdout).toMatch(/time per stage:\n(.*\n)+cluster e2e: as wanted/)
    for (const node of nodes) {
      expect(await lab.on(node, 'drbdadm dstate r0')).toBe('UpToDate/UpToDate\n')
      expect(await lab.on(node, 'for n in db-a db-b; do cl_status nodestatus $n; done')).toBe('active\nactive\n')
      expect(await lab.on(node, 'stat -c %a /etc/ha.d/authkeys')).toBe('600\n')
    }
    expect(await lab.on('db-a', 'findmnt -n -o SOURCE /srv/db')).toBe('/dev/drbd0\n')
    expect(
      await lab.on('db-b', 'ping -n -q -c 1 -W 5 10.77.0.100 >/dev/null && ssh -o BatchMode=yes db-a hostname'),
    ).toBe('db-a\n')
    expect(await lab.on('db-a', 'cat /proc/sys/vm/swappiness')).toBe('10\n')
  })

  it('the copies share nothing with the stub or each other', async () => {
    const facts = await Promise.all(
      nodes.map((node) =>
        lab.on(
          node,
          'cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub /sys/class/net/*/address; blkid -s UUID -o value /dev/vda; od -An -tx1 /var/lib/heartbeat/hb_uuid',
        ),
      ),
    )
    const [a, b] = facts.map((text) =>
      text
        .split('\n')
        .map((line) => line.split(' root@')[0])
        .filter((line) => line !== '' && line !== '00:00:00:00:00:00'),
    )
    expect(a?.length).toBe(b?.length)
    expect(a?.filter((line) => b?.includes(line))).toEqual([])
  })

  it('a second run makes no step and asks each node in one exec channel', async () => {
    const sessions = 'journalctl -q -b --no-pager -t sshd | grep -c "Starting session: command"'
    const before = await Promise.all(nodes.map((node) => lab.on(node, sessions)))
    const report = await lab.report(['create'])
    const after = await Promise.all(nodes.map((node) => lab.on(node, sessions)))
    expect({ ...report, outcomes: notOk(report) }).toMatchObject({
      exitCode: 0,
      steps: 0,
      outcomes: [],
      channels: { 'db-a': 1, 'db-b': 1 },
    })
    // One of the run, and one of the question itself: seen from the node's own sshd.
    expect(after.map((count, i) => Number(count) - Number(before[i]))).toEqual([2, 2])
  })

  it.each(['22', '24'])('check finds nothing on Node %s', async (version) => {
    const report = await lab.report(['check'], version)
    expect({ exitCode: report.exitCode, outcomes: notOk(report) }).toEqual({ exitCode: 0, outcomes: [] })
  })
})

describe('drift', () => {
  it('one break for each plugin is named, and just these are mended', async () => {
    await lab.on('db-b', 'hostname wrong')
    await lab.on('db-a', 'systemctl stop chrony')
    await lab.on('db-b', 'lvremove -q -y vg0/spare')
    await lab.on('db-a', 'sysctl -q -w vm.swappiness=60')
    await lab.on('db-a', 'sed -i "s/resync-rate.*/resync-rate 1M;/" /etc/drbd.d/r0.res')
    await lab.on('db-b', 'chmod 644 /etc/ha.d/authkeys')
    const broken = await lab.report(['check'])
    expect(broken.exitCode).toBe(3)
    expect(drift(broken).sort()).toEqual([
      '- drbd/config resource-file',
      // The running device still has what the file no longer says.
      '- drbd/metadata not-adjusted',
      '- heartbeat/key authkeys-mode',
      // Without its daemon the clock has no source.
      '- ntp/clock not-synchronised',
      'db-a ntp/service not-running',
      'db-a sysctl/values running-value',
      'db-b network/hostname hostname',
      'db-b storage/volumes no-lv',
    ])
    expect((await lab.ha(['check'])).stdout).toMatch(/-\s+resync-rate 1M;\n\s+\+\s+resync-rate \d+M;/)
    const mended = await lab.report(['create'])
    const changed = mended.outcomes
      .filter(({ status }) => status === 'changed')
      .map(({ stage, node }) => `${node ?? '-'} ${stage}`)
    expect(mended.exitCode, JSON.stringify(notOk(mended))).toBe(0)
    // These two mend themselves with the stages before them, or have something left to do.
    const followers = ['- ntp/clock', '- drbd/metadata']
    expect(changed.filter((stage) => !followers.includes(stage)).sort()).toEqual([
      '- drbd/config',
      '- heartbeat/key',
      'db-a ntp/service',
      'db-a sysctl/values',
      'db-b network/hostname',
      'db-b storage/volumes',
    ])
    expect(notOk(await lab.report(['check']))).toEqual([])
  })
})

describe('data that is there already', () => {
  const disk = (name: string) => `/dev/disk/by-id/virtio-${name}`
  const sum = (node: string, device: string) =>
    lab.on(node, `sync; blockdev --flushbufs ${device}; sha256sum < ${device}`)

  async function isRefused(node: string, device: string, set: string, what: string): Promise<void> {
    const before = await sum(node, device)
    const report = await lab.report(['create', '--set', set])
    const refused = report.outcomes.filter(({ status }) => status === 'refused')
    expect(report.exitCode).toBe(1)
    expect(refused.map(({ reason }) => reason).join('\n')).toContain(`--allow '${node}:${what}'`)
    expect(await sum(node, device)).toBe(before)
  }

  it('an ext4 filesystem is refused, untouched, with the flag that would allow it', async () => {
    await lab.on('db-a', `mkfs.ext4 -q -L keep ${disk('old')}`)
    await isRefused(
      'db-a',
      disk('old'),
      `storage.volumeGroups.vg1={devices: [${disk('old')}]}`,
      `${disk('old')}:ext4 filesystem`,
    )
  })

  it('a physical volume of another group is refused, untouched', async () => {
    await lab.on(
      'db-b',
      `vgcreate -q -y theirs ${disk('foreign')} && lvcreate -q -y -n x -l 4 theirs && vgchange -q -an theirs`,
    )
    await isRefused(
      'db-b',
      disk('foreign'),
      `storage.volumeGroups.vg2={devices: [${disk('foreign')}]}`,
      `${disk('foreign')}:LVM physical volume of theirs`,
    )
  })

  it('a backing device whose other side holds the data is refused on both nodes', async () => {
    await lab.on('db-b', 'mkfs.ext4 -q /dev/vg0/spare')
    const before = await sum('db-a', '/dev/vg0/spare')
    await isRefused(
      'db-b',
      '/dev/vg0/spare',
      'drbd.resources.r1={volume: vg0/spare, minor: 1, port: 7789, interface: link0}',
      '/dev/vg0/spare:ext4 filesystem',
    )
    expect(await sum('db-a', '/dev/vg0/spare')).toBe(before)
    // What the run had written before it was refused goes again with the next one's config.
    await lab.on('db-a', 'rm -f /etc/drbd.d/r1.res')
    await lab.on('db-b', 'rm -f /etc/drbd.d/r1.res; wipefs -q -a /dev/vg0/spare')
  })

  it('what is named exactly is allowed, and nothing else', async () => {
    const set = `storage.volumeGroups.vg1={devices: [${disk('old')}]}`
    const [refused] = (await lab.report(['create', '--set', set])).outcomes.filter(({ status }) => status === 'refused')
    const flag = /--allow '([^']+)'/.exec(refused?.reason ?? '')?.[1] ?? ''
    const other = await lab.report(['create', '--set', set, '--allow', flag.replace('db-a', 'db-b')])
    expect(other.exitCode).toBe(1)
    const allowed = await lab.report(['create', '--set', set, '--allow', flag])
    expect(allowed.exitCode, JSON.stringify(notOk(allowed))).toBe(0)
    expect(await lab.on('db-a', 'vgs --noheadings -o pv_count vg1 | tr -d " "')).toBe('1\n')
  })
})

describe('the loss of a node', () => {
  it('kill -9 of the primary while it writes: the other takes over with every fsynced line', async () => {
    const writer = await startWriter(lab, 'db-a', '/srv/db/lines')
    await until('lines are written', 60, async () => (writer.acknowledged.length > 20 ? true : undefined))
    process.kill(await lab.pid('db-a'), 'SIGKILL')
    const killedAt = Date.now()
    await until('takeover', 180, async () =>
      (await lab.on('db-b', 'findmnt -n -o SOURCE /srv/db')) === '/dev/drbd0\n' ? true : undefined,
    )
    await until('address', 60, async () =>
      (await lab.on('db-b', 'ip -o -4 addr')).includes(' 10.77.0.100/') ? true : undefined,
    )
    const seconds = Math.round((Date.now() - killedAt) / 1000)
    await writer.ended
    const lines = new Set((await lab.on('db-b', 'cat /srv/db/lines')).split('\n').map(Number))
    const lost = writer.acknowledged.filter((number) => !lines.has(number))
    console.log(`takeover after ${seconds} s; ${writer.acknowledged.length} lines acknowledged, ${lost.length} lost`)
    expect(lost).toEqual([])
  })

  it('the killed machine started again rejoins and syncs, and a new run finds nothing to do', async () => {
    const started = await lab.ha(['vm', 'start', 'db-a'])
    expect(started.code, started.stderr).toBe(0)
    await until('in sync', 240, async () =>
      (await lab.on('db-a', 'drbdadm dstate r0')) === 'UpToDate/UpToDate\n' ? true : undefined,
    )
    await until('active', 240, async () =>
      (await lab.on('db-b', 'cl_status nodestatus db-a')) === 'active\n' ? true : undefined,
    )
    await until('active', 240, async () =>
      (await lab.on('db-a', 'cl_status nodestatus db-b')) === 'active\n' ? true : undefined,
    )
    // Right after a boot no clock has its time yet, and that is a difference.
    for (const node of nodes)
      await until(`clock of ${node}`, 240, async () =>
        (await lab.on(node, 'systemctl is-system-running; chronyc -n tracking')).match(
          /^(?:running|degraded)\n[\s\S]*Leap status +: Normal/,
        )
          ? true
          : undefined,
      )
    const report = await lab.report(['create'])
    expect({ exitCode: report.exitCode, steps: report.steps, outcomes: notOk(report) }).toEqual({
      exitCode: 0,
      steps: 0,
      outcomes: [],
    })
    expect(await lab.on('db-b', 'findmnt -n -o SOURCE /srv/db')).toBe('/dev/drbd0\n')
  })

  it('a machine that was powered off is started by create', async () => {
    expect((await lab.ha(['vm', 'stop', 'db-a'])).code).toBe(0)
    const report = await lab.report(['create'])
    expect(report.exitCode, JSON.stringify(notOk(report))).toBe(0)
    expect(report.outcomes.find(({ stage, node }) => stage === 'iso/callback' && node === 'db-a')?.status).toBe(
      'changed',
    )
  })
})
