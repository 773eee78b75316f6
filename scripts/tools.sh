#!/usr/bin/env bash
# Installs the programs of the system that tests need, where that is possible without asking for a password, and axe-core,
# which looks whether everybody can use a page.
#
# A test whose program is missing says so: it is skipped or, with CI=true, fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/install.sh

packages=()
has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || packages+=(postgresql)
for pair in pgbouncer=pgbouncer redis-server=redis-server python3=python3 chromium=chromium promtool=prometheus \
	buildah=buildah nginx=nginx-light; do
	has "${pair%%=*}" || packages+=("${pair#*=}")
done
if [ ${#packages[@]} -gt 0 ] && ! install_packages "${packages[@]}"; then
	for package in "${packages[@]}"; do # there may be some that this system does not know
		install_packages "$package" || say "missing: $package"
	done
fi

cd server/pages/testdata/axe
if [ ! -f node_modules/axe-core/axe.min.js ]; then
	say "fetching axe-core"
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null >&2 || say "missing: axe-core (npm)"
fi
