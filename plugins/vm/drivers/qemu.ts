import { join } from 'node:path'
import { type Command, given, type NodeContext, type Output, raw, sh } from 'ha-provision'
import network from '../../network/index.js'
import type { VmContext } from '../index.js'
import { consoleFile, pidFile, socketDir, type Vm, vmDir, vmFile } from '../state.js'
import { qmp } from './qmp.js'
import type { Driver, VmFact } from './types.js'

/** True for the process that is this machine, and no other that got its number. `$pid` is left set. */
const isAlive = (at: NodeContext<unknown>): Command =>
  sh`{ read -r pid < ${pidFile(at.cluster, at.node)} && tr '\\0' ' ' < "/proc/$pid/cmdline" | grep -q -F -- ${`-name ${at.node},`} && tr '\\0' ' ' < "/proc/$pid/cmdline" | grep -q -F -- ${at.cluster.stateDir}; } 2>/dev/null`

const socket = (at: NodeContext<unknown>, name: string): string => join(socketDir(at.cluster), `${at.node}.${name}`)

function probe(at: NodeContext<unknown>) {
  const dir = vmDir(at.cluster, at.node)
  return {
    // Listening ports: state 0A in the kernel's own table.
    command: sh`if [ -f ${vmFile(at.cluster, at.node)} ]; then printf "vm %s\\n" "$(tr -d '\\n' < ${vmFile(at.cluster, at.node)})"; fi
if [ -d ${dir} ]; then stat -c 'file %s %n' ${dir}/* 2>/dev/null; fi
if ${isAlive(at)}; then echo alive; tr '\\0' ' ' < "/proc/$pid/cmdline" | grep -q 'id=config,' && [ -e ${socket(at, 'medium')} ] && echo medium; fi
awk '$4 == "0A" {split($2, a, ":"); print "port", a[2]}' /proc/net/tcp /proc/net/tcp6 2>/dev/null; true`,
    parse({ stdout }: Output): VmFact {
      const text = /^vm (.*)$/m.exec(stdout)?.[1]
      const vm = text === undefined ? undefined : (JSON.parse(text) as Vm)
      const files = Object.fromEntries(
        [...stdout.matchAll(/^file (\d+) .*\/(.+)$/gm)].map(([, size, name]) => [name, Number(size)]),
      )
      const usedPorts = [...stdout.matchAll(/^port ([0-9A-F]+)$/gm)].map(([, port = '']) => Number.parseInt(port, 16))
      const complete = vm && ['root', ...vm.disks].every((disk) => files[`${disk}.raw`] !== undefined)
      const alive = /^alive$/m.test(stdout)
      const state = complete ? (alive ? 'running' : 'stopped') : Object.keys(files).length > 0 ? 'incomplete' : 'absent'
      return {
        state,
        ...(vm ? { vm } : {}),
        files,
        usedPorts: [...new Set(usedPorts)],
        medium: /^medium$/m.test(stdout),
      }
    },
  }
}

/** Everything in a folder beside the final one, renamed at the end: a killed run leaves no half machine. */
function make(at: VmContext, vm: Vm): Command {
  const dir = vmDir(at.cluster, at.node)
  const fresh = join(at.cluster.stateDir, 'vm', `.${at.node}.new`)
  const disks = vm.disks
    .map(
      (disk) => sh`truncate -s ${at.settings.dataDisks[disk]?.sizeMiB ?? 0}M ${join(fresh, `${disk}.raw`)} &&`.script,
    )
    .join('\n')
  return given(
    sh`umask 077
if [ -e ${dir} ]; then echo 'the machine exists' >&2; exit 1; fi
rm -rf ${fresh} && mkdir -p ${fresh} &&
cp --sparse=always --reflink=auto ${join(vm.stub, 'stub.raw')} ${join(fresh, 'root.raw')} && chmod 600 ${join(fresh, 'root.raw')} &&
tune2fs -f -U ${vm.uuid} ${join(fresh, 'root.raw')} >/dev/null &&
${raw(disks)}
cat > ${join(fresh, 'vm.json')} && sync ${join(fresh, 'vm.json')} && mv -T ${fresh} ${dir}`,
    { stdin: `${JSON.stringify(vm, undefined, 2)}\n`, timeoutS: 600 },
  )
}

/** One NIC for each interface: DHCP is QEMU's own network with the way in for ssh, the others are cables between the machines. */
function nics(at: VmContext, vm: Vm): readonly string[] {
  return Object.entries(at.of(network).interfaces).flatMap(([name, { dhcp }], i) => {
    const device = ['-device', `virtio-net-pci,netdev=${name},mac=${vm.macs[name]},romfile=`]
    if (dhcp) return ['-netdev', `user,id=${name},hostfwd=tcp:${vm.sshHost}:${vm.sshPort}-:22`, ...device]
    const [peer] = at.peers
    if (at.peers.length === 1 && peer) {
      const paths = [at.node, peer].map((node) => join(socketDir(at.cluster), `${node}.${name}`))
      return [
        '-netdev',
        `dgram,id=${name},local.type=unix,local.path=${paths[0]},remote.type=unix,remote.path=${paths[1]}`,
        ...device,
      ]
    }
    // More than two ends: a segment on loopback, its port from the cluster's own socket folder so that clusters don't meet.
    const port = 20000 + ((Number.parseInt(socketDir(at.cluster).slice(-6), 16) + i) % 20000)
    return ['-netdev', `socket,id=${name},mcast=230.0.0.1:${port},localaddr=127.0.0.1`, ...device]
  })
}

const disk = (path: string, id: string): readonly string[] => [
  '-drive',
  `if=none,id=${id},file=${path.replaceAll(',', ',,')},format=raw,cache=writeback,discard=unmap`,
  '-device',
  `virtio-blk-pci,drive=${id},serial=${id}`,
]

const kernel = 'root=/dev/vda console=ttyS0 net.ifnames=0 mitigations=off quiet systemd.show_status=0'

/** Seconds that a kernel without a disk may take to give up; emulated it takes two. */
const trialS = 4

function start(at: VmContext, vm: Vm, medium?: string): Command {
  const dir = vmDir(at.cluster, at.node)
  const boot = ['-kernel', join(vm.stub, 'vmlinux'), '-initrd', join(vm.stub, 'initrd.img'), '-append', kernel]
  const machine = [
    '-smp',
    String(at.settings.cpus),
    '-m',
    String(at.settings.memoryMiB),
    '-nodefaults',
    '-no-user-config',
    '-display',
    'none',
  ]
  const args = [
    '-name',
    `${at.node},process=${at.node}`,
    '-uuid',
    vm.uuid,
    ...machine,
    ...boot,
    ...disk(join(dir, 'root.raw'), 'root'),
    ...vm.disks.flatMap((name) => disk(join(dir, `${name}.raw`), name)),
    ...['-device', 'virtio-scsi-pci,id=scsi'],
    ...(medium
      ? [
          '-drive',
          `if=none,id=config,file=${medium.replaceAll(',', ',,')},format=raw,readonly=on`,
          '-device',
          'scsi-cd,drive=config,id=medium',
        ]
      : []),
    ...nics(at, vm),
    ...['-device', 'virtio-rng-pci', '-monitor', 'none'],
    ...['-serial', `file:${consoleFile(at.cluster, at.node)}`],
    ...['-qmp', `unix:${socket(at, 'qmp')},server=on,wait=off`],
    ...['-daemonize', '-pidfile', pidFile(at.cluster, at.node)],
  ]
  const wanted = at.settings.accelerator
  const emulated = ['-machine', 'q35,accel=tcg', '-cpu', 'Nehalem']
  const kvm = ['-machine', 'q35,accel=kvm', '-cpu', 'host']
  // /dev/kvm can be there and no guest start with it. Without a disk the kernel panics and QEMU ends: that proves it ran.
  const trial = sh`timeout -s KILL ${trialS} qemu-system-x86_64 ${kvm} ${machine} ${['-kernel', join(vm.stub, 'vmlinux'), '-append', 'panic=-1 quiet']} -no-reboot -monitor none </dev/null >/dev/null 2>&1`
  const choose = {
    kvm: sh`set -- ${kvm}`,
    tcg: sh`set -- ${emulated}`,
    auto: sh`if [ -w /dev/kvm ] && ${trial}; then set -- ${kvm}; else set -- ${emulated}; fi`,
  }[wanted]
  return given(
    sh`umask 077
if ${isAlive(at)}; then exit 0; fi
mkdir -p ${socketDir(at.cluster)} && [ -O ${socketDir(at.cluster)} ] && chmod 700 ${socketDir(at.cluster)} || exit 1
rm -f ${socket(at, 'medium')}
${medium ? sh`: > ${socket(at, 'medium')}` : sh`:`}
${choose}
exec qemu-system-x86_64 "$@" ${args}`,
    { timeoutS: 60 },
  )
}

export const qemu: Driver = {
  name: 'qemu',
  makes: true,
  programs: [
    { name: 'qemu-system-x86_64', apt: 'qemu-system-x86', dnf: 'qemu-system-x86-core' },
    { name: 'tune2fs', apt: 'e2fsprogs', dnf: 'e2fsprogs' },
  ],
  probe,
  make,
  start,
  // Ejected with force, because the guest may still have it mounted; its device stays, empty.
  detach: (at) =>
    sh`if ! ${isAlive(at)}; then exit 0; fi
${qmp(socket(at, 'qmp'), [{ execute: 'device_del', arguments: { id: 'medium' } }], 'DEVICE_DELETED')}
rm -f ${socket(at, 'medium')}`,
  stop: (at, _vm, kill) =>
    kill
      ? sh`if ${isAlive(at)}; then kill -9 "$pid"; while ${isAlive(at)}; do sleep 0.2; done; fi`
      : given(
          sh`if ${isAlive(at)}; then ${qmp(socket(at, 'qmp'), [{ execute: 'system_powerdown' }])} && while ${isAlive(at)}; do sleep 0.5; done; fi`,
          { timeoutS: 120 },
        ),
  destroy: (at) =>
    sh`if ${isAlive(at)}; then echo 'it is running' >&2; exit 1; fi; rm -rf ${vmDir(at.cluster, at.node)}`,
}
