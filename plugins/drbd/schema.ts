import type { Schema } from 'ha-provision'

const options = { type: 'object', default: {}, additionalProperties: { type: ['string', 'number'] } } as const

export const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['primary', 'resources'],
  properties: {
    primary: {
      $ref: '#/definitions/node',
      description: 'The node with the valid data: the source of the first sync, never forced on anything else.',
    },
    resources: {
      type: 'object',
      minProperties: 1,
      description: 'Replicated devices by resource name.',
      propertyNames: {
        pattern: '^[a-z][a-z0-9_-]{0,30}$',
        errorMessage: 'must be lower-case letters, digits, _ and -',
      },
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        required: ['volume', 'minor', 'port', 'interface'],
        properties: {
          volume: {
            type: 'string',
            pattern: '^(/dev/)?[A-Za-z0-9/_.:+-]+$',
            errorMessage: 'must be GROUP/VOLUME of storage.volumes, or a path below /dev',
            description: 'The backing device on both nodes: GROUP/VOLUME, or a path below /dev.',
          },
          minor: { type: 'integer', minimum: 0, maximum: 255, description: 'Number of /dev/drbdN.' },
          port: {
            type: 'integer',
            minimum: 1024,
            maximum: 65535,
            description: 'TCP port of the replication, on both nodes.',
          },
          interface: { type: 'string', description: 'Interface of `network` that carries the replication.' },
          protocol: {
            enum: ['A', 'B', 'C'],
            default: 'C',
            description: 'C acknowledges a write when it is on both disks; a database needs it.',
          },
          initialSync: {
            enum: ['full', 'skip'],
            default: 'full',
            description:
              '`skip` declares two new, empty sides equal without copying; a later verify reports what differs.',
          },
          resyncRate: {
            type: 'string',
            pattern: '^[0-9]+[KMG]?$',
            default: '40M',
            errorMessage: 'must be bytes per second such as 40M',
            description: 'Bytes per second of a resync; about 30 % of what the link carries.',
          },
          metadata: {
            type: 'string',
            pattern: '^(internal|(/dev/)?[A-Za-z0-9/_.:+-]+(\\[[0-9]+\\])?)$',
            default: 'internal',
            errorMessage:
              'must be internal, GROUP/VOLUME or a path below /dev, with [INDEX] behind it if several share it',
            description:
              'Where DRBD keeps its metadata: `internal` is the end of the volume. Elsewhere (`/dev/sdb1[0]`) it is never made by this tool.',
          },
          authentication: {
            type: 'boolean',
            default: true,
            description:
              'The nodes prove to each other that they know a common key. Without it, any host that reaches the port can be the peer.',
          },
          net: { ...options, description: 'More options of the `net` section, by their names in drbd.conf(5).' },
          disk: { ...options, description: 'More options of the `disk` section.' },
          startup: { ...options, description: 'More options of the `startup` section.' },
          options: { ...options, description: 'More options of the `options` section.' },
          handlers: { ...options, description: 'Commands that DRBD runs, by the names of its events.' },
          filesystem: {
            type: 'object',
            additionalProperties: false,
            required: ['mount'],
            description: 'Filesystem on the device; the cluster manager mounts it.',
            properties: {
              type: { enum: ['ext4', 'ext3', 'xfs'], default: 'ext4', description: 'Kind of filesystem.' },
              mount: {
                type: 'string',
                pattern: '^/[A-Za-z0-9/_.-]+$',
                errorMessage: 'must be an absolute path',
                description: 'Mount point, on both nodes.',
              },
            },
          },
        },
      },
    },
  },
} as const satisfies Schema
