#!/bin/sh
# build.sh OUT.tar.gz [RELEASE]: the stand-in's installer, laid out as IBM's. The same input gives the same bytes.
set -e
out=$1
release=${2:-11.5.9.0}
root=$(readlink -f "$0")
root=${root%/*}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
top=$work/server_dec
copy=$top/db2/linuxamd64/copy
mkdir -p "$copy" "$top/db2/license"
cp -a "$root/copy/." "$copy/"
find "$copy" -name __pycache__ -prune -exec rm -rf {} +
for d in bin adm instance install license cfg lib lib/python msg samples misc bnd conv function include java map doc tools Readme; do mkdir -p "$copy/$d"; done
ln -s lib "$copy/lib64"
echo "$release" > "$copy/cfg/release"
cp "$root/installer/db2_install" "$top/db2_install"
cp "$copy/bin/db2prereqcheck" "$top/db2prereqcheck"
# On the image db2ls finds its library as db2prereqcheck does: in the copy.
printf '#!/bin/sh\nexec "$(dirname "$(readlink -f "$0")")/db2/linuxamd64/copy/install/db2ls" "$@"\n' > "$top/db2ls"
printf 'This is a stand-in for IBM Db2, made for tests of ha-provision. It contains nothing of IBM and grants no licence for Db2.\n' > "$top/db2/license/LICENSE"
cp "$top/db2/license/LICENSE" "$copy/license/LICENSE"
find "$copy/bin" "$copy/adm" "$copy/instance" "$copy/install" -type f -exec chmod 0755 {} +
chmod 0755 "$top/db2_install" "$top/db2prereqcheck" "$top/db2ls"
# What db2val compares an installation with. Licences and cfg/release are an installation's own.
(cd "$copy" && find . -type f ! -path './license/*' ! -path './cfg/*' | LC_ALL=C sort | xargs sha256sum) > "$copy/cfg/manifest"
mkdir -p "$(dirname "$out")"
tar -C "$work" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode='u+rwX,go+rX,go-w' -cf - server_dec | gzip -n -9 > "$out"
