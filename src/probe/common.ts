import type { Batch, Probe } from '../plugin/types.js'
import { type Command, type Output, quote, raw, sh } from '../transport/command.js'

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

const marker = '@@file'
const filesBatch: Batch = {
  name: 'files',
  // base64 keeps any content, also without a last line break, apart from the next header.
  command: (paths) =>
    sh`for f in ${paths}; do if [ -f "$f" ]; then printf '${raw(marker)} %s %s\n' "$(stat -L -c '%04a %U:%G' -- "$f")" "$f"; base64 -w0 -- "$f"; echo; elif [ -e "$f" ] || [ -L "$f" ]; then printf '${raw(marker)} other - %s\n\n' "$f"; fi; done`,
}

/** The content, mode and owner of files; absent paths are undefined. One process pair for each file that exists. */
export const files = <const K extends string>(
  paths: Readonly<Record<K, string>>,
): Probe<Readonly<Record<K, FileFact | undefined>>> => ({
  batch: filesBatch,
  items: Object.values(paths),
  parse({ stdout }) {
    const lines = stdout.split('\n')
    const found = new Map<string, FileFact>()
    for (let i = 0; i < lines.length; i++) {
      const header = /^@@file (\S+) (\S+) (.+)$/.exec(lines[i] ?? '')
      if (!header) continue
      const [, mode = '', owner = '', path = ''] = header
      found.set(path, { path, mode, owner, content: Buffer.from(lines[i + 1] ?? '', 'base64').toString() })
    }
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
