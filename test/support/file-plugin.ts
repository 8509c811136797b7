import { type AnyPlugin, ask, definePlugin, type Finding, finding, type Step, sh, type Task } from '../../src/index.js'

type Scope = 'perNode' | 'onControlPerNode' | 'perCluster' | 'onControl'
interface Options {
  readonly scope?: Scope
  readonly rolling?: boolean
  /** Whether a node has the service, by the content of its file. */
  readonly isActive?: (content: string) => boolean
  readonly early?: boolean
  readonly before?: string
  readonly offers?: AnyPlugin['offers']
  readonly modes?: AnyPlugin['modes']
  readonly fix?: (finding: Finding) => readonly (Step & { on?: string })[]
  readonly manual?: string
  readonly waits?: string
  /** What is there, asked of the machine. */
  readonly probe?: string
}

const parse = (text: string): string => {
  if (text === '?') throw new Error('no such form')
  return text
}

/**
 * The smallest plugin: a file of its own name in the home of each node, made where it is missing.
 * Each probe run notes itself in `asked`, so that a test can count the questions.
 */
export function filePlugin(name: string, options: Options = {}): AnyPlugin {
  const {
    scope = 'perNode',
    rolling,
    isActive,
    early,
    before,
    manual,
    waits,
    probe = `echo ${name} >>asked; cat ${name} 2>/dev/null`,
  } = options
  const make = sh`echo ${name} >>order; echo done >${name}`
  const missing = (actual: string, on?: string) =>
    actual.startsWith('done') ? [] : [finding('missing', { subject: on ?? name, desired: 'done', actual })]
  const task = {
    id: 'file',
    title: `the file of ${name}`,
    ...(rolling ? { rolling } : {}),
    ...(isActive ? { isActive: (at: { facts: { content: string } }) => isActive(at.facts.content) } : {}),
    ...(early ? { early } : {}),
    ...(before ? { before } : {}),
    probes: () => ({ content: ask({ script: probe }, ({ stdout }) => parse(stdout.trim())) }),
    check: (at: { facts?: { content: string }; nodes?: Record<string, { content: string }> }) =>
      waits !== undefined
        ? { waits }
        : at.nodes
          ? Object.entries(at.nodes).flatMap(([on, facts]) => missing(facts.content, on))
          : missing(at.facts?.content ?? ''),
    fix: {
      missing:
        manual === undefined
          ? ({ finding: found }: { finding: Finding }) =>
              options.fix?.(found) ?? [
                { kind: 'run', command: make, ...(scope === 'perCluster' ? { on: found.subject ?? '' } : {}) },
              ]
          : { manual },
    },
  }
  return definePlugin({
    name,
    schema: { type: 'object' },
    ...(options.modes ? { modes: options.modes } : {}),
    ...(options.offers ? { offers: options.offers } : {}),
    tasks: (t) => [t[scope](task as never) as Task],
  })
}
