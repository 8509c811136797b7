import { setTimeout as sleep } from 'node:timers/promises'
import type { Progress, Step } from '../plugin/types.js'
import type { Output } from '../transport/command.js'
import type { Transport } from '../transport/types.js'

export interface StepResult {
  readonly code: number
  readonly output: string
}

/** One line for a person: what a step does. */
export function stepText(step: Step): string {
  switch (step.kind) {
    case 'run':
      return step.title ?? step.command.script.split('\n')[0] ?? ''
    case 'write':
      return `write ${step.path}${step.mode ? ` (${step.mode})` : ''}`
    case 'upload':
      return `upload ${step.from} to ${step.to}`
    case 'wait':
      return `wait: ${step.title}`
  }
}

const last = (text: string, lines: number): string => text.trim().split('\n').slice(-lines).join('\n')
const told = ({ code, stdout, stderr }: Output): StepResult => ({
  code,
  // Some programs say on stdout why they failed, Db2's among them.
  output: last(`${stdout}\n${stderr}`, 20),
})

interface Waiting {
  /** Ends a wait at once; other steps run to their end, so that nothing is left half-done. */
  readonly soft: AbortSignal
  readonly hard: AbortSignal
  readonly onProgress: (text: string) => void
}

async function wait(
  step: Step & { kind: 'wait' },
  transport: Transport,
  { soft, hard, onProgress }: Waiting,
): Promise<StepResult> {
  const service = await step.open?.()
  try {
    const started = Date.now()
    let moved = started
    let before = ''
    for (;;) {
      const probe = step.until
      const output = await transport.exec('batch' in probe ? probe.batch.command(probe.items) : probe.command, {
        signal: hard,
      })
      const now: Progress = probe.parse(output)
      if (now.done) return { code: 0, output: now.text }
      if (now.failed) return { code: 1, output: now.failed }
      const seen = `${now.ratio ?? ''} ${now.text}`
      if (seen !== before) moved = Date.now()
      before = seen
      const spent = Math.round((Date.now() - started) / 1000)
      onProgress(`${now.ratio === undefined ? '' : `${Math.floor(now.ratio * 100)} % `}${now.text} (${spent} s)`)
      if (spent > step.timeoutS)
        return {
          code: 124,
          output: `${step.title}: not reached within ${step.timeoutS} s; last seen: ${now.text}${step.hint ? `\n${step.hint}` : ''}`,
        }
      if (step.stallS && Date.now() - moved > step.stallS * 1000)
        return {
          code: 125,
          output: `${step.title}: nothing moved for ${step.stallS} s; last seen: ${now.text}${step.hint ? `\n${step.hint}` : ''}`,
        }
      await sleep((step.everyS ?? 2) * 1000, undefined, { signal: soft })
    }
  } finally {
    await service?.close()
  }
}

export async function runStep(step: Step, transport: Transport, waiting: Waiting): Promise<StepResult> {
  const options = { signal: waiting.hard, onOutput: (text: string) => waiting.onProgress(last(text, 1)) }
  switch (step.kind) {
    case 'run':
      return told(await transport.exec(step.command, options))
    case 'write':
      return told(
        await transport.write(step.path, step.content, {
          mode: step.mode ?? '0644',
          ...(step.owner ? { owner: step.owner } : {}),
        }),
      )
    case 'upload':
      return told(await transport.upload(step.from, step.to, { mode: step.mode ?? '0644', ...options }))
    case 'wait':
      return await wait(step, transport, waiting)
  }
}
