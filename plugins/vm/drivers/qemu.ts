import { dirname, join } from 'node:path'
import { type Command, given, type NodeContext, type Output, raw, sh } from 'ha-provision'
import { diskFile, parseVm, readVm, type Vm, vmDir, vmFile } from '../state.js'
import { stubFiles } from '../stub.js'
import { isAlive, runs, socket } from './qemu-process.js'
import { mediumMark, start } from './qemu-start.js'
import { qmp } from './qmp.js'
import type { Driver, VmContext, VmFact } from './types.js'

function probe(at: NodeContext<unknown>) {
  const dir = vmDir(at.cluster, at.node)
  return {
    // Listening ports: state 0A in the kernel's own table. A stopped machine's port is seen in its vm.json only.
    command: sh`if [ -d ${dir} ]; then stat -c 'file %s %n' ${dir}/* 2>/dev/null; fi
if [ -f ${vmFile(at.cluster, at.node)} ]; then printf 'vm %s\\n' "$(tr -d '\\n' < ${vmFile(at.cluster, at.node)})"
else awk '$4 == "0A" {split($2, a, ":"); print "port", a[2]}' /proc/net/tcp /proc/net/tcp6 2>/dev/null
sed -n 's/.*"sshPort": *\\([0-9]*\\).*/taken \\1/p' ${dirname(at.cluster.stateDir)}/*/vm/*/vm.json 2>/dev/null; fi
if ${isAlive(at)}; then echo alive; [ -e ${mediumMark(at)} ] && echo medium; fi; true`,
    parse({ stdout }: Output): VmFact {
      const vm = parseVm(/^vm (.*)$/m.exec(stdout)?.[1] ?? '')
      const files = Object.fromEntries(
        [...stdout.matchAll(/^file (\d+) .*\/(.+)$/gm)].map(([, size, name]) => [name, Number(size)]),
      )
      const usedPorts = [
        ...[...stdout.matchAll(/^port ([0-9A-F]+)$/gm)].map(([, port = '']) => Number.parseInt(port, 16)),
        ...[...stdout.matchAll(/^taken (\d+)$/gm)].map(([, port]) => Number(port)),
      ]
      const complete = vm && ['root', ...vm.disks].every((disk) => files[`${disk}.raw`] !== undefined)
      const off = complete ? 'stopped' : Object.keys(files).length > 0 ? 'incomplete' : 'absent'
      return {
        state: complete && /^alive$/m.test(stdout) ? 'running' : off,
        ...(vm ? { vm } : {}),
        files,
        usedPorts: [...new Set(usedPorts)],
        medium: /^medium$/m.test(stdout),
      }
    },
  }
}

const record = (vm: Vm): string => `${JSON.stringify(vm, undefined, 2)}\n`

/** `truncate -s '>N'` makes a file of that size, or grows a smaller one, and leaves a larger one alone. */
const disks = (at: VmContext, vm: Vm, path: (disk: string) => string): Command => {
  const sized = vm.disks.flatMap((name) => {
    const size = at.settings.dataDisks[name]?.sizeMiB
    return size === undefined ? [] : [sh`truncate -s ${`>${size}M`} ${path(name)} &&`.script]
  })
  return sh`${raw(sized.join('\n'))}`
}

/** Everything in a folder beside the final one, renamed at the end: a killed run leaves no half machine. */
function make(at: VmContext, vm: Vm): Command {
  const dir = vmDir(at.cluster, at.node)
  const fresh = join(dirname(dir), `.${at.node}.new`)
  const root = join(fresh, 'root.raw')
  // With its own kernel: the stub may be built anew or vanish from the cache, and the copy's modules fit this one only.
  const parts = stubFiles.filter((file) => file !== 'stub.raw').map((file) => join(vm.stub, file))
  return given(
    sh`umask 077
rmdir ${dir} 2>/dev/null
if [ -e ${dir} ]; then echo 'the machine exists' >&2; exit 1; fi
rm -rf ${fresh} && mkdir -p ${fresh} &&
cp --sparse=always --reflink=auto ${join(vm.stub, 'stub.raw')} ${root} && cp --reflink=auto ${parts} ${fresh} && chmod 600 ${fresh}/* &&
tune2fs -f -U ${vm.uuid} ${root} >/dev/null &&
${disks(at, vm, (name) => join(fresh, `${name}.raw`))}
cat > ${join(fresh, 'vm.json')} && sync ${join(fresh, 'vm.json')} && mv -T ${fresh} ${dir}`,
    { stdin: record(vm), timeoutS: 600 },
  )
}

/** The record last: a disk that is not in it yet is found again by its name. */
function grow(at: VmContext, vm: Vm): Command {
  const file = vmFile(at.cluster, at.node)
  return given(
    sh`umask 077
if ${isAlive(at)}; then echo 'it is running' >&2; exit 1; fi
${disks(at, vm, (name) => diskFile(at.cluster, at.node, name))}
cat > ${`${file}.new`} && sync ${`${file}.new`} && mv -T ${`${file}.new`} ${file}`,
    { stdin: record(vm) },
  )
}

/** Machines on this computer, without root rights and without a daemon. qemu-system-x86_64(1) */
export const qemu: Driver = {
  name: 'qemu',
  makes: true,
  programs: [
    { name: 'qemu-system-x86_64', apt: 'qemu-system-x86', dnf: 'qemu-system-x86-core' },
    { name: 'tune2fs', apt: 'e2fsprogs', dnf: 'e2fsprogs' },
  ],
  async connect(at) {
    const vm = await readVm(at.cluster, at.node)
    return vm && (await runs(at)) ? { host: vm.sshHost, port: vm.sshPort } : undefined
  },
  probe,
  make,
  grow,
  start,
  detach: (at) =>
    sh`if ${isAlive(at)}; then ${qmp(socket(at, 'qmp'), [{ execute: 'device_del', arguments: { id: 'medium' } }], { event: 'DEVICE_DELETED', done: 'DeviceNotFound' })} || exit 1; fi
rm -f ${mediumMark(at)}`,
  stop: (at, kill) =>
    kill
      ? sh`if ${isAlive(at)}; then kill -9 "$pid"; while ${isAlive(at)}; do sleep 0.2; done; fi`
      : given(
          sh`if ${isAlive(at)}; then ${qmp(socket(at, 'qmp'), [{ execute: 'system_powerdown' }])} || exit 1; while ${isAlive(at)}; do sleep 0.5; done; fi`,
          { timeoutS: 120 },
        ),
  // The record first: whatever a killed run leaves is an incomplete machine, never one with an empty disk.
  destroy: (at) =>
    sh`if ${isAlive(at)}; then echo 'it is running' >&2; exit 1; fi; rm -f ${vmFile(at.cluster, at.node)} && rm -rf ${vmDir(at.cluster, at.node)} ${socket(at, '')}*`,
}
