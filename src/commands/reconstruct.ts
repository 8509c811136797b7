import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, extname, join, relative, resolve } from 'node:path'
import { coreSchema } from '../config/core.js'
import { settle, stateRoot } from '../config/settle.js'
import { errors, KnownError } from '../errors.js'
import { sequence } from '../plugin/sequence.js'
import type { AnyPlugin, Probe, Probes } from '../plugin/types.js'
import { text } from '../probe/common.js'
import { assemble, type Known } from '../reconstruct/assemble.js'
import { coreFaults } from '../reconstruct/core.js'
import { gapReport } from '../reconstruct/gaps.js'
import { reader } from '../reconstruct/reader.js'
import { toTypeScript, toYaml } from '../reconstruct/write.js'
import { sh } from '../transport/command.js'
import { pin, pinnedKeys, pinsFile } from '../transport/host-keys.js'
import { sshTransport } from '../transport/ssh.js'
import { type Accepted, trusting } from '../transport/trust.js'
import { acceptedKeys } from './accept.js'
import { type Access, clusterName, type Destination, destination, sshOf } from './destination.js'

export interface ReconstructCommand extends Access {
  readonly cwd: string
  readonly builtins: readonly AnyPlugin[]
  /** `[NAME=][user@]host[:port]`; host may be a Host of the ssh config. */
  readonly destinations: readonly string[]
  /** File to write, by its ending as YAML or TypeScript; without it YAML goes to stdout. */
  readonly out?: string
  /** Name of the cluster in the config; nodes do not know it. */
  readonly cluster?: string
  /** `NODE=SHA256:…`; NODE is the destination's NAME, or the destination as typed where it has none. */
  readonly acceptHostKey?: readonly string[]
  /** How each option is known and every script that was run, as JSON on stdout; the config needs `out` then. */
  readonly json?: boolean
  readonly print: (line: string) => void
  readonly say: (line: string) => void
}

/** Core's own question. */
const hostName: Probe<string | undefined> = text(sh`uname -n`)
const core = '(core)'

/** A node's answers, and what it took to get them. */
async function ask(
  { word, name: said, label, endpoint }: Destination,
  groups: ReadonlyMap<string, Probes>,
  dir: string,
  accepted: Accepted,
  lasting: string | undefined,
) {
  const alias = said ?? endpoint.host
  // A file for each node: without names two of them may be the same address with two ports.
  const pins = pinsFile(await mkdtemp(join(dir, 'k')))
  const isPinned = said !== undefined && lasting !== undefined && pinnedKeys(lasting, said).length > 0
  const known = isPinned && endpoint.knownHostsFile === undefined ? { ...endpoint, knownHostsFile: lasting } : endpoint
  const transport = sshTransport(alias, known, dir, trusting({ accepted, pins, label }))
  const node = reader(transport)
  try {
    const facts = await node.read(groups)
    const own = facts.get(core)
    const name = own && 'facts' in own ? (own.facts.name as string | undefined) : undefined
    if (!name) throw errors.usage(`${word} does not say its name (uname -n)`)
    if (said !== undefined && name !== said)
      throw errors.usage(
        `${word} is not ${said}: it calls itself ${name} (uname -n)`,
        `give ${name}=${word} if that node is meant`,
      )
    return { word, name, alias, endpoint, facts, record: node.record, keys: pinnedKeys(pins, alias) }
  } finally {
    await transport.close()
  }
}

/** The state of a cluster belongs to one config: keys go into nobody else's. Returns what a person must know. */
async function keep(
  stateDir: string,
  file: string | undefined,
  accepted: readonly { readonly name: string; readonly keys: ReturnType<typeof pinnedKeys> }[],
): Promise<readonly string[]> {
  const fresh = accepted.filter(({ keys }) => keys.length > 0)
  if (fresh.length === 0) return []
  const again = `give --accept-host-key to the next command, too: ${fresh.map(({ name, keys }) => `${name}=${keys[0]?.fingerprint}`).join(', ')}`
  const owner = await readFile(join(stateDir, 'config'), 'utf8').catch(() => undefined)
  if (file === undefined)
    return [`the accepted host keys were kept for this run only, as no file was written; ${again}`]
  if (owner !== undefined && owner !== file)
    return [`${stateDir} belongs to another config (${owner}): the accepted host keys are not kept there; ${again}`]
  const pins = pinsFile(stateDir)
  return fresh.flatMap(({ name, keys }) => {
    const [before] = pinnedKeys(pins, name)
    const [key] = keys
    if (!key || before?.fingerprint === key.fingerprint) return []
    if (before)
      return [
        `${pins} has another host key of ${name}, ${before.fingerprint}: it was left as it is; remove it with ssh-keygen -f ${pins} -R ${name}`,
      ]
    pin(pins, name, key)
    return [`host key of ${name} accepted and pinned in ${pins}: ${key.fingerprint}`]
  })
}

/** Reads what existing nodes are, in one round trip to each, and writes the config that says so. Changes nothing on them. */
export async function reconstruct(command: ReconstructCommand): Promise<number> {
  const { cwd, out, print, say } = command
  const kind = out === undefined ? '.yaml' : extname(out)
  if (!['.yaml', '.yml', '.ts', '.mts'].includes(kind))
    throw errors.usage(`--out ${out}: the ending is not known`, 'use .yaml or .ts')
  if (command.json && out === undefined) throw errors.usage('--json prints the gap report; the config needs --out FILE')
  if (command.cluster !== undefined && !new RegExp(coreSchema.cluster.pattern).test(command.cluster))
    throw errors.usage(`--cluster ${command.cluster}: ${coreSchema.cluster.errorMessage}`)
  const destinations = command.destinations.map((word) => destination(word, command))
  if (destinations.length === 0) throw errors.usage('no node is named', 'give [NAME=][user@]host[:port] for each')
  const double = destinations.find(({ label }, i) => destinations.findIndex((one) => one.label === label) !== i)
  if (double) throw errors.usage(`${double.label} is named twice`)
  const accepted = acceptedKeys(
    command.acceptHostKey ?? [],
    destinations.map(({ label }) => label),
  )
  const file = out === undefined ? undefined : resolve(cwd, out)
  const isTaken = () => errors.usage(`${out} exists and is left as it is`, 'remove it first, or name another file')
  if (file !== undefined && existsSync(file)) throw isTaken()
  const plugins = sequence([...command.builtins])
  const groups = new Map<string, Probes>([
    [core, { name: hostName }],
    ...plugins.flatMap((plugin) => (plugin.reconstruct ? [[plugin.name, plugin.reconstruct.probes] as const] : [])),
  ])
  const stateDirOf = (cluster: string) => join(stateRoot(), cluster)
  const lasting = command.cluster === undefined ? undefined : pinsFile(stateDirOf(command.cluster))
  const dir = await mkdtemp(join(process.env.XDG_RUNTIME_DIR ?? tmpdir(), 'hap-'))
  try {
    const answers = await Promise.allSettled(destinations.map((one) => ask(one, groups, dir, accepted, lasting)))
    const failed = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []))
    for (const other of failed.slice(1)) say(`error: ${other.text ?? other.message}`)
    if (failed.length > 0) throw failed[0]
    const asked = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
    const twin = asked.find(({ name }, i) => asked.findIndex((other) => other.name === name) !== i)
    if (twin) throw errors.usage(`${twin.word} is a node that was named already: both call themselves ${twin.name}`)
    const { options, known } = assemble(plugins, Object.fromEntries(asked.map(({ name, facts }) => [name, facts])))
    const names = asked.map(({ name }) => name)
    const cluster = command.cluster ?? clusterName(names)
    const configDir = file === undefined ? cwd : dirname(file)
    const config = {
      cluster,
      nodes: Object.fromEntries(asked.map(({ name, endpoint }) => [name, sshOf(name, endpoint, cwd, configDir)])),
      ...options,
    }
    const all: readonly Known[] = [
      command.cluster === undefined
        ? {
            path: ['cluster'],
            how: 'inferred',
            why: 'from the names of the nodes, which do not know it; --cluster NAME says it',
          }
        : { path: ['cluster'], how: 'observed', from: '--cluster' },
      { path: ['nodes'], how: 'observed', from: 'the command line and uname -n' },
      ...asked.flatMap(({ name, alias, word, endpoint }): readonly Known[] =>
        endpoint.knownHostsFile !== undefined && alias !== name
          ? [
              {
                path: ['nodes', name, 'ssh', 'knownHostsFile'],
                how: 'other',
                why: `its host key stands there under ${alias}, and a config looks it up under ${name}: add it under that name (then ${name}=${word} works here)`,
              },
            ]
          : [],
      ),
      ...coreFaults(config, names),
      ...known,
    ]
    const header = `Written by ha-provision reconstruct from ${names.join(' and ')}. Look it over, then: npx ha-provision check --mode modify${out === undefined ? '' : ` --config ${basename(out)}`}`
    const content = kind.endsWith('ts') ? toTypeScript(config, all, header) : toYaml(config, all, header)
    if (out === undefined || file === undefined) print(content.trimEnd())
    else {
      await writeFile(file, content, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') throw isTaken()
        throw errors.usage(`${out} cannot be written: ${error.message}`)
      })
      const shown = relative(cwd, file) || file
      say(`${shown} written; look it over, then: npx ha-provision check --mode modify --config ${out}`)
      await settle({ cwd, builtins: command.builtins, file }).catch((error: unknown) => {
        if (!(error instanceof KnownError)) throw error
        say(
          [`what is to be said in it first: ${error.message}`, ...error.details.map((line) => `  ${line}`)].join('\n'),
        )
      })
    }
    for (const line of await keep(stateDirOf(cluster), file, asked)) say(line)
    if (command.json) {
      const scripts = Object.fromEntries(asked.map(({ name, record }) => [name, record]))
      print(JSON.stringify({ nodes: names, known: all, asked: scripts }, undefined, 2))
    } else say(gapReport(all))
    return 0
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
