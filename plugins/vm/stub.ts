import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Cluster, Program } from 'ha-provision'

/** The scripts are no JavaScript: they lie in the package, beside the compiled code's folder. */
export const stubScripts = (): string =>
  join(dirname(createRequire(import.meta.url).resolve('ha-provision/package.json')), 'plugins', 'vm', 'stub')

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(dir, entry.name)) : [join(dir, entry.name)]))
}

/** Folder of the image. The built-in one is named for the scripts that make it, so that no copy's origin ever changes. */
export function stubDir(stub: string, { configDir }: Pick<Cluster, 'configDir'>): string {
  if (stub !== 'debian-12') return resolve(configDir, stub)
  const hash = createHash('sha256')
  for (const file of filesBelow(stubScripts())) if (!file.endsWith('packages.sh')) hash.update(readFileSync(file))
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  return join(cache, 'ha-provision', 'stub', `debian-12-${hash.digest('hex').slice(0, 12)}`)
}

export const stubFiles = ['stub.raw', 'vmlinux', 'initrd.img'] as const

export const stubPrograms: readonly Program[] = [
  { name: 'mmdebstrap', apt: 'mmdebstrap' },
  { name: 'mke2fs', apt: 'e2fsprogs' },
  { name: 'lz4', apt: 'lz4' },
  { name: 'xz', apt: 'xz-utils' },
  { name: 'newuidmap', apt: 'uidmap' },
  { name: 'apt-ftparchive', apt: 'apt-utils' },
]
