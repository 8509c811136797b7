import type { AnyPlugin } from 'ha-provision'

/** The built-in plugins in their order; ties between `requires` and `after` keep it. */
export const builtins: readonly AnyPlugin[] = []

/** What `ha-provision init` writes. */
export const example = {}
