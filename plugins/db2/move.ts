import { readFileSync } from 'node:fs'
import { type Finding, finding, given, quote, type Step, type Task } from 'ha-provision'
import { packaged } from '../packaged.js'
import { settingStep, settingsOf } from './instance.js'
import type { At, Builder } from './layout.js'
import { againstMove, type LocalFact, localProbe, pathsFile, spellPaths, stateOf, targetOf } from './local.js'
import { activeOrPrimary, isHome, type Nodes } from './place.js'
import { type InstanceFact, instanceProbes } from './probes.js'

type Placed = Step & { readonly on: string }

/** One program, called once for each phase; each can be killed and run again. */
const phases = [
  ['prepare', 'there is room for it, and nothing in the way', 600],
  ['backup', 'every database offline, and verified', 12 * 3600],
  ['stop', 'and keep it stopped', 900],
  ['copy', 'to the replicated filesystem, with attributes', 24 * 3600],
  ['verify', 'file by file', 24 * 3600],
  ['switch', 'keep the old directory under another name', 600],
] as const

const localKey = (name: string): string => `local ${name}`
type Facts = Readonly<Record<string, InstanceFact | LocalFact | undefined>>

/** An instance on the local disk of the node that has the data, and what speaks against moving it. */
export interface Local {
  readonly name: string
  readonly node: string
  readonly fact: InstanceFact
  readonly against: readonly string[]
  readonly databases: LocalFact['databases']
}

export const localProbes = (at: At) => ({
  ...instanceProbes(at.settings),
  ...Object.fromEntries(Object.keys(at.settings.instances).map((name) => [localKey(name), localProbe(at, name)])),
})

export function localInstances(at: At, nodes: Readonly<Record<string, Facts>>): readonly Local[] {
  return Object.keys(at.settings.instances).flatMap((name) => {
    const node = activeOrPrimary(at, name, nodes as Nodes)
    const fact = nodes[node]?.[name] as InstanceFact
    if (isHome(at, name, fact) || !(fact.hasSqllib || fact.running)) return []
    const local = nodes[node]?.[localKey(name)] as LocalFact | undefined
    return [{ name, node, fact, against: againstMove(at, name, fact, local), databases: local?.databases ?? {} }]
  })
}

/** Before heartbeat mounts the filesystem over it: an instance that lives on the primary's own disk. */
export const moveTask = (t: Builder): Task =>
  t.perCluster({
    id: 'move',
    title: 'no instance on a local disk',
    before: 'heartbeat',
    probes: localProbes,
    check: (at): readonly Finding<'local-instance' | 'cannot-move'>[] =>
      localInstances(at, at.nodes as Readonly<Record<string, Facts>>).map(({ name, node, fact, against }) => {
        const about = {
          subject: `${name} on ${node}`,
          desired: `on ${targetOf(at, at.settings.instances[name]?.home ?? '').device}`,
          actual: `on ${fact.place.source} (${fact.place.target})${fact.running ? ', running' : ''}`,
        }
        return against.length === 0
          ? finding('local-instance', about)
          : finding('cannot-move', { ...about, note: against.join('; ') })
      }),
    fix: {
      'local-instance': (at): readonly Placed[] => {
        const nodes = at.nodes as Readonly<Record<string, Facts>>
        const local = localInstances(at, nodes).find(({ name, node }) => `${name} on ${node}` === at.finding.subject)
        return local ? move(at, local) : []
      },
      'cannot-move': { manual: cannotMove },
    },
  })

export const cannotMove =
  'The instance lives on a local disk, and cannot be moved to the replicated filesystem as it is. Nothing was changed. What lies elsewhere must be moved below the mount point first, with the means of Db2 (UPDATE DB CFG, db2relocatedb, UPDATE DBM CFG), or be mounted there.'

function move(at: At, { name, node, fact, databases }: Local): readonly Placed[] {
  const { home } = at.settings.instances[name] as At['settings']['instances'][string]
  const { resource, device, mount } = targetOf(at, home)
  const program = readFileSync(packaged('db2', 'files', 'move.sh'), 'utf8')
  const words = [name, home, mount, resource, device, at.settings.installDir, stateOf(name)].map(quote).join(' ')
  const note: readonly Placed[] = fact.running
    ? [{ kind: 'write', on: node, path: pathsFile(name), content: spellPaths(databases), mode: '0600' }]
    : []
  return [
    ...note,
    ...phases.flatMap(([phase, title, timeoutS]): readonly Placed[] => [
      // What it reads at its start, so that Heartbeat starts it as it should be, and nothing needs to stop it once more.
      ...(phase === 'stop' ? settingsOf(at, name, node, fact).map((found) => settingStep(found, home, node)) : []),
      {
        kind: 'run',
        on: node,
        title: `move ${name}: ${phase}, ${title}`,
        command: given({ script: `set -- ${phase} ${words}\n${program}` }, { timeoutS }),
        ...(phase === 'backup' && fact.running
          ? { interrupts: `${name} on ${node} is stopped and moved to ${device}` }
          : {}),
      },
    ]),
  ]
}
