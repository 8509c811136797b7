import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { quote } from '../../src/index.js'

/** What nodes of Debian 12 have: the agents, Heartbeat's wrapper, the Korn shell that the agent asks for. */
const packages = ['resource-agents=1:4.12.0-2', 'heartbeat=1:3.0.6-13+b2', 'ksh93u+m=1.0.4-3']
const cache = join(homedir(), '.cache', 'ha-provision', 'judge')

/** Unpacked packages; fetched once. */
function fetched(): string | undefined {
  if (existsSync(cache)) return cache
  const work = `${cache}.${process.pid}`
  mkdirSync(work, { recursive: true })
  const script = `cd ${quote(work)} && apt-get download -q ${packages.map(quote).join(' ')} && for p in *.deb; do dpkg-deb -x "$p" . || exit; done && rm -- *.deb`
  const { status } = spawnSync('sh', ['-c', script], { timeout: 60_000, stdio: 'ignore' })
  if (status === 0 && !existsSync(cache)) renameSync(work, cache)
  rmSync(work, { recursive: true, force: true })
  return existsSync(cache) ? cache : undefined
}

/** Directory with the packages' files; undefined where they cannot be had. */
export const judge = fetched()

/** Puts the packages' files in place in a sandbox, for an instance db2inst1. */
export const courtroom = `X=${quote(judge ?? '')}
{ cp -a $X/usr/lib/ocf /usr/lib/; cp -a $X/etc/ha.d /etc/; mkdir -p /usr/share/heartbeat; rm -f /usr/bin/ksh; cp $X/bin/ksh93 /usr/bin/ksh; } >/dev/null 2>&1
export OCF_ROOT=/usr/lib/ocf HA_RSCTMP=/tmp/rsc OCF_RESOURCE_INSTANCE=db2_db2inst1 OCF_RESKEY_instance=db2inst1
export OCF_RESKEY_CRM_meta_timeout=30000 OCF_RESKEY_CRM_meta_interval=20000
mkdir -p $HA_RSCTMP
# ocf NAME ACTION: a line of the table
ocf() { n=$1; shift; timeout 40 $OCF_ROOT/resource.d/heartbeat/db2 "$@" >/tmp/said 2>&1; echo "@$n|$?"; }
r1() { n=$1; shift; timeout 40 /etc/ha.d/resource.d/db2 "$@" >/tmp/said 2>&1; echo "@$n|$?"; }
`

/** `NAME: CODE` of the lines that a courtroom printed. */
export const verdicts = (stdout: string): Readonly<Record<string, number>> =>
  Object.fromEntries([...stdout.matchAll(/^@(.+)\|(\d+)$/gm)].map(([, name, code]) => [name, Number(code)]))
