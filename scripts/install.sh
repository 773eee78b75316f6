# What scripts share that need programs of the system: they source it.
# shellcheck shell=bash

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

as_root() {
	if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# has tells whether a program is there, also where only root looks for it.
has() { PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null; }

# install_packages installs packages with apt-get, if nobody has to be asked for a password. Only their programs are
# wanted: no service of theirs starts, neither now nor with the machine.
install_packages() (
	command -v apt-get >/dev/null || exit 1
	[ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null || exit 1
	exec </dev/null >&2
	say "installing the system's packages: $*"
	policy=/usr/sbin/policy-rc.d no_cluster=/etc/postgresql-common/createcluster.d/alwrity-test.conf
	ours=("$no_cluster")
	[ -e $policy ] || ours+=("$policy")
	trap 'as_root rm -f "${ours[@]}"' EXIT
	as_root mkdir -p "${no_cluster%/*}"
	echo 'create_main_cluster = false' | as_root tee "$no_cluster" >/dev/null
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
		as_root chmod 755 $policy
	fi
	apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@"; }
	# The lists of packages that are here will do, mostly.
	apt install -y --no-install-recommends "$@" || { apt update && apt install -y --no-install-recommends "$@"; } || exit 1
	for package in "$@"; do
		as_root systemctl disable "${package%-light}" >/dev/null 2>&1 || true
	done
)
