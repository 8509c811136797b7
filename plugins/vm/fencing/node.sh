#!/bin/bash
# STONITH for machines of ha-provision's qemu driver (vm.fencing): the computer that runs the peer switches it off.
# Called by cluster-glue, see README.external there. Parameter: hostlist, the machine that can be switched.

# The computer gave each machine a word of its own that root alone reads here.
token() {
	grep -a -o 'ha-provision-fencing=[0-9a-f]*' /sys/firmware/dmi/tables/DMI | head -n 1 | cut -d= -f2
}
ask() {
	# The word goes in by stdin: arguments are seen by everybody.
	answer=$(echo "$(token) $2 $3" | timeout "$1" bash -c 'exec 3<>/dev/tcp/10.0.2.100/620 && cat >&3 && head -n 1 <&3' 2>&1)
	case $answer in
	'ok: '*) echo "${answer#ok: }" ;;
	*) refuse "$2 $3: ${answer:-no answer within $1 s}" ;;
	esac
}
refuse() {
	logger -t ha-qemu -p daemon.warning "$1"
	echo "external/ha-qemu: $1" >&2
	exit 1
}

case $1 in
gethosts) echo "$hostlist" ;;
on) ask 60 on "$2" ;;
off | reset)
	# Heartbeat asks until it succeeds, also when it has long been hearing its peer again. DRBD does not: what it lost is another link.
	[ -n "$DRBD_RESOURCE" ] || [ "$(cl_status nodestatus "$2" 2>/dev/null)" != active ] ||
		refuse "$1 $2: Heartbeat hears it again. To do it all the same: DRBD_RESOURCE=all before the command"
	ask 60 "$1" "$2"
	;;
status)
	for host in $hostlist; do
		ask 10 status "$host"
		# A machine that was fenced may fence again once it has met its peer.
		[ "$(INIT_VERSION=1 drbdadm dstate all 2>/dev/null | sort -u)" != UpToDate/UpToDate ] || ask 10 insync "$host" >/dev/null
	done
	;;
getconfignames) echo hostlist ;;
getinfo-devid) echo 'QEMU machine of ha-provision' ;;
getinfo-devname) echo "QEMU machine of ha-provision: $hostlist" ;;
getinfo-devdescr) echo 'The computer that runs the machine ends its process, and starts it again for a reset.' ;;
getinfo-devurl) echo 'https://www.qemu.org/docs/master/system/invocation.html' ;;
getinfo-xml)
	cat <<'XML'
<parameters>
<parameter name="hostlist" unique="1" required="1">
<content type="string" />
<shortdesc lang="en">machine that can be switched</shortdesc>
<longdesc lang="en">Name of the cluster node whose machine this device switches off and on.</longdesc>
</parameter>
</parameters>
XML
	;;
*) exit 1 ;;
esac
