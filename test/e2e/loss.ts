import { describe, expect, it } from 'vitest'
import { type Lab, notOk, startWriter, until } from './lab.js'
import { wanted } from './move.js'
import { killWhileWriting, virtualIp } from './rounds.js'

/** A node dies while the service is used. */
export function loss(lab: () => Lab): void {
  describe('the loss of a node', () => {
    it('kill -9 of the primary: the other takes over with every acknowledged row and every fsynced line', async () => {
      const writer = await startWriter(lab(), 'db-a', '/srv/db/lines')
      await until('lines are written', 60, async () => (writer.acknowledged.length > 20 ? true : undefined))
      const round = await killWhileWriting(lab(), 1)
      await writer.ended
      const lines = new Set((await lab().on('db-b', 'cat /srv/db/lines')).split('\n').map(Number))
      const lost = writer.acknowledged.filter((number) => !lines.has(number))
      console.log(`${JSON.stringify(round)}; ${writer.acknowledged.length} lines acknowledged, ${lost.length} lost`)
      expect(lost).toEqual([])
      expect(round).toMatchObject({ killed: 'db-a', lost: 0 })
      expect(await lab().on('db-b', 'ip -o -4 addr')).toContain(` ${virtualIp}/`)
    })

    it('the killed machine started again rejoins and syncs, and a new run finds nothing to do', async () => {
      const started = await lab().ha(['vm', 'start', 'db-a'])
      expect(started.code, started.stderr).toBe(0)
      await until('in sync', 240, async () =>
        (await lab().on('db-a', 'drbdadm dstate r0')) === 'UpToDate/UpToDate\n' ? true : undefined,
      )
      await until('active', 240, async () =>
        (await lab().on('db-b', 'cl_status nodestatus db-a')) === 'active\n' ? true : undefined,
      )
      await until('active', 240, async () =>
        (await lab().on('db-a', 'cl_status nodestatus db-b')) === 'active\n' ? true : undefined,
      )
      await until('heartbeat settled', 240, async () =>
        (await lab().on(
          'db-a',
          'cl_status rscstatus | grep -x transition; cat /proc/[0-9]*/comm | grep -x -e ResourceManager -e req_resource; true',
        )) === ''
          ? true
          : undefined,
      )
      // Right after a boot no clock has its time yet, nor has that of its client, and that is a difference.
      await until('clocks agree', 240, async () =>
        (await lab().ha(['check', '--only', 'ntp'])).code === 0 ? true : undefined,
      )
      const report = await lab().report(['create', ...wanted])
      expect({ exitCode: report.exitCode, steps: report.steps, outcomes: notOk(report) }).toEqual({
        exitCode: 0,
        steps: 0,
        outcomes: [],
      })
      expect(await lab().on('db-b', 'findmnt -n -o SOURCE /srv/db')).toBe('/dev/drbd0\n')
    })

    it('a machine that was powered off is started by create', async () => {
      expect((await lab().ha(['vm', 'stop', 'db-a'])).code).toBe(0)
      const report = await lab().report(['create', ...wanted])
      expect(report.exitCode, JSON.stringify(notOk(report))).toBe(0)
      expect(report.outcomes.find(({ stage, node }) => stage === 'iso/callback' && node === 'db-a')?.status).toBe(
        'changed',
      )
    })
  })
}
