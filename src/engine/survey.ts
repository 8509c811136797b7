import { randomBytes } from 'node:crypto'
import type { Probe, Probes } from '../plugin/types.js'
import type { Command, Output } from '../transport/command.js'
import type { Transport } from '../transport/types.js'

/** Facts of one stage, or why they could not be read. */
export type StageFacts = { readonly facts: Readonly<Record<string, unknown>> } | { readonly unreadable: string }

/** Distinct commands of many probes: the same script is asked once, a batch once for the union of its items. */
export function questions(probes: readonly Probe[]): {
  commands: readonly Command[]
  answerOf: ReadonlyMap<Probe, number>
} {
  const items = new Map<string, Set<string>>()
  for (const probe of probes) {
    if ('batch' in probe) items.set(probe.batch.name, new Set([...(items.get(probe.batch.name) ?? []), ...probe.items]))
  }
  const commands: Command[] = []
  const index = new Map<string, number>()
  const answerOf = new Map<Probe, number>()
  for (const probe of probes) {
    const command =
      'batch' in probe ? probe.batch.command([...(items.get(probe.batch.name) ?? [])].sort()) : probe.command
    let at = index.get(command.script)
    if (at === undefined) {
      at = commands.push(command) - 1
      index.set(command.script, at)
    }
    answerOf.set(probe, at)
  }
  return { commands, answerOf }
}

/** All questions in one script. Markers tell the answers apart; what a probe says on stderr belongs to nobody. */
export function surveyCommand(commands: readonly Command[], nonce: string): Command {
  const parts = commands.map(
    ({ script }, i) => `printf '\\n${nonce} ${i}\\n'\n(\n${script}\n) </dev/null\nprintf '\\n${nonce} = %s\\n' $?`,
  )
  return {
    script: parts.join('\n'),
    timeoutS: commands.reduce((most, { timeoutS }) => Math.max(most, timeoutS ?? 0), 120),
  }
}

/** Splits what the survey printed; an answer that is missing (the script was cut off) is undefined. */
export function splitAnswers(output: Output, nonce: string, count: number): readonly (Output | undefined)[] {
  const answers: (Output | undefined)[] = new Array(count).fill(undefined)
  for (const block of output.stdout.split(`\n${nonce} `)) {
    const head = /^(\d+)\n/.exec(block)
    if (head) answers[Number(head[1])] = { code: Number.NaN, stdout: block.slice(head[0].length), stderr: '' }
    const end = /^= (\d+)\n/.exec(block)
    const open = answers.findIndex((answer) => answer !== undefined && Number.isNaN(answer.code))
    if (end && open >= 0) answers[open] = { ...(answers[open] as Output), code: Number(end[1]) }
  }
  return answers.map((answer) => (answer === undefined || Number.isNaN(answer.code) ? undefined : answer))
}

/** Asks one machine the probes of many stages in one round trip. */
export async function survey(
  transport: Transport,
  stages: ReadonlyMap<string, Probes>,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, StageFacts>> {
  const all = [...stages.values()].flatMap((probes) => Object.values(probes))
  const { commands, answerOf } = questions(all)
  if (commands.length === 0) return new Map([...stages.keys()].map((key) => [key, { facts: {} }]))
  const nonce = `@@${randomBytes(9).toString('hex')}`
  const output = await transport.exec(surveyCommand(commands, nonce), signal ? { signal } : {})
  const answers = splitAnswers(output, nonce, commands.length)
  const read = (probes: Probes): StageFacts => {
    const facts: Record<string, unknown> = {}
    for (const [name, probe] of Object.entries(probes)) {
      const answer = answers[answerOf.get(probe) ?? -1]
      if (!answer)
        return {
          unreadable: `probe "${name}" gave no answer (exit ${output.code}): ${output.stderr.trim().slice(-400)}`,
        }
      try {
        facts[name] = probe.parse(answer)
      } catch (error) {
        return { unreadable: `probe "${name}" gave an answer that cannot be read: ${(error as Error).message}` }
      }
    }
    return { facts }
  }
  return new Map([...stages].map(([key, probes]) => [key, read(probes)]))
}
