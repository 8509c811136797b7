import type { Schema } from 'ha-provision'

const address = {
  type: 'string',
  pattern: '^\\d{1,3}(\\.\\d{1,3}){3}$',
  errorMessage: 'is no IPv4 address such as 10.77.0.1',
} as const
const subnet = {
  type: 'string',
  pattern: '^\\d{1,3}(\\.\\d{1,3}){3}/\\d{1,2}$',
  errorMessage: 'is no IPv4 address with its prefix length, such as 10.77.0.1/24',
} as const

export const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['interfaces'],
  properties: {
    interfaces: {
      type: 'object',
      description:
        'Network interfaces by the names that they have on the nodes. The first one with addresses is the one that node names resolve to.',
      minProperties: 1,
      propertyNames: {
        pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$',
        errorMessage: 'is no interface name (15 characters at most)',
      },
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        properties: {
          dhcp: {
            type: 'boolean',
            default: false,
            description: 'Its address comes by DHCP. On the qemu driver: the management interface.',
          },
          addresses: {
            type: 'object',
            default: {},
            description: 'Address with prefix length for each node: { "db-a": "10.77.0.1/24" }.',
            propertyNames: { $ref: '#/definitions/node' },
            additionalProperties: subnet,
          },
        },
      },
    },
    routes: {
      type: 'array',
      default: [],
      description: 'Static routes on both nodes.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['to', 'via'],
        properties: {
          to: {
            type: 'string',
            pattern: '^(default|\\d{1,3}(\\.\\d{1,3}){3}/\\d{1,2})$',
            errorMessage: 'is neither a subnet such as 10.9.0.0/16 nor "default"',
            description: 'Destination: a subnet, or "default".',
          },
          via: { ...address, description: 'Gateway, on the subnet of one of the interfaces.' },
        },
      },
    },
    resolvers: {
      type: 'array',
      default: [],
      items: address,
      maxItems: 3,
      description: 'Name servers. Empty: those of the nodes stay.',
    },
    search: {
      type: 'array',
      default: [],
      items: { type: 'string' },
      description: 'Search domains. Empty: those of the nodes stay.',
    },
    hosts: {
      type: 'object',
      default: {},
      description: 'More names for /etc/hosts, each with its address.',
      propertyNames: { pattern: '^[A-Za-z0-9][A-Za-z0-9.-]*$', errorMessage: 'is no host name' },
      additionalProperties: address,
    },
    rootSsh: {
      type: 'boolean',
      default: true,
      description: 'root of each node reaches root of the other by ssh without a prompt.',
    },
  },
} as const satisfies Schema
