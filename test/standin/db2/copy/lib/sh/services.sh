# Ports of an instance in /etc/services. Read by db2icrt and db2idrop.
services=/etc/services

# own_lines INSTANCE: not those of an instance whose name begins with it.
own_lines='$1 ~ ("^(DB2|db2c)_" ENVIRON["name"] "(_[0-9]+|_END)?$")'
port_of() { entry=$1 awk '$1 == ENVIRON["entry"] { split($2, p, "/"); print p[1]; exit }' $services; }
# holder PORT INSTANCE: the entry of somebody else that has a TCP port.
holder() { port=$1/tcp name=$2 awk '$2 == ENVIRON["port"] && !('"$own_lines"') { print $1; exit }' $services; }
free_block() { # BASE COUNT INSTANCE
	port=$1
	while :; do
		busy=
		p=$port
		while [ $p -lt $((port + $2)) ]; do
			[ -z "$(holder $p "$3")" ] || busy=$p
			p=$((p + 1))
		done
		[ -n "$busy" ] || break
		port=$((busy + 1))
	done
	echo $port
}
add_line() { [ -n "$(port_of "$1")" ] || printf '%s\t%s/tcp\n' "$1" "$2" >> $services; }
# add_services INSTANCE BASE PORT: lines that are there stay; an empty PORT adds none for clients.
add_services() {
	[ -z "$(tail -c 1 $services)" ] || echo >> $services
	base=$(port_of "DB2_$1")
	[ -n "$base" ] || base=$(free_block "$2" 6 "$1")
	add_line "DB2_$1" "$base"
	i=1
	while [ $i -le 4 ]; do
		add_line "DB2_$1_$i" $((base + i))
		i=$((i + 1))
	done
	add_line "DB2_$1_END" $((base + 5))
	[ -z "$3" ] || add_line "db2c_$1" "$3"
}
drop_services() { name=$1 awk '!('"$own_lines"')' $services > $services.db2 && cat $services.db2 > $services && rm -f $services.db2; }
