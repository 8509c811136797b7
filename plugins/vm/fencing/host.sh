#!/bin/sh
# Answers a machine that asks for power over its peer: a line `TOKEN VERB NODE` on stdin, a line on stdout.
# QEMU starts it for each connection to its guestfwd, so nothing has to listen on this computer. It lies in the folder of the
# machine that asks, beside its vm.json; its peers' folders are beside that one.
asker=${0%/*}
all=${asker%/*}

# Seconds in which a machine that was switched on cannot have got as far as the service.
young=15

refuse() {
	echo "refused: $1"
	exit 1
}
# Every process that runs this machine, whatever became of its pid file.
processes() {
	grep -l -a -F -e "$1/qemu.pid" /proc/[0-9]*/cmdline 2>/dev/null | while read -r file; do
		tr '\0' ' ' <"$file" | grep -q -F -e " -pidfile $1/qemu.pid" && basename "${file%/cmdline}"
	done 2>/dev/null
}
# Seconds since the youngest of these processes started.
age() {
	up=$(cut -d. -f1 /proc/uptime)
	for number in "$@"; do
		started=$(sed 's/.*) //' "/proc/$number/stat" | cut -d' ' -f20)
		echo $((up - started / $(getconf CLK_TCK)))
	done 2>/dev/null | sort -n | head -n 1
}
report() {
	echo "$now ${asker##*/} asked for $verb: $1" >>"$peer/fenced.log"
	echo "ok: $1"
}

now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
read -r token verb node
[ -n "$token" ] && [ "ha-provision-fencing=$token" = "$(cat "$asker/fencing")" ] || refuse 'not the token of this machine'
case $node in '' | *[!a-z0-9-]*) refuse 'no name of a node' ;; esac
peer=$all/$node
[ "$peer" != "$asker" ] && [ -f "$peer/vm.json" ] || refuse "no peer $node"
case $verb in
status)
	[ -n "$(processes "$peer")" ] && echo 'ok: on' || echo 'ok: off'
	exit
	;;
insync)
	rm -f "$asker/fenced" && echo 'ok: noted'
	exit
	;;
on | off | reset) ;;
*) refuse 'neither on, off, reset, insync nor status' ;;
esac

# One at a time: of two nodes that fence each other just one may win.
exec 9<"$all"
flock -w 30 9 || refuse 'somebody else is at it'
[ -n "$(processes "$asker")" ] || refuse 'the machine that asked was switched off itself'
was=$(processes "$peer")
if [ "$verb" != on ]; then
	# Whoever was fenced has old data until it met its peer again. Both links can still be cut when it has booted: then it would fence
	# the one that went on, and go on itself with what it had.
	[ ! -e "$asker/fenced" ] ||
		refuse "${asker##*/} was fenced by $(cat "$asker/fenced") and has not been in sync since: its data may be old. To go on with it all the same: rm $asker/fenced"
	echo "${asker##*/} at $now" >"$peer/fenced" || refuse "cannot write $peer/fenced"
fi
if [ "$verb" = reset ] && [ -n "$was" ]; then
	# Heartbeat and DRBD ask one after the other, and somebody may have started it again: what they mean is the machine before.
	# shellcheck disable=SC2086
	old=$(age $was)
	[ "${old:-$young}" -ge "$young" ] || { report "was switched on ${old} s ago" && exit; }
fi
if [ "$verb" != on ]; then
	# A power cut, which needs no answer of a machine that hangs.
	for tries in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		running=$(processes "$peer")
		[ -n "$running" ] || break
		# shellcheck disable=SC2086
		kill -9 $running
		sleep 0.2
	done
	[ -z "$running" ] || refuse "process $running does not end"
fi
case $verb in
off) report 'switched off' ;;
reset)
	# What was off already stays off: the person who switched it off may be at work on it.
	[ -n "$was" ] || { report 'was off already' && exit; }
	report 'switched off, and on again'
	;;
on) report 'switched on' ;;
esac
[ "$verb" = off ] || setsid -f sh "$peer/restart" >/dev/null 2>>"$peer/fenced.log" </dev/null 9<&-
