import { type Finding, finding, given, raw, type Step, sh, type Task, type TaskBuilder, text } from 'ha-provision'
import type network from '../network/index.js'
import type storage from '../storage/index.js'
import { type Evidence, evidenceOf, wipe } from '../storage/index.js'
import { backingPath, type Drbd, devicePath, type Resource } from './layout.js'
import { drbdProbe, type ResourceState } from './status.js'

type Id = 'no-filesystem' | 'unknown-data' | 'other-filesystem' | 'peer-data' | 'no-mountpoint'

const withFilesystem = ({ resources }: Drbd) =>
  Object.entries(resources).flatMap(([name, resource]) =>
    resource.filesystem ? [{ name, resource, ...resource.filesystem }] : [],
  )

/** What lies in front of DRBD's metadata: a Secondary's own device cannot be read, its backing device can. */
function contentOf(e: Evidence | undefined): string | undefined {
  if (!e?.exists || !e.readable) return 'something unreadable'
  const type = e.type === 'drbd' ? e.inner : e.type
  return type ?? (e.startsNonZero ? 'unknown data' : undefined)
}

type Nodes = Readonly<
  Record<
    string,
    {
      readonly drbd: { readonly minors: Readonly<Record<number, ResourceState>> }
      readonly evidence: Readonly<Record<string, Evidence>>
    }
  >
>

/** The node whose side is good: the primary if there is one, else the one that the config prefers, else the other. */
function goodNode({ primary }: Drbd, { minor }: Resource, nodes: Nodes): string | undefined {
  const states = Object.entries(nodes)
    .map(([node, { drbd }]) => ({ node, state: drbd.minors[minor] }))
    .filter(({ state }) => state?.disk === 'UpToDate')
  const best = states.find(({ state }) => state?.role === 'Primary') ?? states.find(({ node }) => node === primary)
  return (best ?? states[0])?.node
}

/** The filesystem on a device, made once, when the good side is known and neither side holds anything. */
export const filesystemTask = (t: TaskBuilder<Drbd, typeof network | typeof storage>): Task =>
  t.perCluster({
    id: 'filesystem',
    title: 'filesystem on the device',
    probes: ({ settings }) => ({
      drbd: drbdProbe,
      evidence: evidenceOf(withFilesystem(settings).map(({ resource }) => backingPath(resource))),
      mounts: text(
        sh`for m in ${withFilesystem(settings).map(({ mount }) => mount)}; do [ -d "$m" ] && echo "$m"; done; true`,
      ),
    }),
    check({ settings, nodes }) {
      const found: Finding<Id>[] = []
      for (const { name, resource, type, mount } of withFilesystem(settings)) {
        for (const [node, { mounts }] of Object.entries(nodes)) {
          if (!mounts?.split('\n').includes(mount))
            found.push(
              finding('no-mountpoint', { subject: `${mount} on ${node}`, desired: 'a directory', actual: 'none' }),
            )
        }
        const good = goodNode(settings, resource, nodes)
        if (!good) return { waits: `waits for drbd/roles: no side of ${name} is UpToDate` }
        const contents = Object.entries(nodes).map(([node, { evidence }]) => ({
          node,
          content: contentOf(evidence[backingPath(resource)]),
        }))
        // The good side counts; the other one may still be overwritten by the sync.
        const own = contents.find(({ node }) => node === good)?.content
        if (own === type) continue
        const actual = contents.map(({ node, content = 'nothing' }) => `${node}: ${content}`).join('; ')
        const about = { subject: name, desired: `${type} on ${devicePath(resource)}`, actual, note: actual }
        if (own === 'unknown data') found.push(finding('unknown-data', about))
        else if (own !== undefined) found.push(finding('other-filesystem', about))
        else if (contents.some(({ content }) => content !== undefined)) found.push(finding('peer-data', about))
        else found.push(finding('no-filesystem', about))
      }
      return found
    },
    fix: {
      'no-mountpoint': ({ finding: { subject = '' } }) => {
        const [mount = '', on = ''] = subject.split(' on ')
        return [{ kind: 'run', on, title: `directory ${mount}`, command: sh`mkdir -p -- ${mount}` }]
      },
      'no-filesystem': ({ settings, nodes, finding: { subject = '' } }) => [make(settings, nodes, subject)],
      'unknown-data': ({ settings, nodes, finding: { subject = '' } }) => [
        make(settings, nodes, subject, 'unknown data'),
      ],
      'other-filesystem': {
        manual:
          'The device holds something else, and it stays. Name its type in the config, or move the data away and wipe the device yourself, on the primary.',
      },
      'peer-data': {
        manual:
          'The side that counts as good holds nothing and the other one holds something. Wait for the sync to end; if both say UpToDate, find out which is right (drbdadm verify) before anything is formatted.',
      },
    },
  })

/** Promoted for the time of mkfs only: Heartbeat takes a device that is primary when it starts for started resources. */
function make(settings: Drbd, nodes: Nodes, name: string, lost?: string): Step & { readonly on: string } {
  const resource = settings.resources[name] as Resource
  const device = devicePath(resource)
  // mkfs.ext4 asks about a filesystem only on a terminal, so the device itself is looked at once more, promoted.
  const guard =
    lost === undefined
      ? sh`{ blkid -p -- ${device} >/dev/null; [ $? -eq 2 ] && dd if=${device} bs=1M count=2 iflag=direct 2>/dev/null | cmp -s -n 2097152 - /dev/zero || { echo 'the device is not empty; nothing was done' >&2; false; }; }`
      : wipe(device)
  const type = resource.filesystem?.type ?? 'ext4'
  const mkfs = type === 'xfs' ? sh`mkfs.xfs -q ${device}` : sh`mkfs.${raw(type)} -q ${device} </dev/null`
  return {
    kind: 'run',
    on: goodNode(settings, resource, nodes) ?? settings.primary,
    title: `${resource.filesystem?.type} on ${device}`,
    command: given(
      sh`case $(drbdadm role ${name}) in Primary*) demote=: ;; *) demote='drbdadm secondary' ;; esac
drbdadm primary ${name} || exit
${guard} && ${mkfs}
s=$?
$demote ${name}
exit "$s"`,
      { timeoutS: 900 },
    ),
    ...(lost === undefined ? {} : { destroys: { device, what: lost } }),
  }
}
