import { ask, type Output, type Probe, sh } from 'ha-provision'
import db2 from '../db2/index.js'
import { parseDirectory } from '../db2/parse/database.js'
import { parseInstances } from '../db2/parse/instance.js'
import { sections } from '../db2/probes.js'
import { type At, toolOf } from './layout.js'
import type { Key } from './tools/tool.js'

export interface InstanceFact {
  /** Device of the filesystem on which the home lies, as findmnt names it. */
  readonly source: string
  readonly running: boolean
  /** Names of its local databases; undefined where its home is not on this node. */
  readonly databases?: readonly string[]
}

/** What one node says of its databases and their backups. */
export interface Survey {
  /** Epoch seconds by the node's clock. */
  readonly now: number
  /** By name; undefined where Db2 is not installed yet. */
  readonly instances?: Readonly<Record<string, InstanceFact>>
  /** undefined where the tool is not there yet. */
  readonly covered?: readonly Key[]
  /** Epoch seconds of the last good backup of what is covered, as this node knows it; undefined: none. */
  readonly last: Readonly<Record<Key, number | undefined>>
}

const need = (found: Readonly<Record<string, Output>>, name: string): Output => {
  const output = found[name]
  if (!output) throw new Error(`the answer ends before "${name}"`)
  return output
}
const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line.trim() !== '')

/** The database directory of an instance whose home is here. Only what was never made is empty without Db2 saying so. */
function databases(output: Output): readonly string[] {
  if (output.stdout.trim() === 'never made') return []
  const local = parseDirectory(output.stdout).filter(({ isLocal }) => isLocal)
  // Several aliases may stand for one database.
  return [...new Set(local.map((entry) => entry.name.toUpperCase()))].sort()
}

function instances(found: Readonly<Record<string, Output>>): Survey['instances'] {
  const { code, stdout } = need(found, 'instances')
  if (code === 127) return undefined
  if (code !== 0) throw new Error(`db2ilist failed: ${stdout.trim()}`)
  return Object.fromEntries(
    parseInstances(stdout).map((name): [string, InstanceFact] => {
      const directory = found[`directory:${name}`]
      return [
        name,
        {
          source: need(found, `place:${name}`).stdout.trim(),
          running: need(found, `running:${name}`).code === 0,
          ...(directory ? { databases: databases(directory) } : {}),
        },
      ]
    }),
  )
}

function epoch(key: Key, { code, stdout }: Output): number | undefined {
  const text = stdout.trim()
  if (code !== 0 || !/^\d*$/.test(text))
    throw new Error(`when ${key} was last backed up cannot be told (exit ${code}): ${text.slice(0, 200)}`)
  return text === '' ? undefined : Number(text)
}

/** Everything in one script, the same for all stages, so that a node is asked once. */
export const surveyProbe = (at: At): Probe<Survey> => {
  const tool = toolOf(at)
  const { installDir } = at.of(db2)
  return ask(
    sh`date +%s; printf '\\n@@%s %s\\n' "now" $?
c=$({ command -v db2ls >/dev/null && db2ls -c | sed -n 's/^\\([^#:][^:]*\\):.*/\\1/p'; echo ${installDir}; } | sort -u)
all=; s=0
for d in $c; do [ -x "$d/instance/db2ilist" ] || { s=127; break; }; o=$("$d/instance/db2ilist" 2>&1) || { s=1; all=$o; break; }; all="$all
$o"; done
all=$(printf '%s\n' "$all" | sort -u); printf '%s\n' "$all"; printf '\\n@@%s %s\\n' "instances" $s
if [ $s = 0 ]; then for i in $all; do
h=$(getent passwd "$i" | cut -d: -f6); p=\${h:-/}; until [ -e "$p" ]; do p=$(dirname "$p"); done
findmnt -n -o SOURCE -T "$p"; printf '\\n@@%s %s\\n' "place:$i" $?
ps -u "$i" -o comm= 2>/dev/null | grep -q -x db2sysc; printf '\\n@@%s %s\\n' "running:$i" $?
if [ -n "$h" ] && [ -r "$h/sqllib/db2profile" ]; then
if [ -d "$h/sqllib/sqldbdir" ]; then timeout 60 runuser -u "$i" -- sh -c 'HOME=$1; export HOME; cd "$HOME" && . ./sqllib/db2profile || exit 9
LANG=C; LC_ALL=C; export LANG LC_ALL; db2 list database directory; s=$?; db2 terminate >/dev/null 2>&1; exit $s' owner "$h"; else echo 'never made'; fi
printf '\\n@@%s %s\\n' "directory:$i" $?; fi
done; fi
set -- '' ''; c=$(${tool.covered(at.settings)}); s=$?; printf '%s\n' "$c"; printf '\\n@@%s %s\\n' "covered" $s
if [ $s = 0 ]; then for k in $c; do
set -- "\${k%%/*}" "\${k#*/}"; o=$(${tool.last(at.settings)}); s=$?; printf '%s\n' "$o"; printf '\\n@@%s %s\\n' "last:$k" $s
done; fi
printf '\\n@@end 0\\n'`,
    ({ stdout }) => {
      const found = sections(stdout)
      need(found, 'end')
      const now = Number(need(found, 'now').stdout.trim())
      const { code, stdout: said } = need(found, 'covered')
      const covered = lines(said).map((line) => line.trim())
      if (code !== 0 && code !== 127) throw new Error(`what is backed up cannot be told (exit ${code}): ${said.trim()}`)
      const odd = code === 0 && covered.find((key) => !/^[^/\s]+\/[^/\s]+$/.test(key))
      if (odd) throw new Error(`what is backed up cannot be read: "${odd}" is not INSTANCE/DATABASE`)
      const known = instances(found)
      return {
        now,
        ...(known ? { instances: known } : {}),
        ...(code === 0 ? { covered } : {}),
        last: Object.fromEntries(
          code === 0 ? covered.map((key) => [key, epoch(key, need(found, `last:${key}`))] as const) : [],
        ),
      }
    },
  )
}
