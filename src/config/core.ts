import type { Schema } from '../plugin/infer.js'

const label = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'

/** Options of the core itself. */
export const coreSchema = {
  cluster: {
    type: 'string',
    pattern: `^${label}$`,
    errorMessage: 'must be lower-case letters, digits and hyphens, 63 at most',
    description: 'Name of the cluster. The state on the control machine and the lock are kept under it.',
  },
  nodes: {
    type: 'object',
    minProperties: 1,
    propertyNames: {
      pattern: `^${label}(\\.${label})*$`,
      errorMessage: 'must be a lower-case host name as `uname -n` prints it',
    },
    description: 'The nodes by host name, as `uname -n` prints it on them.',
    additionalProperties: {
      type: 'object',
      additionalProperties: false,
      properties: {
        ssh: {
          type: 'object',
          additionalProperties: false,
          description: "How to reach the node, where your ssh config does not say it. Default host: the node's name.",
          properties: {
            host: {
              type: 'string',
              pattern: '^[A-Za-z0-9_:.%][A-Za-z0-9_:.%-]*$',
              errorMessage: 'must be a host name or an address',
              description: 'Host name, address, or a Host of your ssh config.',
            },
            port: { type: 'integer', minimum: 1, maximum: 65535, description: 'TCP port of sshd.' },
            user: {
              type: 'string',
              pattern: '^[a-z_][a-z0-9_-]*$',
              errorMessage: 'must be a user name',
              description: 'User to log in as.',
            },
            identityFile: { type: 'string', description: 'Private key; relative to the config file.' },
            knownHostsFile: {
              type: 'string',
              description: "Accept only the host keys in this file, under the node's name.",
            },
            jump: {
              type: 'string',
              pattern: '^[A-Za-z0-9_@:.%,\\[\\]][A-Za-z0-9_@:.%,\\[\\]-]*$',
              errorMessage: 'must be [user@]host[:port]',
              description: 'Jump host, as in ssh -J.',
            },
            sudo: { type: 'boolean', description: 'Run everything through `sudo -n`: for a user who is not root.' },
          },
        },
      },
    },
  },
  plugins: {
    type: 'array',
    items: {},
    description:
      'Plugins beyond the built-in ones: plugin objects, paths relative to the config file, or package names.',
  },
  hooks: { type: 'object', description: 'Hooks of this config: functions by hook name (script configs only).' },
} as const satisfies Record<string, Schema>
