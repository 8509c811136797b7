import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { config, directory, type Node, node } from './lab.js'

const made: Node[] = []
const lab = (settings?: Readonly<Record<string, string>>): Node => {
  const own = node(settings)
  made.push(own)
  return own
}
afterEach(() => {
  for (const own of made.splice(0)) own.remove()
})
const first = 'SHOP.0.db2inst1.DBPART000.20240704063001.001'
const backups = (own: Node) => own.calls().filter((call) => call.startsWith('backup'))

async function until(claim: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !claim(); i++) await setTimeout(25)
  expect(claim()).toBe(true)
}

describe('a backup', () => {
  it('is online with its logs, verified, put in place and told in the status', () => {
    const own = lab()
    expect(own.run('run')).toMatchObject({ code: 0 })
    const image = join(own.folder(), first)
    const bytes = readFileSync(image)
    expect(own.files()).toEqual([first, `${first}.ok`, `${first}.rows`, 'status.json'])
    const { lastGood, ...status } = own.status()
    expect(status).toEqual({
      instance: 'db2inst1',
      database: 'SHOP',
      image,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      mode: 'online',
      verified: true,
      lastFailure: null,
    })
    expect(Math.abs(Date.now() / 1000 - lastGood)).toBeLessThan(20)
    expect(own.run('last', 'db2inst1', 'SHOP').stdout).toBe(`${lastGood}\n`)
    expect(readFileSync(`${image}.rows`, 'utf8').split('\n').sort()).toEqual([
      '',
      '3 3 "SALES"."ORDERS"',
      '41 41 "SALES"."LINES OF THEM"',
    ])
    expect(backups(own)).toEqual([
      expect.stringMatching(
        /^backup database SHOP online to \S+\/SHOP\/\.partial\.\d+ compress include logs without prompting$/,
      ),
    ])
    expect(own.connections()).toEqual([])
  })
  it('that db2 calls done with a warning is done', () => {
    const own = lab()
    own.write('warn', '')
    expect(own.run('run').code).toBe(0)
    expect(own.images()).toEqual([first])
  })
  it('is not compressed where the config does not want it', () => {
    const own = lab({ COMPRESS: 'no' })
    own.run('run')
    expect(backups(own)[0]).not.toContain('compress')
  })
  it('of a database known by another alias is made by that alias', () => {
    const own = lab()
    own.write('directory', directory('STORE SHOP Indirect'))
    own.write('tables/STORE', '1 "A"."B"\n')
    expect(own.run('run').code).toBe(0)
    expect(own.images()).toEqual(['STORE.0.db2inst1.DBPART000.20240704063001.001'])
  })
  it('keeps the newest KEEP, and what it did not write', () => {
    const own = lab({ KEEP: '2' })
    own.run('run')
    const foreign = join(own.folder(), 'SHOP.0.db2inst1.DBPART000.20200101000000.001')
    writeFileSync(foreign, 'made by hand')
    for (let i = 0; i < 3; i++) expect(own.run('run').code).toBe(0)
    expect(own.images().map((name) => name.split('.')[4])).toEqual([
      '20200101000000',
      '20240704063003',
      '20240704063004',
    ])
    expect(own.files().filter((name) => name.includes('63001'))).toEqual([])
  })
})

describe('an instance that is not active here', () => {
  it('is nothing to do for the timer', () => {
    const own = lab()
    own.write('processes.db2inst1', 'db2fmp\n')
    expect(own.run('run')).toMatchObject({ code: 0 })
    expect(own.calls()).toEqual([])
    expect(own.has('images/db2inst1')).toBe(false)
  })
  it('is said to a person who names it', () => {
    const own = lab()
    own.write('processes.db2inst1', '')
    expect(own.run('run', 'db2inst1', 'SHOP').code).toBe(3)
    expect(own.run('drill', 'db2inst1', 'SHOP').code).toBe(3)
  })
})

describe('a failure leaves older images and says why', () => {
  const failing = (prepare: (own: Node) => void, own = lab()) => {
    expect(own.run('run').code).toBe(0)
    const before = own.files().filter((name) => name !== 'status.json')
    const { lastFailure: _, ...good } = own.status()
    prepare(own)
    expect(own.run('run').code).toBe(1)
    expect(own.files().filter((name) => name !== 'status.json' && name !== 'last-failure')).toEqual(before)
    const { lastFailure, ...status } = own.status()
    expect(status).toEqual(good)
    expect(own.connections()).toEqual([])
    return lastFailure.reason
  }
  it('db2ckbkp does not call the image good', () => {
    expect(failing((own) => own.write('bad', ''))).toBe(
      'db2ckbkp does not call SHOP.0.db2inst1.DBPART000.20240704063002.001 good: DBT7048N',
    )
  })
  it('the disk is full, which db2 says as a warning', () => {
    expect(failing((own) => own.write('full', ''))).toMatch(/^db2 backup: SQL2059W; \d+ MiB free in \//)
  })
  it('the folder cannot be written', () => {
    expect(failing((own) => own.write('no-install', ''))).toMatch(/cannot be written$/)
  })
  it('the configuration cannot be read', () => {
    expect(failing((own) => own.write('cfg', 'SQL1031N  The directory cannot be found.\n'))).toBe(
      'its configuration cannot be read: SQL1031N',
    )
  })
  it('the directory is cut off', () => {
    expect(failing((own) => own.write('directory', own.read('directory').slice(0, 120)))).toBe(
      'the database directory of db2inst1 cannot be read',
    )
  })
  it('the directory lacks an entry that it counts', () => {
    const two = directory('SHOP SHOP Indirect', 'MORE MORE Indirect')
    expect(failing((own) => own.write('directory', two.slice(0, two.indexOf('Database 2'))))).toBe(
      'the database directory of db2inst1 cannot be read',
    )
  })
  it('the database waits for a restore', () => {
    expect(failing((own) => own.write('cfg', config('DISK:/logs/', 'NO', 'YES')))).toBe(
      'its state allows no backup: Restore pending YES',
    )
  })
  it('logging is circular and the service may not be interrupted', () => {
    expect(failing((own) => own.write('cfg', config('OFF')))).toMatch(/LOGARCHMETH1 is OFF.*backup.offline is not set/)
  })
})

it('one database that fails does not keep the others from their backup', () => {
  const own = lab()
  own.write('directory', directory('SHOP SHOP Indirect'))
  own.write('list', 'db2inst1 GONE\ndb2inst1 SHOP\n')
  expect(own.run('run').code).toBe(1)
  expect(own.images()).toEqual([first])
  expect(own.status('GONE')).toMatchObject({
    lastGood: null,
    lastFailure: { reason: expect.stringContaining('no database GONE') },
  })
})

describe('offline', () => {
  it('with circular logging, where the config allows it: clients are sent away', () => {
    const own = lab({ OFFLINE: 'yes' })
    own.write('cfg', config('OFF'))
    own.write('busy.SHOP', '')
    expect(own.run('run').code).toBe(0)
    expect(own.status().mode).toBe('offline')
    expect(own.calls()).toContain('force application (4711)')
    expect(own.calls()).toContain('activate database SHOP')
  })
  it('whatever the config says while a backup is pending: it opens the database again', () => {
    const own = lab()
    own.write('cfg', config('DISK:/logs/', 'YES'))
    expect(own.run('run').code).toBe(0)
    expect(own.status().mode).toBe('offline')
    expect(own.read('cfg')).toContain('Backup pending                                          = NO')
    expect(own.run('drill', 'db2inst1', 'SHOP').code).toBe(0)
  })
})

describe('two runs', () => {
  it('do not overlap: the second of the timer ends at once', async () => {
    const own = lab()
    own.write('hang', '')
    const running = own.start('run')
    try {
      await until(() => own.has('hanging'))
      expect(own.run('run').code).toBe(75)
      expect(backups(own)).toHaveLength(1)
    } finally {
      process.kill(-(running.pid ?? 0), 'SIGKILL')
    }
  })
  it('killed in the middle, the next one begins anew and leaves nothing of it', async () => {
    const own = lab()
    expect(own.run('run').code).toBe(0)
    own.write('hang', '')
    const running = own.start('run')
    await until(() => own.has('hanging'))
    process.kill(-(running.pid ?? 0), 'SIGKILL')
    expect(own.files().filter((name) => name.startsWith('.partial'))).toHaveLength(1)
    expect(own.images()).toEqual([first])
    rmSync(own.at('hang'))
    expect(own.run('run').code).toBe(0)
    expect(own.files().filter((name) => name.startsWith('.partial'))).toEqual([])
    expect(own.images()).toHaveLength(2)
  })
  it('a process that the command line leaves behind holds no lock', () => {
    const own = lab()
    own.write('lingers', '')
    try {
      expect(own.run('run').code).toBe(0)
      expect(own.run('run').code).toBe(0)
    } finally {
      for (const pid of own.read('lingers').split('\n').filter(Boolean)) process.kill(Number(pid))
    }
  })
})

describe('what counts as the last good backup', () => {
  it('is neither an image without our note, nor one that lost a byte, nor a note without its image', () => {
    const own = lab()
    own.run('run')
    const image = join(own.folder(), first)
    writeFileSync(image, readFileSync(image).subarray(1))
    expect(own.run('last', 'db2inst1', 'SHOP')).toMatchObject({ code: 0, stdout: '' })
    rmSync(image)
    own.run('run')
    expect(existsSync(`${image}.ok`)).toBe(false)
    expect(own.images()).toEqual(['SHOP.0.db2inst1.DBPART000.20240704063002.001'])
  })
  it('is nothing where none was made', () => {
    expect(lab().run('last', 'db2inst1', 'SHOP')).toEqual({ code: 0, stdout: '', stderr: '' })
  })
})

describe('copies outside the node', () => {
  const settings = { COPY: 'rclone', COPY_TARGET: 'far:db', COPY_CONFIG: '/etc/rclone.conf' }
  it('an image counts when it has arrived, and one that did not is sent again', () => {
    const own = lab(settings)
    own.write('no-network', '')
    expect(own.run('run').code).toBe(1)
    expect(own.images()).toEqual([first])
    expect(own.run('last', 'db2inst1', 'SHOP').stdout).toBe('')
    expect(own.status()).toMatchObject({ lastGood: null, lastFailure: { reason: 'rclone could not copy to far:db' } })
    rmSync(own.at('no-network'))
    own.write('calls', '')
    expect(own.run('run').code).toBe(0)
    const second = first.replace('63001', '63002')
    expect(own.calls().filter((call) => call.startsWith('rclone'))).toEqual(
      [first, second].map(
        (name) => `rclone --config /etc/rclone.conf copyto ${join(own.folder(), name)} far:db/db2inst1/SHOP/${name}`,
      ),
    )
    expect(own.status()).toMatchObject({ image: join(own.folder(), second) })
    own.write('calls', '')
    expect(own.run('run').code).toBe(0)
    expect(own.calls().filter((call) => call.startsWith('rclone'))).toEqual([
      expect.stringContaining(first.replace('63001', '63003')),
    ])
  })
})

describe('databases that are in no backup', () => {
  it('are named, without remote, excluded and covered ones', () => {
    const own = lab({ EXCLUDE: 'db2inst1/SCRATCH' })
    own.write(
      'directory',
      directory(
        'SHOP SHOP Indirect',
        'SHOP2 SHOP Indirect',
        'NEW NEW Home',
        'FAR FAR Remote',
        'SCRATCH SCRATCH Indirect',
        'HADRILL HADRILL Indirect',
      ),
    )
    own.run('run')
    expect(own.nodeStatus()).toMatchObject({ uncovered: ['db2inst1/NEW'], unreadable: [] })
  })
  it('of an instance that cannot be read are not none', () => {
    const own = lab()
    own.write('list', '')
    own.write('directory', 'SQL1031N  The database directory cannot be found on the indicated file system.\n')
    own.run('run')
    expect(own.nodeStatus()).toMatchObject({ uncovered: [], unreadable: ['db2inst1'] })
  })
})

it('names that are no names are refused', () => {
  expect(lab().run('run', 'db2inst1', '../SHOP').code).toBe(2)
})
