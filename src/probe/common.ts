import type { Batch, Probe } from '../plugin/types.js'
import { type Command, type Output, quote, sh } from '../transport/command.js'

/** A probe of one command whose stdout, without the last line break, is the fact; undefined when it exits non-zero. */
export const text = (command: Command): Probe<string | undefined> => ({
  command,
  parse: ({ code, stdout }) => (code === 0 ? stdout.replace(/\n$/, '') : undefined),
})

/** A probe with its own parser. */
export const ask = <T>(command: Command, parse: (output: Output) => T): Probe<T> => ({ command, parse })

export interface FileFact {
  readonly path: string
  /** Four octal digits: `0644`; `other` where something is there that is no file. */
  readonly mode: string
  /** `user:group` */
  readonly owner: string
  readonly content: string
}

const filesBatch: Batch = {
  name: 'files',
  // Three processes however many files: sizes from one stat cut the content that comes in one piece.
  command: (paths) => sh`set --; for f in ${paths}; do
if [ -f "$f" ]; then set -- "$@" "$f"; elif [ -e "$f" ] || [ -L "$f" ]; then printf '@@file other - 0 %s\n' "$f"; fi
done
if [ $# != 0 ]; then stat -L -c '@@file %04a %U:%G %s %n' -- "$@"; printf '@@content '; cat -- "$@" | base64 -w0; fi`,
}

/** The content, mode and owner of files; absent paths are undefined. For files on disk, whose size the kernel knows. */
export const files = <const K extends string>(
  paths: Readonly<Record<K, string>>,
): Probe<Readonly<Record<K, FileFact | undefined>>> => ({
  batch: filesBatch,
  items: Object.values(paths),
  parse({ stdout }) {
    const found = new Map<string, FileFact>()
    let heads: { readonly fact: FileFact; readonly size: number }[] = []
    for (const line of stdout.split('\n')) {
      const [, mode = '', owner = '', size, path = ''] = /^@@file (\S+) (\S+) (\d+) (.+)$/.exec(line) ?? []
      if (size !== undefined) heads.push({ fact: { path, mode, owner, content: '' }, size: Number(size) })
      const text = /^@@content (.*)$/.exec(line)?.[1]
      if (text === undefined) continue
      const bytes = Buffer.from(text, 'base64')
      let at = 0
      for (const { fact, size: length } of heads) {
        found.set(fact.path, { ...fact, content: bytes.subarray(at, at + length).toString() })
        at += length
      }
      if (at !== bytes.length) throw new Error('a file changed while it was read')
      heads = []
    }
    for (const { fact } of heads) found.set(fact.path, fact)
    return Object.fromEntries(Object.entries<string>(paths).map(([key, path]) => [key, found.get(path)])) as Record<
      K,
      FileFact | undefined
    >
  },
})

export interface UnitFact {
  readonly load: string
  /** `active`, `inactive`, `failed`, `activating`… */
  readonly active: string
  /** `enabled`, `disabled`, `masked`, `static`, or empty when there is no such unit. */
  readonly enabled: string
}

const unitsBatch: Batch = {
  name: 'units',
  command: (units) => sh`systemctl show --property=Id,Names,LoadState,ActiveState,UnitFileState -- ${units}`,
}

/** State of systemd units, named with their suffix: `chrony.service`. One `systemctl show` for all. */
export const units = <const U extends string>(...names: readonly U[]): Probe<Readonly<Record<U, UnitFact>>> => ({
  batch: unitsBatch,
  items: names,
  parse({ stdout }) {
    const blocks = stdout
      .split(/\n\n+/)
      .map((block) => Object.fromEntries(block.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2))))
    const facts = names.map((name) => {
      const block = blocks.find((b) => b.Id === name || b.Names?.split(' ').includes(name))
      return [
        name,
        {
          load: block?.LoadState ?? 'not-found',
          active: block?.ActiveState ?? 'inactive',
          enabled: block?.UnitFileState ?? '',
        },
      ]
    })
    return Object.fromEntries(facts)
  },
})

export interface PackageFact {
  readonly version: string
}

const packagesBatch: Batch = {
  name: 'packages',
  command: (names) =>
    sh`if command -v dpkg-query >/dev/null; then dpkg-query -W -f '\${db:Status-Status} \${Package} \${Version}\n' -- ${names} 2>/dev/null; else rpm -q --qf 'installed %{NAME} %{VERSION}-%{RELEASE}\n' -- ${names}; fi; true`,
}

/** Versions of installed packages, by dpkg or rpm, in one run; absent ones are undefined. */
export const packages = <const N extends string>(
  ...names: readonly N[]
): Probe<Readonly<Record<N, PackageFact | undefined>>> => ({
  batch: packagesBatch,
  items: names,
  parse({ stdout }) {
    const installed = new Map(
      [...stdout.matchAll(/^installed (\S+) (\S+)$/gm)].map(([, name, version = '']) => [name, { version }]),
    )
    return Object.fromEntries(names.map((name) => [name, installed.get(name)])) as Record<N, PackageFact | undefined>
  },
})

export { quote }
