
# failed REASON: noted, and older images stay as they are.
failed() {
	why=$(printf '%s' "$*" | tr '\n\t' '  ' | tr -d '"\\')
	say "$i/$d: $why"
	rm -rf "$folder"/.partial.*
	echo "$(date +%s) $why" | put "$folder/last-failure" || say "$i/$d: the failure could not be noted"
	write_status || say "$i/$d: $folder/status.json could not be written"
	return 1
}

# What an image is known by is in its note, so that a status that was lost is only written again.
write_status() {
	last=$(good "$folder" | tail -n 1)
	{
		printf '{"instance":"%s","database":"%s"' "$i" "$d"
		if [ -n "$last" ]; then
			note=$folder/${last#* }.ok
			printf ',"lastGood":%s,"image":"%s","bytes":%s,"sha256":"%s","mode":"%s","verified":true' \
				"${last%% *}" "$folder/${last#* }" "$(value bytes "$note")" "$(value sha256 "$note")" "$(value mode "$note")"
		else
			printf ',"lastGood":null'
		fi
		if [ -s "$folder/last-failure" ]; then
			read -r at why < "$folder/last-failure"
			printf ',"lastFailure":{"at":%s,"reason":"%s"}}\n' "$at" "$why"
		else
			printf ',"lastFailure":null}\n'
		fi
	} | put "$folder/status.json"
}

# The folder belongs to root, so that the owner of the instance can add nothing to what was verified.
make_folder() {
	install -d -m 0755 "$DIRECTORY" "$DIRECTORY/$i" "$folder" || return 1
	rm -rf "$folder"/.partial.*
	for note in "$folder"/*.ok "$folder"/*.copied "$folder"/*.rows; do [ -e "${note%.*}" ] || rm -f "$note"; done
	install -d -m 0700 -o "$i" "$partial"
}

# An activated database is "in use" as well; clients are sent away, and may come back in between.
offline_script=$(
	cat << 'END'
n=0
while :; do
	handles=$(db2 list applications for database "$1" | awk '
		/^[- ]+$/ && /-/ { c = 0; for (k = 1; k <= length($0); k++) if (substr(" " $0, k, 2) == " -") start[++c] = k; next }
		c { split(substr($0, start[3]), word, " "); if (word[1] ~ /^[0-9]+$/) print word[1] }' | paste -s -d ,)
	[ -z "$handles" ] || db2 "force application ($handles)" > /dev/null
	db2 deactivate database "$1" > /dev/null
	o=$(db2 "backup database $1 to $2 $3 without prompting")
	s=$?
	n=$((n + 1))
	case $o in *SQL1035N*) [ $n -lt 5 ] && sleep 2 && continue ;; esac
	break
done
db2 activate database "$1" > /dev/null
echo "$o"
exit $s
END
)

compression() { [ "$COMPRESS" != yes ] || echo compress; }

# choose_mode: sets mode to online or offline, or why to the reason for neither; open is no while the database is shut.
choose_mode() {
	cfg=$(owner "$i" 'db2 get database configuration for "$1"' "$alias")
	s=$?
	method=$(printf '%s\n' "$cfg" | sed -n 's/.*(LOGARCHMETH1) *= *\([^ ]*\).*/\1/p')
	pending=$(printf '%s\n' "$cfg" | sed -n 's/^ *Backup pending *= *\([^ ]*\).*/\1/p')
	other=$(printf '%s\n' "$cfg" | sed -n 's/^ *\(Rollforward pending\|Restore pending\) *= *\([^ ]*\).*/\1 \2/p' | grep -v ' NO$')
	open=yes
	if [ -z "$method" ] || [ -z "$pending" ]; then
		why="its configuration cannot be read: $(reason $s "$cfg")"
	elif [ -n "$other" ]; then
		why="its state allows no backup: $other"
	elif [ "$pending" != NO ]; then
		# It takes no connections anyway, and only an offline backup opens it again.
		open=no mode=offline
		return
	elif [ "$method" != OFF ]; then
		mode=online
		return
	elif [ "$OFFLINE" = yes ]; then
		mode=offline
		return
	else
		why='its logging is circular (LOGARCHMETH1 is OFF), so that it can only be backed up offline, and backup.offline is not set'
	fi
	return 1
}

# backup_one INSTANCE DATABASE
backup_one() {
	i=$1 d=$2 folder=$DIRECTORY/$1/$2
	partial=$folder/.partial.$$
	make_folder || { failed "$folder cannot be written"; return 1; }
	entries=$(directory "$i") || { failed "the database directory of $i cannot be read"; return 1; }
	alias=$(printf '%s\n' "$entries" | awk -v name="$d" '$2 == name { print $1; if ($1 == name) exit }' | tail -n 1)
	[ -n "$alias" ] || { failed "$i has no database $d: its line can go from $LIST"; return 1; }
	choose_mode || { failed "$why"; return 1; }
	say "$i/$d: $mode backup"
	before=$([ $open = yes ] && row_counts "$i" "$alias")
	counted=$?
	if [ "$mode" = online ]; then
		said=$(owner "$i" 'db2 "backup database $1 online to $2 $3 include logs without prompting"' "$alias" "$partial" "$(compression)")
	else
		said=$(owner "$i" "$offline_script" "$alias" "$partial" "$(compression)")
	fi
	s=$?
	stamp=$(printf '%s\n' "$said" | sed -n 's/.*: *\([0-9]\{14\}\) *$/\1/p' | head -n 1)
	if [ $s -gt 2 ] || [ -z "$stamp" ]; then
		failed "db2 backup: $(reason $s "$said"); $(df -Pm "$partial" | awk 'NR == 2 { print $4 }') MiB free in $folder"
		return 1
	fi
	file=$(find "$partial" -maxdepth 1 -type f -name "$alias.*.$stamp.001")
	[ "$(find "$partial" -maxdepth 1 -type f | wc -l)" = 1 ] && [ -s "$file" ] || { failed "no image of $stamp in $partial"; return 1; }
	keep_image || return 1
	after=$(row_counts "$i" "$alias") && printf '%s\n' "$after" | note_rows
	retain
	copy_images || return 1
	write_status || { say "$i/$d: $folder/status.json could not be written"; return 1; }
	say "$i/$d: ${file##*/} is verified"
}

# An image counts when its note and itself are in place; the note comes first, so that none is there without one.
keep_image() {
	checked=$(owner "$i" 'db2ckbkp "$1"' "$file")
	case $(printf '%s' "$checked" | tr -s ' \n' '  ') in
		*'Image Verification Complete - successful.'*) ;;
		*) failed "db2ckbkp does not call ${file##*/} good: $(reason 1 "$checked")"; return 1 ;;
	esac
	sum=$(sha256sum -- "$file") && sync "$file" || { failed "${file##*/} cannot be read back"; return 1; }
	image=$folder/${file##*/}
	{
		echo "epoch=$(date +%s)"
		echo "bytes=$(stat -c %s -- "$file")"
		echo "sha256=${sum%% *}"
		echo "mode=$mode"
	} | put "$image.ok" && mv "$file" "$image" && sync "$folder" || { failed "$image cannot be put in place"; return 1; }
	rm -rf "$partial"
}

# Rows before and after, `LOW HIGH TABLE`: what a restored image must hold. A database that was closed has only the later ones.
note_rows() {
	{ [ $counted != 0 ] || printf '%s\n' "$before" | sed 's/^/b /'; sed 's/^/a /'; } | awk -v counted=$counted '
		NF < 3 { next }
		{ n = $2 + 0; key = $0; sub(/^[ab] [0-9]+ /, "", key); times[key]++ }
		times[key] == 1 || n < low[key] { low[key] = n }
		times[key] == 1 || n > high[key] { high[key] = n }
		# A table that was made or dropped meanwhile may be in the image or not.
		END { for (key in low) if (counted != 0 || times[key] == 2) print low[key], high[key], key }' | put "$image.rows"
}

# All that is not there yet, not only the newest: the last copy may have failed.
copy_images() {
	[ -n "$COPY" ] || return 0
	images "$folder" | while read -r _ one; do
		[ -e "$folder/$one.copied" ] && continue
		case $COPY in
			rclone) rclone ${COPY_CONFIG:+--config "$COPY_CONFIG"} copyto "$folder/$one" "$COPY_TARGET/$i/$d/$one" 9>&- < /dev/null ;;
			restic) restic -r "$COPY_TARGET" ${COPY_PASSWORD:+--password-file "$COPY_PASSWORD"} backup --tag "$i/$d" "$folder/$one" 9>&- < /dev/null ;;
		esac >&2 || exit 1
		date +%s | put "$folder/$one.copied" || exit 1
	done || { failed "$COPY could not copy to $COPY_TARGET"; return 1; }
}

# The newest KEEP stay. Only verified images with our note are deleted, and only after a newer one is in place.
retain() {
	images "$folder" | head -n "-$KEEP" | while read -r _ old; do
		rm -f "$folder/$old" && rm -f "$folder/$old.ok" "$folder/$old.rows" "$folder/$old.copied"
	done
}

json_list() { sed 's/.*/"&"/' | paste -s -d ,; }

# Databases that live here and are in no backup. Instances that are not up here are another node's to name.
write_node_status() {
	all=$(instances) && known=yes || known=no
	missing='' unreadable=''
	for i in $all; do
		active "$i" || continue
		names=$(directory "$i") || { unreadable="$unreadable$i
"; continue; }
		for d in $(printf '%s\n' "$names" | awk '{ print $2 }' | grep -v -x "$drill_name" | sort -u); do
			printf '%s\n' "$1" | grep -q -x -F "$i/$d" || words_have "$i/$d" "$EXCLUDE" || missing="$missing$i/$d
"
		done
	done
	[ "$known" = yes ] || unreadable="${unreadable}db2ilist
"
	install -d -m 0755 "$DIRECTORY" && printf '{"at":%s,"uncovered":[%s],"unreadable":[%s]}\n' "$(date +%s)" \
		"$(printf '%s' "$missing" | json_list)" "$(printf '%s' "$unreadable" | json_list)" | put "$DIRECTORY/status.json"
	[ -z "$missing" ] || say "in no backup: $missing"
}

run_all() {
	list=$(covered) || die "$LIST cannot be read"
	any=no code=0
	for one in $list; do
		active "${one%%/*}" || continue
		any=yes
		words_have "$one" "$EXCLUDE" || backup_one "${one%%/*}" "${one#*/}" || code=1
	done
	[ $any = yes ] || [ -n "$(ps -e -o comm= | grep -x db2sysc)" ] || { say 'no instance is active here: nothing to do'; return 0; }
	write_node_status "$list" || code=1
	return $code
}
