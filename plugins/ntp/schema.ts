import type { Schema } from 'ha-provision'

export const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    daemon: {
      enum: ['chrony', 'ntpd', 'ntpsec', 'systemd-timesyncd'],
      default: 'chrony',
      description: 'The one time daemon that runs; others that are recognised are stopped and disabled.',
    },
    servers: {
      type: 'array',
      default: [],
      uniqueItems: true,
      items: {
        type: 'string',
        pattern: '^[A-Za-z0-9][A-Za-z0-9.:-]*$',
        errorMessage: 'is neither a host name nor an address',
      },
      description:
        'Time servers of every node. Without any, and without pools, one node serves the others with its own clock.',
    },
    pools: {
      type: 'array',
      default: [],
      uniqueItems: true,
      items: {
        type: 'string',
        pattern: '^[A-Za-z0-9][A-Za-z0-9.-]*$',
        errorMessage: 'is no host name',
      },
      description:
        'Names that stand for several time servers each, such as 2.debian.pool.ntp.org; asked beside `servers`.',
    },
    source: {
      $ref: '#/definitions/node',
      description: 'The node that serves the others when there are neither servers nor pools. Default: the first node.',
    },
    allow: {
      type: 'array',
      default: [],
      items: {
        type: 'string',
        pattern: '^\\d{1,3}(\\.\\d{1,3}){3}/\\d{1,2}$',
        errorMessage: 'is no subnet such as 10.77.0.0/24',
      },
      description: 'Subnets that may ask these nodes for the time, beside the links between the nodes.',
    },
    maxOffsetMs: {
      type: 'integer',
      default: 500,
      minimum: 1,
      description: 'Milliseconds that a clock may be off, as its daemon measures it.',
    },
  },
} as const satisfies Schema
