import type { NodeContext, Probe, Step } from 'ha-provision'
import type network from '../network/index.js'
import { driverOf } from './drivers/index.js'
import type { VmContext, VmFact } from './drivers/types.js'
import vm from './index.js'
import type { VmSettings } from './schema.js'
import type { Vm } from './state.js'

/** Another plugin's context with this plugin's settings. */
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

type MachineSteps = (at: NodeContext<unknown, never>, settings: VmSettings, machine: Vm) => readonly Step[]

/** Steps that end a node's machine as a power cut would; for machines that hold nothing yet. */
export const killSteps: MachineSteps = (at, settings) => [
  { kind: 'run', title: `end the machine of ${at.node}`, command: driverOf(settings).stop(at, true) },
]

/** Steps that take the config medium out of a node's running machine. */
export const detachMediumSteps: MachineSteps = (at, settings, machine) => [
  {
    kind: 'run',
    title: `take the config medium out of ${at.node}`,
    command: driverOf(settings).detach(asVm(at, settings), machine),
  },
]
