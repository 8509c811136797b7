import type { Outcome, Report } from './report.js'

/** What goes on in a run, for whoever shows or records it. */
export type RunEvent =
  | { readonly type: 'stage-start'; readonly stage: string; readonly node?: string }
  | { readonly type: 'note'; readonly stage: string; readonly node?: string; readonly text: string }
  | {
      readonly type: 'step-start'
      readonly stage: string
      readonly node?: string
      readonly on: string
      readonly text: string
      readonly script?: string
    }
  | {
      readonly type: 'step-end'
      readonly stage: string
      readonly node?: string
      readonly on: string
      readonly code: number
      readonly ms: number
      readonly output: string
    }
  | { readonly type: 'survey'; readonly machine: string; readonly questions: number; readonly ms: number }
  | { readonly type: 'outcome'; readonly outcome: Outcome }
  | { readonly type: 'say'; readonly text: string }
  | { readonly type: 'end'; readonly report: Report }

export type Listener = (event: RunEvent) => void
