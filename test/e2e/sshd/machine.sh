#!/bin/sh
# Becomes a machine: run in a mount, uts, pid and network namespace of its own, over the files of this computer, on memory.
# machine.sh NAME ROLE SSHD_ROOT KEYS: ROLE is sshd or control; KEYS holds the host key and the login key.
set -eu
name=$1 role=$2 sshd=$3 keys=$4
mount --make-rprivate /
top=$keys/mount
mkdir "$top"
mount -t tmpfs hap "$top"
mkdir "$top/up" "$top/work" "$top/root"
# Layers must not lie in each other.
cp -a "$sshd" "$top/sshd"
mount -t overlay -o "lowerdir=$top/sshd:/,upperdir=$top/up,workdir=$top/work" hap "$top/root"
cd "$top/root"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs hap run
hostname "$name"
echo "127.0.0.1 localhost $name" >etc/hosts
ip link set lo up
rm -rf root/.ssh
mkdir -p root/.ssh run/sshd home/ops/.ssh etc/sudoers.d var/lib/sudo
chmod 700 root/.ssh home/ops/.ssh
printf 'sshd:x:990:65534::/run/sshd:/usr/sbin/nologin\nops:x:1990:1990::/home/ops:/bin/sh\n' >>etc/passwd
printf 'sshd:*:19000:0:99999:7:::\nops:*:19000:0:99999:7:::\n' >>etc/shadow
echo 'ops:x:1990:' >>etc/group
echo 'ops ALL=(ALL) NOPASSWD: ALL' >etc/sudoers.d/ops
chmod 440 etc/sudoers.d/ops
cp "$keys/login.pub" home/ops/.ssh/authorized_keys
cp "$keys/login" root/.ssh/id_ed25519
chmod 600 root/.ssh/id_ed25519
chown -R 1990:1990 home/ops
mkdir -p etc/ssh
cp "$keys"/host_* etc/ssh/
chmod 600 etc/ssh/host_ed25519 etc/ssh/host_rsa
cat >etc/ssh/sshd_test <<CONF
Port 22
HostKey /etc/ssh/host_ed25519
HostKey /etc/ssh/host_rsa
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PidFile none
CONF
echo "ready $name"
if [ "$role" = control ]; then exec chroot . sleep infinity; fi
exec chroot . /usr/sbin/sshd -D -e -f /etc/ssh/sshd_test
