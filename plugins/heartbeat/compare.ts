import network, { addressesOf } from '../network/index.js'
import { haCfDifferences, parseHaCf } from './ha-cf.js'
import type { Plan } from './layout.js'
import { configFile } from './render.js'

/** Directives that a node's ha.cf says differently in meaning from what it should; empty when nothing is to be done. */
export const configDifferences = (at: Plan, node: string, content: string): readonly string[] =>
  haCfDifferences(parseHaCf(configFile(at)), parseHaCf(content), addressesOf(at.of(network), node))

/** Passwords may stand in these lines. */
export const hasFencing = (content: string): boolean => /^\s*stonith(_host)?\s/m.test(content)
