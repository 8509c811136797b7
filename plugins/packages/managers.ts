import { type Command, given, type PackageNeed, raw, sh } from 'ha-provision'

/** A node's package manager: how it is recognised, and how it installs without asking anybody anything. */
export interface PackageManager {
  readonly name: keyof PackageNeed
  /** A node that has this program in its PATH uses this row, if no earlier row does. */
  readonly program: string
  /** Definition of the offline repository that the node was given at its preparation, if it was. */
  readonly offline: string
  /** Installs all names in one run, from the offline repository if it is there and has them all, else as the node is configured. */
  install(names: readonly string[]): Command
}

/** Seconds: fifty packages take 160 s on an emulated machine. */
const timeoutS = 900
const lockWaitS = 300

// Maintainer scripts start daemons before they have a configuration. A policy that looks whether its installer still lives
// cannot outlast a killed run; a policy that somebody else made stays.
const keepStopped = raw(`policy=/usr/sbin/policy-rc.d
if [ -e "$policy" ] && grep -q 'by ha-provision' "$policy"; then rm -f "$policy"; fi
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\\n# by ha-provision\\nif [ "$2" != stop ] && kill -0 %s; then exit 101; fi\\nexit 0\\n' "$$" >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
  trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM
fi`)

// Without /run/systemd in sight maintainer scripts leave out some sixty daemon-reloads; one afterwards does for all.
// They cannot stop a daemon then either, so a package that has to go (another time daemon) goes in plain sight.
const install = raw(`
if [ "$source" = offline ] && unshare -m true &&
  unshare -m sh -c 'mount -t tmpfs none /run/systemd && exec apt-get "$@"' apt-get --no-remove "$@"; then
  systemctl daemon-reload
else
  apt-get "$@" || exit
fi`)

export const apt: PackageManager = {
  name: 'apt',
  program: 'apt-get',
  offline: '/etc/apt/sources.list.d/ha-provision.list',
  install: (names) =>
    given(
      sh`export LC_ALL=C DEBIAN_FRONTEND=noninteractive
list=${apt.offline}
set -- -q -o DPkg::Lock::Timeout=${lockWaitS}
source=mirrors
if [ -e "$list" ]; then
  only="-o Dir::Etc::sourcelist=$list -o Dir::Etc::sourceparts=/dev/null -o APT::Get::List-Cleanup=0"
  if apt-get "$@" $only update && apt-cache $only show ${names} >/dev/null; then
    source=offline
    set -- "$@" $only
  fi
fi
if [ "$source" = mirrors ]; then apt-get "$@" update || exit; fi
set -- "$@" -y --no-install-recommends -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install ${names}
${keepStopped}${install}`,
      { timeoutS },
    ),
}

export const dnf: PackageManager = {
  name: 'dnf',
  program: 'dnf',
  offline: '/etc/yum.repos.d/ha-provision.repo',
  install: (names) =>
    given(
      sh`export LC_ALL=C
set -- -y --setopt=install_weak_deps=False
if [ -e ${dnf.offline} ] && dnf "$@" --disablerepo='*' --enablerepo=ha-provision install ${names}; then exit 0; fi
dnf "$@" install ${names}`,
      { timeoutS },
    ),
}

export const zypper: PackageManager = {
  name: 'zypper',
  program: 'zypper',
  offline: '/etc/zypp/repos.d/ha-provision.repo',
  // 100 to 103 and 106 report success with a remark (patches, a reboot or a restart are due, a repository was skipped).
  install: (names) =>
    given(
      sh`export LC_ALL=C ZYPP_LOCK_TIMEOUT=${lockWaitS}
get() { zypper --non-interactive "$@"; c=$?; case $c in 10[0-36]) return 0 ;; *) return $c ;; esac; }
if [ -e ${zypper.offline} ] && get install --repo ha-provision --no-recommends ${names}; then exit 0; fi
get install --no-recommends ${names}`,
      { timeoutS },
    ),
}

/** In the order of looking: Debian also packages dnf and zypper, openSUSE also packages dnf. */
export const managers: readonly PackageManager[] = [apt, zypper, dnf]
