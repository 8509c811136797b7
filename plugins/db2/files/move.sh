# Moves an instance that lives on a local disk onto its replicated filesystem, under the same absolute path.
# PHASE INSTANCE HOME MOUNT RESOURCE DEVICE DB2DIR STATE, one phase a call: prepare backup stop copy verify switch.
# Every phase can be killed and run again; the local directory stays as it is until `switch` renames it.
phase=$1 instance=$2 home=$3 mount=$4 resource=$5 device=$6 copy=$7 state=$8
there=$state/device
old=$mount.before-ha-provision
marker=.ha-provision-move

die() {
	echo "$*" >&2
	exit 1
}

owner() { timeout 3600 runuser -u "$instance" -- sh -c "HOME='$home'; export HOME; cd '$home' && . ./sqllib/db2profile || exit 9; LANG=C; LC_ALL=C; export LANG LC_ALL; ( $1 ); s=\$?; db2 terminate > /dev/null 2>&1; exit \$s" < /dev/null; }
runs() { ps -u "$instance" -o comm= 2> /dev/null | grep -q -x db2sysc; }

# Aliases of the databases that live in the instance. A list that is cut off is a failure, not "none".
databases() {
	[ -d "$home/sqllib/sqldbdir" ] || return 0
	listed=$(owner 'db2 list database directory')
	case $listed in *SQL1057W*) return 0 ;; esac
	printf '%s\n' "$listed" | awk -F ' = *' '
		{ sub(/[ \r]+$/, "") }
		/^ Number of entries/ { declared = $2 }
		/^ Database alias/ { alias = $2 }
		/^ Directory entry type/ { typed++; if ($2 ~ /^(Indirect|Home)$/) print alias }
		END { exit !(declared != "" && typed == declared) }'
}

# Programs that have something below the directory open: what they write after the copy would be lost.
users_of() { find /proc/[0-9]*/cwd /proc/[0-9]*/root /proc/[0-9]*/exe /proc/[0-9]*/fd -lname "$mount/*" 2> /dev/null | cut -d / -f 3 | sort -u; }
still() {
	runs && die "$instance was started again; stop it, and run this again"
	busy=$(users_of)
	[ -z "$busy" ] || die "still in use below $mount: $(for p in $busy; do printf '%s (pid %s) ' "$(cat "/proc/$p/comm" 2> /dev/null)" "$p"; done)"
}

detach() {
	# A phase that was killed may have left it mounted.
	while mountpoint -q "$there" 2> /dev/null; do umount "$there" || die "$there cannot be unmounted"; done
}
attach() {
	detach
	mkdir -p "$there" && drbdadm primary "$resource" && mount -o "$1" "$device" "$there" || die "$device cannot be mounted on $there"
	trap 'detach; drbdadm secondary "$resource"' EXIT
	trap 'exit 130' INT TERM HUP
	# Nothing but what an earlier copy of this very move put there may be overwritten.
	if [ -e "$there/$marker" ]; then
		[ "$(head -n 1 "$there/$marker")" = "$(cat "$state/id" 2> /dev/null)" ] || die "$device holds the copy of another move ($there/$marker); nothing was overwritten"
	else
		[ -z "$(find "$there" -mindepth 1 -maxdepth 1 ! -name lost+found)" ] || die "the filesystem on $device is not empty; nothing was overwritten"
	fi
}

kib() { du -skx "$1" | cut -f 1; }
each_file() { (cd "$1" && find . -xdev \( -path "./$marker" -o -path ./lost+found \) -prune -o -printf '%P\t%y\t%m\t%U:%G\t%l\n' | sort); }
sync_options="-aHAXS --numeric-ids --one-file-system --delete --exclude=/$marker --exclude=/lost+found"

[ ! -e "$old" ] || die "$old is there already: $mount was moved before. Look at what $mount holds now; nothing was done"

case $phase in
	prepare)
		[ "$(readlink -f "$home")" = "$home" ] || die "$home is reached over a symbolic link: make it a directory of its own"
		mountpoint -q "$mount" && die "$mount is a filesystem of its own, and cannot be renamed: mount it elsewhere, and copy its content to $mount on the root filesystem"
		inner=$(findmnt -rn -o TARGET | grep -F -- "$mount/")
		[ -z "$inner" ] || die "mounted below $mount, and would not be moved: $inner"
		mkdir -p "$state" || exit 1
		[ -s "$state/id" ] || { cat /proc/sys/kernel/random/uuid > "$state/id.new" && mv "$state/id.new" "$state/id"; } || exit 1
		need=$(kib "$mount")
		room=$(df -Pk "$state" | awk 'NR == 2 { print $4 }')
		[ -e "$state/stopped" ] || [ "$room" -gt "$need" ] || die "$state has room for $((room / 1024)) MiB, and the backups may need $((need / 1024)) MiB"
		attach ro
		room=$(df -Pk "$there" | awk 'NR == 2 { print $3 + $4 }')
		[ "$room" -gt $((need + need / 20)) ] || die "$device has room for $((room / 1024)) MiB, and $mount holds $((need / 1024)) MiB"
		echo "$((need / 1024)) MiB to move from $mount to $device"
		;;
	backup)
		if [ -e "$state/stopped" ] && ! runs; then
			used=$(find "$mount" -xdev -type f -cnewer "$state/stopped" | head -n 3)
			[ -z "$used" ] || die "changed after an earlier run had stopped $instance: $used; start it (db2start), so that it is backed up again"
			echo 'backed up by the run before'
			exit 0
		fi
		# A node that went down meanwhile, say: what is down cannot be backed up.
		if ! runs; then
			said=$(owner db2start)
			case $said in *SQL1063N* | *SQL1026N*) ;; *) die "$instance does not run, and could not be started for its backup: $said" ;; esac
		fi
		rm -rf "$state/stopped" "$state/images.new"
		install -d -m 0700 -o "$instance" "$state/images.new" || exit 1
		owner 'db2 get database manager configuration; db2set -all' > "$state/settings" || die 'the settings of the instance cannot be read'
		"$copy/bin/db2greg" -dump > "$state/global.reg" || exit 1
		all=$(databases) || die "the databases of $instance cannot be listed"
		for d in $all; do
			n=0
			while :; do
				said=$(owner "db2 force applications all > /dev/null; db2 deactivate database $d > /dev/null; db2 'backup database $d to $state/images.new without prompting'")
				s=$?
				n=$((n + 1))
				case $said in *SQL1035N*) [ $n -lt 10 ] && sleep 2 && continue ;; esac
				break
			done
			stamp=$(printf '%s\n' "$said" | sed -n 's/.*: *\([0-9]\{14\}\) *$/\1/p' | head -n 1)
			[ $s -le 2 ] && [ -n "$stamp" ] || die "the backup of $d failed: $said"
			for image in "$state/images.new"/*".$stamp.001"; do
				case $(owner "db2ckbkp '$image'" | tr -s ' \n' '  ') in
					*'Image Verification Complete - successful.'*) echo "$d is backed up in ${image##*/}" ;;
					*) die "db2ckbkp does not call $image good" ;;
				esac
			done
		done
		rm -rf "$state/images" && mv "$state/images.new" "$state/images" && sync "$state"
		;;
	stop)
		"$copy/instance/db2iauto" -off "$instance" || die 'db2iauto failed'
		"$copy/bin/db2greg" -updinstrec "instancename=$instance!startatboot=0" > /dev/null || die 'db2greg failed'
		"$copy/bin/db2fmcu" -d > /dev/null 2>&1
		if runs; then
			owner 'db2 force applications all; db2 terminate; db2stop force' > /dev/null 2>&1
			n=0
			while runs && [ $n -lt 60 ]; do
				sleep 1
				n=$((n + 1))
			done
		fi
		still
		: > "$state/stopped" && sync "$state/stopped"
		;;
	copy)
		still
		attach rw
		cat "$state/id" > "$there/$marker" && printf 'copied from %s:%s\n' "$(uname -n)" "$mount" >> "$there/$marker" && sync "$there/$marker" || exit 1
		: > "$state/copying"
		need=$(kib "$mount")
		rsync $sync_options "$mount/" "$there/" &
		pid=$!
		while kill -0 $pid 2> /dev/null; do
			sleep 2
			echo "$(($(df -Pk "$there" | awk 'NR == 2 { print $3 }') / 1024)) of about $((need / 1024)) MiB"
		done
		wait $pid || die 'rsync failed'
		sync -f "$there"
		;;
	verify)
		still
		attach ro
		differs=$(rsync $sync_options --dry-run --checksum --itemize-changes "$mount/" "$there/") || die 'rsync failed'
		[ -z "$differs" ] || die "the copy differs:
$differs"
		each_file "$mount" > "$state/files" && each_file "$there" > "$state/files.copy" && cmp -s "$state/files" "$state/files.copy" ||
			die "the copy differs: compare $state/files with $state/files.copy"
		echo "$(wc -l < "$state/files") files are equal, $(awk -F '\t' '$2 == "f" && length($3) == 4' "$state/files" | wc -l) of them with setuid or setgid"
		: > "$state/verified"
		;;
	switch)
		detach
		still
		[ -e "$state/verified" ] || die 'the copy was not verified'
		changed=$(find "$mount" -xdev -cnewer "$state/copying" | head -n 3)
		[ -z "$changed" ] || die "changed after it was copied: $changed; run this again"
		mode=$(stat -c %a "$mount") own=$(stat -c %u:%g "$mount") || exit 1
		mv -T "$mount" "$old" || exit 1
		mkdir "$mount" && chmod "$mode" "$mount" && chown "$own" "$mount" || exit 1
		mv "$state/id" "$state/id.done" && rm -f "$state/verified" && sync
		echo "the old directory is kept as $old; remove it, and $state, when you are sure"
		;;
esac
