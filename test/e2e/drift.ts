import { describe, expect, it } from 'vitest'
import { differences, type Lab, notOk } from './lab.js'

/** One deliberate break for each plugin. */
export function drift(lab: () => Lab): void {
  describe('drift', () => {
    it('one break for each plugin is named, and just these are mended', async () => {
      await lab().on('db-b', 'hostname wrong')
      await lab().on('db-a', 'systemctl stop chrony')
      await lab().on('db-b', 'lvremove -q -y vg0/spare')
      await lab().on('db-a', 'sysctl -q -w vm.swappiness=60')
      await lab().on('db-a', 'sed -i "s/resync-rate.*/resync-rate 1M;/" /etc/drbd.d/r0.res')
      await lab().on('db-b', 'chmod 644 /etc/ha.d/authkeys')
      const broken = await lab().report(['check'])
      expect(broken.exitCode).toBe(3)
      expect(differences(broken).toSorted()).toEqual([
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
      expect((await lab().ha(['check'])).stdout).toMatch(/-\s+resync-rate 1M;\n\s+\+\s+resync-rate \d+M;/)
      const mended = await lab().report(['create'])
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
      expect(notOk(await lab().report(['check']))).toEqual([])
    })
  })
}
