import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { type Control, differences, type Lab, nodes, notOk, openLab, until } from './lab.js'
import { traces } from './traces.js'

let lab: Lab
let control: Control
const script = await readFile(new URL('by-hand.sh', import.meta.url), 'utf8')
const byHand = (node: string, part: string) =>
  lab.on(node, `cat > /root/by-hand.sh <<'END-OF-SCRIPT'\n${script}END-OF-SCRIPT\nsh /root/by-hand.sh ${part}`)

const hasTime = (node: string) =>
  until(`time on ${node}`, 300, async () =>
    (await lab.on(node, 'ntpq -n -c rv')).includes('leap=00') ? true : undefined,
  )

beforeAll(async () => {
  lab = await openLab(nodes, 'by-hand.config.ts', 'by-hand')
})
afterAll(async () => {
  await lab?.close()
})

describe('a cluster that this tool did not make', () => {
  it('an administrator sets it up by hand', async () => {
    const made = await lab.ha(['create', '--only', 'vm', '--only', 'iso'])
    expect(made.code, made.stderr).toBe(0)
    await Promise.all(nodes.map((node) => byHand(node, 'setup')))
    await byHand('db-a', 'clock')
    await byHand('db-a', 'first-sync')
    await hasTime('db-a')
    await byHand('db-b', 'clock')
    await Promise.all(nodes.map((node) => byHand(node, 'start')))
    await hasTime('db-b')
    await until('the service', 240, async () =>
      (await lab.on('db-b', 'ping -n -q -c 1 -W 5 10.77.1.200 >/dev/null && drbdadm role www')) ===
      'Secondary/Primary\n'
        ? true
        : undefined,
    )
  })

  it('reconstruct writes its config and leaves no trace', async () => {
    control = await lab.elsewhere()
    const before = await traces(lab)
    const result = await control.ha(['reconstruct', ...(await lab.access()), '--out', 'ha.config.yaml'])
    expect(result.code, result.stderr).toBe(0)
    const written = parse(await readFile(`${control.dir}/ha.config.yaml`, 'utf8'))
    expect(written).toMatchObject({
      nodes: { 'db-a': {}, 'db-b': {} },
      network: { hosts: { printer: '192.0.2.7' }, rootSsh: false },
      ntp: { daemon: 'ntpsec' },
      storage: {
        volumeGroups: { vgdata: { devices: ['/dev/disk/by-id/virtio-data-part1'] } },
        filesystems: { '/var/dump': { device: '/dev/vgdata/lvdump', options: 'noatime' } },
      },
      drbd: {
        primary: 'db-a',
        resources: { www: { volume: 'vgdata/lvdrbd', minor: 3, filesystem: { mount: '/srv/www' } } },
      },
      heartbeat: { udpPort: 694, virtualIps: ['10.77.1.200/24'], deadtimeS: 20 },
    })
    // What no option says is named: nothing of it is lost unseen.
    expect(result.stderr).toContain('ha.cf has "debug 0", which stays as it is')
    expect(JSON.stringify(written) + result.stderr).not.toContain('w0rd-of-2010')
    expect(await traces(lab)).toEqual(before)
  })

  it('check finds nothing and leaves no trace', async () => {
    const before = await traces(lab)
    const report = await control.report(['check', '--mode', 'modify'])
    expect({ exitCode: report.exitCode, outcomes: notOk(report) }, JSON.stringify(differences(report))).toEqual({
      exitCode: 0,
      outcomes: [],
    })
    expect(await traces(lab)).toEqual(before)
  })

  it('one change in the config: modify does just that, and keeps what stood beside it', async () => {
    const change = ['--set', 'heartbeat.deadtimeS=25']
    const identity =
      'cat /run/heartbeat.pid; ip -o -4 addr show link1; findmnt -n /srv/www; md5sum /etc/ha.d/haresources'
    const before = await lab.on('db-a', identity)
    const report = await control.report(['modify', ...change])
    expect({ exitCode: report.exitCode, outcomes: notOk(report) }).toEqual({
      exitCode: 0,
      outcomes: [
        { stage: 'heartbeat/config', node: 'db-a', status: 'changed' },
        { stage: 'heartbeat/config', node: 'db-b', status: 'changed' },
        { stage: 'heartbeat/reload', status: 'changed' },
      ],
    })
    for (const node of nodes) {
      const config = await lab.on(node, 'cat /etc/ha.d/ha.cf')
      expect(config).toMatch(/^deadtime 25$/m)
      expect(config).toMatch(/^logfacility\s+local0$/m)
    }
    // The service was not interrupted: the same process, address and mount.
    expect(await lab.on('db-a', identity)).toBe(before)
    expect(await lab.on('db-a', 'cat /srv/www/index.html')).toBe('made by hand\n')
    expect(differences(await control.report(['check', '--mode', 'modify', ...change]))).toEqual([])
  })
})
