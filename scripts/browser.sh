#!/usr/bin/env bash
# Runs a command that tests pages in a browser, and installs what it needs before:
#
#   scripts/browser.sh go test ./server/pages
#
# That is Debian's chromium and axe-core, which looks whether everybody can use a page. Where they can't be had, the
# command runs all the same, and its tests say so; with CI=true that is an error, since a test that did not run has not
# passed.
set -euo pipefail

say() { printf 'browser.sh: %s\n' "$*" >&2; }

if [ $# -eq 0 ]; then
	echo "usage: scripts/browser.sh COMMAND [ARGS...]" >&2
	exit 2
fi
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
axe=$root/server/pages/testdata/axe

as_root() {
	if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# install_chromium installs the system's package, if nobody has to be asked for a password.
install_chromium() (
	command -v apt-get >/dev/null || exit 1
	[ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null || exit 1
	exec </dev/null >&2
	say "installing the system's package chromium"
	as_root apt-get -qq -o DPkg::Lock::Timeout=120 update ||
		say "apt-get update failed; trying with the package lists that are here"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 \
		install --no-install-recommends chromium
)

install_axe() (
	command -v npm >/dev/null || exit 1
	exec </dev/null >&2
	say "fetching axe-core"
	cd "$axe" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
)

missing=''
command -v chromium >/dev/null || install_chromium || missing="chromium (apt-get install chromium)"
[ -f "$axe/node_modules/axe-core/axe.min.js" ] || install_axe || missing="$missing axe-core (npm)"
if [ -n "$missing" ]; then
	say "missing: $missing"
	if [ "${CI:-}" = true ]; then
		say "CI=true: stopping here, the pages must be tested in a browser"
		exit 1
	fi
	say "SKIPPING WHAT NEEDS IT"
fi
exec "$@"
