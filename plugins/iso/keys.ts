import { randomBytes } from 'node:crypto'
import { type Cluster, type Step, sh } from 'ha-provision'
import { callbackName } from './medium/files.js'
import { certificateFile, certificateKeyFile, isoDir, keyFile, portFile } from './state.js'

/** A port that nobody listens on now. */
export function freePort(used: readonly number[]): number {
  const free = Array.from({ length: 10_000 }, (_, i) => 45_000 + i).filter((port) => !used.includes(port))
  return free[randomBytes(4).readUInt32LE() % free.length] as number
}

/** The key with which this computer reaches the nodes, the certificate that machines accept, the port they call. */
export function makeKeys(cluster: Cluster, port: number): readonly Step[] {
  const [key, crt, crtKey] = [keyFile(cluster), certificateFile(cluster), certificateKeyFile(cluster)]
  // Never over a key that exists: machines may know it already.
  return [
    {
      kind: 'run',
      title: 'ssh key, certificate and port of the cluster',
      command: sh`umask 077; mkdir -p ${isoDir(cluster)} && cd ${isoDir(cluster)} || exit 1
[ -s ${key} ] || { rm -f new new.pub; ssh-keygen -q -t ed25519 -N '' -C ${`ha-provision ${cluster.name}`} -f new && mv new.pub ${`${key}.pub`} && mv new ${key}; } || exit 1
[ -s ${crt} ] && [ -s ${crtKey} ] || { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj ${`/CN=${callbackName}`} -addext ${`subjectAltName=DNS:${callbackName}`} -keyout ${`${crtKey}.new`} -out ${`${crt}.new`} 2>/dev/null && mv ${`${crtKey}.new`} ${crtKey} && mv ${`${crt}.new`} ${crt}; } || exit 1
[ -s ${portFile(cluster)} ] || printf %s ${String(port)} > ${portFile(cluster)}`,
    },
  ]
}
