import { type StageFacts, survey } from '../engine/survey.js'
import type { Probes } from '../plugin/types.js'
import type { Transport } from '../transport/types.js'

/** A machine that can only be asked: whoever has a reader has no way to run a step. */
export interface Reader {
  /** Probes by the plugin that asks them, all in one round trip. */
  read(groups: ReadonlyMap<string, Probes>): Promise<ReadonlyMap<string, StageFacts>>
  /** Every script that went out. */
  readonly record: readonly string[]
}

/** The transport without its ways to change a machine; every script that goes out is added to `record`. */
export function readOnly(transport: Transport, record: string[]): Transport {
  const refuse = () => Promise.reject(new Error(`${transport.name} is only read: nothing is written there`))
  return {
    name: transport.name,
    get channels() {
      return transport.channels
    },
    exec(command, options) {
      record.push(command.script)
      return transport.exec(command, options)
    },
    write: refuse,
    upload: refuse,
    close: () => transport.close(),
  }
}

export function reader(transport: Transport): Reader {
  const record: string[] = []
  const asked = readOnly(transport, record)
  return { record, read: (groups) => survey(asked, groups) }
}
