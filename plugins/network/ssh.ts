import {
  type AnyPlugin,
  ask,
  type Context,
  type FileFact,
  type Finding,
  files,
  finding,
  type Step,
  sh,
  type Task,
  type TaskBuilder,
} from 'ha-provision'
import { keyOf, known } from './known-hosts.js'
import { addressesOf, type Network } from './layout.js'

type Id = 'no-key' | 'no-host-key' | 'not-authorized' | 'unknown-host-key' | 'changed-host-key'

const types = ['ed25519', 'ecdsa', 'rsa'] as const
const userKeys = Object.fromEntries(types.map((type) => [type, `/root/.ssh/id_${type}.pub`]))
const hostKeys = Object.fromEntries(types.map((type) => [type, `/etc/ssh/ssh_host_${type}_key.pub`]))

export const sshProbes = () => ({
  user: files(userKeys),
  host: files(hostKeys),
  lists: files({
    authorized: '/root/.ssh/authorized_keys',
    known: '/root/.ssh/known_hosts',
    system: '/etc/ssh/ssh_known_hosts',
  }),
  // A public key without its private half opens nothing.
  usable: ask(sh`for t in ${types}; do [ ! -s /root/.ssh/id_$t ] || echo $t; done`, ({ stdout }) => stdout.split('\n')),
})
export interface SshFacts {
  readonly user: Readonly<Record<string, FileFact | undefined>>
  readonly host: Readonly<Record<string, FileFact | undefined>>
  readonly lists: Readonly<Record<'authorized' | 'known' | 'system', FileFact | undefined>>
  readonly usable: readonly string[]
}

const keysIn = (facts: Readonly<Record<string, FileFact | undefined>>): readonly string[] =>
  Object.values(facts).flatMap((file) => keyOf(file?.content ?? '') ?? [])

const ownKeys = ({ user, usable }: SshFacts): readonly string[] =>
  keysIn(Object.fromEntries(usable.map((type) => [type, user[type]])))

const lines = (file: FileFact | undefined): readonly string[] => file?.content.split('\n') ?? []

/** What is missing for root on `from` to reach root on `to`. */
function between(
  network: Pick<Network, 'interfaces'>,
  from: string,
  to: string,
  nodes: Readonly<Record<string, SshFacts>>,
): readonly Finding<Id>[] {
  const [client, server] = [nodes[from], nodes[to]]
  if (!client || !server) return []
  const found: Finding<Id>[] = []
  const subject = `${from} to ${to}`
  const own = ownKeys(client)
  const authorized = lines(server.lists.authorized)
    .filter((line) => !line.startsWith('#'))
    .flatMap((line) => keyOf(line) ?? [])
  if (own.length > 0 && !own.some((key) => authorized.includes(key))) {
    found.push(
      finding('not-authorized', {
        subject,
        desired: `root's key of ${from} in authorized_keys of ${to}`,
        actual: 'not there',
      }),
    )
  }
  const keys = keysIn(server.host)
  const pins = `${client.lists.known?.content ?? ''}\n${client.lists.system?.content ?? ''}`
  const unknown: string[] = []
  for (const name of [to, ...addressesOf(network, to)]) {
    const answer = known(pins, name, keys)
    if (answer === 'no') unknown.push(name)
    if (answer === 'changed') {
      found.push(
        finding('changed-host-key', {
          subject: `${subject}, ${name}`,
          desired: `the host key that ${to} has`,
          actual: 'another key is pinned',
        }),
      )
    }
  }
  if (keys.length > 0 && unknown.length > 0) {
    found.push(finding('unknown-host-key', { subject, desired: unknown.join(','), actual: 'no host key pinned' }))
  }
  return found
}

/** What is missing for root of each of these nodes to reach root of the others. */
function missing(
  network: Pick<Network, 'interfaces'>,
  names: readonly string[],
  nodes: Readonly<Record<string, SshFacts>>,
): readonly Finding<Id>[] {
  return names.flatMap((name): readonly Finding<Id>[] => {
    const facts = nodes[name]
    if (!facts) return []
    return [
      ...(ownKeys(facts).length === 0
        ? [finding('no-key', { subject: name, desired: 'a key of root', actual: 'none' })]
        : []),
      ...(keysIn(facts.host).length === 0
        ? [finding('no-host-key', { subject: name, desired: 'a host key', actual: 'none' })]
        : []),
      ...names.filter((peer) => peer !== name).flatMap((peer) => between(network, name, peer, nodes)),
    ]
  })
}

const check = (
  at: Context<Network> & { readonly nodes: Readonly<Record<string, SshFacts>> },
): readonly Finding<Id>[] =>
  at.settings.rootSsh
    ? missing(
        at.settings,
        at.cluster.nodes.map(({ name }) => name),
        at.nodes,
      )
    : []

/** The same in words, for nodes without a config: empty when root of each reaches the others. */
export const lacking = (
  network: Pick<Network, 'interfaces'>,
  nodes: Readonly<Record<string, SshFacts>>,
): readonly string[] =>
  missing(network, Object.keys(nodes), nodes).map(
    ({ subject, desired, actual }) => `${subject}: ${desired} (${actual})`,
  )

const ends = (subject = ''): readonly [from: string, to: string] => {
  const [from = '', to = ''] = subject.split(' to ')
  return [from, to]
}

/** Appends whole lines; a last line without its line break is completed first. */
const append = (path: string, added: readonly string[]) =>
  sh`umask 077; mkdir -p "$(dirname ${path})"; if [ -s ${path} ] && [ -n "$(tail -c1 ${path})" ]; then echo >>${path}; fi; printf '%s\n' ${added} >>${path}`

type On = Step & { readonly on: string }
type At = Context<Network> & { readonly nodes: Readonly<Record<string, SshFacts>>; readonly finding: Finding<Id> }

/** A real connection, once, after the last thing that was missing for it. */
function proof(at: At, from: string, to: string): readonly On[] {
  const client = at.nodes[from]
  if (!client || ownKeys(client).length === 0) return []
  const rest = check(at).filter(({ subject }) => subject?.startsWith(`${from} to ${to}`))
  if (rest.at(-1)?.id !== at.finding.id) return []
  const command = sh`ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=20 -l root -- ${to} true`
  return [{ kind: 'run', on: from, title: `ssh to ${to}`, command }]
}

export const sshTask = (t: TaskBuilder<Network, AnyPlugin>): Task =>
  t.perCluster({
    id: 'ssh',
    title: 'ssh between the nodes',
    probes: sshProbes,
    check,
    fix: {
      'no-key': ({ finding: { subject = '' } }) => [
        {
          kind: 'run',
          on: subject,
          title: 'make a key for root',
          command: sh`umask 077; mkdir -p /root/.ssh; cd /root/.ssh || exit; if [ -s id_ed25519 ]; then ssh-keygen -y -P '' -f id_ed25519 >id_ed25519.pub; else rm -f id_ed25519 id_ed25519.pub; ssh-keygen -q -t ed25519 -N '' -C ${`root@${subject}`} -f id_ed25519; fi`,
        },
      ],
      'no-host-key': { manual: 'Let the node make its host keys (ssh-keygen -A) and start its ssh server.' },
      'not-authorized': (at) => {
        const [from, to] = ends(at.finding.subject)
        const facts = at.nodes[from]
        const key = facts && ownKeys(facts)[0]
        if (!key) return []
        const command = append('/root/.ssh/authorized_keys', [`${key} root@${from}`])
        return [{ kind: 'run', on: to, title: `authorize root of ${from}`, command }, ...proof(at, from, to)]
      },
      'unknown-host-key': (at) => {
        const [from, to] = ends(at.finding.subject)
        const facts = at.nodes[to]
        if (!facts) return []
        const added = keysIn(facts.host).map((key) => `${at.finding.desired} ${key}`)
        const command = append('/root/.ssh/known_hosts', added)
        return [{ kind: 'run', on: from, title: `pin the host keys of ${to}`, command }, ...proof(at, from, to)]
      },
      'changed-host-key': {
        manual:
          'A pinned host key is never replaced: it is how an impostor is noticed. If that machine was set up anew, remove the old key on the node named first: ssh-keygen -R NAME (also from /etc/ssh/ssh_known_hosts), then run again.',
      },
    },
  })
