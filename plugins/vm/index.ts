import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import {
  ask,
  type Context,
  definePlugin,
  finding,
  given,
  type InputOf,
  type NodeContext,
  type Probe,
  type Settings,
  type Step,
  sh,
} from 'ha-provision'
import network from '../network/index.js'
import { stubCommand, vmCommand } from './commands.js'
import { existing } from './drivers/existing.js'
import { qemu } from './drivers/qemu.js'
import type { Driver, VmFact } from './drivers/types.js'
import { schema } from './schema.js'
import { readVm, type Vm } from './state.js'
import { stubDir, stubFiles, stubPrograms, stubScripts } from './stub.js'

export type { VmFact } from './drivers/types.js'
export { consoleFile, readVm, type Vm, vmDir } from './state.js'
export { stubDir, stubScripts } from './stub.js'

declare module 'ha-provision' {
  interface PluginOptions {
    vm: InputOf<typeof vm>
  }
}

export type VmSettings = Settings<typeof schema>
export type VmContext = NodeContext<VmSettings, typeof network>

/** The rows; `libvirt` will be one more. */
export const drivers: readonly Driver[] = [qemu, existing]

export const driverOf = ({ driver }: VmSettings): Driver => drivers.find(({ name }) => name === driver) as Driver

/** Locally administered, in QEMU's own range. */
const newMac = (): string =>
  `52:54:00:${[...randomBytes(3)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`

function newVm(at: VmContext, { usedPorts }: VmFact): Vm {
  const nodes = at.cluster.nodes.map(({ name }) => name)
  // Nodes are made at the same time: each has port numbers of its own to choose from.
  const candidates = Array.from({ length: 20000 }, (_, i) => 22000 + i).filter(
    (port) => port % nodes.length === nodes.indexOf(at.node) && !usedPorts.includes(port),
  )
  const sshPort = candidates[randomBytes(4).readUInt32LE() % candidates.length] as number
  return {
    uuid: randomUUID(),
    macs: Object.fromEntries(Object.keys(at.of(network).interfaces).map((name) => [name, newMac()])),
    sshHost: '127.0.0.1',
    sshPort,
    callbackHost: '10.0.2.2',
    stub: stubDir(at.settings.stub, at.cluster),
    disks: Object.keys(at.settings.dataDisks),
  }
}

const asVm = (at: NodeContext<unknown, never>, settings: VmSettings): VmContext =>
  Object.defineProperties(
    {},
    { ...Object.getOwnPropertyDescriptors(at), settings: { value: settings, enumerable: true } },
  ) as VmContext

/** For plugins that require this one: a machine as it is now. Asked on the control machine. */
export const vmProbe = (at: NodeContext<unknown, typeof vm | typeof network>): Probe<VmFact> =>
  driverOf(at.of(vm)).probe(at)

/** Steps that start a node's machine, with a config medium or without. */
export function startSteps(
  at: NodeContext<unknown, never>,
  settings: VmSettings,
  machine: Vm,
  medium?: string,
): readonly Step[] {
  const command = driverOf(settings).start(asVm(at, settings), machine, medium)
  return [{ kind: 'run', title: `start the machine of ${at.node}`, command }]
}

/** Steps that power a node's machine off as a cable pulled would; for machines that hold nothing yet. */
export const killSteps = (at: NodeContext<unknown, never>, settings: VmSettings, machine: Vm): readonly Step[] => [
  {
    kind: 'run',
    title: `end the machine of ${at.node}`,
    command: driverOf(settings).stop(asVm(at, settings), machine, true),
  },
]

/** Steps that take the config medium out of a node's machine. */
export const detachMediumSteps = (
  at: NodeContext<unknown, never>,
  settings: VmSettings,
  machine: Vm,
): readonly Step[] => [
  {
    kind: 'run',
    title: `take the config medium out of ${at.node}`,
    command: driverOf(settings).detach(asVm(at, settings), machine),
  },
]

const stubProbe = (at: Context<VmSettings>): Probe<readonly string[]> => {
  const dir = stubDir(at.settings.stub, at.cluster)
  return ask(
    sh`for f in ${stubFiles.map((file) => join(dir, file))}; do [ -s "$f" ] || echo "$f"; done`,
    ({ stdout }) => stdout.split('\n').filter(Boolean),
  )
}

/** Copies of a stub as virtual machines. qemu-system-x86_64(1) */
const vm = definePlugin({
  name: 'vm',
  schema,
  reads: [network],
  modes: ['create'],
  programs: ({ settings }) => [
    ...driverOf(settings).programs,
    ...(driverOf(settings).makes && settings.stub === 'debian-12' ? stubPrograms : []),
  ],
  validate({ settings, of, cluster }) {
    if (!driverOf(settings).makes) return []
    const dhcp = Object.values(of(network)?.interfaces ?? {}).filter((one) => one.dhcp).length
    const faults = []
    if (dhcp !== 1) {
      faults.push({
        path: 'network.interfaces',
        message: `the ${settings.driver} driver needs one interface with dhcp, which carries ssh from this computer; there ${dhcp === 0 ? 'is none' : `are ${dhcp}`}`,
        hint: 'give just one interface `dhcp: true`',
      })
    }
    for (const { name, ssh } of cluster.nodes) {
      if (ssh?.host !== undefined || ssh?.port !== undefined) {
        faults.push({
          path: `nodes.${name}.ssh`,
          message: `the ${settings.driver} driver chooses host and port itself`,
          hint: 'remove them, or set vm.driver to existing',
        })
      }
    }
    return faults
  },
  async connect({ cluster, node, settings }) {
    if (!driverOf(settings).makes) return {}
    const machine = await readVm(cluster, node)
    return machine && { host: machine.sshHost, port: machine.sshPort }
  },
  tasks: (t) => [
    t.onControl({
      id: 'stub',
      title: 'stub image',
      probes: (at) => ({ missing: stubProbe(at) }),
      check({ settings, cluster, facts }) {
        if (!driverOf(settings).makes || facts.missing.length === 0) return []
        const subject = stubDir(settings.stub, cluster)
        const difference = { subject, desired: stubFiles.join(', '), actual: `missing: ${facts.missing.join(', ')}` }
        return settings.stub === 'debian-12' ? [finding('no-stub', difference)] : [finding('no-own-stub', difference)]
      },
      fix: {
        'no-stub': ({ settings, cluster }) => [buildStub(stubDir(settings.stub, cluster))],
        'no-own-stub': {
          manual: 'Put stub.raw, vmlinux and initrd.img into that folder, or leave vm.stub out: then one is built.',
        },
      },
    }),
    t.onControlPerNode({
      id: 'copy',
      title: 'copy of the stub with its own identity',
      probes: (at) => ({ machine: driverOf(at.settings).probe(at) }),
      check({ settings, facts: { machine } }) {
        if (!driverOf(settings).makes) return []
        if (machine.state === 'absent') return [finding('absent', { desired: 'a machine', actual: 'none' })]
        if (machine.state === 'incomplete') {
          return [
            finding('incomplete', { desired: 'disks and vm.json', actual: Object.keys(machine.files).join(', ') }),
          ]
        }
        const disks = Object.keys(settings.dataDisks)
        const has = machine.vm?.disks ?? []
        return disks.join() === has.join()
          ? []
          : [finding('other-disks', { desired: disks.join(', '), actual: has.join(', ') })]
      },
      fix: {
        absent: (at) => {
          const machine = newVm(at, at.facts.machine)
          return [
            {
              kind: 'run',
              title: `copy the stub for ${at.node}: new UUIDs and MAC addresses`,
              command: driverOf(at.settings).make(at, machine),
            },
          ]
        },
        incomplete: {
          manual:
            'Files of this machine are missing, and a disk may have held data: bring them back, or forget the machine with `ha-provision vm destroy NODE`.',
        },
        'other-disks': {
          manual:
            'Data disks are made with the machine and never changed afterwards: change vm.dataDisks back, or make the machine anew with `ha-provision vm destroy NODE`.',
        },
      },
    }),
  ],
  commands: [vmCommand, stubCommand],
})

/** The build, into a folder beside the final one: a killed build leaves no half image. */
export function buildStub(dir: string): Step {
  const fresh = `${dir}.new`
  const command = given(
    sh`rm -rf ${fresh} && mkdir -p ${fresh} && sh ${join(stubScripts(), 'build.sh')} ${fresh} && rm -rf ${dir} && mv -T ${fresh} ${dir}`,
    { timeoutS: 1800 },
  )
  return { kind: 'run', title: 'build the stub image (Debian 12)', command }
}

export default vm
