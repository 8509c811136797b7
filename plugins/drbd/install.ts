import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Finding, given, Secret, type Step, sh } from 'ha-provision'
import { packaged } from '../packaged.js'
import { existingConf, foundKey } from './existing.js'
import { resourceFile } from './layout.js'
import { globalConfig, mainConfig, resourceConfig } from './render.js'
import { cutting, majorOf } from './status.js'
import { type AtConfig, mainFile, usageFile } from './view.js'

type Steps = readonly (Step & { readonly on: string })[]
type At = AtConfig & { readonly finding: Finding }

/** One new key for both nodes' files: the steps of a round are made from the same facts. */
const made = new WeakMap<object, Map<string, string>>()
function newKey(facts: object, name: string): string {
  const keys = made.get(facts) ?? new Map<string, string>()
  made.set(facts, keys)
  const key = keys.get(name) ?? randomBytes(16).toString('hex')
  keys.set(name, key)
  return key
}

const parts = (subject = ''): readonly [string, string] => {
  const [what = '', node = ''] = subject.split(' on ')
  return [what, node]
}

const protect = (path: string, on: string): Steps => [
  { kind: 'run', on, title: `${path} is for root only`, command: sh`chmod 0600 -- ${path}` },
]

function install(at: At): Steps {
  const [name, on] = parts(at.finding.subject)
  const resource = at.settings.resources[name]
  const facts = at.nodes[on]
  if (!resource || !facts) return []
  const path = resourceFile(name)
  if (at.finding.desired === '0600') return protect(path, on)
  const found = foundKey(Object.values(at.nodes).map((view) => existingConf(view)[name]))
  const key = found ?? newKey(at.nodes, name)
  const content = new Secret(resourceConfig(at, name, resource, majorOf(facts.drbd), key))
  const state = facts.drbd.minors[resource.minor]
  return [
    {
      kind: 'run',
      on,
      title: `validate ${path}`,
      // With all other resources of the node, so that a port or minor that another one uses is found before.
      command: given(
        sh`t=$(mktemp) && trap 'rm -f "$t"' EXIT && cat > "$t" && for f in /etc/drbd.d/*.res; do [ ! -e "$f" ] || [ "$f" = ${path} ] || printf 'include "%s";\n' "$f"; done >> "$t" && drbdadm -c "$t" sh-nop all`,
        { stdin: content },
      ),
    },
    { kind: 'write', on, path, content, mode: '0600' },
    // Options change in a running resource without interrupting it. One that was disconnected stays so.
    ...(state && state.connection !== 'StandAlone'
      ? [
          {
            kind: 'run' as const,
            on,
            title: `adjust ${name}`,
            // The next stage finds it not adjusted, and asks before it interrupts.
            command: sh`if drbdadm -d adjust ${name} </dev/null | awk '{ print $2 }' | grep -q -E ${cutting.source}; then echo 'left: it would interrupt'; else drbdadm adjust ${name} </dev/null; fi`,
          },
        ]
      : []),
  ]
}

export const fenceProgramText = (): string => readFileSync(packaged('drbd', 'handlers', 'ha-drbd-fence.sh'), 'utf8')

/** How each finding of the files is mended. */
export const fixes = {
  'fence-program': ({ finding: { subject } }: At): Steps => {
    const [path, on] = parts(subject)
    return [{ kind: 'write', on, path, content: fenceProgramText(), mode: '0755' }]
  },
  'no-main-file': ({ finding: { subject = '' } }: At): Steps => [
    { kind: 'write', on: subject, path: mainFile, content: mainConfig, mode: '0644' },
  ],
  'other-main-file': {
    manual: `${mainFile} does not include "drbd.d/*.res", so a resource file there would not count. Add the line, or move your resources to /etc/drbd.d.`,
  },
  'usage-count': ({ nodes, finding: { subject = '' } }: At): Steps => {
    const view = nodes[subject]
    if (!view) return []
    const { path, file } = usageFile(view)
    const content = globalConfig(file?.content)
    return [{ kind: 'write', on: subject, path, content: new Secret(content), mode: file?.mode ?? '0644' }]
  },
  'resource-file': install,
  'resource-by-hand': {
    manual:
      'The resource is described in a file, or in words, that this tool does not write, so it changes nothing there: a second description would make all of them invalid. Change the values yourself on each node, then: drbdadm adjust RES. Or move the resource to a file of its own, /etc/drbd.d/RES.res.',
  },
  'readable-key': ({ finding: { subject } }: At): Steps => protect(...parts(subject)),
  refused: {
    manual:
      'drbdadm does not take the configuration, at the places named, so nothing can be said of its resources. drbdadm dump on that node says more.',
  },
} as const
