import {
  type Command,
  type Finding,
  files,
  finding,
  type NodeContext,
  raw,
  sh,
  type Task,
  text,
  type Waits,
} from 'ha-provision'
import type drbd from '../drbd/index.js'
import type network from '../network/index.js'
import type { Builder, Heartbeat, Plan } from './layout.js'

/** A device that another plugin offers as `fencing`. Its program is a plugin of cluster-glue's stonith(8), with the one parameter `hostlist`. */
export interface FencingDevice {
  /** It becomes the type `external/NAME`. */
  readonly name: string
  readonly program: string
  /** What a person does when it does not answer. */
  readonly silent: string
}

const devices = (at: Pick<Plan, 'offered'>): readonly FencingDevice[] =>
  at.offered('fencing') as readonly FencingDevice[]

/** Programs of offered devices by their path. */
export const fencingPrograms = (at: Pick<Plan, 'offered'>): Readonly<Record<string, string>> =>
  Object.fromEntries(devices(at).map(({ name, program }) => [`/usr/lib/stonith/plugins/external/${name}`, program]))

/** stonith_host lines without that word: those of the config, and each node's way to its peers. */
export function stonithLines(at: Pick<Plan, 'settings' | 'cluster' | 'offered'>): readonly string[] {
  const nodes = at.cluster.nodes.map(({ name }) => name)
  const offered = devices(at).flatMap(({ name }) =>
    nodes.flatMap((from) => nodes.filter((peer) => peer !== from).map((peer) => `${from} external/${name} ${peer}`)),
  )
  return [...at.settings.stonith, ...offered]
}

/** Fencing that nobody tried is none: each node asks the offered devices for the power of its peers. */
export const fencingTask = (t: Builder): Task =>
  t.perNode({
    id: 'fencing',
    title: 'the offered fencing answers',
    probes: (at) => ({
      programs: files(Object.fromEntries(Object.keys(fencingPrograms(at)).map((path) => [path, path]))),
      answers: text(asking(at)),
    }),
    check(at): readonly Finding<'fencing-silent'>[] | Waits {
      const silent = devices(at).filter(({ name }) => !at.facts.answers?.split('\n').includes(`answers ${name}`))
      if (silent.length === 0) return []
      if (Object.values(at.facts.programs).includes(undefined)) return { waits: 'waits for heartbeat/config' }
      return silent.map(({ name, silent: remedy }) =>
        finding('fencing-silent', {
          subject: `external/${name}`,
          desired: 'power status of its peer',
          actual: 'no answer',
          note: remedy,
        }),
      )
    },
    fix: {
      'fencing-silent': {
        manual:
          'Until it answers, a node that hangs keeps the service from its peer: Heartbeat takes nothing over before its fencing succeeded.',
      },
    },
  })

const asking = (at: NodeContext<Heartbeat, typeof network | typeof drbd>): Command =>
  sh`${raw(
    devices(at)
      .flatMap(({ name }) =>
        at.peers.map(
          (peer) =>
            sh`stonith -t ${`external/${name}`} ${`hostlist=${peer}`} -S >/dev/null 2>&1 && echo ${`answers ${name}`}`
              .script,
        ),
      )
      .join('\n'),
  )}
true`
