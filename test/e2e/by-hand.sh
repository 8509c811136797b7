#!/bin/sh
# A two-node cluster the way an administrator set one up around 2010: by hand, no tool. For the end-to-end suite, which
# reconstructs it. Runs on a node: by-hand.sh setup | first-sync | clock | start
set -e
a=db-a
b=db-b
me=$(uname -n)
case $me in $a) ip=10.77.0.1 other=$b ip1=10.77.1.1 ;; $b) ip=10.77.0.2 other=$a ip1=10.77.1.2 ;; *) exit 1 ;; esac

setup() {
	export DEBIAN_FRONTEND=noninteractive
	# Nothing starts before it is configured.
	printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
	chmod 755 /usr/sbin/policy-rc.d
	apt-get -qq update
	apt-get -qq -y install lvm2 fdisk drbd-utils heartbeat ntpsec > /dev/null
	rm /usr/sbin/policy-rc.d

	# Network: files of our own, our own names.
	rm -rf /etc/systemd/network/*link0*.network* /etc/systemd/network/*link1*.network*
	cat > /etc/systemd/network/cluster.network <<-EOF
		[Match]
		Name = link0

		[Network]
		# crossover cable
		Address = $ip/24
		LinkLocalAddressing = no
		KeepConfiguration = yes
	EOF
	cat > /etc/systemd/network/lan.network <<-EOF
		[Match]
		Name=link1
		[Address]
		Address=$ip1/24
		[Network]
		KeepConfiguration=yes
	EOF
	networkctl reload
	cat > /etc/hosts <<-EOF
		127.0.0.1	localhost
		# the cluster
		10.77.0.1	db-a.example.com	db-a
		10.77.0.2	db-b.example.com	db-b   # the new one
		10.77.1.1	db-a-lan
		10.77.1.2	db-b-lan
		192.0.2.7	printer
	EOF

	# Time
	if [ "$me" = $a ]; then
		printf 'driftfile /var/lib/ntpsec/ntp.drift\n# no internet here\ntos orphan 6 orphanwait 5\nrestrict default kod limited nomodify nopeer\nrestrict 127.0.0.1\nrestrict 10.77.0.0 mask 255.255.255.0\n' > /etc/ntpsec/ntp.conf
	else
		printf 'driftfile /var/lib/ntpsec/ntp.drift\nserver  10.77.0.1   iburst prefer minpoll 4\nrestrict default kod limited nomodify nopeer\nrestrict 127.0.0.1\n' > /etc/ntpsec/ntp.conf
	fi

	# Disk: one primary partition of type LVM, as fdisk makes it.
	disk=/dev/disk/by-id/virtio-data
	printf 'label: dos\nstart=2048, type=8e\n' | sfdisk -q --wipe never $disk
	udevadm settle
	pvcreate -q $disk-part1
	vgcreate -q vgdata $disk-part1
	lvcreate -q -y -L 96M -n lvdrbd vgdata
	lvcreate -q -y -L 64M -n lvdump vgdata
	mkfs.ext4 -q -L dump /dev/vgdata/lvdump
	mkdir -p /var/dump /srv/www
	printf 'LABEL=dump\t/var/dump\text4\tnoatime\t0 2\n' >> /etc/fstab
	mount /var/dump

	# DRBD: one file.
	cat > /etc/drbd.conf <<-'EOF'
		#
		# drbd.conf -- 2010-05-11 mh
		#
		global { usage-count no; }
		common {
		  protocol C;
		  syncer { rate 30M; al-extents 257; }
		  net { after-sb-0pri discard-zero-changes; }
		}
		resource www {
		  on db-a { device /dev/drbd3; disk /dev/vgdata/lvdrbd; address 10.77.0.1:7790; meta-disk internal; }
		  on db-b {
		    device     /dev/drbd3;
		    disk       /dev/vgdata/lvdrbd;
		    address    10.77.0.2:7790;
		    meta-disk  internal;
		  }
		}
	EOF
	rm -f /etc/drbd.d/*.res
	modprobe drbd
	echo drbd > /etc/modules-load.d/drbd.conf
	drbdadm create-md --force www > /dev/null
	drbdadm up www
	systemctl -q enable drbd

	# Heartbeat
	cat > /etc/ha.d/ha.cf <<-EOF
		# heartbeat 3
		logfacility	local0
		keepalive	2
		deadtime 20
		warntime 8
		initdead 60
		udpport	694
		bcast	link0 link1
		auto_failback off
		node	db-a db-b
		crm	off
		debug 0
	EOF
	cat > /etc/ha.d/haresources <<-'EOF'
		# who has it at home
		db-a \
			drbddisk::www \
			Filesystem::/dev/drbd3::/srv/www::ext4 \
			IPaddr2::10.77.1.200/24
	EOF
	printf '# key\nauth 2\n2  sha1   w0rd-of-2010-which-is-long\n' > /etc/ha.d/authkeys
	chmod 600 /etc/ha.d/authkeys

	# What nobody told the tool about.
	printf '#!/bin/sh\necho inventory\n' > /etc/cron.daily/inventory
	chmod 755 /etc/cron.daily/inventory
}

first_sync() {
	drbdadm wait-connect www
	drbdadm primary --force www
	until [ "$(drbdadm dstate www)" = UpToDate/UpToDate ]; do sleep 2; done
	mkfs.ext4 -q /dev/drbd3
	mount /dev/drbd3 /srv/www
	echo 'made by hand' > /srv/www/index.html
	umount /srv/www
	drbdadm secondary www
}

# First where the clock is, then on the other: a first burst of questions to a clock that nobody trusts yet is lost.
clock() {
	# As after years of running: without it ntpd measures its crystal for five minutes before it says the time.
	echo 0.000 > /var/lib/ntpsec/ntp.drift
	chown ntpsec:ntpsec /var/lib/ntpsec/ntp.drift
	systemctl -q enable --now ntpsec
}

start() {
	# From one node to the other, for the administrator.
	ssh-keyscan -t ed25519 $other 2> /dev/null >> /root/.ssh/known_hosts
	systemctl -q enable heartbeat
	systemctl start heartbeat
}

case $1 in setup) setup ;; first-sync) first_sync ;; clock) clock ;; start) start ;; *) exit 2 ;; esac
