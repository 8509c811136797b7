#!/bin/sh
# Heartbeat R1 agent for a Db2 instance on a replicated filesystem: ha-db2 INSTANCE HOME start|stop|status
# Written by ha-provision. Starting, watching and the last resort in stopping are left to ocf:heartbeat:db2; this agent
# does what must happen on the node that takes over before it, and tries a clean stop first.
PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
instance=$1
home=$2
action=$3
root=${OCF_ROOT:-/usr/lib/ocf}
LANG=C
LC_ALL=C
export LANG LC_ALL

say() {
	logger -t ha-db2 -- "$instance: $*"
	echo "$*" >&2
}

owner() { timeout "$1" runuser -u "$instance" -- sh -c "HOME='$home'; export HOME; cd '$home' && . ./sqllib/db2profile && $2"; }

# Databases that live here; a remote one in the directory must not be activated. A list that is cut off is a failure.
databases() {
	[ -d "$home/sqllib/sqldbdir" ] || return 0
	listed=$(owner 60 'db2 list database directory; db2 terminate > /dev/null')
	case $listed in *SQL1057W*) return 0 ;; esac
	names=$(printf '%s\n' "$listed" | awk -F ' *= *' '
		/^ Number of entries/ { declared = $2 }
		/^Database [0-9]+ entry/ { n = "" }
		/^ Database name/ { n = $2 }
		/^ Directory entry type/ { typed++; if ($2 ~ /^(Indirect|Home)/) print n }
		END { exit !(declared != "" && typed == declared) }') || return 1
	[ -z "$names" ] || printf '%s\n' "$names" | sort -u | tr '\n' ' '
}

ocf() {
	OCF_ROOT=$root OCF_RESOURCE_INSTANCE="db2_$instance" OCF_RESKEY_instance="$instance" OCF_RESKEY_dblist="$2" \
		OCF_RESKEY_CRM_meta_timeout=120000 OCF_RESKEY_CRM_meta_interval=0 \
		"$root/resource.d/heartbeat/db2" "$1"
}

replicated() {
	path=$home
	until [ -e "$path" ]; do path=$(dirname "$path"); done
	case $(findmnt -n -o SOURCE -T "$path" 2> /dev/null) in
		/dev/drbd*) return 0 ;;
		*) return 1 ;;
	esac
}

prepare() {
	nodes="0 $(uname -n) 0"
	file=$home/sqllib/db2nodes.cfg
	# Written into the same file, so that its owner and mode stay.
	[ "$(cat "$file" 2> /dev/null)" = "$nodes" ] || printf '%s\n' "$nodes" > "$file" || return 1
	# The key of Db2's shared memory is made from the inode and device of the home, which are those of this node.
	rm -f "$home/sqllib/.ftok"
	owner 60 ./sqllib/bin/db2ftok > /dev/null
}

running() { ps -u "$instance" -o comm= 2> /dev/null | grep -q -x db2sysc; }

case $action in
	start)
		if ! replicated; then
			say "$home is not on a replicated filesystem here; not started"
			exit 1
		fi
		if [ ! -e "$home/sqllib" ]; then
			say "there is no instance in $home yet; nothing to start"
			exit 0
		fi
		if ! running; then
			prepare || {
				say 'db2nodes.cfg or db2ftok failed'
				exit 1
			}
		fi
		if ! local=$(databases); then
			say 'the databases cannot be listed; not started'
			exit 1
		fi
		if [ -n "$local" ]; then
			ocf start "$local"
			exit
		fi
		# Where no database was ever made there is no directory, and the distribution's agent fails for want of it.
		case $(owner 120 db2start) in
			*SQL1063N* | *SQL1026N*) exit 0 ;;
			*)
				say 'db2start failed'
				exit 1
				;;
		esac
		;;
	stop)
		if replicated && [ -e "$home/sqllib" ]; then
			running && owner 90 'db2 force applications all; db2 terminate; db2stop force' > /dev/null 2>&1
			running && say 'did not stop in time; it is killed and recovers at the next start'
			ocf stop ''
			exit
		fi
		running || exit 0
		say 'runs without its replicated home'
		exit 1
		;;
	status)
		if running; then
			echo 'running'
		else
			echo 'stopped'
			exit 3
		fi
		;;
	*)
		echo 'usage: ha-db2 INSTANCE HOME start|stop|status' >&2
		exit 2
		;;
esac
