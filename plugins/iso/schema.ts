import type { Schema } from 'ha-provision'

export const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    repository: {
      enum: ['apt', 'none'],
      default: 'apt',
      description:
        'Packages that the medium brings: `apt` all that the plugins need and the stub lacks; `none` leaves it to the mirrors of the nodes.',
    },
    callback: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'How a prepared machine reports back to this computer.',
      properties: {
        timeoutS: { type: 'integer', minimum: 30, default: 900, description: 'Seconds to wait for a machine.' },
        bind: {
          type: 'string',
          format: 'ipv4',
          default: '127.0.0.1',
          description: 'Address of this computer that the server listens on. The qemu driver reaches loopback.',
        },
        port: {
          type: 'integer',
          minimum: 1024,
          maximum: 65535,
          description: 'TCP port. Default: one that is free, kept for the cluster.',
        },
      },
    },
  },
} as const satisfies Schema
