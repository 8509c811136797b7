import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { type Cluster, given, type Program, type Step, sh } from 'ha-provision'
import { packaged } from '../packaged.js'

export const stubFiles = ['stub.raw', 'vmlinux', 'initrd.img'] as const

/** The scripts are no JavaScript: they lie in the package, beside the compiled code's folder. */
export const stubScripts = (): string => packaged('vm', 'stub')

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(dir, entry.name)) : [join(dir, entry.name)]))
}

/** Folder of the image. The built-in one is named for the scripts that make it: other scripts, another folder. */
export function stubDir(stub: string, { configDir }: Pick<Cluster, 'configDir'>): string {
  if (stub !== 'debian-12') return resolve(configDir, stub)
  const hash = createHash('sha256')
  for (const file of filesBelow(stubScripts())) if (!file.endsWith('packages.sh')) hash.update(readFileSync(file))
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  return join(cache, 'ha-provision', 'stub', `debian-12-${hash.digest('hex').slice(0, 12)}`)
}

/**
 * The build, into a folder beside the final one: a killed build leaves no half image. Clusters share the cache, so who
 * comes while another builds waits for that one's image instead; `anew` builds in any case.
 */
export function buildStub(dir: string, anew = false): Step & { readonly kind: 'run' } {
  const [fresh, old] = [`${dir}.new`, `${dir}.old`]
  const complete = sh`[ -s ${join(dir, 'stub.raw')} ] && [ -s ${join(dir, 'vmlinux')} ] && [ -s ${join(dir, 'initrd.img')} ]`
  const command = given(
    sh`mkdir -p ${dirname(dir)} && exec 9> ${`${dir}.lock`} && flock 9 || exit 1
${anew ? sh`:` : sh`if ${complete}; then exit 0; fi`}
rm -rf ${fresh} ${old} && mkdir ${fresh} && sh ${join(stubScripts(), 'build.sh')} ${fresh} 9>&- || exit 1
if [ -e ${dir} ]; then mv -T ${dir} ${old} || exit 1; fi
mv -T ${fresh} ${dir} && rm -rf ${old}`,
    { timeoutS: 1800 },
  )
  return { kind: 'run', title: 'build the stub image (Debian 12; a minute or two)', command }
}

/** What the built-in stub and its packages are made with. */
export const stubPrograms = (isRoot: boolean): readonly Program[] => [
  { name: 'mmdebstrap', apt: 'mmdebstrap' },
  { name: 'mke2fs', apt: 'e2fsprogs' },
  { name: 'lz4', apt: 'lz4' },
  { name: 'xz', apt: 'xz-utils' },
  { name: 'apt-ftparchive', apt: 'apt-utils' },
  ...(isRoot ? [] : [{ name: 'newuidmap', apt: 'uidmap' }]),
]
