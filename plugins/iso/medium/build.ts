import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type Context, given, raw, Secret, type Settings, type Step, sh } from 'ha-provision'
import type network from '../../network/index.js'
import type vm from '../../vm/index.js'
import type { Vm } from '../../vm/index.js'
import type { schema } from '../schema.js'
import {
  callbackFile,
  certificateFile,
  inputsFile,
  keyFile,
  mediumFile,
  nodeKeyFile,
  tokenFile,
  treeDir,
} from '../state.js'
import { mediumFiles } from './files.js'
import { repositoryOf } from './repository.js'

type At = Context<Settings<typeof schema>, typeof vm | typeof network>

/** Changes when anything on the medium but its secrets does. */
export const inputsOf = (at: At, node: string, machine: Vm, port: string): string =>
  createHash('sha256')
    .update(JSON.stringify([mediumFiles(at, node, machine, port), repositoryOf(at)?.dir ?? 'no packages']))
    .digest('hex')

/** Steps that build a node's medium with a new one-time token. What was left of an earlier try goes first. */
export function buildMedium(at: At, node: string, machine: Vm, port: string): readonly Step[] {
  const tree = treeDir(at.cluster, node)
  const key = nodeKeyFile(at.cluster, node)
  const iso = mediumFile(at.cluster, node)
  const inputs = inputsOf(at, node, machine, port)
  const token = new Secret(randomBytes(32).toString('hex'))
  const files = Object.entries(mediumFiles(at, node, machine, port))
  const repository = repositoryOf(at)
  const grafts = [`/=${tree}`, ...(repository ? [`/repo=${repository.dir}`] : [])]
  return [
    {
      kind: 'run',
      title: `keys of ${node}`,
      command: sh`umask 077; rm -rf ${tree} ${callbackFile(at.cluster, node)} ${iso} ${inputsFile(at.cluster, node)}; mkdir -p ${join(tree, 'network')}
[ -e ${key} ] || { rm -f ${`${key}.new`}*; ssh-keygen -q -t ed25519 -N '' -C ${`root@${node}`} -f ${`${key}.new`} && mv ${`${key}.new.pub`} ${`${key}.pub`} && mv ${`${key}.new`} ${key}; }`,
    },
    { kind: 'write', path: tokenFile(at.cluster, node), content: token, mode: '0600' },
    ...files.map(([name, content]): Step => ({ kind: 'write', path: join(tree, name), content, mode: '0600' })),
    {
      kind: 'run',
      title: `config medium of ${node}`,
      command: given(
        sh`umask 077; cd ${tree} &&
cp ${tokenFile(at.cluster, node)} token && cp ${certificateFile(at.cluster)} callback.crt && cp ${`${keyFile(at.cluster)}.pub`} authorized_keys &&
cp ${key} id_ed25519 && cp ${`${key}.pub`} id_ed25519.pub && printf '%s\n' ${randomBytes(8).toString('hex')} > id &&
SOURCE_DATE_EPOCH=1704067200 xorriso -as mkisofs -quiet -V HACONFIG -R -J -joliet-long -graft-points -o ${`${iso}.new`} ${grafts} ${raw('2>&1')} &&
mv ${`${iso}.new`} ${iso} && rm -rf ${tree} && printf '%s' ${inputs} > ${inputsFile(at.cluster, node)}`,
        { timeoutS: 300 },
      ),
    },
  ]
}
