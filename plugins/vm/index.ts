import { join } from 'node:path'
import { ask, type Context, definePlugin, finding, type InputOf, type Probe, sh } from 'ha-provision'
import network from '../network/index.js'
import { stubCommand, vmCommand } from './commands.js'
import { compareMachine, resized } from './compare.js'
import { driverOf } from './drivers/index.js'
import { fencingDevice } from './fencing/device.js'
import { newVm } from './identity.js'
import { schema, type VmSettings } from './schema.js'
import { buildStub, stubDir, stubFiles, stubPrograms } from './stub.js'

export { driverOf, drivers } from './drivers/index.js'
export type { Driver, VmContext, VmFact } from './drivers/types.js'
export { detachMediumSteps, killSteps, startSteps, vmProbe } from './machine.js'
export type { VmSettings } from './schema.js'
export { consoleFile, readVm, type Vm, vmDir } from './state.js'
export { stubDir, stubScripts } from './stub.js'

declare module 'ha-provision' {
  interface PluginOptions {
    vm: InputOf<typeof vm>
  }
}

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
    ...(driverOf(settings).makes && settings.stub === 'debian-12' ? stubPrograms(process.getuid?.() === 0) : []),
  ],
  validate({ settings, of, cluster }) {
    if (!driverOf(settings).makes)
      return settings.fencing
        ? [
            {
              path: 'vm.fencing',
              message: `the ${settings.driver} driver cannot switch machines off`,
              hint: 'remove it, and name what can in heartbeat.stonith',
            },
          ]
        : []
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
  offers: ({ settings }) => ({ fencing: settings.fencing ? [fencingDevice()] : [] }),
  connect: (at) => driverOf(at.settings).connect(at),
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
      check: (at) =>
        driverOf(at.settings).makes ? compareMachine(at.settings, at.of(network).interfaces, at.facts.machine) : [],
      fix: {
        absent: (at) => [
          {
            kind: 'run',
            title: `copy the stub for ${at.node}: new UUIDs and MAC addresses`,
            command: driverOf(at.settings).make(
              at,
              newVm(at, Object.keys(at.of(network).interfaces), at.facts.machine),
            ),
          },
        ],
        'small-disks': (at) => {
          const { vm: machine } = at.facts.machine
          if (!machine) return []
          const command = driverOf(at.settings).grow(at, resized(machine, at.settings))
          return [{ kind: 'run', title: `data disks of ${at.node}: ${at.finding.desired}`, command }]
        },
        'small-disks-in-use': {
          manual: 'Disks are made and grown while the machine is off: `ha-provision vm stop NODE`, then run again.',
        },
        incomplete: {
          manual:
            'Files of this machine are missing, and a disk may have held data: bring them back, or forget the machine with `ha-provision vm destroy NODE`.',
        },
        'other-disks': {
          manual:
            'Disks are never taken away or made smaller: change vm.dataDisks back, or make the machine anew after `ha-provision vm destroy NODE`.',
        },
        'other-interfaces': {
          manual:
            'A machine gets its network cards when it is made: change network.interfaces back, or make the machine anew after `ha-provision vm destroy NODE`.',
        },
      },
    }),
  ],
  commands: [vmCommand, stubCommand],
})
export default vm
