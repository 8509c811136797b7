#!/bin/sh
# Prepares a node from the medium it lies on. The machine runs it by itself; by hand:
#   mount -o ro -L HACONFIG /mnt && sh /mnt/prep
# It can be run again: every step brings about a state, whatever was before.
set -u
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
at=$(cd "$(dirname "$0")" && pwd)
own=/var/lib/ha-provision
log=/var/log/ha-provision-prep.log
mkdir -p "$own"
touch "$log" && chmod 600 "$log"
results=
status=ok

say() {
	echo "ha-prep: $*"
	echo "$(date -u +%FT%TZ) $*" >> "$log"
}

# Runs one step in a shell of its own that stops at the first failure; later steps still run, so that one call tells all.
# No `if` around it: sh ignores `set -e` inside a condition.
step() {
	( set -e; "$2" ) >> "$log" 2>&1 < /dev/null
	code=$?
	if [ "$code" = 0 ]; then ok=true; else ok=false; status=failed; fi
	say "$1: $([ $ok = true ] && echo done || echo "FAILED, exit $code")"
	results="$results${results:+,}{\"name\":\"$1\",\"ok\":$ok}"
}

# Whole or not at all, with the mode in place before the content is.
put() {
	(umask 077; cat > "$2.new")
	chmod "$1" "$2.new"
	mv -f "$2.new" "$2"
}

# What a stub had of its own would be every copy's: keys, ids, the cluster manager's. Once for each machine.
identity() {
	if ! cmp -s "$at/vm" "$own/identity"; then
		rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub /root/.ssh/id_ed25519 /root/.ssh/id_ed25519.pub
		rm -f /var/lib/heartbeat/hb_uuid /var/lib/heartbeat/hostcache /var/lib/dbus/machine-id
		# Older than this boot: the stub's.
		if [ "$(stat -c %Y /etc/machine-id 2> /dev/null || echo 0)" -lt "$(awk '/^btime/ {print $2}' /proc/stat)" ]; then rm -f /etc/machine-id; fi
		put 600 "$own/identity" < "$at/vm"
	fi
	[ -s /etc/machine-id ] || systemd-machine-id-setup
}

name() {
	put 644 /etc/hostname < "$at/hostname"
	hostname "$(cat "$at/hostname")"
}

hosts() {
	put 644 /etc/hosts < "$at/hosts"
}

device_of() {
	for address in /sys/class/net/*/address; do
		if [ "$(cat "$address")" = "$1" ]; then basename "$(dirname "$address")"; return; fi
	done
	echo "no interface has the address $1" >&2
	return 1
}

# Lines of `interfaces`: name and MAC address. Names are set now for this boot and in .link files for the next ones.
interfaces() {
	mkdir -p /etc/systemd/network
	for file in "$at"/network/*; do put 644 "/etc/systemd/network/$(basename "$file")" < "$file"; done
	# In two goes: a wanted name can be the present name of another one.
	number=0
	while read -r name mac; do
		device=$(device_of "$mac")
		number=$((number + 1))
		if [ "$device" != "$name" ]; then
			ip link set "$device" down
			ip link set "$device" name "ha-tmp$number"
		fi
	done < "$at/interfaces"
	while read -r name mac; do
		device=$(device_of "$mac")
		[ "$device" = "$name" ] || ip link set "$device" name "$name"
	done < "$at/interfaces"
	systemctl restart systemd-networkd
	while read -r name mac; do ip link set "$name" up; done < "$at/interfaces"
}

resolver() {
	[ ! -e "$at/resolv.conf" ] || put 644 /etc/resolv.conf < "$at/resolv.conf"
}

keys() {
	mkdir -p /root/.ssh && chmod 700 /root/.ssh
	[ -e /root/.ssh/authorized_keys ] || put 600 /root/.ssh/authorized_keys < /dev/null
	while read -r key; do
		grep -qxF "$key" /root/.ssh/authorized_keys || echo "$key" >> /root/.ssh/authorized_keys
	done < "$at/authorized_keys"
	if [ ! -e /root/.ssh/id_ed25519 ]; then
		put 600 /root/.ssh/id_ed25519 < "$at/id_ed25519"
		put 644 /root/.ssh/id_ed25519.pub < "$at/id_ed25519.pub"
	fi
	if [ ! -e /etc/ssh/ssh_host_ed25519_key ]; then ssh-keygen -q -t ed25519 -N '' -C "root@$(cat "$at/hostname")" -f /etc/ssh/ssh_host_ed25519_key; fi
}

# Kept on the node, so that packages can be installed when the medium is gone.
repository() {
	[ -d "$at/repo" ] || exit 0
	rm -rf "$own/repo.new"
	cp -r "$at/repo" "$own/repo.new"
	rm -rf "$own/repo"
	mv "$own/repo.new" "$own/repo"
	if [ -e "$own/repo/repodata" ]; then
		for dir in /etc/yum.repos.d /etc/zypp/repos.d; do
			[ -d "$dir" ] || continue
			printf '[ha-provision]\nname=ha-provision\nbaseurl=file://%s\nenabled=1\ngpgcheck=0\n' "$own/repo" | put 644 "$dir/ha-provision.repo"
		done
	else
		mkdir -p /etc/apt/sources.list.d
		echo "deb [trusted=yes] file:$own/repo ./" | put 644 /etc/apt/sources.list.d/ha-provision.list
	fi
}

ssh_server() {
	systemctl start --no-block ssh
}

# Read whole before it begins: the medium may be taken out as soon as the call was answered.
main() {
	say "preparing $(cat "$at/hostname") from medium $(cat "$at/id")"
	step machine-id identity
	step hostname name
	step hosts hosts
	step interfaces interfaces
	step resolver resolver
	step ssh-keys keys
	step repository repository
	step ssh-server ssh_server
	if [ "$status" = ok ]; then
		cp "$at/id" "$own/prepared.new" && sync && mv "$own/prepared.new" "$own/prepared"
	fi

	host_keys=
	for file in /etc/ssh/ssh_host_*_key.pub; do
		[ -e "$file" ] || continue
		host_keys="$host_keys${host_keys:+,}\"$(cut -d' ' -f1,2 "$file")\""
	done
	# The log goes in base64: nothing in it can break the JSON around it.
	report=$own/report.json
	(umask 077; printf '{"node":"%s","vm":"%s","status":"%s","machineId":"%s","hostKeys":[%s],"steps":[%s],"log":"%s"}\n' \
		"$(cat "$at/hostname")" "$(cat "$at/vm")" "$status" "$(cat /etc/machine-id)" "$host_keys" "$results" \
		"$(tail -c 12000 "$log" | base64 -w0)" > "$report")
	say "status $status, written to $report"

	. "$at/callback"
	# For half an hour: the management node may be away just now, and comes back with the next run.
	tries=0
	while [ $tries -lt 600 ]; do
		tries=$((tries + 1))
		answer=$(printf 'header = "Authorization: Bearer %s"\n' "$(cat "$at/token")" | curl -sS -K - -o /dev/null -w '%{http_code}' \
			--cacert "$at/callback.crt" --connect-to "$callback_name:$callback_port:$callback_host:$callback_port" \
			--max-time 30 -H 'Content-Type: application/json' --data-binary "@$report" \
			"https://$callback_name:$callback_port/callback/$(cat "$at/hostname")" 2>> "$log")
		case $answer in
			200) say "called back"; [ "$status" = ok ]; exit ;;
			409) say "this medium called back before; another status goes by: ha-provision callback $(cat "$at/hostname") --status FILE"; [ "$status" = ok ]; exit ;;
			408) ;;
			4??) say "the call was refused: $answer; hand $report over with: ha-provision callback $(cat "$at/hostname") --status FILE"; exit 1 ;;
		esac
		[ $tries != 1 ] || say "the management node does not answer yet; trying again every 3 s"
		sleep 3
	done
	say "the management node did not answer"
	exit 1
}

main
exit
