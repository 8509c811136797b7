import { ask, type Output, type Probe, raw, sh } from 'ha-provision'
import { parseGlobalRegistry } from './parse/instance.js'
import { sections } from './probes.js'

export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly group: string
  readonly home: string
}

/** An instance as one node knows it, without a config that names it. */
export interface Existing {
  readonly home: string
  readonly installDir: string
  readonly owner?: Account
  /** Owner of sqllib/adm/.fenced; known where the home is. */
  readonly fenced?: Account
  /** Outputs of commands run as the owner, by their name; none where the home is not. */
  readonly outputs: Readonly<Record<string, Output>>
  /** The home has a database directory: without one, no database was ever made. */
  readonly hasDirectory: boolean
}

export interface Db2Fact {
  readonly instances: Readonly<Record<string, Existing>>
  /** Lines of /etc/services of Db2 instances. */
  readonly services: string
}

/** Run as an instance's owner: all in one shell, since each shell in which `db2` is called starts a back end of its own. */
const owned = `HOME=$2; export HOME; cd "$HOME" || exit 9; . ./sqllib/db2profile || exit 9; LANG=C; LC_ALL=C; export LANG LC_ALL
d=$(db2 list database directory); s=$?; printf "%s\\n\\n@@directory:$1 %s\\n" "$d" $s
db2 get database manager configuration; printf "\\n@@dbm:$1 %s\\n" $?
db2set -all; printf "\\n@@set:$1 %s\\n" $?
for n in $(printf "%s\\n" "$d" | awk -F " *= *" "/^ Database name/ { n = \\$2 } /^ Directory entry type/ && \\$2 ~ /^(Indirect|Home)/ { print n }" | sort -u); do
db2 get database configuration for "$n"; printf "\\n@@cfg:$1:$n %s\\n" $?
done
db2 terminate >/dev/null 2>&1`

const account = (variable: string): string =>
  `getent passwd "$${variable}"; getent group "$(id -g "$${variable}" 2>/dev/null)"`

/** All instances that the global registry of a node names, and what their owners say of them. */
export const existingProbe: Probe<Db2Fact> = ask(
  sh`[ -e /var/db2/global.reg ] || { printf '\\n@@end 0\\n'; exit 0; }
for l in /usr/local/bin/db2ls /opt/ibm/db2/*/install/db2ls; do [ -x "$l" ] && d=$(LANG=C LC_ALL=C "$l" -c | awk -F: '!/^#/ && NF { print $1; exit }') && break; done
g=$("$d/bin/db2greg" -dump); s=$?; printf '%s\\n\\n@@greg %s\\n' "$g" $s
grep -E '^(DB2|db2c)_' /etc/services; printf '\\n@@services %s\\n' $?
printf '%s\\n' "$g" | awk -F, '$1 == "I" && $2 == "DB2" { sub("/sqllib/?$", "", $5); print $4, $5 }' | while read -r i h; do
${raw(account('i'))}; printf '\\n@@owner:%s 0\\n' "$i"
[ -e "$h/sqllib/sqldbdir" ]; printf '\\n@@sqldbdir:%s %s\\n' "$i" $?
f=$(stat -c %U -- "$h/sqllib/adm/.fenced" 2>/dev/null) && { ${raw(account('f'))}; printf '\\n@@fenced:%s 0\\n' "$i"; }
if [ -r "$h/sqllib/db2profile" ]; then runuser -u "$i" -- sh -c ${owned} sh "$i" "$h" </dev/null; fi
done
printf '\\n@@end 0\\n'`,
  ({ stdout }) => {
    const found = sections(stdout)
    if (!found.end) throw new Error('the answer about Db2 is cut off')
    if (!found.greg) return { instances: {}, services: '' }
    const { instances } = parseGlobalRegistry(found.greg.stdout)
    return {
      services: found.services?.stdout ?? '',
      instances: Object.fromEntries(
        instances.map(({ instance, home, installDir }) => {
          const owner = parseAccount(found[`owner:${instance}`]?.stdout)
          const fenced = parseAccount(found[`fenced:${instance}`]?.stdout)
          const outputs = Object.entries(found).flatMap(([key, output]) => {
            const [, what] =
              new RegExp(`^((?:directory|dbm|set)(?=:${instance}$)|cfg(?=:${instance}:))`).exec(key) ?? []
            return what === undefined ? [] : [[what === 'cfg' ? `cfg:${key.split(':')[2]}` : what, output] as const]
          })
          return [
            instance,
            {
              home,
              installDir,
              ...(owner ? { owner } : {}),
              ...(fenced ? { fenced } : {}),
              outputs: Object.fromEntries(outputs),
              hasDirectory: found[`sqldbdir:${instance}`]?.code === 0,
            },
          ]
        }),
      ),
    }
  },
)

/** A line of passwd(5) and one of group(5). */
function parseAccount(text = ''): Account | undefined {
  const [user = '', group = ''] = text.trim().split('\n')
  const [name = '', , uid, gid, , home] = user.split(':')
  return home === undefined
    ? undefined
    : { name, uid: Number(uid), gid: Number(gid), group: group.split(':')[0] ?? '', home }
}
