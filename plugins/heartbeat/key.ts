import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  type FileFact,
  type Finding,
  files,
  finding,
  given,
  Secret,
  type Step,
  sh,
  type Task,
  units,
} from 'ha-provision'
import { type At, type Builder, homeOf, paths, service } from './layout.js'
import { reload } from './reload.js'

/** One line of authkeys(5): which number a message names, and how it is signed. */
interface Key {
  readonly number: number
  readonly method: string
  readonly key: string
}
interface Keys {
  /** Number of the key that signs; every key in the file is accepted. */
  readonly auth: number
  readonly keys: readonly Key[]
}

export function parseKeys(content: string | undefined): Keys {
  const lines = (content ?? '').split('\n').map((line) => line.trim().split(/\s+/))
  return {
    auth: Number(lines.find(([word]) => word === 'auth')?.[1] ?? 0),
    keys: lines.flatMap(([number = '', method = '', key]) =>
      /^\d+$/.test(number) && key !== undefined ? [{ number: Number(number), method, key }] : [],
    ),
  }
}

const renderKeys = ({ auth, keys }: Keys): Secret =>
  new Secret(`auth ${auth}\n${keys.map(({ number, method, key }) => `${number} ${method} ${key}\n`).join('')}`)
export const signing = ({ auth, keys }: Keys): Key | undefined => keys.find(({ number }) => number === auth)
const same = (a: Key | undefined, b: Key | undefined): boolean => JSON.stringify(a) === JSON.stringify(b)
/** 192 random bits. */
const newKey = (): string => randomBytes(24).toString('hex')

/** The key that the config gives. */
export const givenKey = ({ settings, cluster }: At): string | undefined =>
  settings.authKey ??
  (settings.authKeyFile === undefined
    ? undefined
    : readFileSync(resolve(cluster.configDir, settings.authKeyFile), 'utf8').trim())

type Files = Readonly<Record<string, { readonly files: { readonly key: FileFact | undefined } }>>

/** The entry that both files shall have alone: the config's key, else the one found at home, else the other node's. */
function wantedOf(at: At, nodes: Files): Key | undefined {
  const found = Object.values(nodes).map(({ files }) => parseKeys(files.key?.content))
  const home = signing(parseKeys(nodes[homeOf(at)]?.files.key?.content))
  const key = givenKey(at) ?? home?.key ?? found.map(signing).find((one) => one !== undefined)?.key
  if (key === undefined) return undefined
  const all = found.flatMap(({ keys }) => keys)
  const isOurs = (one: Key) => one.method === 'sha1' && one.key === key
  // A number means one key as long as any node knows it, so that both can change over while they talk.
  const known = [home, ...found.map(signing), ...all].find((one) => one && isOurs(one))
  const numbers = Array.from({ length: 15 }, (_, i) => i + 1)
  const number = known?.number ?? numbers.find((n) => !all.some((one) => one.number === n)) ?? 1
  return { number, method: 'sha1', key }
}

type Placed = Step & { readonly on: string }
const write = (on: string, keys: Keys, isRunning: boolean): readonly Placed[] => [
  { kind: 'write', on, path: paths.key, content: renderKeys(keys), mode: '0600', owner: 'root:root' },
  ...(isRunning
    ? [
        {
          kind: 'run',
          on,
          title: 'have heartbeat read the keys again',
          // It looks at the file's time in whole seconds: the next version must not come in the same one.
          command: given(sh`${reload}; c=$?; sleep 1.1; exit $c`, { timeoutS: 60 }),
        } as const,
      ]
    : []),
]

type Id = 'no-key' | 'authkeys' | 'authkeys-mode'

export const keyTask = (t: Builder): Task =>
  t.perCluster({
    id: 'key',
    title: 'key of the cluster',
    probes: () => ({ files: files({ key: paths.key }), units: units(service) }),
    check(at): readonly Finding<Id>[] {
      const wanted = wantedOf(at, at.nodes)
      if (!wanted)
        return [
          finding('no-key', { subject: paths.key, desired: 'a key of this cluster alone', actual: 'none on any node' }),
        ]
      const states = Object.entries(at.nodes).map(([node, facts]) => {
        const keys = parseKeys(facts.files.key?.content)
        const state = same(signing(keys), wanted)
          ? keys.keys.length === 1
            ? undefined
            : 'more keys beside it'
          : signing(keys)
            ? 'another key'
            : 'no key'
        return { node, state, file: facts.files.key }
      })
      const off = states.filter(({ state }) => state !== undefined)
      if (off.length > 0)
        return [
          finding('authkeys', {
            subject: off.map(({ node }) => node).join(', '),
            desired: 'the cluster key alone',
            actual: states.map(({ node, state = 'as it should be' }) => `${node}: ${state}`).join('; '),
          }),
        ]
      // Heartbeat refuses to start when anybody else can read it.
      return states
        .filter(({ file }) => file?.mode !== '0600' || file.owner !== 'root:root')
        .map(({ node, file }) =>
          finding('authkeys-mode', {
            subject: node,
            desired: `${paths.key}: 0600 root:root`,
            actual: `${file?.mode} ${file?.owner}`,
          }),
        )
    },
    fix: {
      'no-key': ({ nodes }) => {
        const keys: Keys = { auth: 1, keys: [{ number: 1, method: 'sha1', key: newKey() }] }
        return Object.entries(nodes).flatMap(([node, { units: own }]) =>
          write(node, keys, own[service].active === 'active'),
        )
      },
      authkeys: (at): readonly Placed[] => {
        const wanted = wantedOf(at, at.nodes) as Key
        const final: Keys = { auth: wanted.number, keys: [wanted] }
        const isRunning = (node: string) => at.nodes[node]?.units[service].active === 'active'
        const nodes = Object.keys(at.nodes)
        const [first, second] = nodes.map((node) => signing(parseKeys(at.nodes[node]?.files.key?.content)))
        if (!first || !same(first, second) || same(first, wanted) || !nodes.every(isRunning)) {
          // Those that sign with another key first: the rest still accepts it until its own turn.
          const off = (at.finding.subject ?? '').split(', ')
          const signsRight = (node: string) => same(signing(parseKeys(at.nodes[node]?.files.key?.content)), wanted)
          return off
            .toSorted((a, b) => Number(signsRight(a)) - Number(signsRight(b)))
            .flatMap((node) => write(node, final, isRunning(node)))
        }
        // Both talk with one old key: they learn the new one, then sign with it, then forget the old, and never lose each other.
        const both = [first, wanted]
        return [{ auth: first.number, keys: both }, { auth: wanted.number, keys: both }, final].flatMap((keys) =>
          nodes.flatMap((node) => write(node, keys, true)),
        )
      },
      'authkeys-mode': ({ finding: { subject = '' } }) => [
        {
          kind: 'run',
          on: subject,
          title: 'only root reads authkeys',
          command: sh`chown root:root ${paths.key} && chmod 0600 ${paths.key}`,
        },
      ],
    },
  })
