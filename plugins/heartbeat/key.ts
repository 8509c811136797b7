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
  /** Empty with crc: a checksum that anybody can make. What else stands in its line is not read. */
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
    keys: lines.flatMap(([number = '', method = '', key]) => {
      const told = method === 'crc' ? '' : key
      return /^\d+$/.test(number) && told !== undefined ? [{ number: Number(number), method, key: told }] : []
    }),
  }
}

const lineOf = ({ number, method, key }: Key): string => `${number} ${method} ${key}`.trim()
const renderKeys = ({ auth, keys }: Keys): Secret =>
  new Secret(`auth ${auth}\n${keys.map((key) => `${lineOf(key)}\n`).join('')}`)
/** What messages are signed with, be it a checksum. */
const signer = ({ auth, keys }: Keys): Key | undefined => keys.find(({ number }) => number === auth)
/** The key that messages are signed with, where there is a secret in it. */
export const signing = (keys: Keys): Key | undefined => {
  const found = signer(keys)
  return found?.key === '' ? undefined : found
}
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
const keysOf = (nodes: Files, node: string): Keys => parseKeys(nodes[node]?.files.key?.content)

/** The entry that both files shall have alone: the config's key, else the one found at home, else the other node's. */
function wantedOf(at: At, nodes: Files): Key | undefined {
  const found = Object.keys(nodes).map((node) => keysOf(nodes, node))
  const home = signing(keysOf(nodes, homeOf(at)))
  const key = givenKey(at) ?? home?.key ?? found.map(signing).find((one) => one !== undefined)?.key
  if (key === undefined) return undefined
  const all = found.flatMap(({ keys }) => keys)
  const isOurs = (one: Key) => one.method === 'sha1' && one.key === key
  // A number means one key as long as any node knows it, so that both can change over while they talk.
  const known = [home, ...found.map(signing), ...all].find((one) => one && isOurs(one))
  return { number: known?.number ?? freeNumber(all), method: 'sha1', key }
}

/** A number that no node knows. */
function freeNumber(all: readonly Key[]): number {
  const numbers = Array.from({ length: 15 }, (_, i) => i + 1)
  return numbers.find((n) => !all.some((one) => one.number === n)) ?? 1
}

/** What is wrong with a node's file, in words. */
function stateOf(keys: Keys, wanted: Key | undefined): string | undefined {
  const own = signer(keys)
  if (own?.method === 'crc') return 'crc, a checksum that anybody can make'
  if (!own) return 'no key'
  if (!same(own, wanted)) return 'another key'
  return keys.keys.length === 1 ? undefined : 'more keys beside it'
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

type Running = Files &
  Readonly<Record<string, { readonly units: Readonly<Record<string, { readonly active: string }>> }>>

/** Has these nodes sign with the wanted key, and know no other. */
function changeTo(wanted: Key, off: readonly string[], facts: Running): readonly Placed[] {
  const final: Keys = { auth: wanted.number, keys: [wanted] }
  const isRunning = (node: string) => facts[node]?.units[service]?.active === 'active'
  const nodes = Object.keys(facts)
  const [first, second] = nodes.map((node) => signer(keysOf(facts, node)))
  if (!first || !same(first, second) || same(first, wanted) || !nodes.every(isRunning)) {
    // Those that sign with another key first: the rest still accepts it until its own turn.
    const signsRight = (node: string) => same(signer(keysOf(facts, node)), wanted)
    return off
      .toSorted((a, b) => Number(signsRight(a)) - Number(signsRight(b)))
      .flatMap((node) => write(node, final, isRunning(node)))
  }
  // Both talk with one old key, or with crc: they learn the new key, then sign with it, then forget the old, and never lose each other.
  const both = [first, wanted]
  return [{ auth: first.number, keys: both }, { auth: wanted.number, keys: both }, final].flatMap((keys) =>
    nodes.flatMap((node) => write(node, keys, true)),
  )
}

type Id = 'no-key' | 'authkeys' | 'authkeys-mode'

export const keyTask = (t: Builder): Task =>
  t.perCluster({
    id: 'key',
    title: 'key of the cluster',
    probes: () => ({ files: files({ key: paths.key }), units: units(service) }),
    check(at): readonly Finding<Id>[] {
      const wanted = wantedOf(at, at.nodes)
      const states = Object.entries(at.nodes).map(([node, { files }]) => ({
        node,
        state: stateOf(parseKeys(files.key?.content), wanted),
        file: files.key,
      }))
      const said = states.map(({ node, state = 'as it should be' }) => `${node}: ${state}`).join('; ')
      if (!wanted) {
        const hasNothing = states.every(({ state }) => state === 'no key')
        return [
          finding('no-key', {
            subject: paths.key,
            desired: 'a key of this cluster alone',
            actual: hasNothing ? 'none on any node' : said,
          }),
        ]
      }
      const off = states.filter(({ state }) => state !== undefined)
      if (off.length > 0)
        return [
          finding('authkeys', {
            subject: off.map(({ node }) => node).join(', '),
            desired: 'the cluster key alone',
            actual: said,
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
        // Nodes that sign with crc talk to each other: its number stays theirs until both have the key.
        const number = freeNumber(Object.keys(nodes).flatMap((node) => keysOf(nodes, node).keys))
        return changeTo({ number, method: 'sha1', key: newKey() }, Object.keys(nodes), nodes)
      },
      authkeys: (at) => changeTo(wantedOf(at, at.nodes) as Key, (at.finding.subject ?? '').split(', '), at.nodes),
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
