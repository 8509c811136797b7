import { createHash } from 'node:crypto'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import {
  type Command,
  type Context,
  given,
  type PackageNeed,
  type Program,
  type Settings,
  type Step,
  sh,
} from 'ha-provision'
import vm, { stubDir, stubScripts } from '../../vm/index.js'
import type { schema } from '../schema.js'

type At = Context<Settings<typeof schema>, typeof vm>

/** One kind of offline repository on the medium. `prep.sh` recognises it by its index. */
export interface RepositoryKind {
  readonly name: 'apt' | 'rpm'
  /** This kind's names of a package. */
  names(need: PackageNeed): readonly (string | undefined)[]
  readonly programs: readonly Program[]
  /** There, and not empty, when the repository is complete. */
  readonly index: string
  /** What the content depends on beside the names. */
  inputs(at: At): readonly string[]
  /** Fetches packages with what they depend on into the empty folder `$fresh`, and indexes them. */
  fetch(at: At, names: readonly string[]): Command
}

const stubImage = (at: At): string => join(stubDir(at.of(vm).stub, at.cluster), 'stub.raw')

const apt: RepositoryKind = {
  name: 'apt',
  names: ({ apt }) => [apt],
  programs: [
    { name: 'apt-ftparchive', apt: 'apt-utils' },
    { name: 'debugfs', apt: 'e2fsprogs', dnf: 'e2fsprogs' },
  ],
  index: 'Release',
  inputs: (at) => [stubImage(at)],
  fetch: (at, names) =>
    sh`STATE="$fresh/.apt" sh ${join(stubScripts(), 'packages.sh')} ${stubImage(at)} "$fresh" ${names} && rm -rf "$fresh/.apt"`,
}

const rpm: RepositoryKind = {
  name: 'rpm',
  names: ({ dnf, zypper }) => [dnf, zypper],
  programs: [
    { name: 'dnf', apt: 'dnf', dnf: 'dnf' },
    { name: 'createrepo_c', apt: 'createrepo-c', dnf: 'createrepo_c' },
  ],
  index: 'repodata/repomd.xml',
  inputs: ({ settings, cluster }) => [resolve(cluster.configDir, settings.rpm.reposDir), settings.rpm.releasever],
  // Against an empty root, so that all dependencies are among them: what the stub has is not known here.
  // dnf asks for root even to download; in a namespace of its own everybody is.
  fetch: ({ settings, cluster }, names) =>
    sh`as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else unshare -r "$@"; fi; }
as_root dnf -q -y --installroot="$fresh/.root" ${['--setopt', `reposdir=${resolve(cluster.configDir, settings.rpm.reposDir)}`, '--releasever', settings.rpm.releasever, '--forcearch', 'x86_64', '--setopt', 'install_weak_deps=False']} --setopt=cachedir="$fresh/.cache" --setopt=logdir="$fresh/.root" --downloadonly --downloaddir="$fresh" install ${names} &&
rm -rf "$fresh/.root" "$fresh/.cache" && createrepo_c -q "$fresh"`,
}

export const kinds: readonly RepositoryKind[] = [apt, rpm]

/** The kind that the config chose; undefined for `none`. */
export const kindOf = (at: Context<Settings<typeof schema>>): RepositoryKind | undefined =>
  kinds.find(({ name }) => name === at.settings.repository)

/** Names of the packages that a stub may lack, for the chosen kind. */
export const packageNames = (at: At): readonly string[] =>
  [
    ...new Set(
      at.packages.flatMap(
        (need) =>
          kindOf(at)
            ?.names(need)
            .filter((name) => name !== undefined) ?? [],
      ),
    ),
  ].sort()

/** The chosen repository; undefined when the medium brings no packages. */
export function repositoryOf(at: At): { readonly dir: string; readonly index: string } | undefined {
  const kind = kindOf(at)
  const names = packageNames(at)
  if (!kind || names.length === 0) return undefined
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  // Named for what went into it, shared by clusters that need the same.
  const hash = createHash('sha256').update([kind.name, ...kind.inputs(at), ...names].join('\n'))
  const dir = join(cache, 'ha-provision', 'packages', hash.digest('hex').slice(0, 16))
  return { dir, index: join(dir, kind.index) }
}

/** Fetches the packages into a folder beside the final one: a killed run leaves no half repository. */
export function fetchPackages(at: At): readonly Step[] {
  const kind = kindOf(at)
  const repository = repositoryOf(at)
  if (!kind || !repository) return []
  const names = packageNames(at)
  const { dir } = repository
  return [
    {
      kind: 'run',
      title: `fetch the packages that the medium brings: ${names.join(', ')}`,
      command: given(
        sh`mkdir -p ${join(dir, '..')} && fresh=$(mktemp -d ${`${dir}.XXXXXX`}) && chmod 755 "$fresh" || exit 1
trap 'rm -rf "$fresh"' EXIT; trap 'exit 143' HUP INT TERM
{ ${kind.fetch(at, names)}; } && rm -rf ${dir} && mv -T "$fresh" ${dir}`,
        { timeoutS: 900 },
      ),
    },
  ]
}
