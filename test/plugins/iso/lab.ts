import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { makeKeys } from '../../../plugins/iso/keys.js'
import { certificateFile, tokenFile } from '../../../plugins/iso/state.js'
import { runStep } from '../../../src/engine/steps.js'
import type { Cluster, Step } from '../../../src/index.js'
import { localTransport } from '../../../src/transport/local.js'

const never = new AbortController().signal

/** Runs steps as the engine does, on this computer. */
export async function perform(steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    const { code, output } = await runStep(step, localTransport(), { soft: never, hard: never, onProgress: () => {} })
    if (code !== 0) throw new Error(`exit ${code}: ${output}`)
  }
}

export const uuid = (node: string): string => `00000000-0000-4000-8000-00000000000${node.at(-1)}`
export const token = (node: string): string => (node.at(-1) as string).repeat(64)

/** A cluster's state on the control machine: keys, machines `db-a` and `db-b`, and a token for each. */
export async function newState() {
  const stateDir = mkdtempSync(join(tmpdir(), 'hap-iso-'))
  const nodes = ['db-a', 'db-b']
  const cluster: Cluster = { name: 'demo', nodes: nodes.map((name) => ({ name })), configDir: stateDir, stateDir }
  const write = (file: string, content: string) => {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
  }
  await perform(makeKeys(cluster, 45_001))
  for (const node of nodes) {
    write(join(stateDir, 'vm', node, 'vm.json'), JSON.stringify({ uuid: uuid(node) }))
    write(tokenFile(cluster, node), token(node))
  }
  return {
    cluster,
    certificate: readFileSync(certificateFile(cluster)),
    write,
    read: (...path: string[]) => readFileSync(join(stateDir, ...path), 'utf8'),
    remove: () => rmSync(stateDir, { recursive: true, force: true }),
  }
}

/** A real public key. */
export function newHostKey(): string {
  const dir = mkdtempSync(join(tmpdir(), 'hap-key-'))
  try {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, 'key')])
    return readFileSync(join(dir, 'key.pub'), 'utf8').split(' ').slice(0, 2).join(' ')
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/** What a machine sends. */
export const report = (node: string, key: string, changed: object = {}): string =>
  JSON.stringify({
    node,
    vm: uuid(node),
    status: 'ok',
    machineId: 'a'.repeat(32),
    hostKeys: [key],
    steps: [{ name: 'hosts', ok: true }],
    log: Buffer.from('all is well\n').toString('base64'),
    ...changed,
  })
