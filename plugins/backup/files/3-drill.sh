
# SQL1013N: the restore failed before there was anything to drop.
end_drill() {
	s=$?
	trap - 0
	if [ $restoring = yes ]; then
		said=$(owner "$i" 'db2 deactivate database "$1" > /dev/null; db2 drop database "$1"' "$drill_name")
		case $said in
			*DB20000I* | *SQL1013N*) ;;
			*)
				say "$drill_name could not be dropped ($(reason 1 "$said")): drop it by hand as $i"
				exit 1
				;;
		esac
	fi
	rm -rf "$scratch"
	exit $s
}

# Differences between what the image must hold and what it holds, on stdout; fails when there are any.
compare_rows() {
	printf '%s\n' "$1" | awk -v rows="$2" '
		BEGIN {
			while ((getline line < rows) > 0) {
				split(line, w, " ")
				key = substr(line, length(w[1]) + length(w[2]) + 3)
				low[key] = w[1]
				high[key] = w[2]
			}
		}
		$0 == "" { next }
		{
			key = $0
			sub(/^[0-9]+ /, "", key)
			seen[key] = 1
			tables++
			total += $1
			if (!(key in low)) next
			if ($1 < low[key] || $1 > high[key]) {
				print key ": " $1 " rows restored, " low[key] (high[key] == low[key] ? "" : " to " high[key]) " when it was backed up"
				bad = 1
			}
		}
		END {
			for (key in low) if (!(key in seen)) { print key ": is not in the restored database"; bad = 1 }
			print tables + 0 " tables, " total + 0 " rows restored"
			exit bad
		}'
}

# drill INSTANCE DATABASE
drill() {
	i=$1 d=$2 folder=$DIRECTORY/$1/$2 restoring=no
	active "$i" || { say "$i is not active on this node"; return 3; }
	newest=$(images "$folder" | tail -n 1)
	[ -n "$newest" ] || die "there is no verified image of $i/$d in $folder on this node"
	image=$folder/${newest#* } note=$folder/${newest#* }.ok
	say "$i/$d: $image"
	sum=$(sha256sum -- "$image") || die "$image cannot be read"
	[ "${sum%% *}" = "$(value sha256 "$note")" ] || die "$image is corrupt: its checksum is not the one it was verified with"
	checked=$(owner "$i" 'db2ckbkp "$1"' "$image")
	case $(printf '%s' "$checked" | tr -s ' \n' '  ') in
		*'Image Verification Complete - successful.'*) ;;
		*) die "db2ckbkp does not call $image good: $(reason 1 "$checked")" ;;
	esac
	[ -e "$image.rows" ] || die "the rows of $i/$d were not counted when $image was made: back it up again (ha-db2-backup run $i $d)"
	names=$(directory "$i") || die "the databases of $i cannot be listed"
	printf '%s\n' "$names" | tr ' ' '\n' | grep -q -x "$drill_name" &&
		die "$i has a database $drill_name already: if an earlier drill was killed, drop it by hand (db2 drop database $drill_name)"
	scratch=$DIRECTORY/$i/.drill
	trap end_drill 0
	trap 'exit 130' INT TERM HUP
	# Not on the replicated disk: a drill must not fill the one that the databases live on.
	rm -rf "$scratch"
	install -d -m 0700 -o "$i" "$scratch" "$scratch/data" "$scratch/logs" || die "$scratch cannot be made"
	restoring=yes
	alias=${image##*/}
	alias=${alias%%.*}
	stamp=$(printf '%s' "${image%.001}" | sed 's/.*\.//')
	restored || die "$image could not be restored: $(reason $s "$said")"
	found=$(row_counts "$i" "$drill_name") || die "the restored tables cannot be read"
	told=$(compare_rows "$found" "$image.rows")
	s=$?
	echo "$told"
	[ $s = 0 ] || die "the restored database is not what was backed up"
	echo "drill passed: $i/$d from ${image##*/}"
}

# The image's own logs are enough: it is rolled forward to the end of the backup, not to now.
restored() {
	if [ "$(value mode "$note")" = online ]; then
		said=$(owner "$i" 'db2 "restore database $1 from $2 taken at $3 on $4/data dbpath on $4/data into $5 logtarget $4/logs without prompting"' "$alias" "$folder" "$stamp" "$scratch" "$drill_name")
		s=$?
		succeeded || return 1
		said=$(owner "$i" 'db2 "rollforward database $1 to end of backup and stop overflow log path ($2/logs)"' "$drill_name" "$scratch")
	else
		said=$(owner "$i" 'db2 "restore database $1 from $2 taken at $3 on $4/data dbpath on $4/data into $5 without rolling forward without prompting"' "$alias" "$folder" "$stamp" "$scratch" "$drill_name")
	fi
	s=$?
	succeeded
}
succeeded() { [ $s -le 2 ] && case $said in *DB20000I*) true ;; *) false ;; esac; }
