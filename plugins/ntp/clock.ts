import {
  ask,
  type Command,
  type Finding,
  finding,
  type Probe,
  type Progress,
  type Step,
  sh,
  type Task,
  type TaskBuilder,
} from 'ha-provision'
import type network from '../network/index.js'
import type { TimeDaemon, Tracking } from './daemons.js'
import { daemonOf, type Ntp, sourceOf } from './roles.js'

type Clock = Tracking & { readonly installed: boolean }
type On = Step & { readonly on: string }

const clockProbe = (daemon: TimeDaemon): Probe<Clock> =>
  ask(daemon.track, (output) => ({ ...daemon.parse(output), installed: output.code !== 127 }))

const milliseconds = (offsetS: number): string => `${Number((offsetS * 1000).toPrecision(3))} ms`

/** Three readings, 4 s apart: a daemon whose server came back with another time finds and loses it for a while. */
const readings = ({ track }: TimeDaemon): Command =>
  sh`for i in 1 2 3; do ( ${track} ); printf '@@%s\n' $?; [ $i = 3 ] || sleep 4; done`

function progress(daemon: TimeDaemon, maxMs: number): Probe<Progress> {
  return ask(readings(daemon), ({ stdout }) => {
    const read = [...stdout.matchAll(/([\s\S]*?)@@(\d+)\n/g)].map(([, text = '', code]) =>
      daemon.parse({ code: Number(code), stdout: text, stderr: '' }),
    )
    const last = read.at(-1)
    if (!last?.synchronised) return { done: false, text: 'no time from any server yet' }
    if (read.length < 3 || !read.every(({ synchronised }) => synchronised))
      return { done: false, text: 'time from a server that comes and goes' }
    if (last.offsetS === undefined) return { done: true, text: 'synchronised' }
    return { done: last.offsetS * 1000 <= maxMs, text: `${milliseconds(last.offsetS)} from ${last.source}` }
  })
}

/** Seconds: an answer takes 2 to 10, a slew of half a second some minutes (chrony corrects at most 1/12). */
const timeoutS = 300

const waitFor = (node: string, daemon: TimeDaemon, maxMs: number): On => ({
  kind: 'wait',
  on: node,
  title: `clock of ${node}`,
  until: progress(daemon, maxMs),
  timeoutS,
  everyS: 2,
  hint: 'A server must be reachable over UDP port 123; "chronyc -n sources" or "ntpq -pn" on the node shows which ones answer.',
})

// A jump of the clock looks to Heartbeat like a node that was silent.
const jump = (node: string, step: NonNullable<TimeDaemon['step']>): On => ({
  kind: 'run',
  on: node,
  title: 'set the clock, unless Heartbeat runs',
  command: sh`if ! systemctl is-active -q heartbeat.service; then ${step}; fi`,
})

/** What the daemons measure, not what their files say. */
export const clockTask = (t: TaskBuilder<Ntp, typeof network>): Task =>
  t.perCluster({
    id: 'clock',
    title: 'clocks agree',
    probes: (at) => ({ clock: clockProbe(daemonOf(at)) }),
    check(at) {
      const source = sourceOf(at)
      const names = at.cluster.nodes.map(({ name }) => name).sort((a, b) => Number(b === source) - Number(a === source))
      const waiting = names.filter((name) => !at.nodes[name]?.clock.installed)
      if (waiting.length > 0) return { waits: `${at.settings.daemon} is not installed on ${waiting.join(' and ')}` }
      const found: Finding<'not-synchronised' | 'offset'>[] = []
      for (const name of names) {
        const { synchronised = false, offsetS = 0, source: from } = at.nodes[name]?.clock ?? {}
        if (!synchronised) {
          found.push(
            finding('not-synchronised', { subject: name, desired: 'synchronised', actual: 'no time from any server' }),
          )
        } else if (offsetS * 1000 > at.settings.maxOffsetMs) {
          const desired = `${at.settings.maxOffsetMs} ms at most`
          found.push(finding('offset', { subject: name, desired, actual: `${milliseconds(offsetS)} from ${from}` }))
        }
      }
      return found
    },
    fix: {
      'not-synchronised': (at) => {
        const daemon = daemonOf(at)
        const node = at.finding.subject ?? ''
        const hurry = daemon.hurry
          ? [{ kind: 'run', on: node, title: 'ask the servers now', command: daemon.hurry } as const]
          : []
        // An offset that is still too large then is the next round's finding.
        return [...hurry, waitFor(node, daemon, Number.POSITIVE_INFINITY)]
      },
      offset: (at) => {
        const daemon = daemonOf(at)
        const node = at.finding.subject ?? ''
        return [...(daemon.step ? [jump(node, daemon.step)] : []), waitFor(node, daemon, at.settings.maxOffsetMs)]
      },
    },
  })
