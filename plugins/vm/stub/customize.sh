#!/bin/sh
# mmdebstrap runs this on the finished tree ($1): our files, the start-up trims, no identity, the initramfs.
set -eu
tree=$1
here=$(dirname "$0")
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C

cp -rT --preserve=mode "$here/files" "$tree"
chown -R 0:0 "$tree/etc/ssh" "$tree/etc/systemd" "$tree/usr/lib/ha-provision"

# pass 0: the kernel replays the journal by itself, and a cluster node must not wait for fsck at boot.
echo '/dev/vda / ext4 noatime,errors=remount-ro 0 0' > "$tree/etc/fstab"
# Without it every login leaves a warning.
echo 'LANG=C.UTF-8' > "$tree/etc/default/locale"
echo 'localhost' > "$tree/etc/hostname"
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' > "$tree/etc/hosts"
mkdir -p "$tree/var/lib/ha-provision" "$tree/root/.ssh"
chmod 700 "$tree/root/.ssh"

chroot "$tree" systemctl set-default multi-user.target 2> /dev/null
chroot "$tree" systemctl enable ha-prep.service ssh.service systemd-networkd.service
# Each of these costs start-up time under emulation and does nothing for a cluster node.
chroot "$tree" systemctl mask \
	e2scrub_reap.service e2scrub_all.timer fstrim.timer dpkg-db-backup.timer \
	apt-daily.timer apt-daily-upgrade.timer systemd-networkd-wait-online.service \
	systemd-modules-load.service systemd-pstore.service systemd-hwdb-update.service \
	systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount systemd-firstboot.service \
	ldconfig.service systemd-journal-catalog-update.service systemd-network-generator.service systemd-update-done.service \
	dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount \
	sys-kernel-tracing.mount modprobe@drm.service modprobe@loop.service modprobe@fuse.service modprobe@efi_pstore.service sys-kernel-config.mount sys-fs-fuse-connections.mount \
	getty@tty1.service serial-getty@ttyS0.service 2>&1 | sed '/^Created symlink/d'
# The masks above stop what would refresh these; without them every boot asks again.
touch "$tree/etc/.updated" "$tree/var/.updated"

# No identity: each copy makes its own.
: > "$tree/etc/machine-id"
rm -f "$tree"/etc/ssh/ssh_host_* "$tree/var/lib/dbus/machine-id" "$tree/var/lib/systemd/random-seed" \
	"$tree/var/lib/heartbeat/hb_uuid" "$tree/var/lib/systemd/credential.secret"
rm -rf "$tree/var/lib/heartbeat/hostcache"
chroot "$tree" passwd -q -l root

# Traces of the build that differ from one build to the next.
rm -rf "$tree"/var/log/* "$tree"/var/cache/ldconfig "$tree"/var/cache/debconf/*-old \
	"$tree"/var/lib/dpkg/*-old "$tree"/var/lib/apt/lists/* "$tree"/var/lib/apt/extended_states
mkdir -p "$tree/var/log/journal"

# The initramfs: busybox and the modules on the way to the root disk, uncompressed.
# The stock one starts udev in it, which alone takes seconds under emulation.
kernel=$(ls "$tree/lib/modules")
initrd=$tree/boot/ha-initrd
mkdir -p "$initrd/bin" "$initrd/dev" "$initrd/proc" "$initrd/sys" "$initrd/root" "$initrd/modules"
cp "$tree/bin/busybox" "$initrd/bin/busybox"
chroot "$tree" modprobe -S "$kernel" -D -a virtio_pci virtio_blk virtio_scsi sd_mod sr_mod virtio_net ext4 isofs \
	| sed -n 's/^insmod //p' | awk '{print $1}' > "$tree/boot/ha-modules"
: > "$initrd/modules/order"
while read -r module; do
	name=${module##*/}
	grep -qx "$name" "$initrd/modules/order" && continue
	cp "$tree$module" "$initrd/modules/$name"
	echo "$name" >> "$initrd/modules/order"
done < "$tree/boot/ha-modules"
rm "$tree/boot/ha-modules"
cp "$here/init" "$initrd/init"
chmod 755 "$initrd/init"
find "$initrd" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
chroot "$tree" sh -c 'cd /boot/ha-initrd && find . | LC_ALL=C sort | busybox cpio -o -H newc --renumber-inodes --ignore-devno 2>/dev/null' > "$tree/boot/ha-initrd.img"
rm -rf "$initrd"
