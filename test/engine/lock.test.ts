import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lockFile, takeLock } from '../../src/engine/lock.js'
import { newDir } from '../support/cli.js'

let dir: string
beforeEach(() => {
  dir = newDir()
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))
const holder = (more: object = {}) =>
  JSON.stringify({ who: 'eve@x', host: hostname(), pid: 1, started: '0', when: '2026-01-02', what: 'create', ...more })

describe('the lock of a cluster', () => {
  it('is held by one run, and says by whom, since when and for what', async () => {
    await takeLock(dir, 'create')
    await expect(takeLock(dir, 'modify')).rejects.toMatchObject({
      code: 'LOCKED',
      exitCode: 1,
      message: expect.stringMatching(
        new RegExp(`^another run holds this cluster: create by .+, process ${process.pid}, since 20`),
      ),
      hint: expect.stringContaining('ha-provision unlock'),
    })
  })
  it('is free again when it is released, and leaves nothing behind', async () => {
    const { release } = await takeLock(dir, 'create')
    expect(statSync(lockFile(dir)).mode & 0o777).toBe(0o600)
    await release()
    expect(readdirSync(dir)).toEqual([])
    await expect(takeLock(dir, 'create')).resolves.toBeDefined()
  })
  it('of a run that is gone is taken over, with a note', async () => {
    const gone = spawn('true')
    await new Promise((resolve) => gone.on('close', resolve))
    writeFileSync(lockFile(dir), holder({ pid: gone.pid }))
    const { note } = await takeLock(dir, 'create')
    expect(note).toBe(
      `the lock of a run that ended without releasing it was taken over (create by eve@x, process ${gone.pid}, since 2026-01-02)`,
    )
    expect(JSON.parse(readFileSync(lockFile(dir), 'utf8')).pid).toBe(process.pid)
  })
  it('of a process number that is used by another program now is taken over', async () => {
    writeFileSync(lockFile(dir), holder({ pid: process.pid, started: '1' }))
    await expect(takeLock(dir, 'create')).resolves.toMatchObject({ note: expect.any(String) })
  })
  it('of another computer is never taken over', async () => {
    writeFileSync(lockFile(dir), holder({ host: 'elsewhere' }))
    await expect(takeLock(dir, 'create')).rejects.toMatchObject({ code: 'LOCKED' })
  })
  it('that cannot be read is left for a person', async () => {
    writeFileSync(lockFile(dir), '{"who":')
    await expect(takeLock(dir, 'create')).rejects.toThrow('somebody who left an unreadable lock')
    expect(existsSync(lockFile(dir))).toBe(true)
  })
  it('left behind is taken over by just one of many runs that start at once', async () => {
    for (let round = 0; round < 30; round++) {
      writeFileSync(lockFile(dir), holder({ pid: process.pid, started: '1' }))
      const all = await Promise.allSettled(Array.from({ length: 12 }, () => takeLock(dir, 'create')))
      expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      rmSync(lockFile(dir))
    }
  })
  it('that is free is taken by just one of many, and nobody reads it half-written', async () => {
    for (let round = 0; round < 30; round++) {
      const all = await Promise.allSettled(Array.from({ length: 12 }, () => takeLock(dir, 'create')))
      const reasons = all.flatMap((one) => (one.status === 'rejected' ? [String(one.reason.message)] : []))
      expect(reasons).toHaveLength(11)
      expect(reasons.filter((reason) => reason.includes('unreadable'))).toEqual([])
      rmSync(lockFile(dir))
    }
  })
})
