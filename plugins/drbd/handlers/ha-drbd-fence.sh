#!/bin/sh
# DRBD runs this on a primary that lost its peer, with all writes held back, and before it promotes a node that does not know its
# peer: `fence`. Exit 7: the peer is off, go on. 1: it may still write, hold on (after 5 DRBD would take it for dead and go on).
# And on a node that has caught up with its peer: `insync`. See drbd.conf(5), fence-peer.
# It fences with what Heartbeat fences with: the stonith_host lines of ha.cf.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
log() { logger -t ha-drbd-fence -p daemon.notice "${DRBD_RESOURCE:-?}: $*"; }

# Parameters may be passwords, and arguments are seen by everybody.
parameters=$(mktemp) || exit 1
lines=$(mktemp) || exit 1
trap 'rm -f "$parameters" "$lines"' EXIT
awk -v me="$(uname -n)" '$1 == "stonith_host" && ($2 == "*" || $2 == me)' /etc/ha.d/ha.cf >"$lines"

# Runs stonith(8) with each device of this node until one succeeds.
each() {
	while read -r _ _ type rest; do
		echo "$rest" >"$parameters"
		words=$(stonith -t "$type" -F "$parameters" "$@" </dev/null 2>&1) && return
		log "$type: $words"
	done <"$lines"
	return 1
}

case $1 in
fence)
	peers=${DRBD_PEERS:-$DRBD_PEER}
	# Nobody named is nobody fenced.
	[ -n "$peers" ] || exit 1
	for peer in $peers; do
		each -T reset "$peer" || {
			log "$peer could not be fenced: writes stay held back until it answers again"
			exit 1
		}
		log "$peer is fenced"
	done
	exit 7
	;;
# A device that keeps who fenced whom learns it by being asked.
insync) each -S || true ;;
esac
