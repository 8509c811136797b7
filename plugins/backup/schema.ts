import type { Schema } from 'ha-provision'

/** A line of a shell; `$1` is the instance, `$2` the database. */
const shell = (description: string) => ({ type: 'string', minLength: 1, description }) as const

export const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    tool: {
      enum: ['db2-native', 'custom'],
      default: 'db2-native',
      description: 'db2-native: a program of ours on both nodes and a systemd timer. custom: a tool of your own.',
    },
    directory: {
      type: 'string',
      pattern: '^(/[A-Za-z0-9._-]+)+$',
      errorMessage: 'must be an absolute path of letters, digits, . _ and -',
      default: '/var/backups/db2',
      description: 'Where images go, on the disk of the node on which the instance is active.',
    },
    keep: {
      type: 'integer',
      minimum: 1,
      default: 7,
      description: 'Verified images of a database that stay on a node.',
    },
    at: {
      type: 'string',
      pattern: '^[A-Za-z0-9*:,./~ _+-]+$',
      default: '*-*-* 02:00:00',
      description: 'When, as OnCalendar of systemd.time(7); up to a quarter of an hour later.',
    },
    maxAgeH: {
      type: 'number',
      minimum: 1,
      default: 26,
      description: 'Hours after which the last good backup is too old: a run then makes one.',
    },
    compress: { type: 'boolean', default: true, description: 'Db2 compresses its images.' },
    offline: {
      type: 'boolean',
      default: false,
      description:
        'Interrupts the service: databases with circular logging are backed up offline, their clients disconnected. Otherwise they are reported.',
    },
    exclude: {
      type: 'array',
      default: [],
      uniqueItems: true,
      items: {
        type: 'string',
        pattern: '^[a-z_][a-z0-9_]{0,7}/[A-Z@#$][A-Z0-9@#$_]{0,7}$',
        errorMessage: 'must be INSTANCE/DATABASE, such as db2inst1/SAMPLE',
      },
      description: 'INSTANCE/DATABASE that are deliberately in no backup.',
    },
    copy: {
      type: 'object',
      additionalProperties: false,
      required: ['program', 'target'],
      description: 'Carries every verified image off the node; until it has arrived, it counts for nothing.',
      properties: {
        program: { enum: ['rclone', 'restic'] },
        target: { type: 'string', minLength: 1, description: "rclone's REMOTE:PATH, or restic's repository." },
        configFile: { type: 'string', pattern: '^/', description: "rclone's config file, on the nodes." },
        passwordFile: { type: 'string', pattern: '^/', description: "restic's password file, on the nodes." },
      },
    },
    custom: {
      type: 'object',
      additionalProperties: false,
      required: ['coveredBy', 'run', 'lastBackup'],
      description: 'With tool: custom. The tool schedules itself.',
      properties: {
        packages: {
          type: 'array',
          default: [],
          items: { type: 'string', minLength: 1 },
          description: 'Packages of the tool on the nodes.',
        },
        configFile: {
          type: 'object',
          additionalProperties: false,
          required: ['path', 'template'],
          description: "The tool's list of databases, written on both nodes.",
          properties: {
            path: { type: 'string', pattern: '^/' },
            template: {
              type: 'string',
              minLength: 1,
              description:
                'A file on this computer, relative to the config. Lines with {{instance}} or {{database}} are repeated for every database.',
            },
          },
        },
        coveredBy: shell('Lists the databases that are backed up, INSTANCE/DATABASE, one a line.'),
        run: shell('Backs up one database now: $1 is the instance, $2 the database.'),
        lastBackup: shell('Prints the epoch seconds of the last good backup of $1/$2, or nothing when there is none.'),
      },
    },
  },
} as const satisfies Schema
