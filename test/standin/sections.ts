import { sandbox } from './sandbox.js'

/** Said in a sandbox: `say NAME COMMAND` runs it as the owner and prints what it said and its exit code. */
export const recorder = `base=/srv/database
say() { printf '\\n@@%s\\n' "$1"; su - db2inst1 -c "\${LANGUAGE:+export LC_ALL=$LANGUAGE; }$2" 2>/dev/null </dev/null; printf '\\n@@=%s\\n' $?; }
quiet() { su - db2inst1 -c "$1" >/dev/null 2>&1; }`

export interface Said {
  readonly text: string
  readonly code: number
}

/** Everything that \`say\` recorded, by its name. */
export function saidIn(script: string): Readonly<Record<string, Said>> {
  const { code, stdout } = sandbox(`${recorder}\n${script}\nexit 0`)
  if (code !== 0) throw new Error(`the sandbox ended with ${code}: ${stdout.slice(-2000)}`)
  return Object.fromEntries(
    [...stdout.matchAll(/\n@@([^=\n]+)\n([\s\S]*?)\n@@=(\d+)\n/g)].map(([, name, text = '', status]) => [
      name,
      { text, code: Number(status) },
    ]),
  )
}

/** An instance as in IBM's container, where most outputs were recorded, below /srv: release 11.5.8.0, TCP/IP on. */
export const container = `echo RELEASE=11.5.8.0 >>/var/db2/standin.conf
mkdir -p $base/config $base/data $base/logs $base/bk $base/moved; usermod -m -d $base/config/db2inst1 db2inst1 2>/dev/null
chown db2inst1:db2iadm1 $base/*; install; icrt; quiet 'db2set DB2COMM=TCPIP'`
