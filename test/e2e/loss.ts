import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Lab, nodes, notOk, startWriter, until } from './lab.js'
import { wanted } from './move.js'
import { activeNode, killWhileWriting, settled, virtualIp } from './rounds.js'

const otherThan = (node: string): string => nodes.find((other) => other !== node) as string

/** A node dies while the service is used. */
export function loss(lab: () => Lab): void {
  const fencedLog = (node: string) => join(lab().stateDir, 'vm', node, 'fenced.log')
  const fencedMark = (node: string) => join(lab().stateDir, 'vm', node, 'fenced')
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
      // chrony can find its server and lose it once more: what holds for three checks stays.
      let agreed = 0
      await until('clocks agree', 300, async () => {
        agreed = (await lab().ha(['check', '--only', 'ntp'])).code === 0 ? agreed + 1 : 0
        return agreed === 3 ? true : undefined
      })
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

    it('a primary that hangs is switched off before its group is taken over, and comes back by itself', async () => {
      await settled(lab())
      const active = await activeNode(lab())
      const passive = otherThan(active)
      const writer = await startWriter(lab(), active, '/srv/db/hung')
      await until('lines are written', 60, async () => (writer.acknowledged.length > 20 ? true : undefined))
      const hung = await lab().pid(active)
      process.kill(hung, 'SIGSTOP')
      await until('takeover', 120, async () =>
        (await lab().on(passive, 'findmnt -n -o SOURCE /srv/db')) === '/dev/drbd0\n' ? true : undefined,
      )
      await writer.ended
      expect(existsSync(`/proc/${hung}`)).toBe(false)
      expect(readFileSync(fencedLog(active), 'utf8')).toMatch(
        `${passive} asked for reset: switched off, and on again\n`,
      )
      const lines = new Set((await lab().on(passive, 'cat /srv/db/hung')).split('\n').map(Number))
      expect(writer.acknowledged.filter((number) => !lines.has(number))).toEqual([])
      await settled(lab())
      await until('its mark is gone', 60, async () => (existsSync(fencedMark(active)) ? undefined : true))
    })

    it('with every cable cut one side goes on, and the other does nothing with old data until it was in sync', async () => {
      const active = await activeNode(lab())
      const passive = otherThan(active)
      const before = await lab().pid(passive)
      // Frames to nobody: unlike a link that goes down, the addresses stay.
      const cut = (node: string) =>
        lab().on(
          node,
          'for l in 0 1; do for i in 1 2; do ip -o addr | grep -q "10.77.$l.$i/" || ip neigh replace 10.77.$l.$i lladdr 02:00:00:00:00:99 dev link$l nud permanent; done; done',
        )
      await Promise.all([cut(active), cut(passive)])
      const asked = () => readFileSync(fencedLog(passive), 'utf8')
      await until('fencing', 120, async () =>
        asked().includes(`${active} asked for reset: switched`) ? true : undefined,
      )
      expect(await activeNode(lab())).toBe(active)
      await lab().on(active, 'echo after >/srv/db/after && sync -f /srv/db/after')
      await until('boot', 120, async () =>
        (await lab().pid(passive)) !== before && (await lab().on(passive, 'drbdadm cstate r0')) === 'WFConnection\n'
          ? true
          : undefined,
      )
      // It hears nobody. What Heartbeat and DRBD would do now, done at once: both would switch off the side that goes on.
      const survivor = await lab().pid(active)
      const tried = `drbdadm primary r0; stonith -t external/ha-qemu hostlist=${active} -T reset ${active}`
      await expect(lab().on(passive, tried)).rejects.toThrow()
      expect(await lab().on(passive, 'drbdadm role r0')).toBe('Secondary/Unknown\n')
      expect(await lab().on(passive, 'journalctl -b -t ha-qemu -o cat')).toContain(
        `refused: ${passive} was fenced by ${active} at `,
      )
      expect(await lab().pid(active)).toBe(survivor)
      expect(existsSync(fencedMark(passive))).toBe(true)
      await lab().on(active, 'ip neigh flush nud permanent')
      await settled(lab())
      await until('its mark is gone', 60, async () => (existsSync(fencedMark(passive)) ? undefined : true))
      expect(await activeNode(lab())).toBe(active)
      expect(await lab().on(active, 'cat /srv/db/after')).toBe('after\n')
    })
  })
}
