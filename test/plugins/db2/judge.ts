import { readFileSync } from 'node:fs'
import db2 from '../../../plugins/db2/index.js'
import type { Finding, Step } from '../../../src/index.js'
import { contextOf, findingsOf, nodeContextOf, output, stepsOf, taskOf } from '../../support/task.js'

export const recorded = (name: string) => readFileSync(new URL(`outputs/${name}`, import.meta.url), 'utf8')

export const home = '/srv/db/db2inst1'
export const settings = {
  acceptLicence: true,
  installer: 'db2.tar.gz',
  installDir: '/opt/ibm/db2/V11.5',
  licenceFiles: [] as string[],
  packages: ['ksh'],
  instances: {
    db2inst1: {
      home,
      uid: 1000,
      group: 'db2iadm1',
      gid: 1000,
      fenced: { name: 'db2fenc1', uid: 1001, group: 'db2fadm1', gid: 1001 },
      port: 50000,
      registry: {},
      config: {},
      databases: {
        TESTDB: { codeSet: 'UTF-8', territory: 'US', pageSize: 8192, config: {} as Record<string, string> },
      },
    },
  },
}
export const others = {
  drbd: { primary: 'db-a', resources: { r0: { minor: 0, filesystem: { type: 'ext4', mount: '/srv/db' } } } },
  heartbeat: { virtualIps: ['10.77.0.100/24'] },
}
export const situation = (changed: object = {}) => ({ settings: { ...settings, ...changed }, others })

export const greg = (path: string, boot = 0, name = 'db2inst1') =>
  `S,DB2,11.5.8.0,/opt/ibm/db2/V11.5,,,0,0,,1669474587,0\nI,DB2,11.5.8.0,${name},${path},,${boot},0,/opt/ibm/db2/V11.5,,\n`
export const services = recorded('services_111.txt')
export const directory = recorded('listdb_one_1158.txt').replace('/database/data', home)
export const dbm = '\n TCP/IP Service name                          (SVCENAME) = 50000\n'
export const cfg = recorded('dbcfg_sample_1158.txt')
  .replace('/database/data/db2inst1/NODE0000', `${home}/db2inst1/NODE0000`)
  .replace('DISK:/database/logs/', 'OFF')

export interface Node {
  readonly passwd?: string
  readonly place?: string
  readonly sqllib?: boolean
  /** Default: as sqllib. */
  readonly sqldbdir?: boolean
  readonly processes?: string
  readonly greg?: string
  readonly services?: string
  readonly fmcd?: boolean
  /** TCP ports that somebody listens on; default: sshd and the instance. */
  readonly ports?: readonly number[]
  /** Answer of the probe of an instance on a local disk. */
  readonly local?: string
  /** Ways in, `ADDRESS PORT`, that don't answer. */
  readonly silent?: string
  readonly owner?: Readonly<Record<string, string>> | undefined
  /** Exit codes of the owner's commands, where not 0. */
  readonly codes?: Readonly<Record<string, number>>
}
export const passwd = `db2inst1:x:1000:1000::${home}:/bin/bash\n`

/** /proc/net/tcp: an established connection, and what listens. */
const sockets = (ports: readonly number[]): string =>
  `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:C3B4 0100007F:0016 01 00000000:00000000 02:000AE17B 00000000     0        0 21347 2 0000000000000000 20 4 30 10 -1
${ports.map((port, i) => `   ${i + 1}: 00000000:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 ${17000 + i} 1 0000000000000000 100 0 0 10 0\n`).join('')}`

/** What the probe of an instance prints on a node. */
export function said(node: Node): string {
  const section = (name: string, text = '', code = 0) => `${text}\n@@${name} ${code}\n`
  return [
    section('passwd', node.passwd ?? passwd, node.passwd === '' ? 2 : 0),
    section('place', `${node.place ?? '/ /dev/vda'}\n`),
    section('sqllib', '', node.sqllib ? 0 : 1),
    section('sqldbdir', '', (node.sqldbdir ?? node.sqllib) ? 0 : 1),
    section('processes', node.processes ?? ''),
    node.greg === undefined ? section('no-greg') : section('greg', node.greg),
    section('services', node.services ?? ''),
    section('sockets', sockets(node.ports ?? [22, 50000])),
    section('fmcd', node.fmcd ? 'db2fmcd\n' : '', node.fmcd ? 0 : 1),
    ...Object.entries(node.owner ?? {}).map(([name, text]) => section(name, text, node.codes?.[name])),
    section('end'),
  ].join('')
}

export const active: Node = {
  place: '/srv/db /dev/drbd0',
  sqllib: true,
  processes: 'db2wdog\ndb2sysc\n',
  greg: greg(`${home}/sqllib`),
  services,
  owner: { directory, dbm, set: '[i] DB2COMM=TCPIP\n[g] DB2SYSTEM=db-a\n', 'cfg:TESTDB': cfg, 'answer:TESTDB': '' },
}
export const stub: Node = { greg: greg(home), services }

function answerTo(name: string, own: Node): string {
  if (name === 'silent') return own.silent ?? ''
  return name.startsWith('local ') ? (own.local ?? '') : said(own)
}

export function judge(id: string, nodes: Readonly<Record<string, Node>>, changed: object = {}) {
  const task = taskOf(db2, id)
  const base = contextOf(situation(changed))
  const facts = Object.fromEntries(
    Object.entries(nodes).map(([node, own]) => [
      node,
      Object.fromEntries(
        Object.entries(task.probes(nodeContextOf(situation(changed), node))).map(([name, probe]) => [
          name,
          probe.parse(output(answerTo(name, own))),
        ]),
      ),
    ]),
  )
  const at = { ...base, nodes: facts }
  const answer = task.check(at)
  return {
    answer,
    ids: 'waits' in answer ? answer.waits : answer.map(({ id: own, subject }) => `${own}: ${subject}`),
    steps: () =>
      findingsOf(answer).flatMap((found: Finding): readonly (Step & { on?: string })[] => stepsOf(task, at, found)),
  }
}
export const scripts = (steps: readonly (Step & { on?: string })[]) =>
  steps.map((step) => `${step.on}: ${step.kind === 'run' ? step.command.script : step.kind}`).join('\n')
