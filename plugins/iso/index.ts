import { definePlugin, finding, type InputOf, type Settings, sh } from 'ha-provision'
import network from '../network/index.js'
import vm, { consoleFile, detachMediumSteps, driverOf, killSteps, readVm, startSteps, vmProbe } from '../vm/index.js'
import { callbackCommand } from './command.js'
import { freePort, makeKeys } from './keys.js'
import { buildMedium, inputsOf } from './medium/build.js'
import { fetchPackages, kindOf, packageNames, repositoryOf } from './medium/repository.js'
import {
  callbackProgress,
  hasRepository,
  isPrepared,
  mediumProbe,
  missingKeys,
  unprepared,
  usedPorts,
} from './probes.js'
import { schema } from './schema.js'
import { shareServer } from './server.js'
import {
  inputsFile,
  keyFile,
  knownHostsFile,
  mediumFile,
  nodeKeyFile,
  readCallback,
  tokenFile,
  treeDir,
} from './state.js'

declare module 'ha-provision' {
  interface PluginOptions {
    iso: InputOf<typeof iso>
  }
}

const makes = (at: { of(plugin: typeof vm): Settings<(typeof vm)['schema']> }): boolean => driverOf(at.of(vm)).makes

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
          ...(kindOf(at)?.programs ?? []),
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
      probes: (at) => ({ missing: missingKeys(at), usedPorts }),
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
        'no-keys': ({ cluster, settings, facts }) =>
          makeKeys(cluster, settings.callback.port ?? freePort(facts.usedPorts)),
      },
    }),
    t.onControl({
      id: 'repository',
      title: 'offline packages',
      probes: (at) => ({ has: hasRepository(at), unprepared: unprepared(at) }),
      check(at) {
        const repository = repositoryOf(at)
        if (!makes(at) || !repository || at.facts.has || at.facts.unprepared.length === 0) return []
        return [
          finding('no-repository', {
            subject: repository.dir,
            desired: packageNames(at).join(' '),
            actual: 'not fetched',
          }),
        ]
      },
      fix: { 'no-repository': fetchPackages },
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
          const files = [mediumFile, tokenFile, nodeKeyFile, inputsFile, treeDir].map((path) =>
            path(at.cluster, at.node),
          )
          return [
            ...(at.facts.machine.vm && at.facts.machine.medium
              ? detachMediumSteps(at, at.of(vm), at.facts.machine.vm)
              : []),
            { kind: 'run', title: `delete the medium of ${at.node}`, command: sh`rm -rf ${files}` },
          ]
        },
      },
    }),
  ],
  commands: [callbackCommand],
})
export default iso
