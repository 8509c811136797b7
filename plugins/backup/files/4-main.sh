
conf=/etc/ha-provision/backup.conf
if [ "$1" = -c ]; then
	[ $# -ge 2 ] || usage
	conf=$2
	shift 2
fi
case $1 in
	run) [ $# = 1 ] || [ $# = 3 ] || usage ;;
	covered) [ $# = 1 ] || usage ;;
	drill | last | progress) [ $# = 3 ] || usage ;;
	*) usage ;;
esac
# Names become parts of paths and statements.
case $2$3 in *[!A-Za-z0-9_@#$]*) usage ;; esac
[ -r "$conf" ] || die "$conf cannot be read"
. "$conf"
for key in DIRECTORY LIST DB2DIR KEEP; do
	eval "[ -n \"\$$key\" ]" || die "$conf does not say $key"
done

# lock OPTION: kept until this process ends, however it ends.
lock() {
	# A redirection that fails would end the shell without a word of ours.
	install -d -m 0755 "$DIRECTORY" && true >> "$DIRECTORY/.lock" || die "$DIRECTORY cannot be written"
	exec 9>> "$DIRECTORY/.lock"
	flock "$@" 9 || {
		say 'another run goes on'
		exit 75
	}
}

case $1 in
	covered) covered ;;
	last) good "$DIRECTORY/$2/$3" | tail -n 1 | cut -d ' ' -f 1 ;;
	progress)
		set -- "$DIRECTORY/$2/$3"
		written=$(find "$1"/.partial.* -type f -printf '%s\n' 2> /dev/null | awk '{ n += $1 } END { printf "%d", n }')
		newest=$(images "$1" | tail -n 1)
		echo "$written $([ -z "$newest" ] || value bytes "$1/${newest#* }.ok")"
		;;
	run)
		if [ $# = 1 ]; then
			lock -n
			run_all
		else
			active "$2" || {
				say "$2 is not active on this node"
				exit 3
			}
			lock
			backup_one "$2" "$3"
		fi
		;;
	drill)
		lock
		drill "$2" "$3"
		;;
esac
