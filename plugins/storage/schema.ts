import type { Schema } from 'ha-provision'

const device = {
  type: 'string',
  pattern: '^/dev/[A-Za-z0-9/_.:+-]+$',
  errorMessage: 'must be a path below /dev, best one that never changes: /dev/disk/by-id/…',
} as const
const name = '[A-Za-z0-9_+.][A-Za-z0-9_+.-]*'

export const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    partitions: {
      type: 'object',
      default: {},
      description: 'GPT partitions by disk. A partition is /dev/disk/by-partlabel/LABEL.',
      propertyNames: { ...device },
      additionalProperties: {
        type: 'array',
        minItems: 1,
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['label'],
          properties: {
            label: {
              type: 'string',
              pattern: '^[A-Za-z0-9_-]{1,36}$',
              errorMessage: 'must be letters, digits, _ and -, 36 at most',
              description: 'GPT name, unique on the node.',
            },
            sizeMiB: {
              type: 'integer',
              minimum: 1,
              description: 'Size. Left out: all that is free; for the last one only.',
            },
          },
        },
      },
    },
    volumeGroups: {
      type: 'object',
      default: {},
      description: 'LVM volume groups by name, on every node.',
      propertyNames: { pattern: `^${name}$`, errorMessage: 'must be a name that LVM takes' },
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        required: ['devices'],
        properties: {
          devices: {
            type: 'array',
            minItems: 1,
            uniqueItems: true,
            items: device,
            description: 'Disks or partitions that become physical volumes.',
          },
        },
      },
    },
    volumes: {
      type: 'object',
      default: {},
      description: 'Logical volumes as GROUP/VOLUME, on every node.',
      propertyNames: { pattern: `^${name}/${name}$`, errorMessage: 'must be GROUP/VOLUME' },
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        required: ['sizeMiB'],
        properties: {
          sizeMiB: { type: 'integer', minimum: 4, description: 'Size. It grows when this grows; it never shrinks.' },
        },
      },
    },
    filesystems: {
      type: 'object',
      default: {},
      description:
        'Local filesystems by mount point, on every node. Not the replicated ones: they belong to their own plugin.',
      propertyNames: { pattern: '^/[A-Za-z0-9/_.-]+$', errorMessage: 'must be an absolute path' },
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        required: ['device'],
        properties: {
          device: { ...device, description: 'What it is on.' },
          type: { enum: ['ext4', 'xfs'], default: 'ext4', description: 'Kind of filesystem.' },
          options: {
            type: 'string',
            default: 'defaults',
            pattern: '^[A-Za-z0-9_,=.-]+$',
            errorMessage: 'must be mount options',
            description: 'Mount options.',
          },
        },
      },
    },
  },
} as const satisfies Schema
