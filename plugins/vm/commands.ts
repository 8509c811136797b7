import type { AnyPlugin, CommandIo, Context, NodeContext, Output, PluginCommand, Step } from 'ha-provision'
import type { Driver, VmFact } from './drivers/types.js'
import { buildStub, driverOf, type VmContext, type VmSettings } from './index.js'
import { consoleFile, type Vm } from './state.js'
import { stubDir } from './stub.js'

type Io = Context<VmSettings, AnyPlugin> & CommandIo & { nodeContext(node: string): NodeContext<VmSettings, AnyPlugin> }

const told = (io: Io, { code, stderr }: Output, done: string): number => {
  if (code === 0) io.print(done)
  else io.say(`exit ${code}: ${stderr.trim()}`)
  return code === 0 ? 0 : 1
}

interface Target {
  readonly io: Io
  readonly driver: Driver
  readonly at: VmContext
  readonly fact: VmFact
  readonly vm: Vm
}

const actions: Readonly<Record<string, (target: Target) => Promise<number>>> = {
  async start({ io, driver, at, fact, vm }) {
    if (fact.state === 'running') return told(io, { code: 0, stdout: '', stderr: '' }, `${at.node} is running`)
    return told(
      io,
      await io.exec(driver.start(at, vm)),
      `${at.node} started; its console: ${consoleFile(at.cluster, at.node)}`,
    )
  },
  async stop({ io, driver, at, vm }) {
    const result = await io.exec(driver.stop(at, vm, io.options.force === true))
    if (result.code !== 0) io.say('it did not power off by itself; --force ends it as a power cut does')
    return told(io, result, `${at.node} is off`)
  },
  async console({ io, at }) {
    io.print(consoleFile(at.cluster, at.node))
    return 0
  },
  async destroy({ io, driver, at, fact, vm }) {
    if (fact.state === 'running' && io.options.force !== true) {
      io.say(`${at.node} is running, and its disks would be gone: stop it first, or add --force`)
      return 1
    }
    if (fact.state === 'running') await io.exec(driver.stop(at, vm, true))
    return told(io, await io.exec(driver.destroy(at, vm)), `${at.node} and its disks are gone`)
  },
}

async function factOf(io: Io, driver: Driver, at: VmContext): Promise<VmFact> {
  const { command, parse } = driver.probe(at)
  return parse(await io.exec(command))
}

/** `vm [action] [node]` */
export const vmCommand: PluginCommand<VmSettings, AnyPlugin> = {
  usage: 'vm [action] [node]',
  description: 'virtual machines: list (default), start, stop, console, destroy NODE',
  options: [['--force', 'stop as a power cut does; destroy a running machine']],
  async run(io) {
    const [action = 'list', name] = io.args
    const driver = driverOf(io.settings)
    const nodes = io.cluster.nodes.map((node) => node.name)
    if (action !== 'list' && !(action in actions)) {
      io.say(`no such action: ${action}; known: list, ${Object.keys(actions).join(', ')}`)
      return 2
    }
    if (name !== undefined && !nodes.includes(name)) {
      io.say(`no such node: ${name}; known: ${nodes.join(', ')}`)
      return 2
    }
    // What cannot be undone is done to what was named, never to all.
    if (action === 'destroy' && name === undefined) {
      io.say(`name the machine to destroy: ${nodes.join(' or ')}`)
      return 2
    }
    let worst = 0
    for (const node of name === undefined ? nodes : [name]) {
      const at = io.nodeContext(node) as VmContext
      const fact = await factOf(io, driver, at)
      if (action === 'list') {
        io.print(
          `${node.padEnd(20)} ${fact.state.padEnd(10)} ${fact.vm ? `${fact.vm.sshHost}:${fact.vm.sshPort}` : ''}`.trimEnd(),
        )
      } else if (fact.state === 'absent' || (fact.vm === undefined && action !== 'destroy')) {
        io.say(`${node}: there is no complete machine`)
        worst = 1
      } else {
        const run = actions[action] as (target: Target) => Promise<number>
        worst = Math.max(worst, await run({ io, driver, at, fact, vm: fact.vm as Vm }))
      }
    }
    return worst
  },
}

/** `stub [action]` */
export const stubCommand: PluginCommand<VmSettings, AnyPlugin> = {
  usage: 'stub [action]',
  description: 'the image that machines are copied from: path (default), build',
  async run(io) {
    const [action = 'path'] = io.args
    const dir = stubDir(io.settings.stub, io.cluster)
    if (action === 'path') {
      io.print(dir)
      return 0
    }
    if (action !== 'build') {
      io.say(`no such action: ${action}; known: path, build`)
      return 2
    }
    if (io.settings.stub !== 'debian-12') {
      io.say(`vm.stub names an image of your own (${dir}); only the built-in one is built here`)
      return 2
    }
    const step = buildStub(dir) as Step & { kind: 'run' }
    io.say(`${step.title} into ${dir}; this takes a minute or two`)
    return told(io, await io.exec(step.command), dir)
  },
}
