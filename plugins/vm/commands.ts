import type { AnyPlugin, CommandIo, Context, NodeContext, Output, PluginCommand } from 'ha-provision'
import { driverOf } from './drivers/index.js'
import type { Driver, VmContext, VmFact } from './drivers/types.js'
import type { VmSettings } from './schema.js'
import { consoleFile } from './state.js'
import { buildStub, stubDir } from './stub.js'

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
}

const actions: Readonly<Record<string, (target: Target) => Promise<number>>> = {
  async list({ io, at, fact: { state, vm } }) {
    const ssh = vm ? `ssh ${vm.sshHost}:${vm.sshPort}` : ''
    io.print(`${at.node.padEnd(20)} ${state.padEnd(10)} ${ssh}`.trimEnd())
    return 0
  },
  async start({ io, driver, at, fact: { state, vm } }) {
    if (!vm || state === 'incomplete') {
      io.say(`${at.node}: files of its machine are missing`)
      return 1
    }
    const started = await io.exec(driver.start(at, vm))
    return told(io, started, `${at.node} runs; its console: ${consoleFile(at.cluster, at.node)}`)
  },
  async stop({ io, driver, at }) {
    const force = io.options.force === true
    const result = await io.exec(driver.stop(at, force))
    if (result.code !== 0 && !force) {
      io.say(`${at.node} has not powered off by itself; what a power cut does: ha-provision vm stop ${at.node} --force`)
    }
    return told(io, result, `${at.node} is off`)
  },
  async console({ io, at }) {
    io.print(consoleFile(at.cluster, at.node))
    return 0
  },
  async destroy({ io, driver, at, fact }) {
    if (io.options.force === true) await io.exec(driver.stop(at, true))
    else if (fact.state === 'running') {
      io.say(`${at.node} is running, and its disks would be gone: stop it first, or add --force`)
      return 1
    }
    return told(io, await io.exec(driver.destroy(at)), `${at.node} and its disks are gone`)
  },
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
    const run = Object.hasOwn(actions, action) ? actions[action] : undefined
    if (!run) {
      io.say(`no such action: ${action}; known: ${Object.keys(actions).join(', ')}`)
      return 2
    }
    if (name !== undefined && !nodes.includes(name)) {
      io.say(`no such node: ${name}; known: ${nodes.join(', ')}`)
      return 2
    }
    if (!driver.makes) {
      io.say(`vm.driver is "${driver.name}": there are no machines of this tool`)
      return action === 'list' ? 0 : 2
    }
    // What cannot be undone is done to what was named, never to all.
    if (action === 'destroy' && name === undefined) {
      io.say(`name the machine to destroy: ${nodes.join(' or ')}`)
      return 2
    }
    let worst = 0
    for (const node of name === undefined ? nodes : [name]) {
      const at = io.nodeContext(node) as VmContext
      const { command, parse } = driver.probe(at)
      const fact = parse(await io.exec(command))
      if (fact.state === 'absent' && action !== 'list') {
        io.say(`${node}: there is no machine`)
        worst = 1
      } else {
        worst = Math.max(worst, await run({ io, driver, at, fact }))
      }
    }
    return worst
  },
}

/** `stub [action]` */
export const stubCommand: PluginCommand<VmSettings, AnyPlugin> = {
  usage: 'stub [action]',
  description: 'the image that machines are copied from: path (default), build',
  options: [['--force', 'build it anew although it is there: newer packages']],
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
    const step = buildStub(dir, io.options.force === true)
    io.say(`${step.title} into ${dir}`)
    return told(io, await io.exec(step.command), dir)
  },
}
