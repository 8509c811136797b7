import { type Finding, finding, type Task } from 'ha-provision'
import { type At, type Builder, mountOf } from './layout.js'
import { cannotMove, localInstances, localProbes } from './move.js'
import { parseGlobalRegistry } from './parse/instance.js'
import { activeOrPrimary, isHome, type Nodes } from './place.js'
import type { InstanceFact } from './probes.js'

type Id = 'non-ha-instance' | 'cannot-move' | 'hidden-instance' | 'other-account'

/** Instances in a node's global registry whose directory no replicated filesystem of the config holds. */
function localRecords(at: At, { registryDump }: InstanceFact): readonly string[] {
  if (!registryDump) return []
  return parseGlobalRegistry(registryDump.stdout)
    .instances.filter(({ home }) => mountOf(at, home) === undefined)
    .map(({ instance, home }) => `the global registry has the instance ${instance} in ${home}`)
}

/** Where the global registry says that an instance is; undefined where it does not know it. */
const recordOf = (name: string, { registryDump }: InstanceFact): string | undefined =>
  registryDump && parseGlobalRegistry(registryDump.stdout).instances.find(({ instance }) => instance === name)?.home

/** Ports in /etc/services that another instance has taken. */
function takenPorts(name: string, port: number, { services }: InstanceFact): readonly string[] {
  return services.flatMap((line) => {
    const [, entry = '', owner = ''] = /^((?:DB2|db2c)_(\S+?)(?:_\d+|_END)?)\s/.exec(line) ?? []
    return owner !== name && new RegExp(`\\s${port}/tcp\\b`).test(line)
      ? [`/etc/services gives port ${port} to ${entry}`]
      : []
  })
}

/** What speaks against a stub on a node that does not have the instance's filesystem. */
function againstStub(at: At, name: string, fact: InstanceFact): readonly string[] {
  const { home, port } = at.settings.instances[name] as At['settings']['instances'][string]
  const { place, hasSqllib, running } = fact
  return [
    ...(hasSqllib ? [`${home}/sqllib lies on ${place.source} (${place.target})`] : []),
    ...(running ? [`db2sysc of ${name} runs`] : []),
    ...localRecords(at, fact),
    ...takenPorts(name, port, fact),
  ]
}

/**
 * Looked at before anything changes on either node: a filesystem mounted over a local instance would hide it, and an
 * instance that lives on the secondary alone is somebody's, not ours to make a stub of.
 */
export const evidenceTask = (t: Builder): Task =>
  t.perCluster({
    id: 'evidence',
    title: 'no instance but the cluster’s',
    early: true,
    probes: localProbes,
    check(at): readonly Finding<Id>[] {
      const found: Finding<Id>[] = []
      const nodes = at.nodes as Nodes
      for (const [name, { home, uid, gid }] of Object.entries(at.settings.instances)) {
        const active = activeOrPrimary(at, name, nodes)
        for (const [node, facts] of Object.entries(nodes)) {
          const fact = facts[name] as InstanceFact
          const subject = `${name} on ${node}`
          const { account } = fact
          if (account && (account.uid !== uid || account.gid !== gid || account.home !== home))
            found.push(
              finding('other-account', {
                subject,
                desired: `uid ${uid}, gid ${gid}, home ${home}`,
                actual: `uid ${account.uid}, gid ${account.gid}, home ${account.home}`,
              }),
            )
          if (isHome(at, name, fact)) {
            const hidden = fact.hasSqllib ? undefined : recordOf(name, fact)
            if (hidden !== undefined)
              found.push(
                finding('hidden-instance', {
                  subject,
                  desired: `an instance in ${home}`,
                  actual: `the global registry has it in ${hidden}, where no sqllib is${fact.running ? '; db2sysc runs' : ''}`,
                }),
              )
            continue
          }
          if (node === active) continue
          const against = againstStub(at, name, fact)
          if (against.length > 0)
            found.push(
              finding('non-ha-instance', {
                subject,
                desired: 'nothing but a stub',
                actual: against.join('; '),
                note: against.join('; '),
              }),
            )
        }
      }
      for (const { name, node, against } of localInstances(at, at.nodes as Parameters<typeof localInstances>[1]))
        if (against.length > 0)
          found.push(
            finding('cannot-move', {
              subject: `${name} on ${node}`,
              desired: `movable to ${mountOf(at, at.settings.instances[name]?.home ?? '')}`,
              actual: against.join('; '),
              note: against.join('; '),
            }),
          )
      return found
    },
    fix: {
      'non-ha-instance': {
        manual:
          'An instance that does not belong to the cluster lives on the secondary. If it is wanted, give it another computer, or name this node drbd.primary if its data is the valid one. If it is not, back up its databases, drop them and the instance (db2idrop, db2greg -delinstrec) yourself, and remove its lines from /etc/services.',
      },
      'cannot-move': { manual: cannotMove },
      'hidden-instance': {
        manual:
          'The node knows an instance whose home is on the replicated filesystem, and it is not there: perhaps it lies below the mount point, hidden. Stop heartbeat on both nodes and look. If nothing of it is needed, remove the record: db2greg -delinstrec instancename=NAME.',
      },
      'other-account': {
        manual:
          'The account is there with other numbers or another home, and files may belong to it. Put its uid, gid and home into the config, the same on both nodes, or change them on the node (usermod, groupmod, chown) yourself.',
      },
    },
  })
