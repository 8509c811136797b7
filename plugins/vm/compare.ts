import { type Finding, finding } from 'ha-provision'
import type { VmFact } from './drivers/types.js'
import type { VmSettings } from './schema.js'
import type { Vm } from './state.js'

export type MachineFinding =
  | 'absent'
  | 'incomplete'
  | 'small-disks'
  | 'small-disks-in-use'
  | 'other-disks'
  | 'other-interfaces'

const MiB = 1024 ** 2

/** The machine's record once its disks are as configured: new ones at the end, so that the others keep their place. */
export const resized = (vm: Vm, { dataDisks }: VmSettings): Vm => ({
  ...vm,
  disks: [...vm.disks, ...Object.keys(dataDisks).filter((name) => !vm.disks.includes(name))],
})

/** What keeps a machine from being the one that the config describes. */
export function compareMachine(
  { dataDisks }: VmSettings,
  interfaces: object,
  { state, vm, files }: VmFact,
): readonly Finding<MachineFinding>[] {
  if (state === 'absent') return [finding('absent', { desired: 'a machine', actual: 'none' })]
  if (state === 'incomplete' || !vm) {
    const actual = Object.keys(files).sort().join(', ')
    return [
      finding('incomplete', {
        desired: ['vm.json', ...['root', ...(vm?.disks ?? Object.keys(dataDisks))].map((disk) => `${disk}.raw`)].join(
          ', ',
        ),
        actual,
      }),
    ]
  }
  const size = (name: string): number => (vm.disks.includes(name) ? (files[`${name}.raw`] ?? 0) : 0)
  const told = (names: readonly string[], sizeOf: (name: string) => number): string =>
    names.map((name) => `${name} ${sizeOf(name) === 0 ? 'none' : `${sizeOf(name) / MiB} MiB`}`).join(', ')
  const wanted = (name: string): number => (dataDisks[name]?.sizeMiB ?? 0) * MiB

  const found: Finding<MachineFinding>[] = []
  const differ = (id: MachineFinding, names: readonly string[]) => {
    if (names.length > 0) found.push(finding(id, { desired: told(names, wanted), actual: told(names, size) }))
  }
  differ(
    state === 'running' ? 'small-disks-in-use' : 'small-disks',
    Object.keys(dataDisks).filter((name) => size(name) < wanted(name)),
  )
  differ(
    'other-disks',
    [...new Set([...vm.disks, ...Object.keys(dataDisks)])].filter((name) => size(name) > wanted(name)),
  )
  const [desired, actual] = [Object.keys(interfaces).sort().join(', '), Object.keys(vm.macs).sort().join(', ')]
  if (desired !== actual) found.push(finding('other-interfaces', { desired, actual }))
  return found
}
