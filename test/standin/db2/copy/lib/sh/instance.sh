# Read by db2icrt, db2iupdt and db2idrop after common.sh: what they say, and what an instance has in its sqllib.
log=/tmp/$program.log.$$
newline='
'
running_line() {
	say "DBI1446I  The $program command is running." "DBI1446I  Der Befehl $program wird ausgeführt."
	echo
	echo
}
completed_line() {
	say "DBI1070I  Program $program completed successfully." "DBI1070I  Programm $program wurde erfolgreich ausgeführt."
	blank
}
# fail ENGLISH GERMAN: the message, and where it is written.
fail() {
	{
		say "$1" "$2" | wrap 78 '      '
		echo
	} | tee -a "$log"
	text "DBI1264E  This program failed. Errors encountered during execution were$newline      written to the installation log file. Program name:$newline      $program. Log file name: $log.$newline" \
		"DBI1264E  Dieses Programm ist fehlgeschlagen. Fehler wurden in die$newline      Installationsprotokolldatei geschrieben. Programmname:$newline      $program. Protokolldatei: $log.$newline"
	blank
	exit 1
}
usage() {
	say "DBI1001I  Usage: $1" "DBI1001I  Syntax: $1"
	exit 1
}
bad_user() { fail "DBI1131E  The user ID $1 is invalid. $2" "DBI1131E  Die Benutzer-ID $1 ist ungültig. $2"; }
taken() { fail "DBI1082E  The file or directory $1 already exists. $2" "DBI1082E  Die Datei oder das Verzeichnis $1 ist bereits vorhanden. $2"; }
gone() { fail "DBI1081E  The file or directory $1 is missing." "DBI1081E  Die Datei oder das Verzeichnis $1 fehlt."; }

# check_user NAME: there, not root, not expired, with a home of its own and a shell that a command can be run with.
check_user() {
	entry=$(getent passwd "$1") || bad_user "$1" 'The user does not exist.'
	uid=$(echo "$entry" | cut -d : -f 3)
	gid=$(echo "$entry" | cut -d : -f 4)
	home=$(echo "$entry" | cut -d : -f 6)
	group=$(getent group "$gid" | cut -d : -f 1)
	[ "$uid" != 0 ] || bad_user "$1" 'The user ID is the root user.'
	[ -n "$group" ] || bad_user "$1" 'The primary group does not exist.'
	case $group in guests | admins | users | local) bad_user "$1" "The primary group must not be $group." ;; esac
}
check_login() { su - "$1" -c 'exit 0' > /dev/null 2>&1 < /dev/null || bad_user "$1" 'A command cannot be run as this user: the account is locked or expired, or its shell does not start.'; }
check_home() {
	[ -d "$2" ] || gone "$2"
	[ "$(stat -c %U "$2")" = "$1" ] || bad_user "$1" "The home directory $2 does not belong to the user."
}

# set_uid FILE MODE OWNER: programs that Db2 has for what only root may do; a moved instance is judged by their bits.
set_uid() {
	rm -f "$1"
	printf '#!/bin/sh\n# Stand-in for a program of Db2 that runs with the rights of its owner.\nexit 0\n' > "$1"
	chown "$3" "$1" && chmod "$2" "$1"
}

# links_of SQLLIB: what an instance shares with its copy.
links_of() {
	for l in bin lib lib64 msg instance samples misc bnd conv include java map doc tools Readme install; do
		[ ! -e "$DB2DIR/$l" ] || ln -sfn "$DB2DIR/$l" "$1/$l" || return
	done
}
# programs_of SQLLIB OWNER GROUP: real files in every instance, and what says the level they are of.
programs_of() {
	cp -a "$DB2DIR"/adm/* "$1/adm/" || return
	find "$1/adm" -mindepth 1 ! -name .fenced -exec chown -h "$2:$3" {} + || return
	for p in db2dclgn db2licd db2flacc; do set_uid "$1/adm/$p" 4755 "root:$3" || return; done
	set_uid "$1/adm/db2audit" 2755 "$2:$3" || return
	set_uid "$1/security/db2ckpw" 4511 "root:$3" || return
	set_uid "$1/security/db2chpw" 4511 "root:$3" || return
	IFS=. read -r v r m f <<-END
		$release
	END
	printf 'V=%s\nR=%s\nM=%s\nF=%s\n' "$v" "$r" "$m" "$f" > "$1/.instuse" && chown "$2:$3" "$1/.instuse" && chmod 0644 "$1/.instuse"
}
fenced_of() {
	rm -f "$1/adm/.fenced"
	: > "$1/adm/.fenced" && chown "$2:" "$1/adm/.fenced" && chmod 0444 "$1/adm/.fenced"
}
# profile_of SQLLIB INSTANCE HOME: for sh, dash, bash and ksh, with unset variables as errors too.
profile_of() {
	cat > "$1/db2profile" <<-END
		# Environment of the Db2 instance $2 (stand-in). Site changes belong into userprofile.
		DB2DIR="$DB2DIR"
		DB2INSTANCE="$2"
		INSTHOME="$3"
		export DB2DIR DB2INSTANCE INSTHOME
		for db2_dir in "\$INSTHOME/sqllib/bin" "\$INSTHOME/sqllib/adm" "\$INSTHOME/sqllib/misc"; do
		    case ":\${PATH-}:" in
		        *":\$db2_dir:"*) ;;
		        *) PATH="\${PATH-}\${PATH:+:}\$db2_dir" ;;
		    esac
		done
		unset db2_dir
		case ":\${LD_LIBRARY_PATH-}:" in
		    *":\$INSTHOME/sqllib/lib64:"*) ;;
		    *) LD_LIBRARY_PATH="\$INSTHOME/sqllib/lib64\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}" ;;
		esac
		DB2_HOME="\$INSTHOME/sqllib"
		DB2LIB="\$INSTHOME/sqllib/lib"
		IBM_DB_HOME="\$INSTHOME/sqllib"
		export PATH LD_LIBRARY_PATH DB2_HOME DB2LIB IBM_DB_HOME
		if [ -f "\$INSTHOME/sqllib/userprofile" ]; then
		    . "\$INSTHOME/sqllib/userprofile"
		fi
	END
	printf 'setenv DB2DIR %s\nsetenv DB2INSTANCE %s\nsetenv INSTHOME %s\nset path = ($path %s/sqllib/bin %s/sqllib/adm %s/sqllib/misc)\n' "$DB2DIR" "$2" "$3" "$3" "$3" "$3" > "$1/db2cshrc"
	chmod 0755 "$1/db2profile" "$1/db2cshrc"
}
# login_of OWNER GROUP HOME: the lines by which a login shell reads the profile; once in each file.
login_of() {
	files=$3/.profile
	for f in .bash_profile .bashrc .kshrc; do [ ! -e "$3/$f" ] || files="$files $3/$f"; done
	for f in $files; do
		! grep -q -s -F ". $3/sqllib/db2profile" "$f" || continue
		printf '\n# The following three lines have been added by IBM DB2 instance utilities.\nif [ -f %s/sqllib/db2profile ]; then\n    . %s/sqllib/db2profile\nfi\n\n' "$3" "$3" >> "$f" && chown "$1:$2" "$f" || return
	done
}
logout_of() {
	for f in .profile .bash_profile .bashrc .kshrc; do
		[ -e "$1/$f" ] || continue
		path=". $1/sqllib/db2profile" awk '
			{ line[NR] = $0 }
			END { for (i = 1; i <= NR; i++) if (index(line[i], ENVIRON["path"])) for (j = i - 2; j <= i + 1; j++) drop[j] = 1
				for (i = 1; i <= NR; i++) if (!drop[i]) print line[i] }' "$1/$f" > "/tmp/$program.$$" && cat "/tmp/$program.$$" > "$1/$f"
		rm -f "/tmp/$program.$$"
	done
}
