# What db2start, db2stop and db2pd share; read after common.sh.

# message CODE ENGLISH GERMAN: a line of the partition and the summary, or the summary alone (PARTITION_LINES=off).
message() {
	# In one session db2start and db2stop print the date in different forms.
	variant DATE_FORMAT "$DATE"
	date=$chosen
	variant PARTITION_LINES on
	if [ "$chosen" = on ]; then
		printf '%s     0   0   %s  %s\n' "$(date "+$date %H:%M:%S")" "$1" "$(text "$2" "$3")" | wrap 79
	fi
	printf '%s  %s\n' "$1" "$(text "$2" "$3")" | wrap 79
}

need_owner() {
	[ -n "${DB2INSTANCE:-}" ] && [ -n "${INSTHOME:-}" ] || {
		say 'SQL1390C  The environment variable DB2INSTANCE is not defined or is invalid.' 'SQL1390C  Die Umgebungsvariable DB2INSTANCE ist nicht definiert oder ungültig.'
		exit 255
	}
	[ "$(id -un)" = "$DB2INSTANCE" ] || {
		message SQL1092N 'The requested command or operation failed because the user ID does not have the authority to perform the requested command or operation.' 'Die Benutzer-ID hat nicht die Berechtigung, den angeforderten Befehl auszuführen.'
		exit 255
	}
}

# partition_of [dbpartitionnum N]: there is only partition 0.
partition_of() {
	case ${1:-} in
		[dD][bB][pP][aA][rR][tT][iI][tT][iI][oO][nN][nN][uU][mM] | [nN][oO][dD][eE][nN][uU][mM] | [mM][eE][mM][bB][eE][rR])
			[ "${2:-}" = 0 ] && return
			message SQL6030N 'START or STOP DATABASE MANAGER failed.  Reason code "1".' 'START oder STOP DATABASE MANAGER ist fehlgeschlagen.  Ursachencode: "1".'
			exit 255
			;;
	esac
}

# A filesystem mounted nosuid takes the rights from set-uid programs.
mounted_nosuid() { case ,$(findmnt -n -o OPTIONS -T "$sqllib" 2> /dev/null), in *,nosuid,*) true ;; *) false ;; esac; }

# ask_engine JSON: the engine's answer; fails where it does not run. Perl starts in a tenth of python's time.
ask_engine() {
	perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0) or exit 1; connect($s, pack_sockaddr_un("\0standin-db2sysc-$ENV{DB2INSTANCE}-$<")) or exit 1; syswrite($s, "$ARGV[0]\n"); print scalar(<$s>) // ""' "$1" 2> /dev/null
}
