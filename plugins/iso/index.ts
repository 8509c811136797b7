import { randomBytes } from 'node:crypto'
import {
  ask,
  definePlugin,
  finding,
  type InputOf,
  type NodeContext,
  type Output,
  type Probe,
  type Progress,
  type Settings,
  sh,
} from 'ha-provision'
import network from '../network/index.js'
import vm, { consoleFile, detachMediumSteps, driverOf, killSteps, readVm, startSteps, vmProbe } from '../vm/index.js'
import { callbackCommand } from './command.js'
import { buildMedium, inputsOf } from './medium/build.js'
import { callbackName } from './medium/files.js'
import { fetchPackages, packageNames, repositoryDir } from './medium/repository.js'
import { schema } from './schema.js'
import { shareServer } from './server.js'
import {
  type Callback,
  callbackFile,
  certificateFile,
  certificateKeyFile,
  inputsFile,
  isoDir,
  keyFile,
  knownHostsFile,
  mediumFile,
  nodeKeyFile,
  portFile,
  readCallback,
  tokenFile,
} from './state.js'

declare module 'ha-provision' {
  interface PluginOptions {
    iso: InputOf<typeof iso>
  }
}

type IsoContext = NodeContext<Settings<typeof schema>, typeof vm | typeof network>

/** What this computer holds of a node's medium and callback. */
interface MediumFact {
  readonly callback?: Callback
  readonly inputs?: string
  readonly hasMedium: boolean
  readonly hasToken: boolean
  readonly hasNodeKey: boolean
  readonly port: string
}

function mediumProbe({ cluster, node }: IsoContext): Probe<MediumFact> {
  const [callback, inputs, medium, token, key] = [callbackFile, inputsFile, mediumFile, tokenFile, nodeKeyFile].map(
    (path) => path(cluster, node),
  ) as [string, string, string, string, string]
  return ask(
    sh`[ -f ${callback} ] && printf "callback %s\\n" "$(tr -d '\\n' < ${callback})"; [ -f ${inputs} ] && printf "inputs %s\\n" "$(cat ${inputs})"
[ -f ${medium} ] && echo medium; [ -f ${token} ] && echo token; [ -f ${key} ] && echo key; [ -f ${portFile(cluster)} ] && printf "port %s\\n" "$(cat ${portFile(cluster)})"; true`,
    ({ stdout }: Output) => {
      const line = (word: string) => new RegExp(`^${word} (.*)$`, 'm').exec(stdout)?.[1]
      const has = (word: string) => new RegExp(`^${word}$`, 'm').test(stdout)
      const text = line('callback')
      const seen = line('inputs')
      return {
        ...(text ? { callback: JSON.parse(text) as Callback } : {}),
        ...(seen ? { inputs: seen } : {}),
        hasMedium: has('medium'),
        hasToken: has('token'),
        hasNodeKey: has('key'),
        port: line('port') ?? '',
      }
    },
  )
}

const makes = (at: { of(plugin: typeof vm): Settings<(typeof vm)['schema']> }): boolean => driverOf(at.of(vm)).makes

const isPrepared = (callback: Callback | undefined, uuid: string | undefined): boolean =>
  callback?.status === 'ok' && callback.vm === uuid

/** What the machine said last, for the one who waits. */
function callbackProgress(at: IsoContext): Probe<Progress> {
  return ask(
    sh`cat ${callbackFile(at.cluster, at.node)} 2>/dev/null || { echo; tail -c 400 ${consoleFile(at.cluster, at.node)} 2>/dev/null | tr -d '\\r' | grep -a 'ha-prep:' | tail -n 1; }`,
    ({ stdout }): Progress => {
      if (!stdout.startsWith('{'))
        return { done: false, text: stdout.trim().replace(/^.*ha-prep:/, 'prep:') || 'starting' }
      const { status, steps, log } = JSON.parse(stdout) as Callback
      if (status === 'ok') return { done: true, text: 'prepared' }
      const failed = steps.filter(({ ok }) => !ok).map(({ name }) => name)
      return {
        done: false,
        text: 'failed',
        failed: `its preparation failed at: ${failed.join(', ')}; the end of its log:\n${log.trim().split('\n').slice(-25).join('\n')}`,
      }
    },
  )
}

/** Brings keys, packages and the prep program to a new machine as a CD, and waits until it calls back. xorriso(1), systemd.link(5) */
const iso = definePlugin({
  name: 'iso',
  schema,
  requires: [vm],
  reads: [network],
  modes: ['create'],
  programs: (at) =>
    makes(at)
      ? [
          { name: 'xorriso', apt: 'xorriso', dnf: 'xorriso' },
          { name: 'openssl', apt: 'openssl', dnf: 'openssl' },
          { name: 'ssh-keygen', apt: 'openssh-client', dnf: 'openssh' },
          { name: 'debugfs', apt: 'e2fsprogs', dnf: 'e2fsprogs' },
        ]
      : [],
  async connect(at) {
    if (!makes(at)) return {}
    const [machine, callback] = await Promise.all([readVm(at.cluster, at.node), readCallback(at.cluster, at.node)])
    if (!isPrepared(callback, machine?.uuid)) return undefined
    return { user: 'root', identityFile: keyFile(at.cluster), knownHostsFile: knownHostsFile(at.cluster) }
  },
  tasks: (t) => [
    t.onControl({
      id: 'keys',
      title: 'keys for ssh and the callback',
      probes: ({ cluster }) => ({
        missing: ask(
          sh`for f in ${[keyFile(cluster), certificateFile(cluster), certificateKeyFile(cluster), portFile(cluster)]}; do [ -s "$f" ] || echo "$f"; done`,
          ({ stdout }) => stdout.split('\n').filter(Boolean),
        ),
        usedPorts: ask(sh`awk '$4 == "0A" {split($2, a, ":"); print a[2]}' /proc/net/tcp`, ({ stdout }) =>
          stdout.split('\n').map((hex) => Number.parseInt(hex, 16)),
        ),
      }),
      check: (at) =>
        !makes(at) || at.facts.missing.length === 0
          ? []
          : [
              finding('no-keys', {
                desired: 'keys, a certificate and a port of this cluster',
                actual: `missing: ${at.facts.missing.join(', ')}`,
              }),
            ],
      fix: {
        'no-keys': ({ cluster, settings, facts }) => {
          const free = Array.from({ length: 10_000 }, (_, i) => 45_000 + i).filter(
            (port) => !facts.usedPorts.includes(port),
          )
          const port = settings.callback.port ?? free[randomBytes(4).readUInt32LE() % free.length]
          const [key, crt, crtKey] = [keyFile(cluster), certificateFile(cluster), certificateKeyFile(cluster)]
          // Never over a key that exists: machines may know it already.
          return [
            {
              kind: 'run',
              title: 'ssh key, certificate and port of the cluster',
              command: sh`umask 077; mkdir -p ${isoDir(cluster)} && cd ${isoDir(cluster)} || exit 1
[ -s ${key} ] || { rm -f new new.pub; ssh-keygen -q -t ed25519 -N '' -C ${`ha-provision ${cluster.name}`} -f new && mv new.pub ${`${key}.pub`} && mv new ${key}; } || exit 1
[ -s ${crt} ] && [ -s ${crtKey} ] || { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj ${`/CN=${callbackName}`} -addext ${`subjectAltName=DNS:${callbackName}`} -keyout ${`${crtKey}.new`} -out ${`${crt}.new`} 2>/dev/null && mv ${`${crtKey}.new`} ${crtKey} && mv ${`${crt}.new`} ${crt}; } || exit 1
[ -s ${portFile(cluster)} ] || printf %s ${String(port)} > ${portFile(cluster)}`,
            },
          ]
        },
      },
    }),
    t.onControl({
      id: 'repository',
      title: 'offline packages',
      probes: (at) => ({ has: ask(sh`[ -s ${`${repositoryDir(at)}/Packages`} ]`, ({ code }) => code === 0) }),
      check: (at) =>
        !makes(at) || at.settings.repository === 'none' || packageNames(at).length === 0 || at.facts.has
          ? []
          : [
              finding('no-repository', {
                subject: repositoryDir(at),
                desired: packageNames(at).join(' '),
                actual: 'not fetched',
              }),
            ],
      fix: { 'no-repository': (at) => [fetchPackages(at)] },
    }),
    t.onControlPerNode({
      id: 'medium',
      title: 'config medium',
      probes: (at) => ({ machine: vmProbe(at), medium: mediumProbe(at) }),
      check(at) {
        if (!makes(at)) return []
        const { machine, medium } = at.facts
        if (!machine.vm) return { waits: 'waits for vm/copy' }
        if (isPrepared(medium.callback, machine.vm.uuid)) return []
        if (medium.port === '') return { waits: 'waits for iso/keys' }
        const actual =
          medium.callback?.status === 'failed'
            ? 'one whose preparation failed'
            : !medium.hasMedium || !medium.hasToken
              ? 'none'
              : medium.inputs === inputsOf(at, at.node, machine.vm, medium.port)
                ? undefined
                : 'one of other contents'
        return actual === undefined ? [] : [finding('no-medium', { desired: 'a config medium with a token', actual })]
      },
      fix: {
        // A machine that is not prepared holds nothing: it is ended, so that it cannot go on from the old medium.
        'no-medium': (at) => {
          const { machine, medium } = at.facts
          if (!machine.vm) return []
          return [
            ...(machine.state === 'running' ? killSteps(at, at.of(vm), machine.vm) : []),
            ...buildMedium(at, at.node, machine.vm, medium.port),
          ]
        },
      },
    }),
    t.onControlPerNode({
      id: 'callback',
      title: 'start, and the callback of the prepared machine',
      probes: (at) => ({ machine: vmProbe(at), medium: mediumProbe(at) }),
      check(at) {
        if (!makes(at)) return []
        const { machine, medium } = at.facts
        if (!machine.vm) return { waits: 'waits for vm/copy' }
        if (!isPrepared(medium.callback, machine.vm.uuid)) {
          return medium.hasMedium
            ? [finding('not-prepared', { desired: 'a machine that called back', actual: machine.state })]
            : { waits: 'waits for iso/medium' }
        }
        return machine.state === 'running' ? [] : [finding('stopped', { desired: 'running', actual: machine.state })]
      },
      fix: {
        stopped: (at) => (at.facts.machine.vm ? startSteps(at, at.of(vm), at.facts.machine.vm) : []),
        'not-prepared': (at) => {
          const { machine, medium } = at.facts
          if (!machine.vm) return []
          const file = mediumFile(at.cluster, at.node)
          const runsWithIt = machine.state === 'running' && machine.medium
          return [
            ...(machine.state === 'running' && !machine.medium ? killSteps(at, at.of(vm), machine.vm) : []),
            ...(runsWithIt ? [] : startSteps(at, at.of(vm), machine.vm, file)),
            {
              kind: 'wait',
              title: `${at.node} calls back`,
              until: callbackProgress(at),
              timeoutS: at.settings.callback.timeoutS,
              everyS: 1,
              open: () => shareServer(at.cluster, at.settings.callback.bind, Number(medium.port)),
              hint: `by hand on its console: mount -o ro -L HACONFIG /mnt && sh /mnt/prep; then here: ha-provision callback ${at.node} --status FILE (the machine's /var/lib/ha-provision/report.json). Its console: ${consoleFile(at.cluster, at.node)}`,
            },
          ]
        },
      },
    }),
    t.onControlPerNode({
      id: 'secrets',
      title: 'medium taken out, its secrets deleted',
      probes: (at) => ({ machine: vmProbe(at), medium: mediumProbe(at) }),
      check(at) {
        if (!makes(at)) return []
        const { machine, medium } = at.facts
        if (!machine.vm || !isPrepared(medium.callback, machine.vm.uuid)) return { waits: 'waits for iso/callback' }
        const left = [
          ...(machine.medium ? ['medium in the drive'] : []),
          ...(medium.hasMedium ? ['medium'] : []),
          ...(medium.hasToken ? ['token'] : []),
          ...(medium.hasNodeKey ? ['key of the node'] : []),
        ]
        return left.length === 0 ? [] : [finding('secrets-left', { desired: 'none', actual: left.join(', ') })]
      },
      fix: {
        'secrets-left': (at) => {
          const files = [mediumFile, tokenFile, nodeKeyFile, inputsFile].map((path) => path(at.cluster, at.node))
          return [
            ...(at.facts.machine.vm && at.facts.machine.medium
              ? detachMediumSteps(at, at.of(vm), at.facts.machine.vm)
              : []),
            { kind: 'run', title: `delete the medium of ${at.node}`, command: sh`rm -f ${files}` },
          ]
        },
      },
    }),
  ],
  commands: [callbackCommand],
})
export default iso
