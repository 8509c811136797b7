import { type Context, definePlugin, type Fault, type InputOf, type PackageNeed, type Settings } from 'ha-provision'
import { packageTask } from '../packages/index.js'
import { filesystemsTask } from './filesystems.js'
import { partitionsTask } from './partitions.js'
import { reconstruct } from './reconstruct.js'
import { schema } from './schema.js'
import { volumesTask } from './volumes.js'

export { describe, type Evidence, evidenceOf, isEmpty, isInUse, uses } from './evidence.js'
export { type LvmFact, lvmProbe, newTag, volumePath } from './lvm.js'
export { wipe } from './wipe.js'

declare module 'ha-provision' {
  interface PluginOptions {
    storage: InputOf<typeof storage>
  }
}

type At = Context<Settings<typeof schema>>

function needs({ settings }: At): readonly PackageNeed[] {
  const lvm = Object.keys(settings.volumeGroups).length + Object.keys(settings.volumes).length > 0
  const xfs = Object.values(settings.filesystems).some(({ type }) => type === 'xfs')
  return [
    ...(lvm ? [{ apt: 'lvm2', dnf: 'lvm2', zypper: 'lvm2' }] : []),
    ...(Object.keys(settings.partitions).length > 0 ? [{ apt: 'fdisk' }] : []),
    ...(xfs ? [{ apt: 'xfsprogs', dnf: 'xfsprogs', zypper: 'xfsprogs' }] : []),
  ]
}

function validate({ settings }: At): readonly Fault[] {
  const faults: Fault[] = []
  const users = new Map<string, string>()
  const claim = (device: string, path: string) => {
    const other = users.get(device)
    if (other) faults.push({ path, message: `${device} is used by ${other} too`, hint: 'give each its own device' })
    users.set(device, path)
  }
  for (const [name, { devices }] of Object.entries(settings.volumeGroups))
    for (const device of devices) claim(device, `storage.volumeGroups.${name}`)
  for (const [mount, { device }] of Object.entries(settings.filesystems))
    claim(device, `storage.filesystems["${mount}"]`)
  for (const disk of Object.keys(settings.partitions)) claim(disk, `storage.partitions["${disk}"]`)
  for (const volume of Object.keys(settings.volumes)) {
    const [group = ''] = volume.split('/')
    if (settings.volumeGroups[group]) continue
    const known = Object.keys(settings.volumeGroups)
    faults.push({
      path: `storage.volumes["${volume}"]`,
      message: `there is no volume group "${group}"`,
      hint: known.length > 0 ? `defined: ${known.join(', ')}` : 'define it in storage.volumeGroups',
    })
  }
  for (const [disk, parts] of Object.entries(settings.partitions)) {
    const open = parts.findIndex(({ sizeMiB }) => sizeMiB === undefined)
    if (open >= 0 && open < parts.length - 1)
      faults.push({
        path: `storage.partitions["${disk}"][${open}]`,
        message: 'only the last partition may go without sizeMiB',
        hint: 'give it a size',
      })
    const double = parts.find(({ label }, i) => parts.findIndex((other) => other.label === label) !== i)
    if (double)
      faults.push({
        path: `storage.partitions["${disk}"]`,
        message: `two partitions are labelled "${double.label}"`,
        hint: 'rename one',
      })
  }
  return faults
}

/** Partitions, LVM and local filesystems. lvm(8), sfdisk(8), fstab(5) */
const storage = definePlugin({
  name: 'storage',
  schema,
  after: ['network', 'ntp'],
  packages: needs,
  validate,
  reconstruct,
  tasks: (t) => [packageTask(t, needs), partitionsTask(t), volumesTask(t), filesystemsTask(t)],
})
export default storage
