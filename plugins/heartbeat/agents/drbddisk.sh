#!/bin/sh
# Heartbeat R1 agent for a DRBD resource, for distributions whose drbd-utils no longer bring one: drbddisk RESOURCE start|stop|status
# Written by ha-provision. What Heartbeat asks of an agent: "running" or "stopped" in the answer to status.
PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
resource=$1
action=$2

role() { drbdadm role "$resource" 2> /dev/null | head -n 1 | cut -d/ -f1; }

# A device that is in use, or a peer that is just letting go, needs a moment.
try() {
	count=$1
	shift
	until "$@"; do
		count=$((count - 1))
		[ "$count" -gt 0 ] || return 1
		sleep 1
	done
}

case $action in
	start) [ "$(role)" = Primary ] || try 6 drbdadm primary "$resource" ;;
	stop)
		case $(role) in
			Primary) try 3 drbdadm secondary "$resource" ;;
			*) exit 0 ;;
		esac
		;;
	status)
		case $(role) in
			Primary) echo 'running (Primary)' ;;
			'') echo 'stopped (unconfigured)'; exit 4 ;;
			*) echo "stopped ($(role))"; exit 3 ;;
		esac
		;;
	*)
		echo "usage: drbddisk RESOURCE start|stop|status" >&2
		exit 2
		;;
esac
