import { ask, type Finding, finding, type Progress, type Task, type TaskBuilder } from 'ha-provision'
import type network from '../network/index.js'
import type storage from '../storage/index.js'
import type { Drbd } from './layout.js'
import { inSync } from './picture.js'
import { drbdProbe, spell, statusCommand } from './status.js'

function progressOf(stdout: string, minors: readonly number[]): Progress {
  const fact = drbdProbe.parse({ code: 0, stdout, stderr: '' })
  const states = minors.map((minor) => fact.minors[minor])
  const behind = states.find((state) => state?.disk !== 'UpToDate' || state.peerDisk !== 'UpToDate')
  if (behind === undefined && !states.includes(undefined)) return { done: true, text: 'UpToDate on both nodes' }
  const alone = states.find((state) => state?.connection === 'StandAlone' || state?.disk === 'Failed')
  if (alone) return { done: false, text: spell(alone), failed: `it will not sync by itself: ${spell(alone)}` }
  const ratios = states.flatMap((state) => state?.synced ?? [])
  const more = behind?.finish ? `, ${behind.speed} KiB/s, ${behind.finish} left` : ''
  return { done: false, text: `${spell(behind)}${more}`, ...(ratios.length > 0 ? { ratio: Math.min(...ratios) } : {}) }
}

/** Both sides connected and UpToDate: only then is a failover safe. */
export const syncTask = (t: TaskBuilder<Drbd, typeof network | typeof storage>): Task =>
  t.perCluster({
    id: 'sync',
    title: 'both sides in sync',
    probes: () => ({ drbd: drbdProbe }),
    check({ settings, nodes }) {
      const found: Finding<'not-in-sync'>[] = []
      for (const [name, { minor }] of Object.entries(settings.resources)) {
        const states = Object.entries(nodes).map(([node, { drbd }]) => ({ node, state: drbd.minors[minor] }))
        const missing = states.find(({ state }) => state === undefined)
        if (missing) return { waits: `waits for drbd/metadata: ${name} is not up on ${missing.node}` }
        if (inSync(states[0]?.state, states[1]?.state)) continue
        const actual = states.map(({ node, state }) => `${node}: ${spell(state)}`).join('; ')
        found.push(finding('not-in-sync', { subject: name, desired: 'UpToDate/UpToDate', actual, note: actual }))
      }
      return found
    },
    fix: {
      'not-in-sync': ({ settings, finding: { subject = '' } }) => [
        {
          kind: 'wait',
          on: settings.primary,
          title: `${subject} is in sync`,
          until: ask(statusCommand, ({ stdout }) => progressOf(stdout, [settings.resources[subject]?.minor ?? 0])),
          timeoutS: 24 * 3600,
          stallS: 300,
          hint: 'drbdadm status on both nodes says who waits; a paused sync goes on with drbdadm resume-sync RES.',
        },
      ],
    },
  })
