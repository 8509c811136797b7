import {
  type AnyPlugin,
  type Finding,
  finding,
  type Settings,
  type Step,
  sh,
  type Task,
  type TaskBuilder,
} from 'ha-provision'
import { describe, type Evidence, evidenceOf, isEmpty, isInUse, uses } from './evidence.js'
import { type LvmFact, lvmProbe, newTag, volumePath } from './lvm.js'
import type { schema } from './schema.js'
import { wipe, zeroEnds } from './wipe.js'

type Storage = Settings<typeof schema>
type Id =
  | 'no-device'
  | 'device-in-use'
  | 'foreign-data'
  | 'foreign-pv'
  | 'no-pv'
  | 'no-vg'
  | 'vg-lacks-pv'
  | 'other-vg'
  | 'no-lv'
  | 'no-room'
  | 'vg-incomplete'
  | 'lv-unfinished'
  | 'lv-inactive'
  | 'lv-small'
  | 'lv-large'

const MiB = 1048576

/** What keeps a device from being a physical volume of its group; undefined when it is one or can take part as it is. */
function deviceFinding(group: string, e: Evidence, { pvs, lvs }: LvmFact): Finding<Id> | undefined {
  const subject = e.device
  const desired = `physical volume of ${group}`
  // The note is what a refusal prints.
  const inUse = (actual: string) => finding('device-in-use', { subject, desired, actual, note: actual })
  if (!e.exists) return finding('no-device', { subject, desired: 'a block device', actual: 'none' })
  const pv = pvs.find(({ number }) => number === e.number)
  if (pv?.group === group) return undefined
  if (pv && pv.group !== '') {
    const active = lvs.filter((lv) => lv.group === pv.group && lv.active).map((lv) => `${lv.group}/${lv.name}`)
    const elsewhere = pvs.filter((other) => other.group === pv.group && other.number !== e.number)
    if (elsewhere.length > 0)
      return inUse(
        `LVM physical volume of ${pv.group}, which is also on ${elsewhere.map((other) => other.device).join(', ')}`,
      )
    if (active.length > 0) return inUse(`LVM physical volume of ${pv.group}, active: ${active.join(', ')}`)
    return finding('foreign-pv', { subject, desired, actual: `LVM physical volume of ${pv.group}` })
  }
  // An orphan of zeros is what a killed run leaves between pvcreate and vgcreate.
  if (pv && !e.nonZero && !isInUse(e)) return undefined
  if (isInUse(e)) return inUse(`${describe(e)}, ${uses(e)}`)
  if (isEmpty(e)) return finding('no-pv', { subject, desired, actual: 'empty device' })
  return finding('foreign-data', { subject, desired, actual: describe(e) })
}

function groupFindings(
  name: string,
  devices: readonly string[],
  evidence: Readonly<Record<string, Evidence>>,
  lvm: LvmFact,
): readonly Finding<Id>[] {
  const all = devices.map((device) => evidence[device] as Evidence)
  const wrong = all.flatMap((e) => deviceFinding(name, e, lvm) ?? [])
  if (wrong.length > 0) return wrong
  const present = lvm.pvs.filter(({ group }) => group === name)
  const inGroup = present.map(({ device }) => device)
  const missing = all.filter((e) => !present.some(({ number }) => number === e.number)).map(({ device }) => device)
  const found = lvm.vgs.filter((vg) => vg.name === name)
  if (found.length > 1)
    return [finding('other-vg', { subject: name, desired: 'one group of this name', actual: `${found.length} groups` })]
  if ((found[0]?.missing ?? 0) > 0)
    return [
      finding('vg-incomplete', { subject: name, desired: 'all its devices', actual: `${found[0]?.missing} missing` }),
    ]
  if (missing.length === 0) return []
  if (found.length === 0)
    return [finding('no-vg', { subject: name, desired: devices.join(' '), actual: 'no such group' })]
  if (missing.length === devices.length)
    return [finding('other-vg', { subject: name, desired: devices.join(' '), actual: inGroup.join(' ') })]
  return [finding('vg-lacks-pv', { subject: name, desired: missing.join(' '), actual: inGroup.join(' ') })]
}

function volumeFinding(volume: string, sizeMiB: number, lvm: LvmFact): Finding<Id> | undefined {
  const [group = '', name = ''] = volume.split('/')
  const lv = lvm.lvs.find((one) => one.group === group && one.name === name)
  const desired = `${sizeMiB} MiB`
  const vg = lvm.vgs.find((one) => one.name === group)
  const extent = vg?.extentBytes ?? 1
  // LVM rounds up to whole extents: what is less than one extent larger is what was asked for.
  const lacks = Math.ceil((sizeMiB * MiB - (lv?.bytes ?? 0)) / extent) * extent
  const room = vg?.freeBytes ?? 0
  if (lacks > room)
    return finding('no-room', {
      subject: volume,
      desired,
      actual: `${lv ? `${lv.bytes / MiB} MiB, and ` : ''}${room / MiB} MiB free in ${group}`,
    })
  if (!lv) return finding('no-lv', { subject: volume, desired, actual: 'no such volume' })
  if (lv.tags.includes(newTag))
    return finding('lv-unfinished', { subject: volume, desired: 'zeros at both ends', actual: 'made and not zeroed' })
  const actual = `${lv.bytes / MiB} MiB`
  if (lv.bytes < sizeMiB * MiB) return finding('lv-small', { subject: volume, desired, actual })
  if (lv.bytes >= sizeMiB * MiB + extent) return finding('lv-large', { subject: volume, desired, actual })
  return lv.active ? undefined : finding('lv-inactive', { subject: volume, desired: 'active', actual: 'inactive' })
}

/**
 * Extents from the group's free space can show what a removed volume held, and later checks would take it for data. It was given
 * up when its volume was removed. The tag says that nobody has put the volume to use yet, so a run that was killed goes on here.
 */
const finish = (volume: string): Step => {
  const device = volumePath(volume)
  return run(
    `zero both ends of the new ${volume}`,
    sh`${zeroEnds(device)} && lvchange -q --deltag ${newTag} -- ${volume}`,
  )
}

const run = (title: string, command: Extract<Step, { kind: 'run' }>['command']): Step => ({
  kind: 'run',
  title,
  command,
})

export const volumesTask = (t: TaskBuilder<Storage, AnyPlugin>): Task =>
  t.perNode({
    id: 'volumes',
    title: 'volume groups and logical volumes',
    probes: ({ settings }) => ({
      lvm: lvmProbe,
      evidence: evidenceOf(Object.values(settings.volumeGroups).flatMap(({ devices }) => devices)),
    }),
    check({ settings, facts: { lvm, evidence } }) {
      if (Object.keys(settings.volumeGroups).length + Object.keys(settings.volumes).length === 0) return []
      if (!lvm) return { waits: 'waits for storage/packages: LVM is not installed' }
      const groups = Object.entries(settings.volumeGroups).flatMap(([name, { devices }]) =>
        groupFindings(name, devices, evidence, lvm),
      )
      // Volumes of a group that is not there yet come in the next round.
      const volumes = Object.entries(settings.volumes).flatMap(([volume, { sizeMiB }]) =>
        lvm.vgs.some(({ name }) => name === volume.split('/')[0]) ? (volumeFinding(volume, sizeMiB, lvm) ?? []) : [],
      )
      return groups.length > 0 ? groups : volumes
    },
    fix: {
      'no-device': {
        manual:
          'Attach the disk, or correct the path in the config; `ls -l /dev/disk/by-id` shows the paths that never change.',
      },
      'device-in-use': {
        manual:
          'It is in use and stays as it is. Free it first (umount, swapoff, vgchange -an), after looking at what it holds.',
      },
      'no-pv': ({ finding: { subject = '' } }) => [
        run(`physical volume on ${subject}`, sh`pvcreate -q -- ${subject} </dev/null`),
      ],
      'foreign-data': ({ finding: { subject = '' }, facts }) => [
        {
          kind: 'run',
          title: `wipe ${subject} and make it a physical volume`,
          command: sh`${wipe(subject)} && pvcreate -q -- ${subject} </dev/null`,
          destroys: { device: subject, what: describe(facts.evidence[subject] as Evidence) },
        },
      ],
      'foreign-pv': ({ finding: { subject = '', actual } }) => [
        {
          kind: 'run',
          title: `wipe ${subject} and make it a physical volume`,
          command: sh`pvremove -q -q -ff -y -- ${subject} && ${wipe(subject)} && pvcreate -q -- ${subject} </dev/null`,
          destroys: { device: subject, what: String(actual) },
        },
      ],
      'no-vg': ({ finding: { subject = '', desired } }) => [
        run(`volume group ${subject}`, sh`vgcreate -q -- ${subject} ${String(desired).split(' ')} </dev/null`),
      ],
      'vg-lacks-pv': ({ finding: { subject = '', desired } }) => [
        run(`extend volume group ${subject}`, sh`vgextend -q -- ${subject} ${String(desired).split(' ')} </dev/null`),
      ],
      'other-vg': {
        manual:
          'A group of this name is on other devices. Rename one of them (vgrename), or name its devices in the config.',
      },
      'no-lv': ({ settings, finding: { subject = '' } }) => {
        const [group = '', name = ''] = subject.split('/')
        const size = `${settings.volumes[subject]?.sizeMiB}m`
        return [
          run(
            `logical volume ${subject}`,
            sh`lvcreate -q -y -W y -Z y --addtag ${newTag} -L ${size} -n ${name} ${group}`,
          ),
          finish(subject),
        ]
      },
      'lv-unfinished': ({ finding: { subject = '' } }) => [finish(subject)],
      'no-room': {
        manual:
          'Add a disk to the group (storage.volumeGroups), or ask for less. Nothing is moved or shrunk to make room.',
      },
      'vg-incomplete': {
        manual: 'Bring the missing disk back (pvs shows which); a group that lacks one is not changed.',
      },
      'lv-inactive': ({ finding: { subject = '' } }) => [run(`activate ${subject}`, sh`lvchange -q -ay -- ${subject}`)],
      // A local filesystem grows with its volume. Whoever has a volume open looks for metadata at its old end; on a closed one
      // with DRBD's, nobody would.
      'lv-small': ({ settings, facts, finding: { subject = '' } }) => {
        const isOpen = facts.lvm?.lvs.find(({ group, name }) => `${group}/${name}` === subject)?.open
        const size = `${settings.volumes[subject]?.sizeMiB}m`
        const extend = sh`lvextend -q -L ${size} -- ${subject} </dev/null`
        const other = isOpen
          ? extend
          : sh`echo "it holds '$t' and nothing has it open; its end may hold metadata: put it to use first (drbdadm up)" >&2; exit 1`
        return [
          run(
            `extend ${subject}`,
            sh`t=$(blkid -p -s TYPE -o value -- ${volumePath(subject)}); case $t in ext4 | xfs) lvextend -q -r -L ${size} -- ${subject} </dev/null ;; '') ${extend} ;; *) ${other} ;; esac`,
          ),
        ]
      },
      'lv-large': { manual: 'A volume is never shrunk. Correct sizeMiB in the config.' },
    },
  })
