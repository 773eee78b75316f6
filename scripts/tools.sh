#!/usr/bin/env bash
# Installs programs that some tests check files of deploy/ with, where that is possible without asking for a password:
#
#   scripts/tools.sh COMMAND=PACKAGE...
#
# Without them those tests are skipped; with CI=true they fail then.
set -euo pipefail

packages=()
for pair in "$@"; do
	PATH=$PATH:/usr/sbin command -v "${pair%%=*}" >/dev/null || packages+=("${pair#*=}")
done
[ ${#packages[@]} -gt 0 ] || exit 0
command -v apt-get >/dev/null || exit 0
as_root() { "$@"; }
if [ "$(id -u)" -ne 0 ]; then
	sudo -n true 2>/dev/null || exit 0
	as_root() { sudo -n "$@"; }
fi
echo "tools.sh: installing the system's packages: ${packages[*]}" >&2
# Only the programs are wanted: no service is started by their packages.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	trap 'as_root rm -f $policy' EXIT
	printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
	as_root chmod 755 $policy
fi
install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 install \
		--no-install-recommends "${packages[@]}"
}
# The lists that are here will do, mostly.
install </dev/null >&2 || { as_root apt-get -qq -o DPkg::Lock::Timeout=120 update && install; } </dev/null >&2
for package in "${packages[@]}"; do # nor does one begin at the next start of the machine
	as_root systemctl disable "${package%-light}" >/dev/null 2>&1 || true
done
