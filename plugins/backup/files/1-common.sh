#!/bin/sh
# ha-db2-backup: verified backups of the Db2 databases that are active on this node. Written by ha-provision.
# Every program of Db2 is judged by its codes in LANG=C; 1 and 2 of its command line are warnings.
PATH=$PATH:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LANG=C
LC_ALL=C
HOME=${HOME:-/root}
export PATH LANG LC_ALL HOME
umask 022

# A name that no database of anybody has: a drill refuses when one does, and drops only what it restored.
drill_name=HADRILL

usage() {
	cat >&2 << 'END'
usage: ha-db2-backup [-c FILE] run                      every covered database that is active here
       ha-db2-backup [-c FILE] run INSTANCE DATABASE    one; waits for a run that goes on
       ha-db2-backup [-c FILE] drill INSTANCE DATABASE  restore the newest image under another name, compare, drop it
       ha-db2-backup [-c FILE] covered                  INSTANCE/DATABASE, one a line
       ha-db2-backup [-c FILE] last INSTANCE DATABASE   epoch seconds of the newest good image on this node, or nothing
       ha-db2-backup [-c FILE] progress INSTANCE DATABASE   bytes written, bytes of the image before
exit codes: 0 done, or nothing to do here; 1 failed; 2 usage; 3 the instance is not active here; 75 another run goes on
END
	exit 2
}

say() { echo "$*" >&2; }
die() {
	say "$*"
	exit 1
}

# owner INSTANCE SCRIPT [ARGUMENT...]: as the owner, with the instance's environment. The command line keeps a process
# per shell that would hold the home and our lock: it is ended from the very shell that used it, and gets no lock.
owner() {
	owner_name=$1
	owner_home=$(getent passwd "$1" | cut -d : -f 6)
	[ -n "$owner_home" ] || return 9
	owner_script=$2
	shift 2
	runuser -u "$owner_name" -- sh -c 'HOME=$1; export HOME; shift; cd "$HOME" || exit 9; . ./sqllib/db2profile || exit 9
LANG=C; LC_ALL=C; export LANG LC_ALL; umask 077
trap "s=\$?; db2 terminate > /dev/null 2>&1; exit \$s" 0
'"$owner_script" owner "$owner_home" "$@" 9>&- < /dev/null
}

# The code that says why a command failed: an error's, else any, else the exit code.
reason() {
	{
		printf '%s\n' "$2" | grep -E -o '(SQL|DBT|DB2|DBI)[0-9]{4,5}[NC]'
		printf '%s\n' "$2" | grep -E -o '(SQL|DBT|DB2|DBI)[0-9]{4,5}[A-Z]'
		echo "exit $1"
	} | head -n 1
}

active() { ps -u "$1" -o comm= 2> /dev/null | grep -q -x db2sysc; }

# Instances of every copy on this node; fails when one of them does not say.
instances() {
	copies=$({
		command -v db2ls > /dev/null && db2ls -c | sed -n 's/^\([^#:][^:]*\):.*/\1/p'
		echo "$DB2DIR"
	} | sort -u)
	for copy in $copies; do "$copy/instance/db2ilist" || return 1; done | sort -u
}

# directory INSTANCE: `ALIAS NAME` of its local databases. A list that is cut off, or no list, is a failure, not "none".
directory() {
	listed=$(owner "$1" '[ -d sqllib/sqldbdir ] || { echo "@@no-directory"; exit 0; }; db2 list database directory')
	case $listed in @@no-directory* | *SQL1057W*) return 0 ;; esac
	printf '%s\n' "$listed" | awk -F ' = *' '
		{ sub(/[ \r]+$/, "") }
		/^ Number of entries/ { declared = $2 }
		/^Database [0-9]+ entry:/ { entries++; alias = name = "" }
		/^ Database alias/ { alias = $2 }
		/^ Database name/ { name = $2 }
		/^ Directory entry type/ { typed++; if ($2 ~ /^(Indirect|Home)$/) print alias, name }
		END { exit !(declared != "" && entries == declared && typed == declared) }'
}

covered() {
	[ -e "$LIST" ] || return 0
	[ -r "$LIST" ] || return 1
	while read -r i d rest; do
		case $i in '' | '#'*) ;; *) echo "$i/$d" ;; esac
	done < "$LIST" | sort -u
}

value() { sed -n "s/^$1=//p" "$2"; }
words_have() { case " $2 " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

# images FOLDER: `EPOCH IMAGE` of those that were verified and are whole, oldest first. Only what bears our note counts.
images() {
	for note in "$1"/*.ok; do
		image=${note%.ok}
		[ -f "$note" ] && [ -f "$image" ] && [ ! -L "$image" ] || continue
		[ "$(stat -c %s -- "$image")" = "$(value bytes "$note")" ] && echo "$(value epoch "$note") ${image##*/}"
	done | sort -n
}

# Those that also reached the place outside the node, where one is configured.
good() {
	images "$1" | while read -r epoch image; do
		[ -z "$COPY" ] || [ -e "$1/$image.copied" ] && echo "$epoch $image"
	done
}

# put FILE: stdin becomes the file, whole or not at all.
put() { cat > "$1.new" && sync "$1.new" && mv -f "$1.new" "$1" || { rm -f "$1.new"; return 1; }; }

count_script=$(
	cat << 'END'
db2 connect to "$1" > /dev/null
[ $? -le 2 ] || exit 1
list=$(mktemp) || exit 1
trap 'rm -f "$list"; db2 terminate > /dev/null 2>&1' 0
db2 -x "select '\"' || rtrim(tabschema) || '\".\"' || rtrim(tabname) || '\"' from syscat.tables where type = 'T' and tabschema not like 'SYS%' order by tabschema, tabname" > "$list"
[ $? -le 1 ] || exit 1
# Not in a pipe: a subshell would have a connection of its own, that is none.
while read -r table; do
	n=$(db2 -x "select count(*) from $table") || exit 1
	echo "$((n))" "$table"
done < "$list"
END
)

# row_counts INSTANCE DATABASE: `ROWS "SCHEMA"."TABLE"`
row_counts() { owner "$1" "$count_script" "$2"; }
