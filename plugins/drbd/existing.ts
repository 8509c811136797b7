import type { FileFact } from 'ha-provision'
import { parseConf, type Section } from './conf.js'
import { resourceFile } from './layout.js'
import { commonOf, type Meaning, resourcesOf } from './meaning.js'
import type { View } from './view.js'

/** The files that are read here, where drbdadm refuses the whole; a file that cannot be read says nothing. */
function fromFiles({ base, resources }: View): Section {
  const sections = [base.main, base.global, ...Object.values(resources)].flatMap((file) => {
    if (!file) return []
    try {
      return parseConf(file.content, file.path).sections
    } catch {
      return []
    }
  })
  return { words: [], statements: [], sections }
}

const confOf = (view: View): Section => view.conf.conf ?? fromFiles(view)

/** What a node's configuration says of its resources, by name. */
export const existingConf = (view: View): Readonly<Record<string, Meaning>> => resourcesOf(confOf(view))

/** What our file would mean on that node, beside what its `common` section says. */
export function wantedIn(view: View, name: string, content: string): Meaning {
  const sections = [...commonOf(confOf(view)), ...parseConf(content).sections]
  return resourcesOf({ words: [], statements: [], sections })[name] as Meaning
}

/** The key that the nodes agree upon: the first one that a node has. */
export const foundKey = (meanings: readonly (Meaning | undefined)[]): string | undefined =>
  meanings.flatMap((meaning) => meaning?.said.net['shared-secret'] || [])[0]

/** Names of what a file holds beside one resource. */
function neighbours(content: string, name: string): readonly string[] {
  const { sections, statements } = parseConf(content)
  return [...statements, ...sections.map(({ words }) => words)]
    .filter(([kind, own]) => kind !== 'resource' || own !== name)
    .map((words) => words.join(' '))
}

/** Why a file cannot be read; undefined when it can. */
function unreadable(file: FileFact): string | undefined {
  if (file.mode === 'other') return `${file.path} is no file`
  try {
    parseConf(file.content, file.path)
    return undefined
  } catch (error) {
    return `${file.path} cannot be read: ${(error as Error).message}`
  }
}

/** Why our file must not take the place of what describes the resource now; undefined when it may. */
export function reasonByHand(name: string, { resources }: View, existing: Meaning | undefined): string | undefined {
  const path = resourceFile(name)
  const file = resources[name]
  if (existing?.from !== undefined && existing.from.replace(/:\d+$/, '') !== path)
    return `described in ${existing.from}`
  // What cannot be read is not empty.
  const broken = file && unreadable(file)
  if (broken !== undefined) return broken
  const others = file ? neighbours(file.content, name) : []
  if (others.length > 0) return `${path} also holds ${others.join(', ')}`
  if (!existing) return undefined
  const more = [
    ...existing.foreign,
    ...existing.extra,
    // Ids are in the metadata: other ones than before would make strangers of the nodes.
    ...(/^[^#\n]*\bnode-id\b/m.test(file?.content ?? '') ? ['node-id'] : []),
  ]
  return more.length > 0 ? `${path} says what a config cannot: ${more.join(', ')}` : undefined
}
