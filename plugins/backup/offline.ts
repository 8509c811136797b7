import type { Probe } from 'ha-provision'
import db2 from '../db2/index.js'
import { parseConfiguration } from '../db2/parse/database.js'
import { configOf, type InstanceFact, instanceProbes } from '../db2/probes.js'
import { instanceOf } from './databases.js'
import { type At, toolOf } from './layout.js'
import type { Key } from './tools/tool.js'

// No instance can have such a name, so none hides the stage's other questions.
const named = (instance: string): string => `db2:${instance}`
const mayBeOffline = (at: At): boolean => at.settings.offline && toolOf(at).hasOffline

/** db2's own questions, which are asked anyway: they tell how the databases of the config log. */
export const loggingProbes = (at: At): Readonly<Record<string, Probe<InstanceFact>>> =>
  mayBeOffline(at)
    ? Object.fromEntries(
        Object.entries(instanceProbes(at.of(db2))).map(([instance, probe]) => [named(instance), probe]),
      )
    : {}

/**
 * What a backup now would interrupt; undefined where it is online, or where nobody can be connected. The same rule as that
 * of the program (`choose_mode`), but that what is not known here counts as offline.
 */
export function interruption(at: At, facts: object | undefined, key: Key): string | undefined {
  if (!mayBeOffline(at)) return undefined
  const fact = (facts as Readonly<Record<string, InstanceFact | undefined>> | undefined)?.[named(instanceOf(key))]
  const answer = fact && configOf(fact, key.slice(key.indexOf('/') + 1))
  const configuration = answer?.code === 0 ? parseConfiguration(answer.stdout) : undefined
  const method = configuration?.get('LOGARCHMETH1') ?? ''
  const isOnline = method !== '' && method !== 'OFF'
  const isPending = (configuration?.get('Backup pending') ?? 'NO') !== 'NO'
  return isOnline || isPending ? undefined : `${key} is backed up offline, its clients are disconnected`
}
