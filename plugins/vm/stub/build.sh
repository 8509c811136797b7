#!/bin/sh
# Builds the stub: a Debian 12 image with no identity, its kernel and its initramfs. Needs no root.
#
#   build.sh [--with PACKAGE,PACKAGE...] OUTDIR [MIRROR]
#
# OUTDIR then holds stub.raw, vmlinux, initrd.img and stub.json.
# MIRROR is an address, or a file in the form of apt's sources.list; without it, the mirrors of this machine's apt are taken.
# Needs about 1.5 GiB in /dev/shm, or else in TMPDIR (/tmp), where mmdebstrap also unpacks the tree.
#
# Two builds from the same package versions give the same bytes: SOURCE_DATE_EPOCH for all times, an ext4 with fixed
# UUID and hash seed, made from a sorted archive, and no logs, caches, keys or seeds in it. Only where /dev/shm is too
# small the image alone varies with the order in which TMPDIR's filesystem lists files.
set -eu
export LC_ALL=C PATH="/usr/sbin:/usr/bin:/sbin:/bin:$PATH"
# The same for every build, so that only the packages decide: 2024-01-01.
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-1704067200}"
suite=bookworm
size=4G
uuid=6861706e-0000-4000-8000-737475620000

# udev and dbus: devices by id, clean power-off. busybox-static: the initramfs.
# tiny-initramfs stands in for the initramfs generator that the kernel package depends on.
packages=systemd,systemd-sysv,udev,dbus,linux-image-cloud-amd64,tiny-initramfs,busybox-static
packages=$packages,openssh-server,curl,ca-certificates,iproute2,kmod,e2fsprogs,util-linux,apt
# What the packages that the tool installs depend on, and is no product itself: with these here, installing takes a minute
# less under emulation (byte-compiling Python alone takes half of it).
packages=$packages,python3,gawk,bc,bzip2,psmisc,tzdata,netbase,libxml2-utils,libsnmp40,libopenipmi0,libopenhpi3
packages=$packages,libtimedate-perl,libnet1,libltdl7,libglib2.0-0

usage() {
	echo 'usage: build.sh [--with PACKAGE,PACKAGE...] OUTDIR [MIRROR]' >&2
	exit 2
}
if [ "${1-}" = --with ]; then
	packages=$packages,${2:?}
	shift 2
fi
[ $# = 1 ] || [ $# = 2 ] || usage
here=$(cd "$(dirname "$0")" && pwd)
for program in mmdebstrap mke2fs debugfs e2fsck lz4 xz od tar awk; do
	command -v "$program" > /dev/null || { echo "build.sh: $program is not installed" >&2; exit 2; }
done
mkdir -p "$1"
out=$(cd "$1" && pwd)
place=${TMPDIR:-/tmp}
if [ "$(df -Pk /dev/shm 2> /dev/null | awk 'NR == 2 {print $4}')" -gt 2000000 ] 2> /dev/null; then
	place=/dev/shm
fi
work=$(mktemp -d "$place/ha-stub.XXXXXX")
chmod 755 "$work"

if [ "$(id -u)" = 0 ]; then
	mode=root
	as_root() { "$@"; }
else
	mode=unshare
	# Root in a user namespace: the owners of the tree's files are this user's subordinate ids.
	as_root() { mmdebstrap --unshare-helper "$@"; }
fi
trap 'as_root rm -rf "$work/own/tree"; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

sources=$work/sources.list
if [ -n "${2-}" ] && [ -f "$2" ]; then
	cp "$2" "$sources"
elif [ -n "${2-}" ]; then
	echo "deb $2 $suite main" > "$sources"
else
	apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' \
		| awk -v suite=$suite '$3 ~ "^" suite "(-updates|-security)?$" && $4 == "main"' | sort -u > "$sources"
	[ -s "$sources" ] || { echo "build.sh: apt here has no mirror for Debian $suite; give MIRROR" >&2; exit 2; }
fi

mmdebstrap --quiet --mode=$mode --variant=essential --include="$packages" \
	--aptopt='APT::Install-Recommends "false"' \
	--aptopt='Acquire::Languages "none"' \
	--dpkgopt=force-unsafe-io \
	--dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	--dpkgopt='path-exclude=/usr/share/info/*' \
	--dpkgopt='path-exclude=/usr/share/doc/*' \
	--dpkgopt='path-include=/usr/share/doc/*/copyright' \
	--customize-hook="sh '$here/customize.sh' \"\$1\"" \
	$suite "$work/tree.tar" - < "$sources" > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }

tar -xOf "$work/tree.tar" --wildcards './boot/vmlinuz-*' > "$work/bzImage"
tar -xOf "$work/tree.tar" ./boot/ha-initrd.img > "$work/initrd.img"
tar -xOf "$work/tree.tar" ./var/lib/dpkg/status > "$work/status"

# The kernel unpacked: QEMU enters it directly (PVH), and decompression, 10 s under emulation, falls away.
# Offsets: Documentation/arch/x86/boot.rst (setup_sects 0x1f1, payload_offset 0x248, payload_length 0x24c).
field() { od -An -v -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '; }
setup=$(field "$work/bzImage" $((0x1f1)) 1)
offset=$(field "$work/bzImage" $((0x248)) 4)
length=$(field "$work/bzImage" $((0x24c)) 4)
tail -c +$(((setup + 1) * 512 + offset + 1)) "$work/bzImage" | head -c "$length" > "$work/payload"
case $(od -An -v -t x1 -N 4 "$work/payload" | tr -d ' ') in
	02214c18) unpack='lz4 -dc' ;;
	fd377a58) unpack='xz -dc --single-stream' ;;
	28b52ffd) unpack='zstd -dc' ;;
	*) echo 'build.sh: the kernel is packed in a form unknown here' >&2; exit 1 ;;
esac
# The last four bytes are the unpacked size, which is no part of the stream.
head -c $((length - 4)) "$work/payload" | $unpack > "$work/vmlinux"
[ -s "$work/vmlinux" ]

# The tree as a filesystem; metadata_csum_seed lets tune2fs give a copy its own UUID at once.
truncate -s $size "$work/stub.raw"
# The namespace's root is a stranger to this user's files: it needs a place of its own.
mkdir "$work/own"
[ $mode = root ] || chmod 777 "$work/own" "$work/stub.raw"
as_root mkdir "$work/own/tree"
as_root tar -C "$work/own/tree" --numeric-owner --exclude='./dev/*' --exclude='./boot/*' -xf "$work/tree.tar"
as_root env E2FSPROGS_FAKE_TIME="$SOURCE_DATE_EPOCH" mke2fs -q -t ext4 -d "$work/own/tree" -L ha-root \
	-U $uuid -E hash_seed=$uuid,root_owner=0:0,lazy_itable_init=1,lazy_journal_init=1,nodiscard \
	-O metadata_csum,metadata_csum_seed,64bit -J size=32 -m 1 "$work/stub.raw"

# mke2fs copies each file's access and change time from the tree, and those are now.
used=$(dumpe2fs -h "$work/stub.raw" 2> /dev/null | awk '/^Inode count/{a=$3} /^Free inodes/{f=$3} END{print a - f}')
awk -v used="$used" -v time="@$SOURCE_DATE_EPOCH" 'BEGIN {
	for (i = 2; i <= used; i = i == 2 ? 11 : i + 1) print "sif <" i "> atime " time "\nsif <" i "> ctime " time
}' > "$work/times"
E2FSPROGS_FAKE_TIME="$SOURCE_DATE_EPOCH" debugfs -w -f "$work/times" "$work/stub.raw" > /dev/null 2> "$work/log"
e2fsck -fn "$work/stub.raw" > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }

for file in stub.raw vmlinux initrd.img; do
	cp --sparse=always "$work/$file" "$out/.$file"
	chmod 644 "$out/.$file"
	mv "$out/.$file" "$out/$file"
done

# Packages, their versions and these scripts are all that the image is made of.
inputs=$({ cat "$here/build.sh" "$here/customize.sh" "$here/init"; find "$here/files" -type f | sort | xargs cat
	awk '/^Package:/{p=$2} /^Version:/{print p, $2}' "$work/status"; } | sha256sum | cut -d' ' -f1)
sum() { sha256sum "$out/$1" | cut -d' ' -f1; }
{
	printf '{\n  "suite": "%s",\n  "kernel": "%s",\n  "inputs": "%s",\n' $suite \
		"$(tar -tf "$work/tree.tar" --wildcards './boot/vmlinuz-*' | sed 's,.*vmlinuz-,,')" "$inputs"
	printf '  "files": {\n    "stub.raw": "%s",\n    "vmlinux": "%s",\n    "initrd.img": "%s"\n  },\n' \
		"$(sum stub.raw)" "$(sum vmlinux)" "$(sum initrd.img)"
	printf '  "packages": {\n'
	awk '/^Package:/{p=$2} /^Version:/{printf "%s    \"%s\": \"%s\"", sep, p, $2; sep=",\n"} END{print ""}' "$work/status"
	printf '  }\n}\n'
} > "$out/.stub.json"
mv "$out/.stub.json" "$out/stub.json"
