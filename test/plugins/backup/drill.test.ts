import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { config, directory, type Node, node } from './lab.js'

let own: Node
afterEach(() => own.remove())
const backedUp = (): Node => {
  own = node()
  expect(own.run('run').code).toBe(0)
  own.write('calls', '')
  return own
}
const drill = () => own.run('drill', 'db2inst1', 'SHOP')
/** What touched which database; the live one must not be among them. */
const touched = () =>
  own
    .calls()
    .filter((call) => !call.startsWith('select') && !/^(list|terminate)/.test(call) && !call.includes('HADRILL'))
const nothingLeft = () => {
  expect(own.has('tables/HADRILL')).toBe(false)
  expect(own.has('images/db2inst1/.drill')).toBe(false)
  expect(own.connections()).toEqual([])
}
const changeByte = (path: string) => {
  const bytes = readFileSync(path)
  bytes[8] = (bytes[8] ?? 0) ^ 1
  writeFileSync(path, bytes)
}

describe('a drill', () => {
  it('restores the newest image under another name, compares and drops it', () => {
    backedUp()
    expect(drill()).toEqual({
      code: 0,
      stderr: '',
      stdout:
        '2 tables, 44 rows restored\ndrill passed: db2inst1/SHOP from SHOP.0.db2inst1.DBPART000.20240704063001.001\n',
    })
    expect(touched()).toEqual([])
    const dir = join(own.at('images'), 'db2inst1', '.drill')
    expect(own.calls()).toEqual(
      expect.arrayContaining([
        `restore database SHOP from ${own.folder()} taken at 20240704063001 on ${dir}/data dbpath on ${dir}/data into HADRILL logtarget ${dir}/logs without prompting`,
        `rollforward database HADRILL to end of backup and stop overflow log path (${dir}/logs)`,
        'drop database HADRILL',
      ]),
    )
    nothingLeft()
  })
  it('takes an offline image without rolling forward', () => {
    own = node({ OFFLINE: 'yes' })
    own.write('cfg', config('OFF'))
    own.run('run')
    expect(drill().code).toBe(0)
    expect(own.calls().find((call) => call.startsWith('restore'))).toMatch(
      /into HADRILL without rolling forward without/,
    )
  })
  it('fails before it restores when the image is corrupt by one byte', () => {
    backedUp()
    changeByte(join(own.folder(), own.images()[0] ?? ''))
    const { code, stderr } = drill()
    expect(code).toBe(1)
    expect(stderr).toContain('is corrupt: its checksum is not the one it was verified with')
    expect(own.calls()).toEqual([])
  })
  it('fails when rows are missing', () => {
    backedUp()
    own.write('lose', '')
    const { code, stdout } = drill()
    expect(code).toBe(1)
    expect(stdout).toBe('"SALES"."LINES OF THEM": is not in the restored database\n1 tables, 3 rows restored\n')
    nothingLeft()
  })
  it('fails when there are other rows than were counted', () => {
    backedUp()
    const rows = join(own.folder(), `${own.images()[0]}.rows`)
    writeFileSync(rows, readFileSync(rows, 'utf8').replace('3 3', '4 5'))
    const { code, stdout } = drill()
    expect(code).toBe(1)
    expect(stdout).toContain('"SALES"."ORDERS": 3 rows restored, 4 to 5 when it was backed up\n')
    nothingLeft()
  })
  it('drops what it began to restore when that failed', () => {
    backedUp()
    own.write('no-restore', '')
    const { code, stderr } = drill()
    expect(code).toBe(1)
    expect(stderr).toContain('could not be restored: SQL2530N')
    nothingLeft()
  })
  it('refuses where a database of its name is, and leaves that one', () => {
    backedUp()
    own.write('directory', directory('SHOP SHOP Indirect', 'OTHER HADRILL Indirect'))
    own.write('tables/HADRILL', '1 "A"."B"\n')
    const { code, stderr } = drill()
    expect(code).toBe(1)
    expect(stderr).toContain('has a database HADRILL already')
    expect(own.has('tables/HADRILL')).toBe(true)
  })
  it('refuses where the directory cannot be read', () => {
    backedUp()
    own.write('directory', 'SQL1031N  The database directory cannot be found.\n')
    expect(drill().stderr).toContain('the databases of db2inst1 cannot be listed')
    expect(own.calls().filter((call) => call.startsWith('restore'))).toEqual([])
  })
  it('says that there is no image', () => {
    own = node()
    expect(drill().stderr).toContain('there is no verified image of db2inst1/SHOP')
    backedUp()
    rmSync(join(own.folder(), own.images()[0] ?? ''))
    expect(drill().stderr).toContain('there is no verified image of db2inst1/SHOP')
  })
})
