import { readFileSync } from 'node:fs'
import heartbeat from '../../../plugins/heartbeat/index.js'
import type { Finding } from '../../../src/index.js'
import { contextOf, findingsOf, nodeContextOf, output, type Situation, stepsOf, taskOf } from '../../support/task.js'

/** What real nodes answered; the file is named for the situation and the node. */
export const recorded = (name: string): string => readFileSync(new URL(`recorded/${name}.txt`, import.meta.url), 'utf8')

/** Files as they are written, and as the lab's Heartbeat 3.0.6 took them. */
export const expected = (name: string): string => readFileSync(new URL(`expected/${name}.txt`, import.meta.url), 'utf8')

export const settings = {
  udpPort: 16941,
  links: [
    { type: 'ucast', interface: 'eth1', group: '239.77.0.1' },
    { type: 'ucast', interface: 'eth2', group: '239.77.0.1' },
  ],
  virtualIps: ['10.77.1.100/24'],
  resources: [] as string[],
  stonith: [] as string[],
  autoFailback: false,
  keepaliveS: 1,
  warntimeS: 6,
  deadtimeS: 10,
  initdeadS: 30,
}
const link = (a: string, b: string) => ({ dhcp: false, addresses: { 'db-a': a, 'db-b': b } })
const others = {
  network: {
    interfaces: {
      eth0: { dhcp: true, addresses: {} },
      eth1: link('10.77.1.1/24', '10.77.1.2/24'),
      eth2: link('10.77.2.1/24', '10.77.2.2/24'),
    },
  },
  drbd: {
    primary: 'db-a',
    resources: {
      r0: { volume: 'vg0/r0', minor: 0, port: 7789, interface: 'eth1', filesystem: { type: 'ext4', mount: '/data' } },
    },
  },
}
/** `offered` is what other plugins offer; the rest replaces options of heartbeat. */
export const situation = ({ offered = {}, ...changed }: { offered?: Situation['offered'] & {} } = {}) => ({
  settings: { ...settings, ...changed },
  others,
  offered,
})

type Outputs = Readonly<Record<string, string>>
const factsFrom = (id: string, node: string, changed: object, said: Outputs) => {
  // Without a word about it there is no Pacemaker.
  const outputs: Outputs = { crm: '', ...said }
  const task = taskOf(heartbeat, id)
  const at = nodeContextOf(situation(changed), node)
  return Object.fromEntries(
    Object.entries(task.probes(at)).map(([name, probe]) => {
      if (outputs[name] === undefined) throw new Error(`no recorded output for probe "${name}"`)
      return [name, probe.parse(output(outputs[name]))]
    }),
  )
}

/** Findings of a task from what both nodes said, and the steps that would mend them. */
export function judgeCluster(id: string, nodes: Readonly<Record<string, Outputs>>, changed: object = {}) {
  const task = taskOf(heartbeat, id)
  const facts = Object.fromEntries(
    Object.entries(nodes).map(([node, outputs]) => [node, factsFrom(id, node, changed, outputs)]),
  )
  const at = { ...contextOf(situation(changed)), nodes: facts }
  const answer = task.check(at as never)
  const steps = () => findingsOf(answer).flatMap((finding: Finding) => stepsOf(task, at, finding))
  return { answer, steps }
}

export function judgeNode(id: string, outputs: Outputs, changed: object = {}, node = 'db-a') {
  const task = taskOf(heartbeat, id)
  const at = { ...nodeContextOf(situation(changed), node), facts: factsFrom(id, node, changed, outputs) }
  const answer = task.check(at)
  const steps = () => findingsOf(answer).flatMap((finding: Finding) => stepsOf(task, at, finding))
  return { answer, steps }
}

/** What the probe `files` prints for these files. */
export const filesOutput = (...all: readonly (readonly [path: string, content: string, mode?: string])[]): string =>
  all.length === 0
    ? ''
    : `${all.map(([path, content, mode = '0600']) => `@@file ${mode} root:root ${Buffer.byteLength(content)} ${path}\n`).join('')}@@content ${Buffer.from(all.map(([, content]) => content).join('')).toString('base64')}`

export const unitsOutput = (states: Readonly<Record<string, readonly [active: string, enabled: string]>>): string =>
  Object.entries(states)
    .map(
      ([unit, [active, enabled]]) =>
        `Id=${unit}\nNames=${unit}\nLoadState=loaded\nActiveState=${active}\nUnitFileState=${enabled}\n`,
    )
    .join('\n')
