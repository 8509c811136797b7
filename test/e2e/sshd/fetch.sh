#!/bin/sh
# Unpacks sshd and sudo into a folder, to be laid over this machine's files in a mount namespace: nothing is installed.
set -eu
to=$1
[ ! -e "$to/done" ] || exit 0
rm -rf "$to"
mkdir -p "$to/root/usr/bin" "$to/root/usr/sbin" "$to/root/usr/lib"
# As in a Debian with a merged /usr: a folder here would hide the link of the machine below.
for d in bin sbin lib; do ln -s "usr/$d" "$to/root/$d"; done
cd "$to"
packages='openssh-server sudo libwrap0 libnsl2'
# shellcheck disable=SC2086
apt-get download $packages || { apt-get update && apt-get download $packages; }
for deb in *.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x -C root --keep-directory-symlink; done
rm -f -- *.deb
touch done
