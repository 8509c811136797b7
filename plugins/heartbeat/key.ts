import { createHash, randomBytes } from 'node:crypto'
import { type Finding, files, finding, Secret, type Step, type Task, type TaskBuilder } from 'ha-provision'
import type drbd from '../drbd/index.js'
import type network from '../network/index.js'
import { type Heartbeat, homeOf, paths } from './layout.js'
import { reload } from './node-tasks.js'

/** The key that `auth` chooses, if it is one that gives security. */
export function keyOf(content: string | undefined): string | undefined {
  const number = /^\s*auth\s+(\d+)\s*$/m.exec(content ?? '')?.[1]
  return number === undefined
    ? undefined
    : new RegExp(`^\\s*${number}\\s+sha1\\s+(\\S+)\\s*$`, 'm').exec(content ?? '')?.[1]
}

const render = (key: string): Secret => new Secret(`auth 1\n1 sha1 ${key}\n`)
const newKey = (): string => randomBytes(24).toString('hex')
/** Enough to tell keys apart in a report, of no use to guess one. */
const fingerprint = (key: string | undefined): string =>
  key === undefined ? 'no key' : `key ${createHash('sha256').update(key).digest('hex').slice(0, 8)}`

const write = (on: string, content: Secret): readonly (Step & { readonly on: string })[] => [
  { kind: 'write', on, path: paths.key, content, mode: '0600', owner: 'root:root' },
  { kind: 'run', on, title: 'have a running heartbeat read it', command: reload },
]

type Id = 'no-key' | 'authkeys' | 'authkeys-mode'

export const keyTask = (t: TaskBuilder<Heartbeat, typeof network | typeof drbd>): Task =>
  t.perCluster({
    id: 'key',
    title: 'key of the cluster',
    probes: () => ({ files: files({ key: paths.key }) }),
    check(at): readonly Finding<Id>[] {
      const nodes = Object.entries(at.nodes)
      const home = homeOf(at)
      const keys = Object.fromEntries(
        nodes.map(
          ([
            node,
            {
              files: { key },
            },
          ]) => [node, keyOf(key?.content)],
        ),
      )
      const wanted = at.settings.authKey ?? keys[home] ?? Object.values(keys).find((key) => key !== undefined)
      if (wanted === undefined)
        return [
          finding('no-key', { subject: paths.key, desired: 'a key of this cluster alone', actual: 'none on any node' }),
        ]
      return nodes.flatMap(
        ([
          node,
          {
            files: { key },
          },
        ]): readonly Finding<Id>[] => {
          const subject = node
          if (keys[node] !== wanted)
            return [
              finding('authkeys', {
                subject,
                desired: `${paths.key}: ${fingerprint(wanted)}`,
                actual: fingerprint(keys[node]),
              }),
            ]
          // Heartbeat refuses to start when anybody else can read it.
          return key?.mode === '0600'
            ? []
            : [finding('authkeys-mode', { subject, desired: `${paths.key}: 0600`, actual: key?.mode })]
        },
      )
    },
    fix: {
      'no-key': ({ nodes }) => {
        const content = render(newKey())
        return Object.keys(nodes).flatMap((node) => write(node, content))
      },
      authkeys: (at) => {
        const keys = Object.entries(at.nodes).map(
          ([
            node,
            {
              files: { key },
            },
          ]) => ({ node, key: keyOf(key?.content) }),
        )
        const found =
          keys.find(({ node }) => node === homeOf(at))?.key ?? keys.find(({ key }) => key !== undefined)?.key
        return write(at.finding.subject ?? '', render(at.settings.authKey ?? found ?? newKey()))
      },
      'authkeys-mode': ({ nodes, finding: { subject = '' } }) =>
        write(subject, new Secret(nodes[subject]?.files.key?.content ?? '')),
    },
  })
