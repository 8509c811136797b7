import { createHash } from 'node:crypto'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Context, given, type Step, sh } from 'ha-provision'
import vm, { stubDir, stubScripts } from '../../vm/index.js'

/** Names of the packages that a stub may lack, for Debian's package manager. */
export const packageNames = (at: Context<unknown, typeof vm>): readonly string[] =>
  [...new Set(at.packages.flatMap(({ apt }) => apt ?? []))].sort()

/** Folder of the offline repository: named for what went into it, shared by clusters that need the same. */
export function repositoryDir(at: Context<unknown, typeof vm>): string {
  const inputs = [stubDir(at.of(vm).stub, at.cluster), ...packageNames(at)].join('\n')
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  return join(cache, 'ha-provision', 'packages', createHash('sha256').update(inputs).digest('hex').slice(0, 16))
}

/** Fetches what the stub lacks, dependencies included, into a folder beside the final one. */
export function fetchPackages(at: Context<unknown, typeof vm>): Step {
  const dir = repositoryDir(at)
  const fresh = `${dir}.new`
  const stub = join(stubDir(at.of(vm).stub, at.cluster), 'stub.raw')
  return {
    kind: 'run',
    title: `fetch the packages that the stub lacks: ${packageNames(at).join(', ')}`,
    command: given(
      sh`rm -rf ${fresh} && mkdir -p ${fresh} && STATE=${`${fresh}/.apt`} sh ${join(stubScripts(), 'packages.sh')} ${stub} ${fresh} ${packageNames(at)} && rm -rf ${`${fresh}/.apt`} ${dir} && mv -T ${fresh} ${dir}`,
      { timeoutS: 900 },
    ),
  }
}
