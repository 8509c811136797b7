import type { Schema } from 'ha-provision'

export const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['udpPort', 'links'],
  properties: {
    udpPort: {
      type: 'integer',
      minimum: 1,
      maximum: 65535,
      description:
        "UDP port of this cluster's heartbeats; 694 is Heartbeat's own. Clusters that share a subnet need different ones.",
    },
    links: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      description: 'Paths of the heartbeats; two that share nothing keep a broken cable from looking like a dead node.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['interface'],
        properties: {
          type: {
            enum: ['ucast', 'bcast', 'mcast'],
            default: 'ucast',
            description: 'ucast reaches just the peer; bcast and mcast reach the segment.',
          },
          interface: { type: 'string', description: 'Interface of `network`.' },
          group: {
            type: 'string',
            pattern: '^(22[4-9]|23\\d)(\\.\\d{1,3}){3}$',
            errorMessage: 'must be a multicast address, 224.0.0.0 to 239.255.255.255',
            default: '239.77.0.1',
            description: 'Multicast group, for mcast. Its port is udpPort.',
          },
        },
      },
    },
    home: {
      $ref: '#/definitions/node',
      description: 'Node that starts the service when both come up. Default: drbd.primary.',
    },
    virtualIps: {
      type: 'array',
      default: [],
      uniqueItems: true,
      items: {
        type: 'string',
        pattern: '^\\d{1,3}(\\.\\d{1,3}){3}/\\d{1,2}$',
        errorMessage: 'must be an address with prefix length, such as 10.77.0.100/24',
      },
      description: 'Addresses that move with the service, on the interface whose subnet they are in.',
    },
    resources: {
      type: 'array',
      default: [],
      items: {
        type: 'string',
        pattern: '^[A-Za-z0-9_.-]+(::[^\\s:#]+(:[^\\s:#]+)*)*$',
        errorMessage: 'must be AGENT::ARGUMENT::…',
      },
      description: 'More resources of the group, started last, as in haresources.',
    },
    authKey: {
      type: 'string',
      minLength: 16,
      pattern: '^\\S+$',
      errorMessage: 'must be text without blanks',
      secret: true,
      description: 'Key that signs heartbeats. Default: the one found on a node, else a new one.',
    },
    authKeyFile: {
      type: 'string',
      minLength: 1,
      description: 'File on this computer with that key instead, relative to the config.',
    },
    autoFailback: {
      type: 'boolean',
      default: false,
      description: 'The service goes home when its node is back. For a database a second interruption.',
    },
    keepaliveS: { type: 'number', minimum: 0.1, default: 1, description: 'Seconds between heartbeats.' },
    warntimeS: { type: 'number', minimum: 1, default: 5, description: 'Seconds of silence until a warning.' },
    deadtimeS: {
      type: 'number',
      minimum: 2,
      default: 15,
      description: 'Seconds of silence until a node is taken for dead. Too low under load: both run the service.',
    },
    initdeadS: {
      type: 'number',
      minimum: 4,
      default: 60,
      description: 'The same for the first moments after start; at least twice deadtimeS.',
    },
    stonith: {
      type: 'array',
      default: [],
      items: {
        type: 'string',
        pattern: '^\\S+ \\S+.*$',
        errorMessage: 'must be FROM TYPE PARAMETERS',
        secret: true,
      },
      description:
        'Fencing: stonith_host lines of ha.cf(5), such as "db-a external/ipmi db-b …". `stonith -L` on a node lists the types.',
    },
  },
} as const satisfies Schema
