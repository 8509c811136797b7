import {
  ask,
  type Finding,
  finding,
  given,
  type Output,
  type Probe,
  type Progress,
  type Step,
  sh,
  type Task,
} from 'ha-provision'
import { sections } from '../db2/probes.js'
import { databasesOf, instanceOf, type Nodes } from './databases.js'
import { type At, type Builder, toolOf } from './layout.js'
import { surveyProbe } from './survey.js'
import type { Key } from './tools/tool.js'

type Placed = Step & { readonly on: string }
type Asked = At & { readonly nodes: Nodes }
type Id = 'no-backup' | 'old-backup'

/** Hours since the newest good backup that either node has; after a failover that is the other node's for a while. */
function ageH(nodes: Nodes, key: Key): number | undefined {
  const ages = Object.values(nodes).flatMap(({ survey: { now, last } }) =>
    last[key] === undefined ? [] : [(now - last[key]) / 3600],
  )
  return ages.length === 0 ? undefined : Math.min(...ages)
}

/** The run's last word on backups: each database has a good one that is young enough. */
export const ageTask = (t: Builder): Task =>
  t.perCluster({
    id: 'age',
    title: 'the last backup is good and recent',
    probes: (at) => ({ survey: surveyProbe(at) }),
    check(at): readonly Finding<Id>[] | { waits: string } {
      const nodes = (at as unknown as Asked).nodes
      const databases = databasesOf(at, nodes)
      if ('waits' in databases) return databases
      const desired = `a verified backup of the last ${at.settings.maxAgeH} h`
      const found: Finding<Id>[] = []
      for (const subject of databases.wanted) {
        if (!databases.covered.includes(subject)) return { waits: `waits for backup/coverage: ${subject}` }
        const age = ageH(nodes, subject)
        const on = databases.holder[instanceOf(subject)] ?? ''
        if (age !== undefined && age <= at.settings.maxAgeH) continue
        if (!nodes[on]?.survey.instances?.[instanceOf(subject)]?.running)
          return { waits: `waits for db2/up: ${instanceOf(subject)} does not run on ${on}` }
        found.push(
          age === undefined
            ? finding('no-backup', { subject, desired, actual: undefined })
            : finding('old-backup', { subject, desired, actual: `one of ${age.toFixed(1)} h ago` }),
        )
      }
      return found
    },
    fix: {
      'no-backup': (at) => backUp(at as unknown as Asked & { finding: Finding }),
      'old-backup': (at) => backUp(at as unknown as Asked & { finding: Finding }),
    },
  })

/** A unit of its own: a backup takes hours, and outlives the connection that asked for it. */
const unitOf = (key: Key): string =>
  `ha-backup-${key.replace('/', '-').replace(/[^A-Za-z0-9_-]/g, (sign) => `:${sign.charCodeAt(0).toString(16)}`)}.service`

function backUp(at: Asked & { readonly finding: Finding }): readonly Placed[] {
  const key = at.finding.subject ?? ''
  const databases = databasesOf(at, at.nodes)
  if ('waits' in databases) return []
  const on = databases.holder[instanceOf(key)] ?? ''
  const [instance = '', database = ''] = key.split('/')
  const tool = toolOf(at)
  const unit = unitOf(key)
  return [
    {
      kind: 'run',
      on,
      title: `back up ${key}`,
      command: sh`systemctl is-active -q ${unit} || { systemctl reset-failed ${unit} 2>/dev/null
systemd-run -q --unit=${unit} sh -c ${tool.run(at.settings).script} backup ${instance} ${database}; }`,
    },
    {
      kind: 'wait',
      on,
      title: `${key} is backed up and verified`,
      timeoutS: 12 * 3600,
      everyS: 3,
      ...(tool.progress ? { stallS: 1800 } : {}),
      until: progressProbe(at, key, at.nodes[on]?.survey.last[key] ?? 0),
      hint: `journalctl -u ${unit} on ${on} says what it does`,
    },
  ]
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`

/** Written and, where there was a backup before, how much that will be. */
function written({ stdout }: Output): { readonly ratio?: number; readonly text: string } {
  const [, now, before] = /^(\d+) (\d*)\s*$/.exec(stdout) ?? []
  if (now === undefined) return { text: 'under way' }
  if (!before) return { text: `${gib(Number(now))} written` }
  return {
    ratio: Math.min(1, Number(now) / Number(before)),
    text: `${gib(Number(now))} of about ${gib(Number(before))}`,
  }
}

export function progressProbe(at: At, key: Key, before: number): Probe<Progress> {
  const [instance = '', database = ''] = key.split('/')
  const tool = toolOf(at)
  const unit = unitOf(key)
  return ask(
    given(
      sh`set -- ${instance} ${database}
systemctl show -p ActiveState --value ${unit}; printf '\\n@@%s %s\\n' "state" $?
journalctl -u ${unit} -n 1 -o cat --no-pager; printf '\\n@@%s %s\\n' "said" $?
( ${tool.last(at.settings)} ); printf '\\n@@%s %s\\n' "last" $?
( ${tool.progress?.(at.settings) ?? sh`true`} ); printf '\\n@@%s %s\\n' "progress" $?`,
      { timeoutS: 60 },
    ),
    ({ stdout }): Progress => {
      const found = sections(stdout)
      const state = found.state?.stdout.trim()
      const said = found.said?.stdout.trim() ?? ''
      const last = found.last
      if (state === undefined || !last || !found.progress) return { done: false, text: 'no answer' }
      if (state === 'active' || state === 'activating' || state === 'deactivating')
        return { done: false, ...written(found.progress) }
      if (state === 'failed') return { done: false, text: 'failed', failed: `the backup of ${key} failed: ${said}` }
      return last.code === 0 && Number(last.stdout.trim()) > before
        ? { done: true, text: 'verified' }
        : { done: false, text: 'ended', failed: `the backup ended and left no good image: ${said}` }
    },
  )
}
