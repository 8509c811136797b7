import { createWriteStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Listener, RunEvent } from './events.js'

function lineOf(event: RunEvent): string | undefined {
  const where = 'stage' in event ? `${event.node ? `${event.node} ` : ''}${event.stage}: ` : ''
  switch (event.type) {
    case 'stage-start':
      return undefined
    case 'note':
      return `${where}${event.text}`
    case 'step-start':
      return `${where}step on ${event.on}: ${event.text}${event.script ? `\n${indent(event.script)}` : ''}`
    case 'step-end':
      return `${where}exit ${event.code} after ${event.ms} ms${event.output.trim() ? `\n${indent(event.output.trim())}` : ''}`
    case 'survey':
      return `asked ${event.machine} ${event.questions} stages at once in ${event.ms} ms`
    case 'outcome': {
      const { stage, node, status, reason, findings } = event.outcome
      const found = findings.map(({ finding }) => `  ${finding.id}${finding.subject ? ` (${finding.subject})` : ''}`)
      return [`${node ? `${node} ` : ''}${stage}: ${status}${reason ? `: ${reason}` : ''}`, ...found].join('\n')
    }
    case 'say':
      return event.text
    case 'end':
      return `end: exit ${event.report.exitCode}, ${event.report.steps} steps, ${event.report.ms} ms`
  }
}
const indent = (text: string): string => text.replace(/^/gm, '    ')

/** Writes a run's log file, 0600, for a person to read later. Secrets never reach it: they are in no script and no output. */
export function openLog(stateDir: string, what: string): { file: string; listener: Listener; close(): Promise<void> } {
  const dir = join(stateDir, 'logs')
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const file = join(dir, `${new Date().toISOString().replaceAll(/[:.]/g, '-')}-${what}.log`)
  const stream = createWriteStream(file, { mode: 0o600 })
  return {
    file,
    listener(event) {
      const line = lineOf(event)
      if (line !== undefined) stream.write(`${new Date().toISOString()} ${line}\n`)
    },
    close: () => new Promise((resolve) => stream.end(resolve)),
  }
}
