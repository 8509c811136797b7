import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** An output that was recorded on a real Db2, byte for byte. */
export const recorded = (name: string): string =>
  readFileSync(new URL(`../plugins/db2/outputs/${name}`, import.meta.url), 'utf8')

export interface Ran {
  readonly code: number
  readonly stdout: string
}

const scene = `set -u
ip link set lo up || exit 90
at=$1; mount -t tmpfs standin "$at" || exit 90
for d in etc usr var opt home srv tmp; do
mkdir -p "/$d" "$at/$d.u" "$at/$d.w" && mount -t overlay standin -o "lowerdir=/$d,upperdir=$at/$d.u,workdir=$at/$d.w" "/$d" || exit 90
done
chmod 1777 /tmp`

const tools = `for c in ksh file strings; do command -v $c >/dev/null || ln -s /bin/true /usr/bin/$c; done
lib=/usr/lib/x86_64-linux-gnu small=/usr/lib/i386-linux-gnu
mkdir -p $lib $small
for l in libaio.so.1 libnuma.so.1 libpam.so.0; do [ -e /usr/lib64/$l ] || [ -e $lib/$l ] || touch $lib/$l; done
touch $small/libstdc++.so.6 $small/libpam.so.0
mkdir -p /var/db2; echo FMCD_AT_INSTALL=no >/var/db2/standin.conf
groupadd -g 5100 db2iadm1; groupadd -g 5101 db2fadm1
useradd -u 5100 -g 5100 -m -s /bin/bash db2inst1; useradd -u 5101 -g 5101 -m -s /bin/bash db2fenc1
mkdir -p /tmp/image; ${fileURLToPath(new URL('db2/build.sh', import.meta.url))} /tmp/image/i.tar.gz && tar -xzf /tmp/image/i.tar.gz -C /tmp/image
T=/tmp/image/server_dec D=/opt/ibm/db2/V11.5
export LC_ALL=C
install() { "$T/db2_install" -b "\${1:-$D}" -p SERVER -y -n -f NOPCMK -f NOTSAMP >/dev/null; }
icrt() { "$D/instance/db2icrt" -p 50000 -s ese -u db2fenc1 "\${1:-db2inst1}" >/dev/null; }
own() { su - db2inst1 -c "$1"; }`

/** Private mounts over everything that the stand-in writes to; a process of its own, so that what it starts ends with it. */
const enter = (script: string, timeout: number): Ran => {
  const at = mkdtempSync(join(tmpdir(), 'hap-standin-'))
  const { status, stdout } = spawnSync(
    'unshare',
    // A network of its own as well: sockets and ports of another sandbox would be in the way.
    ['--mount', '--pid', '--net', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', script, 'sh', at],
    { encoding: 'utf8', timeout, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  // The file system went with its namespace; only the place where it was stays.
  rmdirSync(at)
  return { code: status ?? -1, stdout }
}

/** Why the stand-in cannot be installed here; undefined where it can. */
export const obstacle: string | undefined =
  process.platform !== 'linux' || process.getuid?.() !== 0
    ? 'needs root on Linux'
    : enter(`${scene}\nexit 0`, 20_000).code === 0
      ? undefined
      : 'needs overlay mounts in a namespace of its own'

/** A script on a throw-away computer that has the installer in $T, nothing in $D; `install`, `icrt` and `own CMD` do what their names say. */
export const sandbox = (script: string): Ran => enter(`{ ${scene}\n${tools}\n} >/dev/null\n${script}`, 60_000)
