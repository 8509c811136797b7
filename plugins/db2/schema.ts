import type { Schema } from 'ha-provision'

const user = (uid: number, name: string, group: string) =>
  ({
    type: 'object',
    additionalProperties: false,
    default: {},
    properties: {
      name: { type: 'string', pattern: '^[a-z_][a-z0-9_]{0,7}$', default: name },
      uid: { type: 'integer', minimum: 1, default: uid },
      group: { type: 'string', pattern: '^[a-z_][a-z0-9_-]*$', default: group },
      gid: { type: 'integer', minimum: 1, default: uid },
    },
  }) as const

const parameters = {
  type: 'object',
  default: {},
  propertyNames: { pattern: '^[A-Z][A-Z0-9_]*$' },
  additionalProperties: { type: 'string', minLength: 1 },
} as const

export const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['instances'],
  properties: {
    acceptLicence: {
      type: 'boolean',
      description:
        "true: you have read IBM's licence agreement and accept it; the installer is told so. Needed to install Db2.",
    },
    installer: {
      type: 'string',
      minLength: 1,
      description:
        "IBM's tarball for Linux: a file on this computer, relative to the config, or an https URL. Not needed where Db2 is installed.",
    },
    installDir: {
      type: 'string',
      pattern: '^/[^\\s:,]+$',
      default: '/opt/ibm/db2/V11.5',
      description: 'Path of the Db2 copy, the same on every node.',
    },
    level: {
      type: 'string',
      pattern: '^\\d+(\\.\\d+){3}$',
      errorMessage: 'must be version.release.modification.fix, such as 11.5.9.0',
      description: 'The level that the copy must have. Default: whatever is installed, the same on both nodes.',
    },
    licenceFiles: {
      type: 'array',
      default: [],
      items: { type: 'string', minLength: 1 },
      description: 'Licence files (.lic) on this computer, relative to the config, added with db2licm.',
    },
    packages: {
      type: 'array',
      default: ['ksh', 'libaio1', 'libnuma1', 'libstdc++6', 'libpam0g', 'binutils', 'file', 'rsync'],
      items: { type: 'string', minLength: 1 },
      description: "Packages of the nodes' distribution that the installer asks for.",
    },
    instances: {
      type: 'object',
      minProperties: 1,
      propertyNames: {
        pattern: '^(?!ibm|sys|sql)[a-z_][a-z0-9_]{0,7}$',
        errorMessage:
          'must be a name of at most 8 lower-case letters, digits and _, not beginning with ibm, sys or sql',
      },
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        required: ['home'],
        properties: {
          home: {
            type: 'string',
            pattern: '^/[^\\s:,]+$',
            description: "The instance owner's home, on a replicated filesystem.",
          },
          uid: { type: 'integer', minimum: 1, default: 1000 },
          group: { type: 'string', pattern: '^[a-z_][a-z0-9_-]*$', default: 'db2iadm1' },
          gid: { type: 'integer', minimum: 1, default: 1000 },
          fenced: { ...user(1001, 'db2fenc1', 'db2fadm1'), description: 'User that runs fenced routines.' },
          port: { type: 'integer', minimum: 1024, maximum: 65535, default: 50000, description: 'TCP port of clients.' },
          registry: { ...parameters, description: 'Variables of the instance, as for db2set.' },
          config: { ...parameters, description: 'Database manager configuration, as in db2 update dbm cfg.' },
          databases: {
            type: 'object',
            default: {},
            propertyNames: {
              pattern: '^(?!IBM|SYS|SQL)[A-Z@#$][A-Z0-9@#$_]{0,7}$',
              errorMessage: 'must be a name of at most 8 upper-case letters and digits',
            },
            additionalProperties: {
              type: 'object',
              additionalProperties: false,
              properties: {
                path: { type: 'string', pattern: '^/[^\\s,]+$', description: "Default: the instance's home." },
                codeSet: { type: 'string', pattern: '^[A-Za-z0-9-]+$', default: 'UTF-8' },
                territory: { type: 'string', pattern: '^[A-Za-z]{2}$', default: 'US' },
                pageSize: { enum: [4096, 8192, 16384, 32768], default: 8192 },
                config: { ...parameters, description: 'Database configuration, as in db2 update db cfg.' },
              },
            },
          },
        },
      },
    },
  },
} as const satisfies Schema
