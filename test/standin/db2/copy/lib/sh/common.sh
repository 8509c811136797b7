# Read by the sh programs of the stand-in, which set `here` (their own real path) before:
#   here=$(readlink -f "$0"); . "${here%/*/*}/lib/sh/common.sh"
# Sets DB2DIR (the copy), program, registry, release (V.R.M.F) and reads the variants of /var/db2/standin.conf.
program=${here##*/}
DB2DIR=${here%/*/*}
# A program of an instance: sqllib/lib leads to the copy.
[ ! -L "$DB2DIR/lib" ] || { DB2DIR=$(readlink -f "$DB2DIR/lib") && DB2DIR=${DB2DIR%/*}; }
var=/var/db2
registry=$var/global.reg

# KEY=value lines; the environment (STANDIN_KEY) wins.
if [ -r $var/standin.conf ]; then
	while IFS='=' read -r key value; do
		key=${key#STANDIN_}
		case $key in
			'' | *[!A-Z0-9_]*) ;;
			*) eval "[ -n \"\${STANDIN_$key+set}\" ] || STANDIN_$key=\$value" ;;
		esac
	done < $var/standin.conf
fi
# variant KEY DEFAULT: is in $chosen.
variant() { eval "chosen=\${STANDIN_$1:-\$2}"; }

release=11.5.9.0
[ ! -r "$DB2DIR/cfg/release" ] || read -r release < "$DB2DIR/cfg/release"
version=${release%.*.*}

case ${LC_ALL:-${LC_MESSAGES:-${LANG:-C}}} in
	de*) language=de ;;
	*) language=en ;;
esac
# text ENGLISH GERMAN
text() { if [ $language = de ]; then printf '%s' "$2"; else printf '%s' "$1"; fi; }
say() {
	text "$1" "$2"
	echo
}
# Empty lines around an output, which versions and terminals print or not (BLANK_LINES).
blank() {
	variant BLANK_LINES on
	[ "$chosen" = off ] || echo
}
# wrap WIDTH [INDENT]: lines broken at blanks. Terminals show a blank left before the break (TRAILING_BLANK=on).
wrap() {
	variant TRAILING_BLANK off
	variant_trail=$chosen
	variant WRAP on
	[ "$chosen" = on ] || { cat && return; }
	trail=$variant_trail awk -v width="$1" -v indent="${2:-}" '
		BEGIN { trail = ENVIRON["trail"] == "on" ? " " : "" }
		{ line = ""; rest = $0
		  while (rest != "") {
			at = index(rest, " "); gap = ""
			if (at == 1) { match(rest, /^ +/); gap = substr(rest, 1, RLENGTH); rest = substr(rest, RLENGTH + 1); at = index(rest, " ") }
			word = at ? substr(rest, 1, at - 1) : rest; rest = at ? substr(rest, at) : ""
			if (line != "" && length(line gap word) > width) { print line trail; line = indent word } else line = line gap word
		  }
		  print line }'
}

# need_root: DBI1066E without it.
need_root() {
	[ "$(id -u)" = 0 ] && return
	say "DBI1066E  Program $program must be run as root." "DBI1066E  Das Programm $program muss als Root ausgeführt werden."
	exit 1
}

# With the registry's lock held: `locked COMMAND...`. The file is replaced, so readers need no lock.
locked() {
	mkdir -p $var
	(flock 9 && "$@") 9> $var/.lock
}
# rewrite AWK-PROGRAM: the registry passed through awk, which gets its values from the environment; awk's exit code.
rewrite() {
	[ -e $registry ] || : > $registry
	awk -F, -v OFS=, "$1" $registry > $registry.new || { rewrite_code=$? && rm -f $registry.new && return $rewrite_code; }
	chmod 0644 $registry.new && sync $registry.new && mv $registry.new $registry
}
# set_global NAME VALUE: a variable of the global profile registry; an empty value removes it.
set_global() { name=$1 value=$2 dir=$DB2DIR locked rewrite '
	BEGIN { n = ENVIRON["name"]; v = ENVIRON["value"]; line = "V,DB2GPRF," n "," v "," ENVIRON["dir"] "," }
	$1 == "V" && $2 == "DB2GPRF" && $3 == n { if (v != "" && !done) print line; done = 1; next }
	{ print }
	END { if (!done && v != "") print line }'; }
get_global() { [ ! -e $registry ] || name=$1 awk -F, '$1 == "V" && $2 == "DB2GPRF" && $3 == ENVIRON["name"] { print $4; exit }' $registry; }

# field N INSTANCE: of its I record; nothing where there is none. 3 level, 5 path of sqllib, 7 StartAtBoot, 9 copy.
field() { [ ! -e $registry ] || name=$2 awk -F, -v n="$1" '$1 == "I" && $2 == "DB2" && $4 == ENVIRON["name"] { print $n; exit }' $registry; }
# put_instance NAME PATH BOOT: adds or replaces an instance's record of this copy.
put_instance() { name=$1 path=$2 boot=$3 dir=$DB2DIR level=$release locked rewrite '
	BEGIN { n = ENVIRON["name"]; line = "I,DB2," ENVIRON["level"] "," n "," ENVIRON["path"] ",," ENVIRON["boot"] ",0," ENVIRON["dir"] ",," }
	$1 == "I" && $2 == "DB2" && $4 == n { if (!done) print line; done = 1; next }
	{ print }
	END { if (!done) print line }'; }
# set_boot INSTANCE 0|1: fails where the registry has no such instance.
set_boot() { name=$1 boot=$2 locked rewrite '
	$1 == "I" && $2 == "DB2" && $4 == ENVIRON["name"] { $7 = ENVIRON["boot"]; found = 1 }
	{ print }
	END { exit !found }'; }

# set_variable SQLLIB NAME VALUE: a variable of the instance profile; an empty value removes it. Owner and mode stay.
set_variable() {
	changed=$(name=$2 value=$3 awk '
		BEGIN { n = ENVIRON["name"]; v = ENVIRON["value"] }
		{ at = index($0, "="); if (substr($0, 1, at - 1) == n) { if (v != "" && !done) print n "=" v; done = 1; next } print }
		END { if (!done && v != "") print n "=" v }' "$1/profile.env") || return
	if [ -n "$changed" ]; then printf '%s\n' "$changed"; fi > "$1/profile.env"
}
get_variable() { name=$2 awk '{ at = index($0, "="); if (substr($0, 1, at - 1) == ENVIRON["name"]) { print substr($0, at + 1); exit } }' "$1/profile.env" 2> /dev/null; }

# engine_runs USER
engine_runs() { ps -u "$1" -o comm= 2> /dev/null | grep -q -x db2sysc; }
home_of() { getent passwd "$1" | cut -d : -f 6; }
