#!/bin/sh
# Fetches the packages that a stub lacks, as an offline repository for the config medium. Needs no root.
#
#   packages.sh STUB.RAW OUTDIR PACKAGE...
#
# Dependencies are resolved against the stub's own dpkg status, so only what is missing is fetched.
# OUTDIR then holds the .deb files and Packages; a node installs from it with the apt source
#   deb [trusted=yes] file:OUTDIR ./
# Mirrors are those of this machine's apt, or the file in the form of apt's sources.list that MIRRORS names.
# STATE (default OUTDIR/.apt) keeps apt's lists between calls.
set -eu
export LC_ALL=C PATH="/usr/sbin:/usr/bin:/sbin:/bin:$PATH"
suite=bookworm
[ $# -ge 3 ] || { echo 'usage: packages.sh STUB.RAW OUTDIR PACKAGE...' >&2; exit 2; }
stub=$1
mkdir -p "$2"
out=$(cd "$2" && pwd)
shift 2
state=${STATE:-$out/.apt}
mkdir -p "$state/lists/partial" "$state/archives/partial" "$state/etc"

debugfs -R "dump /var/lib/dpkg/status $state/status" "$stub" 2> /dev/null
[ -s "$state/status" ] || { echo "packages.sh: no dpkg status in $stub" >&2; exit 1; }
if [ -n "${MIRRORS-}" ]; then
	cp "$MIRRORS" "$state/etc/sources.list"
else
	apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' \
		| awk -v suite=$suite '$3 ~ "^" suite "(-updates|-security)?$" && $4 == "main"' | sort -u > "$state/etc/sources.list"
fi

cat > "$state/apt.conf" <<CONF
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Debug::NoLocking "true";
Dir::State::status "$state/status";
Dir::State::lists "$state/lists";
Dir::State::extended_states "$state/extended_states";
Dir::Cache "$state";
Dir::Cache::archives "$state/archives";
Dir::Etc::sourcelist "$state/etc/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::trustedparts "/usr/share/keyrings";
CONF
export APT_CONFIG="$state/apt.conf"

apt-get -qq update
# An empty archive, so that those fetched by an earlier call are listed too.
mkdir -p "$state/none/partial"
apt-get -qq -o Dir::Cache::archives="$state/none" --print-uris install "$@" | sed "s/^'[^']*' \([^ ]*\) .*/\1/" | sort > "$state/wanted"
apt-get -qq --download-only install "$@"
# apt's file names hold the epoch as %3a, which a file: source would unquote.
while read -r deb; do
	cp "$state/archives/$deb" "$out/$(echo "$deb" | sed 's/%3a/_/')"
done < "$state/wanted"

cd "$out"
apt-ftparchive packages . > Packages
apt-ftparchive -o APT::FTPArchive::Release::Suite=ha-provision release . > Release
