#!/usr/bin/env bash
# Runs a command that tests the client for Python, and installs the system's python3 before where that is missing and
# nobody has to be asked for a password:
#
#   scripts/python.sh go test ./server/v1 -run Python
#
# Where it can't be had the command runs all the same, and its test says so; with CI=true that is an error.
set -euo pipefail

say() { printf 'python.sh: %s\n' "$*" >&2; }

as_root() {
	if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

install_python() (
	command -v apt-get >/dev/null || exit 1
	[ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null || exit 1
	exec </dev/null >&2
	say "installing the system's package python3"
	as_root apt-get -qq -o DPkg::Lock::Timeout=120 update ||
		say "apt-get update failed; trying with the package lists that are here"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 \
		install --no-install-recommends python3
)

if ! command -v python3 >/dev/null && ! install_python; then
	say "missing: python3 (apt-get install python3)"
	if [ "${CI:-}" = true ]; then
		say "CI=true: stopping here, the client for Python must be tested"
		exit 1
	fi
	say "SKIPPING WHAT NEEDS IT"
fi
exec "$@"
