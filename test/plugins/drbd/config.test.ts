import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parseConf } from '../../../plugins/drbd/conf.js'
import drbd from '../../../plugins/drbd/index.js'
import { fenceProgram, resourceConfig } from '../../../plugins/drbd/render.js'
import { filesOutput } from '../../support/files.js'
import { filled } from '../../support/law.js'
import { contextOf, factsOf, findingsOf, nodeContextOf, output, taskOf } from '../../support/task.js'
import { dumped } from './dumped.js'
import { others, status } from './nodes.js'

const path = '/etc/drbd.d/r0.res'
const r0 = { volume: 'vg0/data', minor: 0, port: 7788, interface: 'link0' }
const settings = (own: object = {}) =>
  filled(drbd, { primary: 'db-a', resources: { r0: { ...r0, ...own } } }) as { resources: { r0: never } }
const at = (own?: object) => contextOf({ settings: settings(own), others })
const file = (own?: object, key = 'k1') => resourceConfig(at(own) as never, 'r0', settings(own).resources.r0, 8, key)
const base = {
  '/etc/drbd.conf': 'include "drbd.d/global_common.conf";\ninclude "drbd.d/*.res";\n',
  '/etc/drbd.d/global_common.conf': 'global { usage-count no; }\n',
}

interface Node {
  readonly resource: string
  readonly common?: string
  /** What drbdadm says when it refuses. */
  readonly refused?: string
  /** What the kernel would change to run as the file says. */
  readonly pending?: string
}
/** Findings of the config task where both nodes hold these files, or each its own. */
function found(a: Node, b: Node = a, own: object = {}, program = '') {
  const task = taskOf(drbd, 'config')
  const facts = (node: string, { resource, common = '', refused, pending = 'r0 net-options\n' }: Node) => {
    const files = { ...base, '/etc/drbd.d/global_common.conf': base['/etc/drbd.d/global_common.conf'] + common }
    return factsOf(task, nodeContextOf({ settings: settings(own), others }, node), {
      drbd: output(status([0])),
      conf:
        refused === undefined
          ? output(
              dumped(node, {
                '/etc/drbd.d/global_common.conf': files['/etc/drbd.d/global_common.conf'],
                [path]: resource,
              }),
            )
          : output('@@main /etc/drbd.conf\n@@dump\n@@code 10\n', 0, refused),
      resources: output(filesOutput({ [path]: resource }, '0600')),
      base: output(filesOutput(files)),
      program: output(program),
      pending: output(pending),
    })
  }
  return findingsOf(task.check({ ...at(own), nodes: { 'db-a': facts('db-a', a), 'db-b': facts('db-b', b) } }))
}
const of = (resource: string, more: Partial<Node> = {}): Node => ({ resource, ...more })

describe('the resource files mean what the config says', () => {
  it('our own file does, and so it does beside options of the common section', () => {
    expect(found(of(file()))).toEqual([])
    const common = 'common {\n  net { max-buffers 8000; }\n  handlers { split-brain "/bin/mail root"; }\n}\n'
    expect(found(of(file(), { common }))).toEqual([])
  })
  it('an option of the common section that the config says otherwise, and our file does not, is a difference', () => {
    const common = 'common {\n  net { max-buffers 8000; }\n}\n'
    expect(found(of(file(), { common }), undefined, { net: { 'max-buffers': 9000 } })).toMatchObject([
      { id: 'resource-file', subject: 'r0 on db-a' },
      { id: 'resource-file', subject: 'r0 on db-b' },
    ])
  })
  it.each([
    ['rates in other units', '40M', '40960k'],
    ['the other name of a logical volume', '/dev/vg0/data', '/dev/mapper/vg0-data'],
    ['quotes', 'disconnect;', '"disconnect" ;'],
  ])('%s mean the same', (_, from, to) => {
    expect(file()).toContain(from)
    expect(found(of(file().replaceAll(from, to)))).toEqual([])
  })
  it.each([
    ['another port', '10.77.0.2:7788', '10.77.0.2:7789'],
    ['another device', '/dev/drbd0', '/dev/drbd1'],
    ['another place of the metadata', 'meta-disk internal', 'meta-disk /dev/sdc1[0]'],
    ['an option more', 'ping-timeout 30;', 'ping-timeout 30; allow-two-primaries yes;'],
    ['an option less', 'after-sb-0pri disconnect;\n    after-sb-1pri disconnect;\n', ''],
  ])('%s', (what, from, to) => {
    expect(file()).toContain(from)
    const ids = found(of(file().replace(from, to)), of(file())).map(({ id, subject }) => `${id} ${subject}`)
    // The defaults of DRBD, said or not, are the same.
    expect(ids).toEqual(what === 'an option less' ? [] : ['resource-file r0 on db-a'])
  })
})

describe('a file that says what no config can is left to a person', () => {
  const changed = file().replace('ping-timeout 30', 'ping-timeout 31')
  it.each([
    ['a second resource', `${changed}resource web { }\n`, `${path} also holds resource web`],
    [
      'another name of the device',
      changed.replace('device /dev/drbd0', 'device /dev/drbd_shop minor 0'),
      'its device is also called /dev/drbd_shop',
    ],
    [
      'ids of the nodes',
      changed.replace('on db-a {', 'on db-a { node-id 1;'),
      `${path} says what a config cannot: node-id`,
    ],
    [
      'a second volume',
      changed.replace('net {', 'volume 1 { device /dev/drbd1; disk /dev/sdb1; }\n  net {'),
      'several volumes',
    ],
    [
      'options of one node',
      changed.replace('on db-a {', 'on db-a { volume 0 { disk { al-extents 257; } }'),
      'options of db-a only',
    ],
    ['a word of the future', changed.replace('device /dev', 'colour blue;\n  device /dev'), 'colour'],
  ])('%s', (_, resource, why) => {
    expect(found(of(resource), of(file()))).toMatchObject([
      { id: 'resource-by-hand', subject: 'r0 on db-a', note: expect.stringContaining(why) },
    ])
  })
  it('also where drbdadm refuses the whole: the file itself is read', () => {
    const old = changed.replace('net {', 'syncer { rate 30M; }\n  net {')
    expect(found(of(old, { refused: `${path}:9: Parse error: 'x' expected` }), of(file()))).toMatchObject([
      { id: 'resource-by-hand', note: `${path} says what a config cannot: syncer` },
    ])
  })
})

describe('keys', () => {
  it('one that differs in a file of another name is told without it', () => {
    const twice = (key: string) => of(`${file({}, key)}resource web { }\n`)
    const findings = found(twice('k1'), twice('k2'))
    expect(findings).toMatchObject([
      { subject: 'r0 on db-b', desired: 'shared-secret the key of the resource', actual: 'shared-secret another key' },
    ])
    expect(JSON.stringify(findings)).not.toMatch(/k1|k2/)
  })
  it('one without an algorithm does nothing, so there is no difference', () => {
    const own = { authentication: false }
    const resource = file(own).replace('net {', 'net {\n    shared-secret k1;')
    expect(found(of(resource), undefined, own)).toEqual([])
    expect(found(of(file()), undefined, own)).toHaveLength(2)
  })
})

it('files as wanted that drbdadm refuses all the same are told by place, without what stands there', () => {
  const refused = `${path}: in resource r0, on db-a:\n\tIP 10.77.0.1 not found on this host.\n/etc/drbd.d/x.res:3: Parse error: 'x' expected,\n\tbut got 'k3y'\n`
  expect(found(of(file(), { refused }), of(file()))).toEqual([
    {
      id: 'refused',
      subject: 'db-a',
      desired: 'drbdadm dump',
      actual: 'in resource r0, on db-a, IP 10.77.0.1 not found on this host, /etc/drbd.d/x.res:3',
    },
  ])
})

describe('a resource that is up', () => {
  const judged = (resource: string, pending: string) => found(of(resource, { pending }), of(file()))
  it.each([
    ['port 7788;'.replace('port ', '10.77.0.1:'), '10.77.0.1:7799;', 'db-a.address'],
    ['disk /dev/vg0/data;', 'disk /dev/vg0/other;', 'db-a.disk, db-b.disk'],
    ['meta-disk internal;', 'meta-disk /dev/vg0/meta[0];', 'db-a.metadata, db-b.metadata'],
  ])('and runs elsewhere than the config says is left to a person: %s', (from, to, what) => {
    expect(judged(file().replace(from, to), '')).toMatchObject([
      { id: 'resource-by-hand', subject: 'r0 on db-a', note: `the resource is up with this ${what}` },
    ])
  })
  it('and runs as the config says gets its file back', () => {
    const edited = file().replace('10.77.0.1:7788', '10.77.0.1:7799')
    expect(judged(edited, 'r0 disconnect connect\n')).toMatchObject([{ id: 'resource-file' }])
  })
  it('gets another option', () => {
    expect(judged(file().replace('ping-timeout 30', 'ping-timeout 31'), '')).toMatchObject([{ id: 'resource-file' }])
  })
})

it('a file that cannot be read is not empty: it is left to a person', () => {
  const refused = `${path}:3: Parse error: '}' expected,\n\tbut got 'x'\n`
  expect(found(of('resource r0 {\n  net {\n', { refused }), of(file()))).toMatchObject([
    {
      id: 'resource-by-hand',
      subject: 'r0 on db-a',
      note: `${path} cannot be read: line 3: a closing brace is missing`,
    },
  ])
})

describe('fencing', () => {
  const waiting = { disk: { fencing: 'resource-and-stonith' } }
  const program = readFileSync(new URL('../../../plugins/drbd/handlers/ha-drbd-fence.sh', import.meta.url), 'utf8')
  const there = filesOutput({ [fenceProgram]: program }, '0755')
  it('a resource that waits for it runs our program, unless it names its own', () => {
    expect(file(waiting)).toContain(
      '  handlers {\n    fence-peer "/usr/local/sbin/ha-drbd-fence fence";\n    after-resync-target "/usr/local/sbin/ha-drbd-fence insync";\n  }\n',
    )
    expect(
      resourceConfig(at({ net: waiting.disk }) as never, 'r0', settings({ net: waiting.disk }).resources.r0, 9, 'k'),
    ).toContain('unfence-peer "/usr/local/sbin/ha-drbd-fence insync";')
    expect(file({ ...waiting, handlers: { 'fence-peer': '/sbin/mine' } })).toContain(
      '  handlers {\n    fence-peer /sbin/mine;\n  }\n',
    )
    expect(file({ disk: { fencing: 'dont-care' } })).not.toContain('handlers')
  })
  it('the program comes before the file that names it', () => {
    expect(found(of(file(waiting)), undefined, waiting, there)).toEqual([])
    expect(found(of(file()), undefined, waiting).map(({ id, subject }) => `${id} ${subject}`)).toEqual([
      'fence-program /usr/local/sbin/ha-drbd-fence on db-a',
      'resource-file r0 on db-a',
      'fence-program /usr/local/sbin/ha-drbd-fence on db-b',
      'resource-file r0 on db-b',
    ])
    const open = filesOutput({ [fenceProgram]: program }, '0644')
    expect(found(of(file(waiting)), undefined, waiting, open)).toMatchObject([{ note: 'mode 0644' }, {}])
  })
  describe('the program', () => {
    const dir = mkdtempSync(join(tmpdir(), 'ha-drbd-'))
    afterAll(() => rmSync(dir, { recursive: true }))
    /** `stonith` succeeds for devices whose parameters hold "good". */
    const called = (word: string, haCf: string, peers = 'DRBD_PEER=db-b') => {
      writeFileSync(join(dir, 'ha.cf'), haCf)
      writeFileSync(join(dir, 'calls'), '')
      const stonith = `stonith() { for f; do case $f in /*) w=$(cat "$f") ;; esac; done; echo "$*" | sed "s#-F [^ ]*#-F $w#" >>${dir}/calls; case $w in *good*) ;; *) echo 'no such device'; false ;; esac; }`
      const script = `${stonith}; logger() { :; }; uname() { echo db-a; }; export DRBD_RESOURCE=r0 ${peers}; set -- ${word}\n${program.replace('/etc/ha.d/ha.cf', join(dir, 'ha.cf'))}`
      const { status: code } = spawnSync('sh', ['-c', script])
      return { code, calls: readFileSync(join(dir, 'calls'), 'utf8').trim().split('\n') }
    }
    it('fences with the first device of this node that can', () => {
      const haCf =
        'node db-a\nstonith_host db-b t good\nstonith_host  db-a  t bad\nstonith_host * external/u good db-b\nstonith_host * v good\n'
      expect(called('fence', haCf)).toEqual({
        code: 7,
        calls: ['-t t -F bad -T reset db-b', '-t external/u -F good db-b -T reset db-b'],
      })
    })
    it('says that the peer may still write where no device could, and where there is none', () => {
      expect(called('fence', 'stonith_host * t bad\n').code).toBe(1)
      expect(called('fence', 'node db-a\n').code).toBe(1)
      expect(called('fence', 'stonith_host * t good\n', 'DRBD_PEER=').code).toBe(1)
    })
    it('tells the devices of a node in sync, whatever they say', () => {
      expect(called('insync', 'stonith_host * t good\n')).toEqual({ code: 0, calls: ['-t t -F good -S'] })
      expect(called('insync', 'stonith_host * t bad\n').code).toBe(0)
    })
  })
})

describe('the grammar of drbd.conf', () => {
  it('what `skip` hides is not there, whatever it is', () => {
    expect(
      parseConf('skip resource x { a b } on c { d; }\nskip { { } anything }\nglobal { }').sections.map(
        ({ words }) => words,
      ),
    ).toEqual([['on', 'c'], ['global']])
  })
  it.each([
    ['resource r0 {\n  net {\n', 'line 3: a closing brace is missing'],
    ['resource r0 { protocol C }', 'line 1: a semicolon is missing'],
    ['global { }\n}', 'line 2: a brace too many'],
    ['\nnet { x "y; }', 'line 2: a string without its end'],
  ])('%j: %s', (text, why) => {
    expect(() => parseConf(text)).toThrow(why)
  })
})
