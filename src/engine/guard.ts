import type { Step } from '../plugin/types.js'

/** What a step that loses data must be allowed by name: `node:device:what`. */
export const allowance = (step: Step, on: string): string | undefined =>
  step.kind === 'run' && step.destroys
    ? `${step.destroys.node ?? on}:${step.destroys.device}:${step.destroys.what}`
    : undefined

/** Why these steps may not run, with the flags that would allow them; undefined when they may. */
export function refusal(
  steps: readonly (Step & { readonly on: string })[],
  allowed: readonly string[],
): string | undefined {
  const lost = steps.flatMap((step) => {
    const name = allowance(step, step.on)
    if (step.kind !== 'run' || !step.destroys || name === undefined || allowed.includes(name)) return []
    const { what, device, node = step.on } = step.destroys
    return [`this would destroy the ${what} on ${device} of ${node}; if that is meant: --allow '${name}'`]
  })
  const interrupting = steps.flatMap((step) =>
    step.kind === 'run' && step.interrupts && !allowed.includes('interruption') ? [step.interrupts] : [],
  )
  const reasons = [
    ...new Set(lost),
    ...[...new Set(interrupting)].map(
      (what) => `this would interrupt the service: ${what}; if that is meant: --allow interruption`,
    ),
  ]
  return reasons.length > 0 ? reasons.join('\n') : undefined
}
