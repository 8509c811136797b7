import { ask, definePlugin, files, finding, type InputOf, sh } from 'ha-provision'

declare module 'ha-provision' {
  interface PluginOptions {
    sysctl: InputOf<typeof sysctl>
  }
}

const render = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([key, value]) => `${key} = ${value}\n`)
    .join('')

/** Kernel settings of the nodes, now and after a boot. sysctl(8), sysctl.d(5) */
const sysctl = definePlugin({
  name: 'sysctl',
  after: ['storage'],
  before: ['drbd'],
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['values'],
    properties: {
      values: {
        type: 'object',
        description: 'Settings by name, such as vm.swappiness.',
        propertyNames: { pattern: '^[a-z0-9_.-]+$', errorMessage: 'must be a name as sysctl(8) prints it' },
        additionalProperties: { type: 'string' },
      },
      file: {
        type: 'string',
        default: '/etc/sysctl.d/60-ha-provision.conf',
        description: 'Where the nodes read them at boot.',
      },
    },
  },
  tasks: (t) => [
    t.perNode({
      id: 'values',
      title: 'kernel settings',
      probes: ({ settings }) => ({
        files: files({ boot: settings.file }),
        now: ask(
          sh`sysctl -- ${Object.keys(settings.values)}`,
          ({ stdout }) =>
            new Map([...stdout.matchAll(/^(\S+) = (.*)$/gm)].map(([, key = '', value = '']) => [key, value])),
        ),
      }),
      check({ settings, facts }) {
        const text = render(settings.values)
        const boot = facts.files.boot?.content
        const values = Object.entries(settings.values).filter(([key, value]) => facts.now.get(key) !== value)
        return [
          ...(boot === text ? [] : [finding('boot-file', { subject: settings.file, desired: text, actual: boot })]),
          ...values.map(([key, desired]) => {
            const actual = facts.now.get(key)
            return actual === undefined
              ? finding('unknown-setting', { subject: key, desired, actual })
              : finding('running-value', { subject: key, desired, actual })
          }),
        ]
      },
      fix: {
        'boot-file': ({ settings }) => [{ kind: 'write', path: settings.file, content: render(settings.values) }],
        'running-value': ({ finding: { subject, desired } }) => [
          { kind: 'run', command: sh`sysctl -q -w ${`${subject}=${desired}`}` },
        ],
        'unknown-setting': {
          manual: 'The kernel of this node does not know it: load its module, or take it out of sysctl.values.',
        },
      },
    }),
  ],
  hooks: {
    'after-stage'({ stage, node, findings = [], log }) {
      if (stage === 'sysctl/values' && findings.length > 0)
        log(`${node}: kernel settings changed, tell the database team`)
    },
  },
})

export default sysctl
