import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  isGoodImage,
  isRelocated,
  parseBackup,
  parseHistory,
  parseImageHeader,
  parseRestore,
  parseRollforward,
  parseSample,
} from '../../../plugins/db2/parse/backup.js'
import {
  parseActive,
  parseConfiguration,
  parseConnection,
  parseDirectory,
} from '../../../plugins/db2/parse/database.js'
import {
  parseCurrentInstance,
  parseEngine,
  parseGlobalRegistry,
  parseInstances,
  parseNodes,
  parseProfileHomes,
  parseProfileRegistry,
  parseServices,
} from '../../../plugins/db2/parse/instance.js'
import { completedProgram, engineVerdict, messagesOf } from '../../../plugins/db2/parse/messages.js'
import {
  parseCopies,
  parseFeatures,
  parseInstallation,
  parseLevel,
  parseLicences,
  parsePrerequisites,
} from '../../../plugins/db2/parse/software.js'

const here = new URL('.', import.meta.url)
const recorded = (name: string) => readFileSync(new URL(`outputs/${name}`, here), 'utf8')
const expected = (name: string) => JSON.parse(readFileSync(new URL(`expected/${name}`, here), 'utf8'))

const services = (base: number, client: number) =>
  new Map([
    ['DB2_db2inst1', base],
    ...[1, 2, 3, 4].map((n) => [`DB2_db2inst1_${n}`, base + n] as const),
    ['DB2_db2inst1_END', base + 5],
    ['db2c_db2inst1', client],
  ] as const)
const ofInst1 = (text: string) => parseServices(text, 'db2inst1')
const image = (text: string) => ({ ...parseImageHeader(text), good: isGoodImage(text) })
const configuration = (text: string) => Object.fromEntries(parseConfiguration(text))

/** Every recorded output, its parser, and all that it says. */
const table: Readonly<Record<string, readonly [(text: string) => unknown, unknown]>> = {
  'backup_fail_in_use_R.txt': [parseBackup, { failed: 'SQL1035N' }],
  'backup_ok_1158.txt': [parseBackup, { timestamp: '20241126151720' }],
  'connect_1158.txt': [parseConnection, { server: 'DB2/LINUXX8664 11.5.8.0', user: 'DB2INST1', alias: 'TESTDB' }],
  'db2_install_end.txt': [parseInstallation, { verdict: 'done', log: '/tmp/db2_install.log.26071' }],
  'db2ckbkp_h_1112.txt': [image, expected('db2ckbkp_h_1112.json')],
  'db2ckbkp_ok_111.txt': [isGoodImage, true],
  'db2greg_dump_97.txt': [
    parseGlobalRegistry,
    {
      copies: [{ level: '9.7.0.7', path: '/opt/ibm/db2/V9.7' }],
      variables: [
        { name: 'DB2SYSTEM', value: 'DB2META-10', installDir: '/opt/ibm/db2/V9.7' },
        { name: 'DB2ADMINSERVER', value: 'dasusr1', installDir: '/opt/ibm/db2/V9.7' },
      ],
      instances: [
        {
          instance: 'db2inst1',
          level: '9.7.0.7',
          home: '/home/db2inst1',
          startAtBoot: true,
          installDir: '/opt/ibm/db2/V9.7',
        },
      ],
    },
  ],
  'db2icrt_105_tty.txt': [completedProgram, 'db2icrt'],
  'db2icrt_1158_ssh.txt': [completedProgram, 'db2icrt'],
  'db2level_1158.txt': [
    parseLevel,
    {
      instance: 'db2inst1',
      bits: 64,
      release: 'SQL11058',
      levelId: '0609010F',
      level: '11.5.8.0',
      build: 's2209201700',
      ptf: 'DYN2209201700AMD64',
      fixPack: '0',
      path: '/opt/ibm/db2/V11.5',
    },
  ],
  'db2licm_l_105_expc.txt': [
    parseLicences,
    [
      {
        'Product name': 'DB2 Express-C',
        'License type': 'Unwarranted',
        'Expiry date': 'Permanent',
        'Product identifier': 'db2expc',
        'Version information': '10.5',
        'Max number of CPUs': '2',
        'Max amount of memory (GB)': '16',
        'Enforcement policy': 'Soft Stop',
      },
    ],
  ],
  'db2licm_l_115_community.txt': [
    parseLicences,
    [
      {
        'Product name': 'DB2 Community Edition',
        'License type': 'Community',
        'Expiry date': 'Permanent',
        'Product identifier': 'db2dec',
        'Version information': '11.5',
        'Max amount of memory (GB)': '16',
        'Max number of cores': '4',
        'Max amount of table space (GB)': '100',
      },
    ],
  ],
  'db2ls_1150.txt': [
    parseCopies,
    [
      {
        path: '/opt/ibm/db2/V11.5',
        level: '11.5.0.0',
        fixPack: '0',
        installed: 'Fri Jun 28 23:03:08 2019 UTC',
        installerUid: 0,
      },
    ],
  ],
  'db2ls_c_1158.txt': [
    parseCopies,
    [
      {
        path: '/opt/ibm/db2/v1158',
        level: '11.5.8.0',
        fixPack: '0',
        installed: 'Tue Nov 26 14:56:27 2024 PST',
        installerUid: 0,
      },
    ],
  ],
  'db2ls_c_two_copies.txt': [
    parseCopies,
    [
      {
        path: '/opt/ibm/db2/V11.5',
        level: '11.5.6.0',
        fixPack: '0',
        installed: 'Fri Jan 14 20:20:07 2022 CST',
        installerUid: 0,
      },
      {
        path: '/opt/ibm/db2/V11.5_01',
        level: '11.5.7.0',
        fixPack: '0',
        installed: 'Fri Feb 11 10:34:51 2022 CST',
        installerUid: 0,
      },
    ],
  ],
  'db2ls_q_105.txt': [parseFeatures, expected('db2ls_q_105.json')],
  'db2nodes_cfg.txt': [parseNodes, [{ number: 0, host: 'dvorak', port: 0 }]],
  'db2pd_up_1158.txt': [parseEngine, { isActive: true, upS: 329 }],
  'db2prereqcheck_ok_1150.txt': [parsePrerequisites, { unmet: [], isMet: true }],
  'db2relocatedb_ok.txt': [isRelocated, true],
  'db2sampl_1158.txt': [parseSample, 'SAMPLE'],
  'db2set_all_105.txt': [
    parseProfileRegistry,
    [
      { level: 'i', name: 'DB2COMM', value: 'TCPIP' },
      { level: 'g', name: 'DB2_COMPATIBILITY_VECTOR', value: 'MYS' },
      { level: 'g', name: 'DB2SYSTEM', value: 'waylau.com' },
      { level: 'g', name: 'DB2INSTDEF', value: 'db2inst1' },
    ],
  ],
  'db2set_all_97_xcat.txt': [
    parseProfileRegistry,
    [
      { level: 'e', name: 'DB2LIBPATH', value: '/var/lib/db2/sqllib/java/jdk64/jre/lib/ppc64' },
      { level: 'i', name: 'DB2ENVLIST', value: 'EXTSHM' },
      { level: 'i', name: 'DB2COMM', value: 'tcpip' },
      { level: 'i', name: 'DB2AUTOSTART', value: 'YES' },
      { level: 'g', name: 'DB2FCMCOMM', value: 'TCPIP4' },
      { level: 'g', name: 'DB2_STRIPED_CONTAINERS', value: 'ON' },
      { level: 'g', name: 'DB2SYSTEM', value: 'c68m4mn11.ppd.pok.ibm.com' },
      { level: 'g', name: 'DB2INSTDEF', value: 'xcatdb' },
      { level: 'g', name: 'DB2_PARALLEL_IO', value: '*' },
      { level: 'g', name: 'DB2AUTOSTART', value: 'yes' },
    ],
  ],
  'db2setup_r_warn.txt': [parseInstallation, { verdict: 'warnings', log: '/tmp/db2setup.log' }],
  'db2start_1158.txt': [engineVerdict, 'up'],
  'db2stop_1158.txt': [engineVerdict, 'down'],
  'dbcfg_sample_1158.txt': [configuration, expected('dbcfg_sample_1158.json')],
  'dbmcfg_115_excerpt.txt': [
    configuration,
    {
      'Node type': 'Enterprise Server Edition with local and remote clients',
      'Database manager configuration release level': '0x1500',
      CPUSPEED: '3.306409e-07',
      COMM_BANDWIDTH: '1.000000e+02',
      NUMDB: '32',
      FEDERATED: 'NO',
      TP_MON_NAME: '',
      DFT_ACCOUNT_STR: '',
      JDK_PATH: '/home/dbp/sqllib/java/jdk64',
      DIAGLEVEL: '3',
      NOTIFYLEVEL: '3',
      DIAGPATH: '/home/dbp/sqllib/db2dump/ $m',
      'Current member resolved DIAGPATH': '/home/dbp/sqllib/db2dump/DIAG0000/',
      ALT_DIAGPATH: '',
      'Current member resolved ALT_DIAGPATH': '',
      DIAGSIZE: '0',
    },
  ],
  'get_instance.txt': [parseCurrentInstance, 'db2inst1'],
  'history_101_R.txt': [
    parseHistory,
    [
      {
        timestamp: '20160307161004',
        sequence: 1,
        type: 'F',
        device: 'D',
        firstLog: 'S0000380.LOG',
        lastLog: 'S0000380.LOG',
        status: 'A',
        location: '/db2/backup/db2v97i/mysample',
      },
    ],
  ],
  'list_active_1158.txt': [
    parseActive,
    [{ name: 'SAMPLE', connections: 1, path: '/database/data/db2inst1/NODE0000/SQL00001/MEMBER0000/' }],
  ],
  'listdb_empty.txt': [parseDirectory, []],
  'listdb_one_105.txt': [
    parseDirectory,
    [
      {
        alias: 'NECC_DB',
        name: 'NECC_DB',
        isLocal: true,
        directory: '/home/db2inst1',
        type: 'Indirect',
        release: '10.00',
      },
    ],
  ],
  'listdb_one_1158.txt': [
    parseDirectory,
    [
      {
        alias: 'TESTDB',
        name: 'TESTDB',
        isLocal: true,
        directory: '/database/data',
        type: 'Indirect',
        release: '15.00',
      },
    ],
  ],
  'profile_lines.txt': [parseProfileHomes, ['/home/db2inst1']],
  'restore_prompt_1158.txt': [parseRestore, { done: true, warnings: ['SQL2539W'] }],
  'rollforward_status_111_R.txt': [parseRollforward, { alias: 'testdb', isPending: false }],
  'services_111.txt': [ofInst1, services(60000, 50000)],
  'services_121.txt': [ofInst1, services(20016, 25010)],
}

const disguises: Readonly<Record<string, (text: string) => string>> = {
  'as it was recorded': (text) => text,
  'with the line ends of a terminal': (text) => text.replaceAll('\n', '\r\n'),
  'after blank lines and what a login profile prints': (text) => `\n\nLast login: Mon Nov 23\n\n${text}`,
  'after a warning': (text) => `SQL8027W  The peer data source is not available.\n${text}`,
  'with blank lines after it': (text) => `${text}\n\n`,
}
/** What is read as it is in a file has no terminal and no warning about it. */
const isFile = (name: string) => /^(services|db2nodes|profile)_/.test(name)
/** An answer that is a verdict about all messages would rightly count the strange one. */
const readsAll = (name: string) => ['restore_prompt_1158.txt', 'db2sampl_1158.txt'].includes(name)

describe('every recorded output', () => {
  it('has a parser and its facts here', () => {
    expect(Object.keys(table).sort()).toEqual(readdirSync(new URL('outputs', here)).sort())
  })
  for (const [disguise, disguised] of Object.entries(disguises))
    it.each(Object.keys(table).filter((name) => disguise.startsWith('as') || !(isFile(name) || readsAll(name))))(
      `%s, ${disguise}`,
      (name) => {
        const [parse, facts] = table[name] as (typeof table)[string]
        expect(parse(disguised(recorded(name)))).toEqual(facts)
      },
    )
})

describe('an output that was cut off, or is another one', () => {
  const throwing = Object.keys(table).filter(
    (name) =>
      !isFile(name) &&
      ![
        'db2ckbkp_ok',
        'db2relocatedb',
        'db2start',
        'db2stop',
        'db2icrt',
        'db2sampl',
        'db2_install',
        'db2setup',
        'listdb_empty',
        'db2set_all',
      ].some((start) => name.startsWith(start)),
  )
  it.each(throwing)('%s: is an error, never an empty answer', (name) => {
    const [parse] = table[name] as (typeof table)[string]
    expect(() => parse('')).toThrow('could not be read')
    expect(() => parse('bash: db2: command not found\n')).toThrow('could not be read: bash: db2: command not found')
  })
  it('entries that are missing are noticed', () => {
    const cut = (name: string, lines: number) => recorded(name).split('\n').slice(0, lines).join('\n')
    expect(() => parseDirectory(cut('listdb_one_1158.txt', 4))).toThrow('could not be read')
    expect(() => parseDirectory(cut('listdb_one_1158.txt', 9))).toThrow('could not be read')
    expect(() => parseHistory(cut('history_101_R.txt', 5))).toThrow('could not be read')
    expect(() => parseActive(cut('list_active_1158.txt', 5))).toThrow('could not be read')
    expect(() => parseLevel(cut('db2level_1158.txt', 4))).toThrow('could not be read')
  })
  it('is no success', () => {
    expect([isGoodImage(''), isGoodImage('Image Verification Complete - ERRORS DETECTED: 1')]).toEqual([false, false])
    expect([isRelocated(''), parseSample('Creating database "SAMPLE"...'), completedProgram('')]).toEqual([
      false,
      undefined,
      undefined,
    ])
    expect(parseInstallation('The execution compl')).toEqual({ verdict: 'failed' })
    expect(engineVerdict('')).toBe('failed')
  })
})

describe('messages', () => {
  it('are found by their codes, wrapped or not', () => {
    expect(messagesOf('SQL1117N  A connection \nfailed.\nDB20000I  ok\nSQLSTATE=57019')).toEqual([
      { code: 'SQL1117N', severity: 'N' },
      { code: 'DB20000I', severity: 'I' },
    ])
  })
  it('of db2start and db2stop: running already and not running are what was wanted', () => {
    expect(engineVerdict('SQL1026N  The database manager is already active.')).toBe('up')
    expect(engineVerdict('SQL1032N  No start database manager command was issued.  SQLSTATE=57019')).toBe('down')
    expect(engineVerdict('SQL1025N  The database manager was not stopped because databases are still\nactive.')).toBe(
      'failed',
    )
    expect(engineVerdict('SQL6048N  A communication error occurred during START or STOP')).toBe('failed')
  })
  it('of db2icrt: the closing message counts, and a failure has none', () => {
    expect(completedProgram('DBI1070I  Program\n      db2icrt completed successfully.')).toBe('db2icrt')
    expect(completedProgram('DBI1264E  This program failed. Program name:\n      db2icrt.')).toBeUndefined()
  })
})

describe('the database directory', () => {
  const remote = `
 System Database Directory

 Number of entries in the directory = 3

Database 1 entry:

 Database alias                       = SHOP
 Database name                        = SHOPDB
 Local database directory             = /srv/db/db2inst1
 Database release level               = 15.00
 Comment                              = the shop = all of it
 Directory entry type                 = Indirect
 Catalog database partition number    = 0

Database 2 entry:

 Database alias                       = SHOP2
 Database name                        = SHOPDB
 Local database directory             = /srv/db/db2inst1
 Database release level               = 15.00
 Comment                              =
 Directory entry type                 = Indirect
 Catalog database partition number    = 0

Database 3 entry:

 Database alias                       = FAR
 Database name                        = FAR
 Node name                            = OTHER
 Database release level               = 15.00
 Comment                              =
 Directory entry type                 = Remote
 Catalog database partition number    = -1
`
  it('tells local entries from remote ones, and aliases from names', () => {
    expect(parseDirectory(remote)).toEqual([
      {
        alias: 'SHOP',
        name: 'SHOPDB',
        isLocal: true,
        directory: '/srv/db/db2inst1',
        type: 'Indirect',
        release: '15.00',
      },
      {
        alias: 'SHOP2',
        name: 'SHOPDB',
        isLocal: true,
        directory: '/srv/db/db2inst1',
        type: 'Indirect',
        release: '15.00',
      },
      { alias: 'FAR', name: 'FAR', isLocal: false, node: 'OTHER', type: 'Remote', release: '15.00' },
    ])
  })
  it('in German', () => {
    const german = recorded('listdb_one_1158.txt')
      .replace('System Database Directory', 'Systemdatenbankverzeichnis')
      .replace('Number of entries in the directory', 'Anzahl Einträge im Verzeichnis')
      .replace('Database 1 entry:', 'Datenbank 1 Eintrag:')
      .replace('Database alias      ', 'Aliasname der Datenbank')
      .replace('Directory entry type', 'Verzeichniseintragstyp')
      .replace('Indirect', 'Indirekt')
    expect(parseDirectory(german)).toMatchObject([{ alias: 'TESTDB', isLocal: true, directory: '/database/data' }])
  })
  it('that is not there is not an empty one', () => {
    const missing = 'SQL1031N  The database directory cannot be found on the indicated file \nsystem.  SQLSTATE=58031'
    expect(() => parseDirectory(missing)).toThrow('SQL1031N')
  })
})

describe('other forms', () => {
  it('configuration in another language keeps its parameters', () => {
    const german = ' Erste Protokollarchivierungsmethode     (LOGARCHMETH1) = DISK:/srv/db/logs/\n'
    expect(parseConfiguration(german).get('LOGARCHMETH1')).toBe('DISK:/srv/db/logs/')
  })
  it('values may have an equals sign, and a parameter no blank before it', () => {
    const text = ' Num. of active log files for 1 active UOW(NUM_LOG_SPAN) = 0\n Options (LOGARCHOPT1) = -a=b c=d\n'
    expect(configuration(text)).toEqual({ NUM_LOG_SPAN: '0', LOGARCHOPT1: '-a=b c=d' })
  })
  it('an error instead of a configuration is an error', () => {
    expect(() =>
      parseConfiguration('SQL1013N  The database alias name or database name "X" could not be \nfound.'),
    ).toThrow('SQL1013N')
  })
  it('no copy is the header alone', () => {
    expect(parseCopies('#PATH:VRMF:FIXPACK:SPECIAL:INSTALLTIME:INSTALLERUID \n')).toEqual([])
  })
  it('db2level before 10.5, wrapped as on a terminal', () => {
    const text =
      'DB21085I  Instance "db2v97" uses "64" bits and DB2 code release "SQL09075" with \nlevel identifier "08060107".\nInformational tokens are "DB2 v9.7.0.5", "s111017", "IP23285", and Fix Pack \n"5".\nProduct is installed at "/opt/ibm/db2/V9.7".\n'
    expect(parseLevel(text)).toMatchObject({ instance: 'db2v97', level: '9.7.0.5', fixPack: '5' })
  })
  it('an instance record of newer versions names the sqllib, and other services are left out', () => {
    const text =
      'I,DB2,10.5.0.1,db2inst1,/home/db2inst1/sqllib,,0,0,/opt/ibm/db2/V10.5,,\nI,DAS,10.5.0.1,dasusr1,/home/dasusr1/das,lib/libdb2dasgcf.so,1,0,/opt/ibm/db2/V10.5,,\n'
    expect(parseGlobalRegistry(text).instances).toEqual([
      {
        instance: 'db2inst1',
        level: '10.5.0.1',
        home: '/home/db2inst1',
        startAtBoot: false,
        installDir: '/opt/ibm/db2/V10.5',
      },
    ])
  })
  it('db2ilist', () => {
    expect(parseInstances('db2inst1\ndb2inst2\n')).toEqual(['db2inst1', 'db2inst2'])
    expect(parseInstances('')).toEqual([])
    expect(() => parseInstances('bash: db2ilist: command not found')).toThrow('could not be read')
  })
  it('services of an instance whose name begins like another', () => {
    const text = `${recorded('services_111.txt')}db2c_db2inst10\t50010/tcp\n`
    expect(ofInst1(text)).toEqual(services(60000, 50000))
    expect(parseServices(text, 'db2inst10')).toEqual(new Map([['db2c_db2inst10', 50010]]))
  })
  it('variables: nothing set, and an error', () => {
    expect(parseProfileRegistry('')).toEqual([])
    expect(() => parseProfileRegistry('DBI1302E  Invalid parameter.')).toThrow('DBI1302E')
  })
  it('prerequisites: a warning lets an installation begin, an error does not', () => {
    const text = 'DBT3514W  The db2prereqcheck utility failed to find the 32-bit library file: "/lib/libpam.so*".\n'
    expect(parsePrerequisites(text)).toEqual({ unmet: ['DBT3514W'], isMet: true })
    expect(parsePrerequisites(`${text}DBT3507E  failed to find the following package or file: "gcc-c++".`)).toEqual({
      unmet: ['DBT3514W', 'DBT3507E'],
      isMet: false,
    })
  })
  it('a backup in another language', () => {
    const german = '\nBackup erfolgreich. Die Zeitmarke für dieses Backup-Image lautet: 20241126151720\n\n'
    expect(parseBackup(german)).toEqual({ timestamp: '20241126151720' })
  })
  it('a restore that asks, and one that fails', () => {
    expect(parseRestore('SQL2539W  The specified name …\nDo you want to continue ? (y/n) ').done).toBe(false)
    expect(parseRestore('SQL2542N  No match for a database image file was found').done).toBe(false)
  })
  it('an engine that is not there', () => {
    expect(parseEngine('Unable to attach to database manager on member 0.')).toEqual({ isActive: false })
  })
  it('a refused connection is none', () => {
    expect(
      parseConnection(
        'SQL1117N  A connection to or activation of database "AUTH" cannot be made \nbecause of ROLL-FORWARD PENDING.',
      ),
    ).toBeUndefined()
  })
})
