import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** A file of the package that is no code: the same place from the sources and from dist. `path` starts at `plugins/`. */
export const packaged = (...path: readonly string[]): string =>
  join(dirname(createRequire(import.meta.url).resolve('ha-provision/package.json')), 'plugins', ...path)
