import { readFileSync } from 'node:fs'
import { type Command, type Fault, type PackageNeed, quote, raw, sh } from 'ha-provision'
import db2 from '../../db2/index.js'
import { packaged } from '../../packaged.js'
import type { At } from '../layout.js'
import type { Tool } from './tool.js'

export const paths = {
  program: '/usr/local/sbin/ha-db2-backup',
  config: '/etc/ha-provision/backup.conf',
  list: '/etc/ha-provision/backup.databases',
  service: '/etc/systemd/system/ha-db2-backup.service',
  timer: '/etc/systemd/system/ha-db2-backup.timer',
} as const

/** Under this name a drill restores; a database of it is nobody's. */
export const drillName = 'HADRILL'

/** One program on the node, in pieces here. */
export const program = (): string =>
  ['1-common', '2-run', '3-drill', '4-main']
    .map((piece) => readFileSync(packaged('backup', 'files', `${piece}.sh`), 'utf8'))
    .join('')

const yes = (value: boolean): string => (value ? 'yes' : 'no')

/** `KEY=value`, as a shell reads it. */
function config(at: At): string {
  const { directory, keep, compress, offline, exclude, copy } = at.settings
  const values = {
    DIRECTORY: directory,
    LIST: paths.list,
    DB2DIR: at.of(db2).installDir,
    KEEP: String(keep),
    COMPRESS: yes(compress),
    OFFLINE: yes(offline),
    EXCLUDE: exclude.join(' '),
    COPY: copy?.program ?? '',
    COPY_TARGET: copy?.target ?? '',
    COPY_CONFIG: copy?.configFile ?? '',
    COPY_PASSWORD: copy?.passwordFile ?? '',
  }
  const lines = Object.entries(values).map(([key, value]) => `${key}=${value === '' ? '' : quote(value)}\n`)
  return `# Written by ha-provision.\n${lines.join('')}`
}

const service = `# Written by ha-provision.
[Unit]
Description=Verified backups of the Db2 databases that are active on this node
Documentation=file:${paths.config}

[Service]
Type=oneshot
ExecStart=${paths.program} run
# Another run goes on.
SuccessExitStatus=75
`

const timer = (at: string): string => `# Written by ha-provision.
[Unit]
Description=Backups of Db2 databases

[Timer]
OnCalendar=${at}
RandomizedDelaySec=15min
Persistent=true

[Install]
WantedBy=timers.target
`

const call = (verb: string): Command => sh`${paths.program} ${raw(verb)}`

/** A program of ours around Db2's own backup, in the same state on both nodes; it works where the instance is active. */
export const native: Tool = {
  name: 'db2-native',
  timers: ['ha-db2-backup.timer'],
  faults({ settings: { custom, copy } }): readonly Fault[] {
    const faults: Fault[] = []
    if (custom) faults.push({ path: 'backup.custom', message: 'belongs to another tool', hint: 'say tool: custom' })
    if (copy?.program === 'restic' && copy.passwordFile === undefined)
      faults.push({
        path: 'backup.copy.passwordFile',
        message: 'restic needs it',
        hint: 'a file on the nodes, mode 0600',
      })
    return faults
  },
  packages: ({ copy }): readonly PackageNeed[] =>
    copy ? [{ apt: copy.program, dnf: copy.program, zypper: copy.program }] : [],
  files: (at) => ({
    [paths.program]: { content: program(), mode: '0755' },
    [paths.config]: { content: config(at), mode: '0644' },
    [paths.service]: { content: service, mode: '0644' },
    [paths.timer]: { content: timer(at.settings.at), mode: '0644' },
  }),
  list: () => ({
    path: paths.list,
    render: (databases) =>
      `# Written by ha-provision: INSTANCE DATABASE\n${databases.map((key) => `${key.replace('/', ' ')}\n`).join('')}`,
  }),
  covered: () => call('covered'),
  last: () => call('last "$1" "$2"'),
  run: () => call('run "$1" "$2"'),
  progress: () => call('progress "$1" "$2"'),
}
