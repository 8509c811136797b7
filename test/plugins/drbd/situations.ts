import drbd from '../../../plugins/drbd/index.js'
import type { Finding, Remark } from '../../../src/index.js'
import { filled, type NodeName, rebuilt } from '../../support/law.js'
import { contextOf, factsOf, findingsOf, nodeContextOf, output, stepsOf, taskOf } from '../../support/task.js'
import { etc, others, recorded, type Said, said, status } from './nodes.js'

/** A situation of hand-made/: what both nodes say, as drbdadm 8.4 or 9 read it. */
export interface Situation {
  readonly name: string
  readonly version: '84' | '9'
  readonly minors: readonly number[]
  /** Of `resourceFile`s and the base files. */
  readonly mode?: string
  readonly more?: Partial<Record<NodeName, Partial<Said>>>
}

export function reconstructed({ name, version, minors, more }: Situation) {
  const major = version === '9' ? 9 : 8
  return rebuilt(drbd, { options: {}, others }, (node, probe) =>
    said({
      conf: recorded(name, node, version),
      drbd: status(minors, { isPrimary: node === 'db-a', major }),
      ...more?.[node],
    })(probe),
  )
}
export const remarksOf = (remarks: readonly Remark[], ...kinds: readonly Remark['kind'][]) =>
  remarks.flatMap((remark) =>
    kinds.includes(remark.kind)
      ? [`${remark.path.join('.')}: ${remark.kind === 'differs' ? JSON.stringify(remark.values) : remark.why}`]
      : [],
  )

/** The config task on that situation, for a config. */
export function judged(situation: Situation, options: unknown, changed: (conf: string) => string = (conf) => conf) {
  const { name, version, minors, mode } = situation
  const task = taskOf(drbd, 'config')
  const settings = filled(drbd, options) as { resources: object }
  const at = contextOf({ settings, others })
  const resources = Object.keys(settings.resources).map((resource) => `/etc/drbd.d/${resource}.res`)
  const facts = (node: NodeName) =>
    factsOf(task, nodeContextOf({ settings, others }, node), {
      drbd: output(status(minors, { major: version === '9' ? 9 : 8 })),
      conf: output(changed(recorded(name, node, version))),
      resources: output(etc(name, resources, mode)),
      base: output(etc(name, ['/etc/drbd.conf', '/etc/drbd.d/global_common.conf'])),
      pending: output(''),
    })
  const all = { ...at, nodes: { 'db-a': facts('db-a'), 'db-b': facts('db-b') } }
  const findings = findingsOf(task.check(all))
  return { task, all, findings, steps: (finding: Finding) => stepsOf(task, all, finding) }
}
export const ids = (findings: readonly Finding[]) => findings.map(({ id, subject }) => `${id} ${subject}`)

export const dropin: Situation = { name: 'dropin', version: '9', minors: [3] }
