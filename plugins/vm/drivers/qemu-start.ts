import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, given, type NodeContext, quote, raw, sh } from 'ha-provision'
import network from '../../network/index.js'
import { packaged } from '../../packaged.js'
import { consoleFile, diskFile, pidFile, socketDir, type Vm, vmDir } from '../state.js'
import { isAlive, socket } from './qemu-process.js'
import type { VmContext } from './types.js'

/** Says that the medium with which the machine was started is still in. */
export const mediumMark = (at: NodeContext<unknown>): string => join(vmDir(at.cluster, at.node), 'medium')

/** QEMU reads a comma as the end of a value. */
const value = (path: string): string => path.replaceAll(',', ',,')

/** One NIC for each interface: DHCP is QEMU's own network with the way in for ssh, the others are cables between the machines. */
function nics(at: VmContext, vm: Vm): readonly string[] {
  return Object.entries(at.of(network).interfaces).flatMap(([name, { dhcp }]) => {
    const device = ['-device', `virtio-net-pci,netdev=nic-${name},mac=${vm.macs[name]},romfile=`]
    if (dhcp)
      return ['-netdev', `user,id=nic-${name},hostfwd=tcp:${vm.sshHost}:${vm.sshPort}-:22${fencingDoor(at)}`, ...device]
    const [peer] = at.peers
    if (at.peers.length === 1 && peer) {
      // Datagrams need no port, and either end may come and go.
      const [own, other] = [at.node, peer].map((node) => join(socketDir(at.cluster), `${node}.${name}`))
      const ends = `local.type=unix,local.path=${own},remote.type=unix,remote.path=${other}`
      return ['-netdev', `dgram,id=nic-${name},${ends}`, ...device]
    }
    // More than two ends: a segment on loopback, its group and port from the cluster's own folder so that clusters don't meet.
    const hash = createHash('sha256')
      .update(`${socketDir(at.cluster)} ${name}`)
      .digest()
    const group = `239.${hash[0]}.${hash[1]}.${hash[2]}:${20_000 + (hash.readUInt16BE(3) % 10_000)}`
    return ['-netdev', `socket,id=nic-${name},mcast=${group},localaddr=127.0.0.1`, ...device]
  })
}

/** The guest's flushes reach this computer's disk: what it fsynced survives a power cut here too. */
const disk = (path: string, name: string): readonly string[] => [
  '-drive',
  `if=none,id=disk-${name},file=${value(path)},format=raw,cache=writeback,discard=unmap`,
  '-device',
  `virtio-blk-pci,drive=disk-${name},serial=${name}`,
]

const kernel = 'root=/dev/vda console=ttyS0 net.ifnames=0 mitigations=off quiet systemd.show_status=0'

/** Seconds that a kernel without a disk may take to give up; emulated it takes two. */
const trialS = 4

/** Sets `$@` to the accelerator's arguments. */
function chooseAccelerator(at: VmContext, machine: readonly string[], vmlinux: string): Command {
  const emulated = sh`set -- ${['-machine', 'q35,accel=tcg', '-cpu', 'Nehalem']}`
  const arguments_ = ['-machine', 'q35,accel=kvm', '-cpu', 'host']
  const kvm = sh`set -- ${arguments_}`
  if (at.settings.accelerator !== 'auto') return at.settings.accelerator === 'kvm' ? kvm : emulated
  // /dev/kvm can be there and no guest start with it. Without a disk the kernel panics and QEMU ends: that proves it ran.
  const fails = join(socketDir(at.cluster), 'kvm-fails')
  const trial = sh`timeout -s KILL ${trialS} qemu-system-x86_64 ${arguments_} ${machine} -kernel ${vmlinux} -append ${'panic=-1 mitigations=off quiet'} -no-reboot -monitor none -serial none </dev/null >/dev/null 2>&1`
  return sh`if [ ! -w /dev/kvm ] || [ -e ${fails} ]; then ${emulated}; elif ${trial}; then ${kvm}; else : > ${fails}; ${emulated}; fi`
}

/** What QEMU starts for a peer's request, and what it needs: `fencing/host.sh` and its word, which only the guest's root reads. */
const fencingFiles = (at: NodeContext<unknown>) => {
  const dir = vmDir(at.cluster, at.node)
  return { program: join(dir, 'fence'), token: join(dir, 'fencing'), restart: join(dir, 'restart') }
}

/** In QEMU's own network; nobody else is there. */
const fencingAddress = '10.0.2.100:620'

/** `timeout`: a guest that connects and says nothing. The command is split as a shell would. */
const fencingDoor = (at: VmContext): string =>
  at.settings.fencing
    ? `,guestfwd=tcp:${fencingAddress}-cmd:${value(`timeout 60 sh ${quote(fencingFiles(at).program)}`)}`
    : ''

/** Copied beside the machine: it outlives this program's folder. */
function fencingSetup(at: VmContext, vm: Vm): Command {
  const { program, token, restart } = fencingFiles(at)
  const host = readFileSync(packaged('vm', 'fencing', 'host.sh'), 'utf8')
  return sh`printf %s ${host} >${program} && printf %s ${powerOn(at, vm).script} >${restart} || exit 1
[ -s ${token} ] || printf 'ha-provision-fencing=%s' "$(od -An -v -N16 -tx1 /dev/urandom | tr -d ' \n')" >${token} || exit 1
`
}

function powerOn(at: VmContext, vm: Vm, medium?: string): Command {
  const dir = vmDir(at.cluster, at.node)
  const machine = ['-smp', String(at.settings.cpus), '-m', String(at.settings.memoryMiB)]
  machine.push('-nodefaults', '-no-user-config', '-display', 'none')
  const vmlinux = join(dir, 'vmlinux')
  const cd = ['-drive', `if=none,id=config,file=${value(medium ?? '')},format=raw,readonly=on`]
  const args = [
    ...['-name', `${at.node},process=${at.node}`, '-uuid', vm.uuid, ...machine],
    ...['-kernel', vmlinux, '-initrd', join(dir, 'initrd.img'), '-append', kernel],
    ...disk(diskFile(at.cluster, at.node, 'root'), 'root'),
    ...vm.disks.flatMap((name) => disk(diskFile(at.cluster, at.node, name), name)),
    // A CD can be taken out while the machine runs; what sits on q35's own PCI bus cannot.
    ...['-device', 'virtio-scsi-pci,id=scsi', ...(medium ? [...cd, '-device', 'scsi-cd,drive=config,id=medium'] : [])],
    ...nics(at, vm),
    ...(at.settings.fencing ? ['-smbios', `type=11,path=${value(fencingFiles(at).token)}`] : []),
    ...['-device', 'virtio-rng-pci', '-monitor', 'none', '-serial', `file:${consoleFile(at.cluster, at.node)}`],
    ...['-qmp', `unix:${socket(at, 'qmp')},server=on,wait=off`],
    ...['-daemonize', '-pidfile', pidFile(at.cluster, at.node)],
  ]
  const sockets = socketDir(at.cluster)
  const mark = mediumMark(at)
  return sh`umask 077
if ${isAlive(at)}; then exit 0; fi
mkdir -p ${sockets} && [ -O ${sockets} ] && [ ! -L ${sockets} ] && chmod 700 ${sockets} || { echo ${`${sockets} is somebody else's`} >&2; exit 1; }
${medium ? sh`: > ${mark}` : sh`rm -f ${mark}`} || exit 1
${chooseAccelerator(at, machine, vmlinux)}
exec qemu-system-x86_64 "$@" ${args}`
}

/** Returns when QEMU has set the machine up, in a session of its own; a wrong argument or a port in use ends with its words. */
export const start = (at: VmContext, vm: Vm, medium?: string): Command =>
  given(
    sh`umask 077
${at.settings.fencing ? fencingSetup(at, vm) : raw('')}${powerOn(at, vm, medium)}`,
    { timeoutS: 60 },
  )
