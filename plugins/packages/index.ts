import {
  type AnyPlugin,
  ask,
  type Context,
  finding,
  type PackageNeed,
  type Probe,
  packages,
  sh,
  type Task,
  type TaskBuilder,
} from 'ha-provision'
import { managers, type PackageManager } from './managers.js'

export { apt, dnf, managers, type PackageManager, zypper } from './managers.js'

/** The node's package manager; undefined when it has none that is known. Starts no process. */
export const packageManager: Probe<PackageManager | undefined> = ask(
  sh`for m in ${managers.map((m) => m.program)}; do if command -v "$m" >/dev/null; then echo "$m"; break; fi; done`,
  ({ stdout }) => managers.find((m) => m.program === stdout.trim()),
)

const namesFor = (manager: PackageManager, needs: readonly PackageNeed[]): readonly string[] => [
  ...new Set(needs.flatMap((need) => need[manager.name] ?? [])),
]

/**
 * The stage `packages` of a plugin. The first that finds something missing installs what all plugins miss on that node:
 * each run of a package manager costs the same reading, triggers and reloads again, 10 to 20 s on an emulated machine.
 * Daemons among the packages are not started by it; their distribution may have enabled them.
 */
export function packageTask<S, R extends AnyPlugin>(
  t: TaskBuilder<S, R>,
  needs: readonly PackageNeed[] | ((at: Context<S, R>) => readonly PackageNeed[]),
  place: { readonly before?: string } = {},
): Task {
  const needed = (at: Context<S, R>) => (typeof needs === 'function' ? needs(at) : needs)
  return t.perNode({
    ...place,
    id: 'packages',
    title: 'packages',
    probes: (at) => ({
      manager: packageManager,
      // Which manager it is shows only in the answer, so the names for each are asked about.
      installed: packages(
        ...new Set(managers.flatMap((manager) => namesFor(manager, [...needed(at), ...at.packages]))),
      ),
    }),
    check(at) {
      const { manager, installed } = at.facts
      if (needed(at).length === 0) return []
      if (!manager)
        return [finding('no-package-manager', { desired: managers.map((m) => m.program).join(' or '), actual: 'none' })]
      const missing = namesFor(manager, needed(at)).filter((name) => !installed[name])
      return missing.length === 0
        ? []
        : [finding('missing-package', { desired: missing.join(' '), actual: 'not installed' })]
    },
    fix: {
      'missing-package': ({ facts: { manager, installed }, packages: all, finding: { desired } }) => {
        if (!manager) return []
        const own = String(desired).split(' ')
        const others = namesFor(manager, all).filter((name) => !installed[name] && !own.includes(name))
        const more = others.length > 0 ? `, and for other plugins ${others.join(', ')}` : ''
        return [
          { kind: 'run', title: `install ${own.join(', ')}${more}`, command: manager.install([...own, ...others]) },
        ]
      },
      'no-package-manager': { manual: 'Install the packages in your own way; they are then found with dpkg or rpm.' },
    },
  })
}
