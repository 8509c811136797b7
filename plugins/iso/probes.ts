import { join } from 'node:path'
import {
  ask,
  type Context,
  type NodeContext,
  type Output,
  type Probe,
  type Progress,
  type Settings,
  sh,
} from 'ha-provision'
import type network from '../network/index.js'
import type vm from '../vm/index.js'
import { consoleFile, type Vm, vmDir } from '../vm/index.js'
import { repositoryOf } from './medium/repository.js'
import type { schema } from './schema.js'
import {
  type Callback,
  callbackFile,
  certificateFile,
  certificateKeyFile,
  inputsFile,
  keyFile,
  mediumFile,
  nodeKeyFile,
  portFile,
  tokenFile,
} from './state.js'

export type IsoContext = Context<Settings<typeof schema>, typeof vm | typeof network>
export type IsoNodeContext = NodeContext<Settings<typeof schema>, typeof vm | typeof network>

export const isPrepared = (callback: Callback | undefined, uuid: string | undefined): boolean =>
  callback?.status === 'ok' && callback.vm === uuid

/** Files of the cluster that are not there yet. */
export const missingKeys = ({ cluster }: IsoContext): Probe<readonly string[]> =>
  ask(
    sh`for f in ${[keyFile(cluster), certificateFile(cluster), certificateKeyFile(cluster), portFile(cluster)]}; do [ -s "$f" ] || echo "$f"; done`,
    ({ stdout }) => stdout.split('\n').filter(Boolean),
  )

/** TCP ports of this computer that somebody listens on: state 0A in the kernel's own table. */
export const usedPorts: Probe<readonly number[]> = ask(
  sh`awk '$4 == "0A" {n = split($2, a, ":"); print a[n]}' /proc/net/tcp /proc/net/tcp6 2>/dev/null; true`,
  ({ stdout }) =>
    stdout
      .split('\n')
      .filter(Boolean)
      .map((hex) => Number.parseInt(hex, 16)),
)

export const hasRepository = (at: IsoContext): Probe<boolean> =>
  ask(sh`[ -s ${repositoryOf(at)?.index ?? '/dev/null'} ]`, ({ code }) => code === 0)

/** Nodes that still need a medium: there is no machine, or it did not call back. */
export function unprepared({ cluster }: IsoContext): Probe<readonly string[]> {
  const nodes = cluster.nodes.map(({ name }) => name)
  const show = (file: string) => sh`{ tr -d '\\n' < ${file}; } 2>/dev/null; echo`.script
  return ask(
    {
      script: nodes
        .flatMap((node) => [show(join(vmDir(cluster, node), 'vm.json')), show(callbackFile(cluster, node))])
        .join('\n'),
    },
    ({ stdout }) => {
      const lines = stdout.split('\n')
      return nodes.filter((_, i) => {
        const [machine, callback] = [lines[2 * i], lines[2 * i + 1]].map((line) =>
          line ? JSON.parse(line) : undefined,
        )
        return !isPrepared(callback as Callback | undefined, (machine as Vm | undefined)?.uuid)
      })
    },
  )
}

/** What this computer holds of a node's medium and callback. */
export interface MediumFact {
  readonly callback?: Callback
  /** Fingerprint of what the medium was made from. */
  readonly inputs?: string
  readonly hasMedium: boolean
  readonly hasToken: boolean
  readonly hasNodeKey: boolean
  /** Port of the callback server, empty while none is chosen. */
  readonly port: string
}

export function mediumProbe({ cluster, node, settings }: IsoNodeContext): Probe<MediumFact> {
  const [callback, inputs, medium, token, key] = [callbackFile, inputsFile, mediumFile, tokenFile, nodeKeyFile].map(
    (path) => path(cluster, node),
  ) as [string, string, string, string, string]
  return ask(
    sh`[ -f ${callback} ] && printf "callback %s\\n" "$(tr -d '\\n' < ${callback})"; [ -f ${inputs} ] && printf "inputs %s\\n" "$(cat ${inputs})"
[ -f ${medium} ] && echo medium; [ -f ${token} ] && echo token; [ -f ${key} ] && echo key; [ -f ${portFile(cluster)} ] && printf "port %s\\n" "$(cat ${portFile(cluster)})"; true`,
    ({ stdout }: Output) => {
      const line = (word: string) => new RegExp(`^${word} (.*)$`, 'm').exec(stdout)?.[1]
      const has = (word: string) => new RegExp(`^${word}$`, 'm').test(stdout)
      const text = line('callback')
      const seen = line('inputs')
      const kept = line('port') ?? ''
      return {
        ...(text ? { callback: JSON.parse(text) as Callback } : {}),
        ...(seen ? { inputs: seen } : {}),
        hasMedium: has('medium'),
        hasToken: has('token'),
        hasNodeKey: has('key'),
        port: kept === '' ? '' : String(settings.callback.port ?? kept),
      }
    },
  )
}

/** What the machine said last, for the one who waits. */
export function callbackProgress(at: IsoNodeContext): Probe<Progress> {
  return ask(
    sh`cat ${callbackFile(at.cluster, at.node)} 2>/dev/null || { echo; tail -c 400 ${consoleFile(at.cluster, at.node)} 2>/dev/null | tr -d '\\r' | grep -a 'ha-prep:' | tail -n 1; }`,
    ({ stdout }): Progress => {
      if (!stdout.startsWith('{')) {
        // The console is the machine's: nothing but plain text of it reaches the terminal.
        const said = stdout.replaceAll(/[^\x20-\x7e]/g, '').replace(/^.*ha-prep:/, 'prep:')
        return { done: false, text: said || 'starting' }
      }
      const { status, steps, log } = JSON.parse(stdout) as Callback
      if (status === 'ok') return { done: true, text: 'prepared' }
      const failed = steps.filter(({ ok }) => !ok).map(({ name }) => name)
      return {
        done: false,
        text: 'failed',
        failed: `its preparation failed at: ${failed.join(', ')}; the end of its log:\n${log.trim().split('\n').slice(-25).join('\n')}`,
      }
    },
  )
}
