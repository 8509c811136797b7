import { ask, type Command, type FileFact, files, type Probe, raw, sh } from 'ha-provision'

/** Configuration files by their path, with all that they include. */
export type Files = ReadonlyMap<string, FileFact>

/**
 * Leaves in `$@` the files that match the patterns and all that those include, each once. No process of its own.
 * chrony.conf(5): include, confdir, sourcedir; ntp.conf(5): includefile.
 */
export const discover = (patterns: readonly string[]): Command => sh`set -- ${raw(patterns.join(' '))}; found=
while [ $# != 0 ]; do f=$1; shift
case "$found" in *"|$f
"*) continue ;; esac
[ -f "$f" ] || continue
found="$found|$f
"
while read -r word rest || [ -n "$word" ]; do
case "$word" in
[Ii][Nn][Cc][Ll][Uu][Dd][Ee] | includefile) rest=\${rest#\\"}; for d in \${rest%\\"}; do
case "$d" in /*) ;; *) d=\${f%/*}/$d ;; esac
if [ -d "$d" ]; then set -- "$@" "$d"/*.conf; else set -- "$@" "$d"; fi; done ;;
[Cc][Oo][Nn][Ff][Dd][Ii][Rr]) for d in $rest; do set -- "$@" "$d"/*.conf; done ;;
[Ss][Oo][Uu][Rr][Cc][Ee][Dd][Ii][Rr]) for d in $rest; do set -- "$@" "$d"/*.sources; done ;;
esac; done <"$f"; done
IFS='|
'; set -f; set -- $found; set +f; IFS=' '
for f in "$@"; do shift; [ -z "$f" ] || set -- "$@" "$f"; done`

/** Content of those files and of /etc/hosts, in the format of the probe `files`. */
export const confFiles = (patterns: readonly string[]): Probe<Files> =>
  ask(
    sh`${discover([...patterns, '/etc/hosts'])}
if [ $# != 0 ]; then stat -L -c '@@file %04a %U:%G %s %n' -- "$@"; printf '@@content '; cat -- "$@" | base64 -w0; fi`,
    (output) => {
      const paths = [...output.stdout.matchAll(/^@@file \S+ \S+ \d+ (.+)$/gm)].map(([, path = '']) => path)
      const found = files(Object.fromEntries(paths.map((path) => [path, path]))).parse(output)
      return new Map(Object.entries(found).flatMap(([path, fact]) => (fact ? [[path, fact] as const] : [])))
    },
  )

/** Files directly in a directory whose names end so, sorted by name. */
export const inDirectory = (all: Files, directory: string, ending: string): readonly string[] =>
  [...all.keys()]
    .filter((path) => path.replace(/\/[^/]*$/, '') === directory.replace(/\/+$/, '') && path.endsWith(ending))
    .sort()

/** Files that a shell pattern matches, sorted. */
export function matching(all: Files, pattern: string): readonly string[] {
  const text = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
  const expression = new RegExp(`^${text}$`)
  return [...all.keys()].filter((path) => path === pattern || expression.test(path)).sort()
}

/** Of files of one name in several directories the first counts; in the order of their names. */
export function byName(paths: readonly string[]): readonly string[] {
  const name = (path: string) => path.replace(/^.*\//, '')
  const first = paths.filter((path, i) => paths.findIndex((other) => name(other) === name(path)) === i)
  return first.toSorted((a, b) => (name(a) < name(b) ? -1 : 1))
}
