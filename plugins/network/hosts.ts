import { type AnyPlugin, type Context, files, finding, type Task, type TaskBuilder } from 'ha-provision'
import { addressOf, type Network } from './layout.js'

const begin = '# ha-provision: begin'
const end = '# ha-provision: end'

/** The names that the config gives an address: nodes first. */
export const wantedNames = ({ settings, cluster }: Context<Network>): ReadonlyMap<string, string> =>
  new Map([
    ...cluster.nodes.flatMap(({ name }): [string, string][] => {
      const address = addressOf(settings, name)
      return address === undefined ? [] : [[name, address]]
    }),
    ...Object.entries(settings.hosts),
  ])

const entry = (line: string): readonly string[] => line.replace(/#.*/, '').trim().split(/\s+/).filter(Boolean)

/** Addresses by name, each once. */
export function namesOf(content: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>()
  for (const line of content.split('\n')) {
    const [address = '', ...names] = entry(line)
    for (const name of names) found.set(name, [...new Set([...(found.get(name) ?? []), address])])
  }
  return found
}

/** Whether each name stands for its address and for no other. */
export function resolves(content: string, wanted: ReadonlyMap<string, string>): boolean {
  const found = namesOf(content)
  return [...wanted].every(([name, address]) => found.get(name)?.join() === address)
}

/** The file with the wanted names in a block of our own; other lines stay, less the wanted names on them. */
export function hostsFile(content: string, wanted: ReadonlyMap<string, string>): string {
  const kept: string[] = []
  let inside = false
  for (const line of content.replace(/\n+$/, '').split('\n')) {
    if (line === begin) inside = true
    else if (line === end) inside = false
    else if (!inside) {
      const [address, ...names] = entry(line)
      const rest = names.filter((name) => !wanted.has(name))
      if (rest.length === names.length) kept.push(line)
      else if (rest.length > 0) kept.push(`${address}\t${rest.join(' ')}${/\s*#.*$/.exec(line)?.[0] ?? ''}`)
    }
  }
  while (kept.at(-1) === '') kept.pop()
  const lines = [...wanted].map(([name, address]) => `${address}\t${name}`)
  return `${[...kept, begin, ...lines, end].join('\n')}\n`
}

export const hostsTask = (t: TaskBuilder<Network, AnyPlugin>): Task =>
  t.perNode({
    id: 'hosts',
    title: 'hosts file',
    probes: () => ({ files: files({ hosts: '/etc/hosts' }) }),
    check(at) {
      const wanted = wantedNames(at)
      const actual = at.facts.files.hosts?.content ?? ''
      if (wanted.size === 0 || resolves(actual, wanted)) return []
      return [finding('hosts-file', { subject: '/etc/hosts', desired: hostsFile(actual, wanted), actual })]
    },
    fix: {
      'hosts-file': ({ finding: { desired } }) => [
        { kind: 'write', path: '/etc/hosts', content: String(desired), mode: '0644' },
      ],
    },
  })
