#!/usr/bin/env bash
# Runs a command with redis-server in PATH:
#
#   scripts/redis.sh go test ./volatile/...
#
# The tests start servers of their own with it, on private ports and with nothing kept, which they stop, pause and fill.
#
# A missing redis-server is installed with apt-get when that is possible without asking for a password. If there is none,
# these tests are skipped; with CI=true that is an error, since a test that did not run has not passed.
set -euo pipefail

say() { printf 'redis.sh: %s\n' "$*" >&2; }

if [ $# -eq 0 ]; then
	echo "usage: scripts/redis.sh COMMAND [ARGS...]" >&2
	exit 2
fi

# install_package installs the system's package. Nobody asked for a server that runs at each boot.
install_package() (
	command -v apt-get >/dev/null || exit 1
	as_root() { "$@"; }
	if [ "$(id -u)" -ne 0 ]; then
		sudo -n true 2>/dev/null || exit 1
		as_root() { sudo -n "$@"; }
	fi
	exec </dev/null >&2
	say "installing the system's package redis-server"
	# Lists that can't be refreshed (one mirror of several is down) may still do.
	as_root apt-get -qq -o DPkg::Lock::Timeout=120 update ||
		say "apt-get update failed; trying with the package lists that are here"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120 \
		-o Dpkg::Use-Pty=0 install --no-install-recommends redis-server
	as_root systemctl disable --now redis-server >/dev/null 2>&1 || true
)

if ! command -v redis-server >/dev/null && ! install_package; then
	say "no redis-server found. Install it, on Debian: apt-get install redis-server"
	if [ "${CI:-}" = true ]; then
		say "CI=true: stopping here, the tests must run with a real server"
		exit 1
	fi
	say "SKIPPING THE TESTS WITH REDIS"
fi
exec "$@"
