import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('../../../plugins/db2/agents/ha-db2.sh', import.meta.url))
const directory = readFileSync(new URL('outputs/listdb_one_1158.txt', import.meta.url), 'utf8')
const remote = directory
  .slice(directory.indexOf('Database 1 entry'))
  .replace('Database 1 entry', 'Database 2 entry')
  .replaceAll('TESTDB', 'FAR')
  .replace(/ Local database directory .*/, ' Node name                            = OTHER')
  .replace('Indirect', 'Remote')

let dir = ''
const home = () => join(dir, 'home')
const program = (path: string, text: string) => {
  mkdirSync(join(dir, path, '..'), { recursive: true })
  writeFileSync(join(dir, path), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
}
const calls = () => readFileSync(join(dir, 'calls'), 'utf8').split('\n').slice(0, -1)

/** Fakes: where the home is mounted, whose processes run, Db2's own programs and the distribution's agent. */
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ha-db2-'))
  writeFileSync(join(dir, 'calls'), '')
  writeFileSync(join(dir, 'directory'), directory.replace('directory = 1', 'directory = 2') + remote)
  writeFileSync(join(dir, 'processes'), '')
  // The real one knows no filesystem of a path that is not there.
  program('bin/findmnt', `for p; do :; done; [ -e "$p" ] && cat ${dir}/mount`)
  program('bin/logger', ':')
  program('bin/ps', `cat ${dir}/processes`)
  program('bin/uname', 'echo db-b')
  program('bin/runuser', 'shift 3; exec "$@"')
  program('bin/db2', `case $1 in list*) cat ${dir}/directory ;; terminate) ;; *) echo "db2 $*" >>${dir}/calls ;; esac`)
  program('bin/db2stop', `echo "db2stop $*" >>${dir}/calls; [ -e ${dir}/stuck ] || : >${dir}/processes`)
  program(
    'ocf/resource.d/heartbeat/db2',
    `echo "ocf $1 $OCF_RESKEY_instance [$OCF_RESKEY_dblist]" >>${dir}/calls; [ "$1" = start ] && echo db2sysc >${dir}/processes; exit 0`,
  )
  program('bin/db2start', `echo "db2start $*" >>${dir}/calls; cat ${dir}/started`)
  writeFileSync(join(dir, 'started'), 'SQL1063N  DB2START processing was successful.\n')
  mkdirSync(join(home(), 'sqllib/sqldbdir'), { recursive: true })
  program('home/sqllib/bin/db2ftok', `echo ftok >>${dir}/calls`)
  writeFileSync(join(home(), 'sqllib/db2profile'), ':')
  writeFileSync(join(home(), 'sqllib/db2nodes.cfg'), '0 db-a 0\n', { mode: 0o644 })
  writeFileSync(join(home(), 'sqllib/.ftok'), 'old')
  writeFileSync(join(dir, 'mount'), '/dev/drbd0\n')
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

function agent(action: string) {
  const { status, stdout } = spawnSync('sh', [script, 'db2inst1', home(), action], {
    env: { PATH: `${join(dir, 'bin')}:${process.env.PATH}`, OCF_ROOT: join(dir, 'ocf') },
    encoding: 'utf8',
  })
  return { code: status, said: stdout.trim(), calls: calls() }
}

describe('ha-db2', () => {
  it('start: this node’s name and key first, then the distribution’s agent with the local databases', () => {
    const inode = statSync(join(home(), 'sqllib/db2nodes.cfg')).ino
    expect(agent('start')).toMatchObject({ code: 0, calls: ['ftok', 'ocf start db2inst1 [TESTDB ]'] })
    expect(readFileSync(join(home(), 'sqllib/db2nodes.cfg'), 'utf8')).toBe('0 db-b 0\n')
    expect(statSync(join(home(), 'sqllib/db2nodes.cfg')).ino).toBe(inode)
    expect(existsSync(join(home(), 'sqllib/.ftok'))).toBe(false)
  })
  it('start of a running instance leaves its files alone', () => {
    writeFileSync(join(dir, 'processes'), 'db2sysc\n')
    expect(agent('start')).toMatchObject({ code: 0, calls: ['ocf start db2inst1 [TESTDB ]'] })
    expect(existsSync(join(home(), 'sqllib/.ftok'))).toBe(true)
  })
  it('start without the replicated filesystem fails and touches nothing', () => {
    writeFileSync(join(dir, 'mount'), '/dev/vda\n')
    expect(agent('start')).toMatchObject({ code: 1, calls: [] })
    expect(readFileSync(join(home(), 'sqllib/db2nodes.cfg'), 'utf8')).toBe('0 db-a 0\n')
  })
  it('start of an instance without a database: the distribution’s agent would fail for want of a directory', () => {
    writeFileSync(join(dir, 'directory'), 'SQL1057W  The system database directory is empty.  SQLSTATE=01606\n')
    expect(agent('start')).toMatchObject({ code: 0, calls: ['ftok', 'db2start '] })
    rmSync(join(home(), 'sqllib/sqldbdir'), { recursive: true })
    expect(agent('start')).toMatchObject({ code: 0, calls: ['ftok', 'db2start ', 'ftok', 'db2start '] })
    writeFileSync(join(dir, 'started'), 'SQL6031N  Error in the db2nodes.cfg file at line number "1".\n')
    expect(agent('start').code).toBe(1)
  })
  it('start fails where the databases cannot be listed: unknown is not none', () => {
    writeFileSync(join(dir, 'directory'), directory.slice(0, 300))
    expect(agent('start')).toMatchObject({ code: 1, calls: ['ftok'] })
    writeFileSync(
      join(dir, 'directory'),
      'SQL1031N  The database directory cannot be found on the indicated file system.\n',
    )
    expect(agent('start')).toMatchObject({ code: 1, calls: ['ftok', 'ftok'] })
  })
  it('start before the instance was made has nothing to do', () => {
    rmSync(join(home(), 'sqllib'), { recursive: true })
    expect(agent('start')).toMatchObject({ code: 0, calls: [] })
    rmSync(home(), { recursive: true })
    expect(agent('start')).toMatchObject({ code: 0, calls: [] })
    expect(agent('stop')).toMatchObject({ code: 0, calls: [] })
  })
  it('stop: a clean stop, then the distribution’s agent makes sure', () => {
    writeFileSync(join(dir, 'processes'), 'db2sysc\n')
    expect(agent('stop')).toMatchObject({
      code: 0,
      calls: ['db2 force applications all', 'db2stop force', 'ocf stop db2inst1 []'],
    })
    writeFileSync(join(dir, 'calls'), '')
    expect(agent('stop')).toMatchObject({ code: 0, calls: ['ocf stop db2inst1 []'] })
  })
  it('stop where the home is not: nothing, unless it runs', () => {
    writeFileSync(join(dir, 'mount'), '/dev/vda\n')
    expect(agent('stop')).toMatchObject({ code: 0, calls: [] })
    writeFileSync(join(dir, 'processes'), 'db2sysc\n')
    expect(agent('stop')).toMatchObject({ code: 1, calls: [] })
  })
  it('status, in the words that Heartbeat reads', () => {
    expect(agent('status')).toMatchObject({ code: 3, said: 'stopped' })
    writeFileSync(join(dir, 'processes'), 'db2sysc\n')
    expect(agent('status')).toMatchObject({ code: 0, said: 'running' })
    expect(agent('monitor')).toMatchObject({ code: 2 })
  })
})
