import { type Command, type Output, type PackageNeed, sh } from 'ha-provision'
import type { Files } from './files.js'
import type { Meaning } from './meaning.js'
import { readChrony } from './read-chrony.js'
import { readNtp } from './read-ntp.js'
import { directories, readTimesyncd } from './read-timesyncd.js'

/** What a node's daemon is to do: where its time comes from and whom it serves. */
export interface Role {
  /** Addresses or names, best first. */
  readonly servers: readonly string[]
  /** Names that stand for several servers each. */
  readonly pools?: readonly string[]
  /** The servers are a node of this cluster, asked often. */
  readonly close: boolean
  /** Serves its own clock when it has no better. */
  readonly local: boolean
  /** Subnets that may ask. */
  readonly allow: readonly string[]
}

/** What a daemon says about the clock. */
export interface Tracking {
  readonly synchronised: boolean
  /** Seconds that the clock is off by, absolute; undefined when the daemon does not say. */
  readonly offsetS?: number
  readonly source?: string
}

/** A time daemon: how it is recognised, configured and asked. */
export interface TimeDaemon {
  readonly name: string
  readonly package: PackageNeed
  /** Names of its unit; distributions differ. The first is asked for by name. */
  readonly units: readonly string[]
  /** The file that we write, whole. */
  readonly config: string
  /** Where its configuration begins: files, and shell patterns of files. */
  readonly mains: readonly string[]
  /** What it does that is given these files; `only`: as if there were no other than that one. */
  read(files: Files, only?: string): Meaning
  /** Whether `config` is ours by its name alone; else it is the administrator's until we wrote it. */
  readonly isDropIn: boolean
  render(role: Role): string
  /** Files of which one must exist and include `config`, and the line that does. */
  readonly include?: { readonly mains: readonly string[]; readonly line: string; readonly present: RegExp }
  /** Whether it can serve its time to others. */
  readonly serves: boolean
  /** Exits 127 when the daemon's client program is missing. */
  readonly track: Command
  parse(output: Output): Tracking
  /** Asks its servers now rather than at the next turn. */
  readonly hurry?: Command
  /** Corrects the clock at once. */
  readonly step?: Command
}

export const head = '# Written by ha-provision\n'
const text = (lines: readonly string[]): string => `${head}${lines.join('\n')}\n`
const none: Tracking = { synchronised: false }

const chronyMains = ['/etc/chrony/chrony.conf', '/etc/chrony.conf']

export const chrony: TimeDaemon = {
  name: 'chrony',
  package: { apt: 'chrony', dnf: 'chrony', zypper: 'chrony' },
  units: ['chrony.service', 'chronyd.service'],
  config: '/etc/chrony/conf.d/ha-provision.conf',
  mains: chronyMains,
  read: (files, only) => readChrony(files, only ? [only] : chronyMains),
  isDropIn: true,
  include: {
    mains: chronyMains,
    line: 'confdir /etc/chrony/conf.d',
    present: /^\s*(confdir\s.*\/etc\/chrony\/conf\.d|include\s+\/etc\/chrony\/conf\.d\/\*)/m,
  },
  // Debian's chrony.conf keeps its pool beside ours: where it is out of reach nothing is lost, and where it answers both nodes have true time.
  render: ({ servers, pools = [], close, local, allow }) =>
    text([
      ...servers.map((server) => `server ${server} iburst${close ? ' prefer minpoll 2 maxpoll 6' : ''}`),
      ...pools.map((pool) => `pool ${pool} iburst`),
      ...(local ? ['local stratum 10'] : []),
      ...allow.map((net) => `allow ${net}`),
      // Only at the start: a cluster manager does not bear a clock that jumps.
      'makestep 1 3',
    ]),
  serves: true,
  track: sh`command -v chronyc >/dev/null || exit 127; chronyc -n -c tracking`,
  // chronyc(1), tracking: reference id, address, stratum, reference time, system time's offset, …
  parse({ code, stdout }) {
    const [id = '00000000', source = '', , , offset = ''] = stdout.trim().split(',')
    if (code !== 0 || id === '00000000') return none
    return { synchronised: true, offsetS: Math.abs(Number(offset)), source: source || id }
  },
  hurry: sh`chronyc online; chronyc burst 4/4`,
  step: sh`chronyc makestep`,
}

const ntpConf = (driftfile: string, { servers, pools = [], close, local, allow }: Role): string =>
  text([
    `driftfile ${driftfile}`,
    ...servers.map((server) => `server ${server} iburst${close ? ' prefer minpoll 4 maxpoll 6' : ''}`),
    ...pools.map((pool) => `pool ${pool} iburst`),
    // Without orphanwait it hesitates for 300 s.
    ...(local ? ['tos orphan 10 orphanwait 5'] : []),
    'restrict default ignore',
    // Which addresses a pool stands for shows only later: a template for them.
    ...(pools.length > 0 ? ['restrict source nomodify noquery'] : []),
    ...[...servers, '127.0.0.1', '::1'].map((host) => `restrict ${host}`),
    ...allow.map((net) => `restrict ${net.replace(/\/.*/, '')} mask ${mask(net)} kod limited nomodify noquery`),
  ])

const mask = (net: string): string => {
  const bits = Number(net.split('/')[1] ?? 32)
  return [0, 8, 16, 24].map((skip) => 256 - 2 ** (8 - Math.max(0, Math.min(8, bits - skip)))).join('.')
}

const ntpq = {
  serves: true,
  track: sh`command -v ntpq >/dev/null || exit 127; ntpq -n -c rv`,
  // ntpq(8), system variables: leap=11 and stratum=16 stand for an unsynchronised clock; offset is in milliseconds.
  parse({ code, stdout }: Output): Tracking {
    const variables = new Map(
      [...stdout.matchAll(/(\w+)=("[^"]*"|[^,\s]+)/g)].map(([, key = '', value = '']) => [key, value]),
    )
    const stratum = Number(variables.get('stratum') ?? 16)
    if (code !== 0 || stratum >= 16 || variables.get('leap') === '11') return none
    return {
      synchronised: true,
      offsetS: Math.abs(Number(variables.get('offset'))) / 1000,
      source: variables.get('refid') ?? 'unknown',
    }
  },
} as const

export const ntpd: TimeDaemon = {
  name: 'ntpd',
  package: { apt: 'ntp', dnf: 'ntp', zypper: 'ntp' },
  units: ['ntp.service', 'ntpd.service'],
  config: '/etc/ntp.conf',
  mains: ['/etc/ntp.conf'],
  read: (files) => readNtp(files, '/etc/ntp.conf'),
  isDropIn: false,
  render: (role) => ntpConf('/var/lib/ntp/ntp.drift', role),
  ...ntpq,
}

export const ntpsec: TimeDaemon = {
  name: 'ntpsec',
  package: { apt: 'ntpsec', dnf: 'ntpsec' },
  units: ['ntpsec.service', 'ntpd.service'],
  config: '/etc/ntpsec/ntp.conf',
  mains: ['/etc/ntpsec/ntp.conf', '/etc/ntpsec/ntp.d/*.conf'],
  read: (files) => readNtp(files, '/etc/ntpsec/ntp.conf'),
  isDropIn: false,
  render: (role) => ntpConf('/var/lib/ntpsec/ntp.drift', role),
  ...ntpq,
}

const timesyncdMain = '/etc/systemd/timesyncd.conf'

export const timesyncd: TimeDaemon = {
  name: 'systemd-timesyncd',
  package: { apt: 'systemd-timesyncd', dnf: 'systemd-udev', zypper: 'systemd' },
  units: ['systemd-timesyncd.service'],
  config: '/etc/systemd/timesyncd.conf.d/ha-provision.conf',
  mains: [timesyncdMain, ...directories.map((directory) => `${directory}/*.conf`)],
  read: (files, only) => readTimesyncd(files, timesyncdMain, only),
  isDropIn: true,
  render: ({ servers }) => `${head}[Time]\nNTP=${servers.join(' ')}\nFallbackNTP=\n`,
  serves: false,
  track: sh`timedatectl show -p NTPSynchronized --value`,
  parse: ({ code, stdout }) => ({ synchronised: code === 0 && stdout.trim() === 'yes' }),
}

export const daemons: readonly TimeDaemon[] = [chrony, ntpd, ntpsec, timesyncd]

/** Units of daemons that are recognised, and stopped where another one is wanted, but not configured. */
export const otherUnits: readonly string[] = ['openntpd.service']
