#!/usr/bin/env node
import { readFile, rm, writeFile } from 'node:fs/promises'
import { Command, CommanderError, Option } from 'commander'
import { builtins, example } from '../plugins/index.js'
import { runCommand } from './commands/run.js'
import { composeSchema } from './config/compose.js'
import { type Settled, settle } from './config/settle.js'
import { controlName, openConnections } from './engine/connections.js'
import { lockFile } from './engine/lock.js'
import { KnownError } from './errors.js'
import type { AnyPlugin, PluginCommand } from './plugin/types.js'
import type { Command as Script } from './transport/command.js'
import { UnreachableError } from './transport/types.js'

const print = (line: string) => void process.stdout.write(`${line}\n`)
const say = (line: string) => void process.stderr.write(`${line}\n`)
// `ha-provision check | head` ends the pipe early; that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

interface Options {
  readonly config?: string
  readonly set?: readonly string[]
  readonly allow?: readonly string[]
  readonly only?: readonly string[]
  readonly json?: boolean
  readonly mode?: 'create' | 'modify'
}

const cwd = process.cwd()
const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]
const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}
let code = 0

const program = new Command('ha-provision')
  .description('Turns one config file into a highly available database cluster on real servers.')
  .version(version)
  .option('-c, --config <file>', 'the config file; default: ha.config.ts, .js, .yaml, … or package.json in this folder')
  .option('--set <path=value>', 'replace one option, such as drbd.primary=db-b (repeatable)', collect)
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError('(see ha-provision --help)')
  .exitOverride()

const settled = (): Promise<Settled> => {
  const { config, set } = program.opts<Options>()
  return settle({ cwd, builtins, file: config, ...(set ? { set } : {}) })
}

const acceptHostKey = [
  '--accept-host-key <node=fingerprint>',
  "accept this host key where a node's is in no known_hosts: db-a=SHA256:… (repeatable)",
  collect,
] as const

const running = (name: string, description: string, mode: 'create' | 'modify', dryRun: boolean) =>
  program
    .command(name)
    .description(description)
    .option('--only <plugin>', 'only the stages of this plugin (repeatable)', collect)
    .option(
      '--allow <what>',
      'allow one destruction, named as the refusal prints it, or `interruption` (repeatable)',
      collect,
    )
    .option(...acceptHostKey)
    .option('--json', 'print the report as one JSON document on stdout')
    .action(async (own: Options) => {
      const { config, set } = program.opts<Options>()
      code = await runCommand({
        cwd,
        builtins,
        mode: own.mode ?? mode,
        dryRun,
        config,
        print,
        say,
        ...(set ? { set } : {}),
        ...own,
      })
    })

running('create', 'set up new virtual machines as nodes and make them as the config says', 'create', false)
running('modify', 'make existing nodes as the config says', 'modify', false)
running(
  'check',
  'dry run: what differs, with diffs and the steps that would run; changes nothing',
  'create',
  true,
).addOption(new Option('--mode <mode>', 'check as this command would').choices(['create', 'modify']).default('create'))

program
  .command('reconstruct <node...>')
  .description(
    'write the config that existing nodes stand for; reads only. A node: [NAME=][user@]host[:port], host may be a Host of your ssh config, NAME is what `uname -n` says there',
  )
  .option('--out <file>', 'write it to this file, .yaml or .ts; default: YAML on stdout')
  .option('--cluster <name>', 'name of the cluster, which its nodes do not know')
  .option('--jump <host>', 'jump host to all nodes, as in ssh -J')
  .option('--identity <file>', 'private key for all nodes')
  .option('--known-hosts <file>', "accept only the host keys in this file, under each node's name")
  .option('--sudo', 'run everything through `sudo -n`')
  .option(...acceptHostKey)
  .option('--json', 'print how each option is known as one JSON document on stdout')
  .action(async (destinations: string[], own: object) => {
    const { reconstruct } = await import('./commands/reconstruct.js')
    code = await reconstruct({ cwd, builtins, destinations, print, say, ...own })
  })
program
  .command('validate')
  .description('validate the config without asking any machine')
  .action(async () => {
    const { file, plugins } = await settled()
    print(`${file} is valid; plugins in order: ${plugins.map(({ name }) => name).join(', ')}`)
  })
program
  .command('schema')
  .description('print the JSON schema of the config: core and plugins')
  .option('-o, --output <file>', 'write it to a file')
  .action(async ({ output }: { output?: string }) => {
    // Without a config here, or with one that is broken, the built-in plugins' schema still helps to write one.
    const plugins: readonly AnyPlugin[] = await settled().then(
      (s) => [...new Set([...builtins, ...s.plugins])],
      () => builtins,
    )
    const text = `${JSON.stringify(composeSchema(plugins), undefined, 2)}\n`
    if (output) await writeFile(output, text)
    else process.stdout.write(text)
  })
program
  .command('init')
  .description('write a commented starting config')
  .option('--format <kind>', 'yaml or ts', 'yaml')
  .action(async ({ format }: { format: string }) => {
    const { init } = await import('./commands/init.js')
    print(await init(cwd, builtins, composeSchema(builtins), example, format))
  })
program
  .command('doctor')
  .description('what this machine lacks for the config')
  .option('--install', 'install it')
  .action(async ({ install = false }: { install?: boolean }) => {
    const { doctor } = await import('./commands/doctor.js')
    code = await doctor({ cwd, builtins, config: program.opts<Options>().config, install, print, say })
  })
program
  .command('unlock')
  .description('remove the lock that a vanished run left on this cluster')
  .action(async () => {
    const { cluster } = await settled()
    await rm(lockFile(cluster.stateDir), { force: true })
    print(`cluster ${cluster.name} is unlocked`)
  })

function addPluginCommand(plugin: AnyPlugin, command: PluginCommand<unknown, AnyPlugin>): void {
  const sub = program.command(command.usage).description(command.description)
  for (const [flags, description] of command.options ?? []) sub.option(flags, description)
  sub.action(async (...all: unknown[]) => {
    const config = await settled()
    const { contextOf, nodeContextOf, plugins } = config
    const own = plugins.find(({ name }) => name === plugin.name)
    if (!own)
      throw new KnownError('NO_PLUGIN', `the config does not use the plugin ${plugin.name}`, {
        hint: `add ${plugin.name}: to it`,
      })
    const args = all.slice(0, -2) as (string | undefined)[]
    const connections = openConnections(config, 'create')
    const exec = async (on: string, script: Script) => await (await connections.transport(on)).exec(script)
    const io = {
      args,
      options: all.at(-2) as Record<string, string | boolean>,
      print,
      say,
      exec: (script: Script) => exec(controlName, script),
      on: exec,
      nodeContext: (node: string) => nodeContextOf(own, 'create', node),
    }
    try {
      code = await command.run(
        Object.assign(
          Object.defineProperties({}, Object.getOwnPropertyDescriptors(contextOf(own, 'create'))),
          io,
        ) as never,
      )
    } finally {
      await connections.close()
    }
  })
}
for (const plugin of builtins) for (const command of plugin.commands ?? []) addPluginCommand(plugin, command)

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) code = error.exitCode === 0 ? 0 : 2
  else if (error instanceof KnownError) {
    say(
      [
        `error: ${error.message}`,
        ...error.details.map((line) => `  ${line}`),
        ...(error.hint ? [`  ${error.hint}`] : []),
      ].join('\n'),
    )
    code = error.exitCode
  } else if (error instanceof UnreachableError) {
    say(`error: ${error.text}`)
    code = 4
  } else {
    say(`this is a bug in ha-provision, please report it:\n${error instanceof Error ? error.stack : String(error)}`)
    code = 70
  }
}
process.exitCode = code
