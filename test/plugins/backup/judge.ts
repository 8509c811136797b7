import backup from '../../../plugins/backup/index.js'
import type { Finding } from '../../../src/index.js'
import { filesOutput } from '../../support/files.js'
import { contextOf, findingsOf, nodeContextOf, output, stepsOf, taskOf } from '../../support/task.js'

export const settings = {
  tool: 'db2-native',
  directory: '/var/backups/db2',
  keep: 5,
  at: '*-*-* 03:30:00',
  maxAgeH: 26,
  compress: true,
  offline: false,
  exclude: [] as string[],
}
export const others = {
  db2: { installDir: '/opt/db2', instances: { inst: { home: '/data/inst', databases: {} } } },
  drbd: { primary: 'db-a', resources: {} },
}
export const situation = (changed: object = {}) => contextOf({ settings: { ...settings, ...changed }, others })

interface Said {
  readonly now?: number
  readonly source?: string
  readonly running?: boolean
  /** What Db2 printed; undefined where the home is not on the node. */
  readonly directory?: string
  readonly code?: number
  readonly instancesCode?: number
  readonly coveredCode?: number
  readonly lastCode?: number
  /** What is covered, and when it was last backed up. */
  readonly last?: Readonly<Record<string, number | undefined>>
  readonly also?: readonly (Said & { readonly name: string })[]
}

const instance = ({
  name = 'inst',
  source = '/dev/vda1',
  running = false,
  directory,
  code = 0,
}: Said & { name?: string }) =>
  `${source}\n\n@@place:${name} 0\n\n@@running:${name} ${running ? 0 : 1}\n${
    directory === undefined ? '' : `${directory.replace(/\n?$/, '\n')}\n@@directory:${name} ${code}\n`
  }`

/** What the survey prints on a node. */
export function said(all: Said): string {
  const { now = 0, instancesCode = 0, coveredCode = 0, lastCode = 0, last = {}, also = [] } = all
  const names = ['inst', ...also.map(({ name }) => name)]
  return `${now}\n\n@@now 0\n${instancesCode === 0 ? `\n${names.join('\n')}\n` : ''}\n@@instances ${instancesCode}\n${
    instancesCode === 0 ? [all, ...also].map(instance).join('') : ''
  }${Object.keys(last).join('\n')}\n\n@@covered ${coveredCode}\n${
    coveredCode === 0
      ? Object.entries(last)
          .map(([key, epoch]) => `${epoch ?? ''}\n\n@@last:${key} ${lastCode}\n`)
          .join('')
      : ''
  }\n@@end 0\n`
}

const listPath = '/etc/ha-provision/backup.databases'

/** Findings of a task from what both nodes said, and the steps that would mend them. */
export function judgeCluster(
  id: string,
  answers: Readonly<Record<string, { readonly survey: string; readonly list?: string }>>,
  changed: object = {},
) {
  const task = taskOf(backup, id)
  const context = situation(changed)
  const nodes = Object.fromEntries(
    Object.entries(answers).map(([node, { survey, list }]) => {
      const texts: Record<string, string> = {
        survey,
        list: list === undefined ? '' : filesOutput({ [listPath]: list }),
      }
      const own = nodeContextOf({ settings: context.settings, others }, node)
      const probes = Object.entries(task.probes(own))
      return [node, Object.fromEntries(probes.map(([name, probe]) => [name, probe.parse(output(texts[name] ?? ''))]))]
    }),
  )
  const at = { ...context, nodes }
  const answer = task.check(at as never)
  const steps = () => findingsOf(answer).flatMap((finding: Finding) => stepsOf(task, at, finding))
  return { answer, steps, nodes, at }
}

export function judgeNode(
  id: string,
  {
    files,
    units,
    dropIns = '',
  }: { files: Readonly<Record<string, { content: string; mode: string }>>; units: string; dropIns?: string },
  own: object = settings,
) {
  const task = taskOf(backup, id)
  const context = nodeContextOf({ settings: own, others })
  const heads = Object.entries(files).map(
    ([path, { content, mode }]) => `@@file ${mode} root:root ${Buffer.byteLength(content)} ${path}\n`,
  )
  const all = Object.values(files).map(({ content }) => content)
  const texts: Record<string, string> = {
    files: heads.length === 0 ? '' : `${heads.join('')}@@content ${Buffer.from(all.join('')).toString('base64')}\n`,
    units,
    dropIns: `${dropIns}@@end\n`,
  }
  const facts = Object.fromEntries(
    Object.entries(task.probes(context)).map(([name, probe]) => [name, probe.parse(output(texts[name] ?? ''))]),
  )
  const at = { ...context, facts }
  const answer = findingsOf(task.check(at as never))
  return { answer, steps: () => answer.flatMap((finding) => stepsOf(task, at, finding)) }
}
