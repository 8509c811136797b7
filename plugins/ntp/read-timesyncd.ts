import { byName, type Files, inDirectory } from './files.js'
import type { Line, Meaning, TimeSource } from './meaning.js'
import { weakness } from './meaning.js'

export const directories = ['/etc', '/run', '/usr/local/lib', '/usr/lib'].map(
  (top) => `${top}/systemd/timesyncd.conf.d`,
)

const known = /^(RootDistanceMaxSec|PollInterval(Min|Max)Sec|SaveIntervalSec|ConnectionRetrySec)$/

/** `KEY=VALUE` of the section [Time], in the order in which they are read. */
function assignments(files: Files, path: string): readonly (Line & { readonly key: string; readonly value: string })[] {
  let section = ''
  let begun: { readonly at: number; readonly text: string } | undefined
  return (files.get(path)?.content ?? '').split('\n').flatMap((line, i) => {
    const { at, text } = begun ? { at: begun.at, text: `${begun.text} ${line}` } : { at: i, text: line }
    begun = /\\$/.test(text) && !/^\s*[#;]/.test(text) ? { at, text: text.slice(0, -1) } : undefined
    if (begun) return []
    section = /^\s*\[(.*)\]\s*$/.exec(text)?.[1] ?? section
    const [, key = '', value = ''] = /^\s*([A-Za-z]+)\s*=\s*(.*?)\s*$/.exec(text) ?? []
    return key !== '' && section === 'Time' ? [{ path, at, key, value, words: [`${key}=${value}`] }] : []
  })
}

/** What systemd-timesyncd does that is given these files. timesyncd.conf(5) */
export function readTimesyncd(files: Files, main: string, only?: string): Meaning {
  const paths = only ? [only] : [main, ...byName(directories.flatMap((own) => inDirectory(files, own, '.conf')))]
  const lists: Record<string, TimeSource[]> = { NTP: [], FallbackNTP: [] }
  const others: Line[] = []
  let isFallbackSaid = false
  for (const { key, value, ...line } of paths.flatMap((path) => assignments(files, path))) {
    const list = lists[key]
    if (list === undefined) {
      if (!known.test(key)) others.push(line)
      continue
    }
    isFallbackSaid ||= key === 'FallbackNTP'
    if (value === '') list.length = 0
    for (const address of value.split(/\s+/).filter((word) => word !== ''))
      list.push({
        kind: 'server',
        address,
        line,
        ...(key === 'NTP' ? weakness(address, line.path) : { weak: 'built in' }),
      })
  }
  const { NTP = [], FallbackNTP = [] } = lists
  const text = files.get(main)?.content ?? ''
  // The file that distributions install shows the servers that are built in as a comment, and says so.
  const shown =
    /compile.time defaults/i.test(text) && !isFallbackSaid ? /^#FallbackNTP=(.*)$/m.exec(text)?.[1] : undefined
  for (const address of (shown ?? '').split(/\s+/).filter((word) => word !== ''))
    FallbackNTP.push({ kind: 'server', address, weak: 'built in', line: { path: main, at: 0, words: [] } })
  return { sources: NTP.length > 0 ? NTP : FallbackNTP, local: false, access: [], others, paths }
}
