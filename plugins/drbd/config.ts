import { randomBytes } from 'node:crypto'
import { ask, type FileFact, type Finding, files, finding, given, Secret, sh, type Task } from 'ha-provision'
import { type Builder, resourceFile } from './layout.js'
import { globalConfig, hideKey, keyOf, mainConfig, resourceConfig } from './render.js'
import { drbdProbe, majorOf } from './status.js'

const mainFile = '/etc/drbd.conf'
const globalFile = '/etc/drbd.d/global_common.conf'

type Id = 'resource-file' | 'no-main-file' | 'usage-count' | 'other-main-file'

/** The key that the nodes agree upon: the first one that a node has. */
const foundKey = (copies: readonly (FileFact | undefined)[]): string | undefined =>
  copies.flatMap((file) => keyOf(file?.content ?? '') ?? [])[0]

/** The files of DRBD, the same on both nodes. drbd.conf(5) */
export const configTask = (t: Builder): Task =>
  t.perCluster({
    id: 'config',
    title: 'resource files',
    probes: ({ settings }) => ({
      drbd: drbdProbe,
      resources: files(Object.fromEntries(Object.keys(settings.resources).map((name) => [name, resourceFile(name)]))),
      base: files({ main: mainFile, global: globalFile }),
      tool: ask(sh`command -v drbdadm`, ({ code }) => code === 0),
    }),
    check(at) {
      const found: Finding<Id>[] = []
      for (const [node, { tool, base }] of Object.entries(at.nodes)) {
        if (!tool) return { waits: `waits for drbd/packages: drbdadm is not installed on ${node}` }
        const main = base.main?.content
        if (main === undefined)
          found.push(finding('no-main-file', { subject: node, desired: mainConfig, actual: undefined }))
        else if (!/^\s*include\s+"(\/etc\/)?drbd\.d\/\*\.res"/m.test(main))
          found.push(finding('other-main-file', { subject: node, desired: mainConfig, actual: main }))
        const global = globalConfig(base.global?.content)
        if (global !== base.global?.content)
          found.push(finding('usage-count', { subject: node, desired: global, actual: base.global?.content }))
      }
      for (const [name, resource] of Object.entries(at.settings.resources)) {
        const copies = Object.entries(at.nodes).map(([node, { resources, drbd }]) => ({
          node,
          file: resources[name],
          drbd,
        }))
        const key = foundKey(copies.map(({ file }) => file))
        for (const { node, file, drbd } of copies) {
          const desired = resourceConfig(at, name, resource, majorOf(drbd), key ?? '')
          if (file?.content === desired && file.mode === '0600') continue
          const note = file && file.mode !== '0600' ? `mode ${file.mode}, not 0600` : undefined
          found.push(
            finding('resource-file', {
              subject: `${name} on ${node}`,
              desired: hideKey(desired, key),
              actual: file && hideKey(file.content, key),
              ...(note ? { note } : {}),
            }),
          )
        }
      }
      // A new key is for both nodes: one finding writes both.
      return found
    },
    fix: {
      'no-main-file': ({ finding: { subject = '' } }) => [
        { kind: 'write', on: subject, path: mainFile, content: mainConfig, mode: '0644' },
      ],
      'other-main-file': {
        manual: `${mainFile} does not include "drbd.d/*.res", so a resource file there would not count. Add the line, or move your resources to /etc/drbd.d.`,
      },
      'usage-count': ({ finding: { subject = '', desired } }) => [
        { kind: 'write', on: subject, path: globalFile, content: String(desired), mode: '0644' },
      ],
      'resource-file': (at) => {
        const [name = '', on = ''] = at.finding.subject?.split(' on ') ?? []
        const resource = at.settings.resources[name]
        const facts = at.nodes[on]
        if (!resource || !facts) return []
        const key = foundKey(Object.values(at.nodes).map(({ resources }) => resources[name])) ?? newKey(at.nodes, name)
        const path = resourceFile(name)
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
            ? [{ kind: 'run' as const, on, title: `adjust ${name}`, command: sh`drbdadm adjust ${name} </dev/null` }]
            : []),
        ]
      },
    },
  })

/** One new key for both nodes' files: the steps of a round are made from the same facts. */
const made = new WeakMap<object, Map<string, string>>()
function newKey(facts: object, name: string): string {
  const keys = made.get(facts) ?? new Map<string, string>()
  made.set(facts, keys)
  const key = keys.get(name) ?? randomBytes(16).toString('hex')
  keys.set(name, key)
  return key
}
