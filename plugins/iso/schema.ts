import type { Schema } from 'ha-provision'

export const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    repository: {
      enum: ['apt', 'rpm', 'none'],
      default: 'apt',
      description:
        'Packages that the medium brings: `apt` all that the plugins need and the stub lacks; `rpm` all that they need, with dependencies; `none` leaves it to the mirrors of the nodes.',
    },
    rpm: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'Where `repository: rpm` takes packages from.',
      properties: {
        reposDir: {
          type: 'string',
          default: '/etc/yum.repos.d',
          description: "Folder of .repo files on this computer; relative paths start at the config's folder.",
        },
        releasever: {
          type: 'string',
          pattern: '^[A-Za-z0-9.]+$',
          errorMessage: 'is no release such as 9',
          default: '9',
          description: "Release of the nodes' distribution, put in for $releasever.",
        },
      },
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
        host: {
          type: 'string',
          pattern: '^[A-Za-z0-9][A-Za-z0-9.-]*$',
          errorMessage: 'is no IPv4 address or host name',
          description: "Address by which machines reach this computer. Default: the vm driver's.",
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
