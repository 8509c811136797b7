import { ask, type Probe, raw, sh } from 'ha-provision'

/** A file below `UNIT.d`, which adds to a unit or overrides it. systemd.unit(5) */
export interface DropIn {
  readonly path: string
  readonly content: string
}

/** Values by `Section.Key`, in their order. */
export type Unit = ReadonlyMap<string, readonly string[]>

/** What systemd makes of a unit's file and its drop-ins: later ones add, an empty value takes back what was said before. */
export function effective(texts: readonly string[]): Unit {
  const found = new Map<string, readonly string[]>()
  for (const text of texts) {
    let section = ''
    for (const line of text.replace(/\\\r?\n(?:[#;].*\n)*/g, ' ').split('\n')) {
      section = /^\s*\[([^\]]+)\]\s*$/.exec(line)?.[1] ?? section
      const [, key, value = ''] = /^\s*([A-Za-z0-9-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
      if (key === undefined) continue
      const name = `${section}.${key}`
      found.set(name, value === '' ? [] : [...(found.get(name) ?? []), value])
    }
  }
  return found
}

/** Keys that say nothing to systemd. */
const words = ['Unit.Description', 'Unit.Documentation']

/** Keys that the unit `ours` does not have. */
export const extraKeys = (texts: readonly string[], ours: string): readonly string[] => {
  const known = effective([ours])
  return [...effective(texts).keys()].filter((key) => !known.has(key) && !words.includes(key))
}

/** Keys of the unit `ours`, but for those in `but`, which have another value here; of most keys only the last value counts. */
export function changedKeys(texts: readonly string[], ours: string, but: readonly string[] = []): readonly string[] {
  const now = effective(texts)
  const value = (unit: Unit, key: string) =>
    key === 'Service.ExecStart' ? unit.get(key)?.join('\n') : unit.get(key)?.at(-1)
  const want = effective([ours])
  return [...want.keys()].filter(
    (key) => !words.includes(key) && !but.includes(key) && value(now, key) !== value(want, key),
  )
}

const directories = ['/etc/systemd/system', '/run/systemd/system']

/** Drop-ins of these units by unit, in the order in which systemd reads them: by name, those in /etc before those in /run. */
export const dropIns = <const U extends string>(
  ...units: readonly U[]
): Probe<Readonly<Record<U, readonly DropIn[]>>> => {
  const globs = units.flatMap((unit) => directories.map((directory) => `${directory}/${unit}.d/*.conf`)).join(' ')
  return ask(
    sh`set --; for f in ${raw(globs)}; do if [ -f "$f" ]; then set -- "$@" "$f"; fi; done
if [ $# != 0 ]; then grep -H '' -- "$@" || [ $? = 1 ] || exit 1; fi; echo @@end`,
    ({ stdout }) => {
      if (!/^@@end$/m.test(stdout)) throw new Error(`the drop-ins of ${units.join(' and ')} could not be read`)
      const texts = new Map<string, string>()
      for (const line of stdout.split('\n')) {
        const [, path, text = ''] = /^(\/[^:]+):(.*)$/.exec(line) ?? []
        if (path !== undefined) texts.set(path, `${texts.get(path) ?? ''}${text}\n`)
      }
      const name = (path: string) => path.slice(path.lastIndexOf('/') + 1)
      const of = (unit: string) => {
        const byName = new Map<string, DropIn>()
        for (const directory of directories)
          for (const [path, content] of texts)
            if (path.startsWith(`${directory}/${unit}.d/`) && !byName.has(name(path)))
              byName.set(name(path), { path, content })
        return [...byName].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, dropIn]) => dropIn)
      }
      return Object.fromEntries(units.map((unit) => [unit, of(unit)])) as unknown as Record<U, readonly DropIn[]>
    },
  )
}
