import { settle } from '../config/settle.js'
import type { AnyPlugin, Program } from '../plugin/types.js'
import { sh } from '../transport/command.js'
import { localTransport } from '../transport/local.js'

export interface DoctorCommand {
  readonly cwd: string
  readonly builtins: readonly AnyPlugin[]
  readonly config?: string | undefined
  readonly install: boolean
  readonly print: (line: string) => void
  readonly say: (line: string) => void
}

const own: readonly Program[] = [
  { name: 'bash', apt: 'bash', dnf: 'bash' },
  { name: 'ssh', apt: 'openssh-client', dnf: 'openssh-clients' },
  { name: 'timeout', apt: 'coreutils', dnf: 'coreutils' },
]

/** What the control machine lacks for this config; with `install`, installs it. 0 complete, 1 something is missing. */
export async function doctor({ cwd, builtins, config, install, print, say }: DoctorCommand): Promise<number> {
  const settled = await settle({ cwd, builtins, file: config })
  const programs = [
    ...own,
    ...settled.plugins.flatMap((plugin) => plugin.programs?.(settled.contextOf(plugin, 'create')) ?? []),
  ]
  const control = localTransport()
  const found = await control.exec(
    sh`for p in ${[...new Set(programs.map(({ name }) => name))]}; do command -v "$p" >/dev/null || echo "$p"; done`,
  )
  const missing = programs.filter(({ name }) => found.stdout.split('\n').includes(name))
  if (process.versions.node.startsWith('20.')) say('Node 20 has reached its end of life; 24 is recommended.')
  if (missing.length === 0) {
    print('this machine has all programs that the config needs')
    return 0
  }
  const hasApt = (await control.exec(sh`command -v apt-get`)).code === 0
  const packages = [...new Set(missing.map(({ apt, dnf }) => (hasApt ? apt : (dnf ?? apt))))]
  const sudo = process.getuid?.() === 0 ? '' : 'sudo '
  const line = hasApt
    ? `${sudo}apt-get install -y --no-install-recommends ${packages.join(' ')}`
    : `${sudo}dnf install -y ${packages.join(' ')}`
  print(`missing: ${missing.map(({ name }) => name).join(', ')}`)
  if (!install) {
    print(`install them: ${line}`)
    return 1
  }
  const update = hasApt ? `${sudo}apt-get update && ` : ''
  const result = await control.exec(
    {
      script: `export DEBIAN_FRONTEND=noninteractive; ${update}${line.replace('apt-get install', 'apt-get -o DPkg::Lock::Timeout=120 install')}`,
      timeoutS: 900,
    },
    { onOutput: (text) => say(text.trimEnd()) },
  )
  if (result.code !== 0) say(result.stderr.trim().split('\n').slice(-10).join('\n'))
  print(result.code === 0 ? `installed: ${packages.join(' ')}` : `not installed: exit ${result.code}`)
  return result.code === 0 ? 0 : 1
}
