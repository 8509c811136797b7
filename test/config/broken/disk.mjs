/** A plugin with one option of each kind, there in every project of this folder. */
const node = { $ref: '#/definitions/node' }
export default {
  name: 'disk',
  schema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      device: { type: 'string', pattern: '^/dev/', errorMessage: 'is no path under /dev', examples: ['/dev/vdb'] },
      sizeMiB: { type: 'integer', minimum: 8, maximum: 4096, default: 64, description: 'Size in MiB.' },
      kind: { enum: ['ext4', 'xfs', 'btrfs'], default: 'ext4' },
      home: node,
      weights: { type: 'object', propertyNames: node, additionalProperties: { type: 'integer' } },
      labels: { type: 'array', items: { type: 'string' }, uniqueItems: true, maxItems: 2 },
      mounts: {
        type: 'array',
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['path'],
          properties: { path: { type: 'string', description: 'Where it is mounted.' } },
        },
      },
      key: { type: 'string', secret: true, minLength: 16, description: 'The key, 16 characters at least.' },
      since: { type: 'string', format: 'date' },
      quorum: { anyOf: [{ type: 'integer' }, { const: 'off' }], description: 'A number, or off.' },
      force: { type: 'boolean' },
    },
  },
  unique: (options) =>
    [{ path: 'device', value: options?.device, what: `the device ${options?.device}` }].filter(({ value }) => value),
  validate: ({ settings, cluster }) =>
    settings.home && settings.weights && settings.weights[settings.home] === undefined
      ? [
          {
            path: `disk.weights`,
            message: `the home ${settings.home} of ${cluster.name} has no weight`,
            hint: `add ${settings.home}: 1`,
          },
        ]
      : [],
  tasks: () => [],
}
