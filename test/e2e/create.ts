import { describe, expect, it } from 'vitest'
import { type Lab, nodes, notOk } from './lab.js'

/** An empty project becomes a cluster. */
export function create(lab: () => Lab): void {
  describe('from an empty project to a cluster', () => {
    it('check says what waits for what, and writes nothing', async () => {
      const report = await lab().report(['check'])
      expect(report.exitCode).toBe(3)
      expect(report.outcomes.filter(({ status }) => !['ok', 'drift', 'waits'].includes(status))).toEqual([])
      expect((await lab().ha(['vm'])).stdout).toMatch(/db-a +absent\ndb-b +absent/)
    })

    it('create ends with a replicated, monitored cluster', async () => {
      const { code, stdout, stderr } = await lab().ha(['create'])
      expect(code, stderr + stdout).toBe(0)
      expect(stdout).toMatch(/time per stage:\n(.*\n)+cluster e2e: as wanted/)
      for (const node of nodes) {
        expect(await lab().on(node, 'drbdadm dstate r0')).toBe('UpToDate/UpToDate\n')
        expect(await lab().on(node, 'for n in db-a db-b; do cl_status nodestatus $n; done')).toBe('active\nactive\n')
        expect(await lab().on(node, 'stat -c %a /etc/ha.d/authkeys')).toBe('600\n')
      }
      expect(await lab().on('db-a', 'findmnt -n -o SOURCE /srv/db')).toBe('/dev/drbd0\n')
      expect(
        await lab().on('db-b', 'ping -n -q -c 1 -W 5 10.77.0.100 >/dev/null && ssh -o BatchMode=yes db-a hostname'),
      ).toBe('db-a\n')
      expect(await lab().on('db-a', 'cat /proc/sys/vm/swappiness')).toBe('10\n')
    })

    it('the copies share nothing with the stub or each other', async () => {
      const facts = await Promise.all(
        nodes.map((node) =>
          lab().on(
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
      const before = await Promise.all(nodes.map((node) => lab().on(node, sessions)))
      const report = await lab().report(['create'])
      const after = await Promise.all(nodes.map((node) => lab().on(node, sessions)))
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
      const report = await lab().report(['check'], version)
      expect({ exitCode: report.exitCode, outcomes: notOk(report) }).toEqual({ exitCode: 0, outcomes: [] })
    })
  })
}
