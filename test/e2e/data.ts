import { describe, expect, it } from 'vitest'
import { type Lab, notOk } from './lab.js'

/** Disks that hold something already. */
export function data(lab: () => Lab): void {
  describe('data that is there already', () => {
    const disk = (name: string) => `/dev/disk/by-id/virtio-${name}`
    const sum = (node: string, device: string) =>
      lab().on(node, `sync; blockdev --flushbufs ${device}; sha256sum < ${device}`)

    async function isRefused(node: string, device: string, set: string, what: string): Promise<void> {
      const before = await sum(node, device)
      const report = await lab().report(['create', '--set', set])
      const refused = report.outcomes.filter(({ status }) => status === 'refused')
      expect(report.exitCode).toBe(1)
      expect(refused.map(({ reason }) => reason).join('\n')).toContain(`--allow '${node}:${what}'`)
      expect(await sum(node, device)).toBe(before)
    }

    it('an ext4 filesystem is refused, untouched, with the flag that would allow it', async () => {
      await lab().on('db-a', `mkfs.ext4 -q -L keep ${disk('old')}`)
      await isRefused(
        'db-a',
        disk('old'),
        `storage.volumeGroups.vg1={devices: [${disk('old')}]}`,
        `${disk('old')}:ext4 filesystem`,
      )
    })

    it('a physical volume of another group is refused, untouched', async () => {
      await lab().on(
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
      await lab().on('db-b', 'mkfs.ext4 -q /dev/vg0/spare')
      const before = await sum('db-a', '/dev/vg0/spare')
      await isRefused(
        'db-b',
        '/dev/vg0/spare',
        'drbd.resources.r1={volume: vg0/spare, minor: 1, port: 7789, interface: link0}',
        '/dev/vg0/spare:ext4 filesystem',
      )
      expect(await sum('db-a', '/dev/vg0/spare')).toBe(before)
      // What the run had written before it was refused goes again with the next one's config.
      await lab().on('db-a', 'rm -f /etc/drbd.d/r1.res')
      await lab().on('db-b', 'rm -f /etc/drbd.d/r1.res; wipefs -q -a /dev/vg0/spare')
    })

    it('what is named exactly is allowed, and nothing else', async () => {
      const set = `storage.volumeGroups.vg1={devices: [${disk('old')}]}`
      const [refused] = (await lab().report(['create', '--set', set])).outcomes.filter(
        ({ status }) => status === 'refused',
      )
      const flag = /--allow '([^']+)'/.exec(refused?.reason ?? '')?.[1] ?? ''
      const other = await lab().report(['create', '--set', set, '--allow', flag.replace('db-a', 'db-b')])
      expect(other.exitCode).toBe(1)
      const allowed = await lab().report(['create', '--set', set, '--allow', flag])
      expect(allowed.exitCode, JSON.stringify(notOk(allowed))).toBe(0)
      expect(await lab().on('db-a', 'vgs --noheadings -o pv_count vg1 | tr -d " "')).toBe('1\n')
    })
  })
}
