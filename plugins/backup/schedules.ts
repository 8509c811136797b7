import { ask, type Probe, sh } from 'ha-provision'

/** A line of cron, of a script of cron or of a service that backs a Db2 database up, and is not ours. What it says stays on the node. */
export interface Schedule {
  readonly file: string
  readonly line: number
  /** `db2`, or the name of the script that the line calls. */
  readonly program: string
  /** `backs-up`: the line or the script says so. `absent`: the script is not readable here, and is called so. */
  readonly sign: 'backs-up' | 'absent'
}

/**
 * Reads what cron and systemd's own directories hold, and one level of the scripts that they call: lines may hold
 * passwords, so only places and names leave the node. Words of a line are split by the shell; `~`, `$HOME` and relative
 * paths of a user's crontab start at that user's home, as cron does it. crontab(5)
 */
export const schedulesProbe: Probe<readonly Schedule[]> = ask(
  sh`says="backup[[:space:]]+(db|database)[[:space:]]"
tab=$(printf '\\t')
backs() { grep -q -I -i -w db2 -- "$1" && grep -I -i -v '^[[:space:]]*\\(#\\|--\\)' -- "$1" | grep -q -i -E "$says"; }
for f in /etc/crontab /etc/anacrontab /etc/cron.d/* /etc/cron.hourly/* /etc/cron.daily/* /etc/cron.weekly/* /etc/cron.monthly/* /var/spool/cron/* /var/spool/cron/crontabs/* /var/spool/cron/tabs/* /etc/systemd/system/*.service; do
[ -f "$f" ] && [ -r "$f" ] || continue
case $f in *~ | *.bak | *.orig | *.dpkg-* | *.rpm* | */ha-db2-backup.service) continue ;; esac
home=/
case $f in /var/spool/cron/*) home=$(getent passwd "\${f##*/}" | cut -d: -f6) ;; esac
n=0
while IFS= read -r l || [ -n "$l" ]; do
n=$((n + 1))
case $l in '' | '#'* | [[:space:]]*'#'*) case \${l%%#*} in *[![:space:]]*) ;; *) continue ;; esac ;; esac
case $l in *[Bb][Aa][Cc][Kk][Uu][Pp]*[Dd][BbAa]*)
if printf '%s\n' "$l" | grep -q -i -E "$says" && { case $l in *[Dd][Bb]2*) true ;; *) grep -q -I -i -w db2 -- "$f" ;; esac; }; then printf '%s\\t%s\\t%s\\t%s\n' "$f" $n db2 backs-up; continue; fi ;;
esac
set -f; IFS="$tab ;&|()<>=\\"'"; set -- $l; unset IFS; set +f
for w in "$@"; do
w=\${w#[-@+!:]}
case $w in
/*) p=$w ;;
'~/'*) p=$home/\${w#'~/'} ;;
'$HOME/'*) p=$home/\${w#'$HOME/'} ;;
*/*) p=$home/\${w#./} ;;
*) continue ;;
esac
if [ -f "$p" ]; then [ -r "$p" ] && backs "$p" || continue; s=backs-up
elif [ -e "$p" ]; then continue
else case \${p##*/} in *db2*backup* | *backup*db2* | *bkp*db2* | *db2*bkp*) s=absent ;; *) continue ;; esac; fi
printf '%s\\t%s\\t%s\\t%s\n' "$f" $n "\${p##*/}" $s; break
done
done <"$f"
done
echo @@end`,
  ({ stdout }) => {
    const lines = stdout.split('\n')
    if (!lines.includes('@@end')) throw new Error('the list of what cron and systemd start is cut off')
    return lines.flatMap((text): readonly Schedule[] => {
      const [file, line, program, sign] = text.split('\t')
      return sign === 'backs-up' || sign === 'absent'
        ? [{ file: file ?? '', line: Number(line), program: program ?? '', sign }]
        : []
    })
  },
)
