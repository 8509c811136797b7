import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import backup from '../../../plugins/backup/index.js'
import { paths } from '../../../plugins/backup/tools/native.js'
import { holdsSecret } from '../../../plugins/backup/tools/native-conf.js'
import type { Remark } from '../../../src/index.js'
import { holdsLaw, rebuilt } from '../../support/law.js'
import { output } from '../../support/task.js'
import { changed, checked, type Hand, judged, ownFiles, read, said, settingsOf } from './by-hand.js'
import { judgeCluster, others, said as surveyed } from './judge.js'
import { directory } from './lab.js'

const own = (options: object = {}) => ownFiles(settingsOf(options))
const hand = (texts: Readonly<Record<string, string | undefined>>, more: Partial<Hand> = {}): Hand => ({
  files: changed(own(), texts),
  ...more,
})
const whys = (remarks: readonly Remark[], kind: Remark['kind']) =>
  remarks.flatMap((one) => (one.kind === kind ? [`${one.path.join('.')}: ${one.why ?? ''}`] : []))

describe('the law', () => {
  const path = fc.stringMatching(/^(\/[A-Za-z0-9._-]{1,8}){1,4}$/)
  const anyPath = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => `/${text.replaceAll('\0', '')}`)
  const key = fc
    .tuple(fc.stringMatching(/^[a-z_][a-z0-9_]{0,7}$/), fc.stringMatching(/^[A-Z@#$][A-Z0-9@#$_]{0,7}$/))
    .map((parts) => parts.join('/'))
  const target = fc
    .oneof(
      fc.constantFrom('remote:bucket/db2', 'sftp:backup@nas:/srv/restic', '/mnt/nas', 'it\'s: a $HOME `x` "y"', '~/b'),
      fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\0')),
    )
    .filter((text) => !holdsSecret(text))
  const time = fc.oneof(
    fc.constantFrom(
      'daily',
      '*-*-* 04:30:00',
      'Mon..Fri 22:00',
      'Sun *-*-1..7 01:00 America/New_York',
      '*:0/20',
      '*-*~3',
    ),
    fc.stringMatching(/^[A-Za-z0-9*:,./~_+-]{1,9}( [A-Za-z0-9*:,./~_+-]{1,9}){0,2}$/),
  )
  const options = fc.record(
    {
      tool: fc.constant('db2-native' as const),
      directory: path,
      keep: fc.integer({ min: 1, max: 10_000 }),
      at: time,
      maxAgeH: fc.oneof(fc.integer({ min: 1, max: 9000 }), fc.double({ min: 1, max: 1e30, noNaN: true })),
      compress: fc.boolean(),
      offline: fc.boolean(),
      exclude: fc.uniqueArray(key, { maxLength: 4 }),
      copy: fc.record(
        { program: fc.constantFrom('rclone', 'restic'), target, configFile: anyPath, passwordFile: anyPath },
        { requiredKeys: ['program', 'target'] },
      ),
    },
    { requiredKeys: [] },
  )
  // Each case compiles the schema anew, so that a busy machine needs more than the usual time.
  it('holds for what create makes of any options', { timeout: 120_000 }, () => {
    holdsLaw(
      backup,
      options.map((one) => ({ options: one, others })),
      (settings) => {
        const files = ownFiles(settings)
        return (_, probe) => said({ files }, probe)
      },
    )
  })
  it('and check then finds nothing', () => {
    const defaults = settingsOf({})
    fc.assert(
      fc.property(options, (one) => {
        const made: Hand = { files: ownFiles({ ...defaults, ...one }) }
        const { options: found } = read(made)
        expect(judged(made, { ...defaults, ...(found as object) }).answer).toEqual([])
      }),
      { numRuns: 300 },
    )
  })
})

describe('files that a person has edited', () => {
  const settings = { directory: '/backup/db2', keep: 3, maxAgeH: 200, copy: { program: 'rclone', target: 'nas:db2' } }
  const conf = `# Db2 backups, mueller 2010-04-12
export KEEP="3"   # three are enough
DIRECTORY=/backup/db2/
LIST='${'/etc/ha-provision/backup.databases'}'; DB2DIR=/opt/db2
COMPRESS="yes"
COPY=rclone
  COPY_TARGET=nas\\:db2
# EXCLUDE=inst/TEST
MAX_AGE_H=200
`
  it('settings in another form mean the same', () => {
    const made = hand({ [paths.config]: conf })
    const { options, remarks } = read(made)
    expect({ options, remarks }).toEqual({ options: settings, remarks: [] })
    expect(checked(made, options).answer).toEqual([])
  })
  it('and a change in the config is written as ours, for nothing else was in them', () => {
    const { answer, steps } = checked(hand({ [paths.config]: conf }), { ...settings, keep: 4 })
    expect(answer.map(({ id, subject }) => [id, subject])).toEqual([['file', paths.config]])
    expect(steps()).toMatchObject([{ kind: 'write', path: paths.config, mode: '0644' }])
  })
  it('a timer with another time, comments and order says when', () => {
    const made = hand({
      [paths.timer]: `; nightly, after the batch
[Timer]
Persistent = true
OnCalendar = Mon..Sat  23:30
RandomizedDelaySec=15min
[Install]
WantedBy=timers.target
[Unit]
Description=Sicherung
`,
    })
    const { options, remarks } = read(made)
    expect({ options, remarks }).toEqual({ options: { at: 'Mon..Sat 23:30' }, remarks: [] })
    expect(checked(made, options).answer).toEqual([])
  })
  const override = '/etc/systemd/system/ha-db2-backup.timer.d/override.conf'
  const dropped = hand(
    {},
    { dropIns: { [override]: '[Timer]\nOnCalendar=\n# later\nOnCalendar=05:00\nAccuracySec=1\n' } },
  )
  it('a drop-in overrides the time; what else it says is named and left', () => {
    const { options, remarks } = read(dropped)
    expect(options).toEqual({ at: '05:00' })
    expect(remarks).toEqual([
      { kind: 'other', path: [], why: `db-a, db-b: ${override} says Timer.AccuracySec; it is left as it is` },
    ])
    expect(checked(dropped, options).answer).toEqual([])
  })
  it('and a change of the time is written into that drop-in, which keeps the rest', () => {
    const { answer, steps } = checked(dropped, { at: '06:00' })
    expect(answer.map(({ id, subject }) => [id, subject])).toEqual([['file', override]])
    expect(steps()).toMatchObject([
      {
        kind: 'write',
        path: override,
        content: '[Timer]\nOnCalendar=\nOnCalendar=06:00\n# later\nAccuracySec=1\n',
      },
      { command: { script: 'systemctl daemon-reload && systemctl try-restart ha-db2-backup.timer' } },
    ])
  })
  it('a change of the time keeps what the file itself says beside ours', () => {
    const text = (own()[paths.timer]?.content ?? '').replace('[Install]', 'WakeSystem=true\n[Install]')
    const { answer, steps } = checked(hand({ [paths.timer]: text }), { at: '06:00' })
    expect(answer.map(({ id, subject }) => [id, subject])).toEqual([['file', paths.timer]])
    expect(steps()[0]).toMatchObject({ kind: 'write', content: text.replace('*-*-* 02:00:00', '06:00') })
  })
  it('of two drop-ins the later name has the last word, and one in /etc hides its namesake in /run', () => {
    const at = (place: string, name: string) => `/${place}/systemd/system/ha-db2-backup.timer.d/${name}.conf`
    const reset = (time: string) => `[Timer]\nOnCalendar=\nOnCalendar=${time}\n`
    const { options } = read(
      hand(
        {},
        {
          dropIns: {
            [at('run', '20-b')]: reset('03:00'),
            [at('etc', '20-b')]: reset('04:00'),
            [at('etc', '10-a')]: reset('05:00'),
          },
        },
      ),
    )
    expect(options).toEqual({ at: '04:00' })
  })
  it('what a service file says beside ours is left, and named without its value', () => {
    const service = own()[paths.service]?.content ?? ''
    const made = hand({
      [paths.service]: service.replace('[Service]\n', '[Service]\nNice=19\nEnvironment=PASS=geheim\n'),
    })
    const { options, remarks } = read(made)
    expect(remarks).toEqual([
      {
        kind: 'other',
        path: [],
        why: `db-a, db-b: ${paths.service} also says Service.Nice, Service.Environment; it is left as it is`,
      },
    ])
    expect(checked(made, options).answer).toEqual([])
  })
  it('a file that only root may read is as good', () => {
    const files = { ...own(), [paths.config]: { content: own()[paths.config]?.content ?? '', mode: '0600' } }
    expect(read({ files }).remarks).toEqual([])
    expect(checked({ files }, {}).answer).toEqual([])
    const open = { ...files, [paths.config]: { content: files[paths.config]?.content ?? '', mode: '0666' } }
    expect(checked({ files: open }, {}).answer.map(({ id }) => id)).toEqual(['mode'])
    expect(whys(read({ files: open }).remarks, 'other')).toEqual([
      `: db-a, db-b: ${paths.config} has mode 0666; check asks for 0644`,
    ])
  })
  it('a list with comments and in another order is the same list', () => {
    const a = surveyed({
      source: '/dev/drbd0',
      running: true,
      directory: directory('SHOP SHOP Indirect', 'BOOKS BOOKS Indirect'),
      last: { 'inst/BOOKS': 1, 'inst/SHOP': 1 },
    })
    const b = surveyed({ last: { 'inst/BOOKS': 1, 'inst/SHOP': 1 } })
    const judge = (list: string) =>
      judgeCluster('coverage', { 'db-a': { survey: a, list }, 'db-b': { survey: b, list } }).answer
    expect(judge('# all\ninst\tSHOP  the shop\n\n  inst BOOKS\n#inst OLD\n')).toEqual([])
    expect(judge('inst SHOP\n')).toMatchObject([{ id: 'list' }, { id: 'list' }])
  })
})

describe('what no option can say is named, left out, and never overwritten', () => {
  const conf = own()[paths.config]?.content ?? ''
  const cases: readonly (readonly [string, string, (typeof paths)[keyof typeof paths], string, string])[] = [
    [
      'a directory with a space',
      'directory',
      paths.config,
      conf.replace('/var/backups/db2', "'/srv/our backups'"),
      'DIRECTORY',
    ],
    ['an odd number', 'keep', paths.config, conf.replace('KEEP=7', 'KEEP=all'), 'KEEP'],
    ['another program that copies', 'copy', paths.config, conf.replace('COPY=', 'COPY=rsync'), 'COPY'],
    ['another list', '', paths.config, conf.replace('backup.databases', 'mine'), 'LIST'],
  ]
  it.each(cases)('%s', (_, path, file, text, why) => {
    const made = hand({ [file]: text })
    const { options, remarks } = read(made)
    expect(options).toEqual({})
    expect(whys(remarks, 'other')).not.toEqual([])
    for (const one of whys(remarks, 'other')) expect(one).toMatch(new RegExp(`^${path}: .*${why}`))
    const { answer, steps } = checked(made, options)
    expect(answer.map(({ id, subject }) => [id, subject])).toEqual([['by-hand', file]])
    expect(steps).toThrow('manual: ')
  })
  it.each([
    ['two times', 'OnCalendar=02:00\nOnCalendar=14:00', 'at: the timer says OnCalendar=02:00 and 14:00'],
    ['none', 'OnBootSec=1h', 'at: the timer says no OnCalendar'],
  ])('a timer with %s', (_, lines, why) => {
    const text = own()[paths.timer]?.content.replace(/OnCalendar=.*/, lines)
    const made = hand({ [paths.timer]: text })
    const { options, remarks } = read(made)
    expect(options).toEqual({})
    expect(whys(remarks, 'other')[0]).toContain(why)
    expect(checked(made, options).answer.map(({ id }) => id)).toEqual(['by-hand'])
  })
  it('a timer without our delay', () => {
    const made = hand({ [paths.timer]: own()[paths.timer]?.content.replace(/Rand.*\n/, '') })
    const { options, remarks } = read(made)
    expect(whys(remarks, 'other')).toEqual([
      `: db-a, db-b: ${paths.timer} says Timer.RandomizedDelaySec in its own way; check leaves that to a person`,
    ])
    expect(checked(made, options).answer.map(({ id }) => id)).toEqual(['by-hand'])
  })
  it('a secret in a target, which is shown nowhere', () => {
    const text = conf
      .replace('COPY=', 'COPY=restic')
      .replace('COPY_TARGET=', 'COPY_TARGET=rest:https://db:geheim@nas:8000/')
    const made = hand({ [paths.config]: text })
    const { options, remarks } = read(made)
    const { answer, steps } = checked(made, options)
    expect(options).toEqual({})
    expect(whys(remarks, 'other')).toEqual(
      ['db-a', 'db-b'].map((node) =>
        expect.stringContaining(`copy: ${node}: ${paths.config}: COPY_TARGET holds a secret`),
      ),
    )
    expect(answer.map(({ id }) => id)).toEqual(['by-hand'])
    expect(steps).toThrow('manual: ')
    const wanted = checked(made, { copy: { program: 'restic', target: '/r', passwordFile: '/p' } })
    expect(wanted.answer.map(({ id }) => id)).toEqual(['file'])
    const { remarks: differing } = read(made, hand({}))
    expect(JSON.stringify([remarks, answer, wanted.answer, differing])).not.toContain('geheim')
  })
  it('variables of their own stay: with them, a change is left to a person', () => {
    const made = hand({ [paths.config]: `${conf}export RCLONE_CONFIG_PASS=geheim\n` })
    const { options, remarks } = read(made)
    expect(remarks).toEqual([
      {
        kind: 'other',
        path: [],
        why: `db-a, db-b: ${paths.config} also says RCLONE_CONFIG_PASS; it is left as it is`,
      },
    ])
    expect(checked(made, options).answer).toEqual([])
    expect(checked(made, { keep: 9 }).answer).toEqual([
      { id: 'by-hand', subject: paths.config, desired: { keep: 9 }, actual: { keep: 7 } },
    ])
  })
})

describe('drift is found', () => {
  it.each([
    ['a changed number', paths.config, (text: string) => text.replace('KEEP=7', 'KEEP=8')],
    ['a setting that is gone', paths.config, (text: string) => text.replace(/DIRECTORY=.*\n/, '')],
    ['an empty file', paths.config, () => ''],
    ['another time', paths.timer, (text: string) => text.replace('02:00', '03:00')],
    ['an empty unit', paths.service, () => ''],
    ['a changed program', paths.program, (text: string) => `${text}\n`],
    ['a file that is gone', paths.timer, () => undefined],
  ])('%s', (_, path, change) => {
    const made = hand({ [path]: change(own()[path]?.content ?? '') })
    expect(checked(made, {}).answer.map(({ id, subject }) => [id, subject])).toContainEqual(['file', path])
  })
  it('and reconstruct names what check asks for however the config is written', () => {
    const { remarks } = read(hand({ [paths.program]: '#!/bin/sh\n' }, { enabled: 'disabled', active: 'inactive' }))
    expect(whys(remarks, 'other')).toEqual([
      `: db-a, db-b: ${paths.program} is not the program of this version; check asks for it`,
      ': db-a, db-b: ha-db2-backup.timer is disabled and inactive; check asks for enabled, active',
    ])
  })
  it.each([
    ['disabled', 'active'],
    ['enabled', 'inactive'],
    ['', 'failed'],
  ])('a timer that is %s and %s is named, and found', (enabled, active) => {
    const made = hand({}, { enabled, active })
    const { options, remarks } = read(made)
    expect(whys(remarks, 'other')).toEqual([
      `: db-a, db-b: ha-db2-backup.timer is ${enabled || 'absent'} and ${active}; check asks for enabled, active`,
    ])
    expect(checked(made, options).answer.map(({ id }) => id)).toEqual(['timer'])
  })
  it('a database of the cluster that is in no list is named, unless it is excluded', () => {
    const db2 = {
      installDir: '/opt/db2',
      instances: { inst: { home: '/data/inst', databases: { SHOP: {}, TEST: {} } } },
    }
    const named = (options: object) => {
      const made = { files: own(options) }
      const { remarks } = rebuilt(backup, { options: {}, others: { ...others, db2 } }, (_, probe) => said(made, probe))
      return whys(remarks, 'other')
    }
    expect(named({})).toEqual(['exclude: inst/TEST is in no backup and not excluded; check asks for it'])
    expect(named({ exclude: ['inst/TEST'] })).toEqual([])
  })
  it('a setting of an older version is not said, and not drift', () => {
    const made = hand({ [paths.config]: (own()[paths.config]?.content ?? '').replace(/MAX_AGE_H.*\n/, '') })
    const { options, remarks } = read(made)
    expect(whys(remarks, 'unknown')).toEqual([`maxAgeH: ${paths.config} is of a version that does not say it`])
    expect(checked(made, options).answer).toEqual([])
    expect(checked(made, { maxAgeH: 50 }).answer.map(({ id }) => id)).toEqual(['file'])
  })
})

describe('nodes that disagree', () => {
  const other = { files: own({ keep: 2, at: '04:00', copy: { program: 'rclone', target: 'x:' } }) }
  it('both values are told and none is chosen', () => {
    const { options, remarks } = read(hand({}), other)
    expect(options).toEqual({})
    expect(remarks).toEqual([
      { kind: 'differs', path: ['keep'], values: { 'db-a': 7, 'db-b': 2 } },
      { kind: 'differs', path: ['copy'], values: { 'db-a': null, 'db-b': { program: 'rclone', target: 'x:' } } },
      { kind: 'differs', path: ['at'], values: { 'db-a': ['*-*-* 02:00:00'], 'db-b': ['04:00'] } },
    ])
  })
  it('excluded databases in another order are the same', () => {
    const { options, remarks } = read(
      { files: own({ exclude: ['i/A', 'i/B'] }) },
      { files: own({ exclude: ['i/B', 'i/A'] }) },
    )
    expect({ options, remarks }).toEqual({ options: { exclude: ['i/A', 'i/B'] }, remarks: [] })
    expect(checked({ files: own({ exclude: ['i/B', 'i/A'] }) }, options).answer).toEqual([])
  })
  it('one node without the program gets the options of the other', () => {
    const { options, remarks } = read({ files: own({ keep: 2 }) }, { files: {} })
    expect(options).toEqual({ keep: 2 })
    expect(remarks).toEqual([
      expect.objectContaining({ kind: 'differs', path: [], values: { 'db-a': 'settings', 'db-b': 'none' } }),
      expect.objectContaining({ kind: 'differs', path: [], values: { 'db-a': ['inst/SHOP'], 'db-b': null } }),
    ])
  })
  it('lists that differ are told', () => {
    const { remarks } = read(hand({}), hand({ [paths.list]: 'inst OLD\n' }))
    expect(remarks).toMatchObject([
      { kind: 'differs', path: [], values: { 'db-a': ['inst/SHOP'], 'db-b': ['inst/OLD'] } },
    ])
  })
})

describe('nothing of ours', () => {
  it('is no options: no backup, or a tool of their own', () => {
    const { options, remarks } = read({ files: {} })
    expect(options).toBeUndefined()
    expect(remarks).toEqual([
      { kind: 'unknown', path: [], why: expect.stringContaining('no backup, or a tool of your own') },
    ])
  })
  it('but cron jobs are named by file, line and program', () => {
    const { options, remarks } = read(
      { files: {}, schedules: ['/var/spool/cron/crontabs/inst\t4\tnightly.sh\tbacks-up'] },
      { files: {}, schedules: ['/etc/cron.d/db2\t2\tdb2_backup.sh\tabsent'] },
    )
    expect(options).toBeUndefined()
    expect(whys(remarks, 'other')).toEqual([
      ': db-a: /var/spool/cron/crontabs/inst line 4 backs a Db2 database up with nightly.sh; it is left as it is',
      ': db-b: /etc/cron.d/db2 line 2 calls db2_backup.sh, which cannot be read here and may be a backup; it is left as it is',
    ])
  })
})

describe('what cannot be read', () => {
  const probes = backup.reconstruct?.probes ?? {}
  it.each([
    'if [ -f /etc/site ]; then KEEP=3; fi',
    '. /etc/default/backup',
    'KEEP=$(nproc)',
    'DIRECTORY=`hostname`',
    'DIRECTORY=$HOME/backup',
    'DIRECTORY="/srv/$USER"',
    "DIRECTORY='/srv",
    'KEEP=3 umask 077',
    'DIRECTORY=~/backup',
  ])('settings that are a program: %s', (line) => {
    const made = hand({ [paths.config]: `# ours\n${line}\n` })
    expect(() => probes.conf?.parse(said(made, 'conf'))).toThrow(`${paths.config}: line 2 is more than KEY=value`)
    expect(checked(made, {}).answer.map(({ id }) => id)).toEqual(['by-hand'])
  })
  it('an answer that is cut off', () => {
    expect(() => probes.dropIns?.parse(output('/etc/systemd/system/ha-db2-backup.timer.d/a.conf:[Timer]\n'))).toThrow(
      'the drop-ins of ha-db2-backup.timer and ha-db2-backup.service could not be read',
    )
    expect(() => probes.schedules?.parse(output('/etc/crontab\t3\tdb2\tbacks-up\n'))).toThrow('is cut off')
  })
})
