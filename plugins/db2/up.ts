import {
  ask,
  type Command,
  type Finding,
  finding,
  type Output,
  type Progress,
  type Step,
  sh,
  type Task,
} from 'ha-provision'
import heartbeat from '../heartbeat/index.js'
import { type At, asOwner, type Builder, clp, type Instance } from './layout.js'
import { activeOf, type Nodes } from './place.js'
import { answerOf, type InstanceFact, instanceProbes } from './probes.js'

type Placed = Step & { readonly on: string }
type Id = 'no-answer' | 'port-silent'

const addresses = (at: At): readonly string[] => at.of(heartbeat).virtualIps.map((ip) => ip.replace(/\/.*$/, ''))

/** `ADDRESS PORT` of every way in, as a client on the other node meets them: by the virtual addresses. */
const ways = (at: At): readonly string[] =>
  Object.values(at.settings.instances).flatMap(({ port }) => addresses(at).map((address) => `${address} ${port}`))

const knock = (at: At): Command =>
  sh`for w in ${ways(at)}; do timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/$2"' - $w 2>/dev/null || echo "$w"; done`
const lines = ({ stdout }: Output): readonly string[] => stdout.split('\n').filter((line) => line !== '')

const query = (database: string) =>
  clp([`connect to ${database}`, 'select 1 from sysibm.sysdummy1', 'connect reset', 'terminate'])

/** `INSTANCE DATABASE` of those that did not answer a query on a node that has their home. */
const mute = (at: At, facts: Readonly<Record<string, InstanceFact>>): readonly string[] =>
  Object.entries(at.settings.instances).flatMap(([name, { databases }]) => {
    const fact = facts[name]
    if (!fact?.hasSqllib) return []
    return Object.keys(databases).flatMap((database) =>
      answerOf(fact, database)?.code === 0 ? [] : [`${name} ${database}`],
    )
  })

/** The end of the run for Db2: every database answers a query, and its port answers the other node at the virtual address. */
export const upTask = (t: Builder): Task =>
  t.perCluster({
    id: 'up',
    title: 'the databases answer, through the virtual address too',
    probes: (at) => ({ ...instanceProbes(at.settings), silent: ask(knock(at), lines) }),
    check(at): readonly Finding<Id>[] | { waits: string } {
      const nodes = at.nodes as unknown as Nodes
      for (const name of Object.keys(at.settings.instances))
        if (activeOf(at, name, nodes) === undefined)
          return { waits: `waits for heartbeat/up: no node has the home of ${name}` }
      return Object.entries(at.nodes as unknown as Record<string, { silent: string[] }>).flatMap(
        ([node, facts]): readonly Finding<Id>[] => [
          ...mute(at, nodes[node] ?? {}).map((which) =>
            finding('no-answer', { subject: `${which} on ${node}`, desired: 'answers a query', actual: 'does not' }),
          ),
          ...(facts.silent.length > 0
            ? [
                finding('port-silent', {
                  subject: node,
                  desired: 'answers',
                  actual: `silent: ${facts.silent.join(', ')}`,
                }),
              ]
            : []),
        ],
      )
    },
    fix: {
      'no-answer': (at): readonly Placed[] => {
        const [name = '', database = '', , on = ''] = (at.finding.subject ?? '').split(' ')
        const { home } = at.settings.instances[name] as Instance
        return [
          {
            kind: 'wait',
            on,
            title: `${database} answers`,
            timeoutS: 300,
            everyS: 5,
            until: ask(
              asOwner(name, home, query(database)),
              ({ code, stdout }): Progress => ({
                done: code === 0,
                text: code === 0 ? 'answers' : (stdout.trim().split('\n').at(-1) ?? ''),
              }),
            ),
            hint: `db2diag.log in ${home}/sqllib/db2dump on ${on} says why; a pending backup, restore or rollforward shows in "db2 get db cfg for ${database}"`,
          },
        ]
      },
      'port-silent': (at): readonly Placed[] => [
        {
          kind: 'wait',
          on: at.finding.subject ?? '',
          title: 'the port answers at the virtual address',
          timeoutS: 120,
          until: ask(knock(at), ({ stdout }) => ({
            done: stdout.trim() === '',
            text: `silent: ${stdout.trim().replaceAll('\n', ', ')}`,
          })),
          hint: 'DB2COMM must be TCPIP and SVCENAME the port; a firewall must let it pass',
        },
      ],
    },
  })
