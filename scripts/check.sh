#!/usr/bin/env bash
# Everything that must hold before a change goes in: format, lint (with what go vet finds) and all tests. `make test`
# runs it with a PostgreSQL beside it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

step() { printf '\n== %s\n' "$*"; }

step "gofmt -l ."
unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
	printf '%s\n' "$unformatted"
	echo "these files are not formatted; run: make fmt" >&2
	exit 1
fi

step "lint"
scripts/lint.sh

# Built once for all packages that run them.
step "build"
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
chmod 755 "$programs" # tests run them as another user as well
go build -buildvcs=false -o "$programs/" . ./torture/patient
export ALWRITY_TEST_PROGRAMS=$programs

# The race detector makes a program some times slower. It watches each package whose code runs at once, and of the
# commands those that do several things at once; what is pure and what runs the compiled program is tested without.
# -count=1: every test really runs, none is answered from the cache. -vet=off: lint has done it.
flags=(-count=1 -vet=off -timeout "${TEST_TIMEOUT:-30m}")
at_once='^Test(Signal|Second|Interrupted|Limits)|^TestScript$/^(sqlite|postgresql)$/^(alerts_send|at_once_record|demo|import|selftest)'
histories='^Test(SQLite|PostgreSQL)$/^model$' # one thing after another, and long
plain=() raced=()
while read -r package; do
	case ${package#*/alwrity-sub/} in
	billing* | commands | db | health | notify | usage) raced+=("$package") ;;
	*) plain+=("$package") ;;
	esac
done < <(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./... | grep .)

# Side by side, since either waits much: for locks, servers, processes.
with_race() {
	go test -race "${flags[@]}" -skip "$histories" "${raced[@]}" && go test -race "${flags[@]}" -run "$at_once" ./cmd
}
step "go test, with and without -race"
with_race &
race=$!
failed=0
go test "${flags[@]}" "${plain[@]}" || failed=1
go test "${flags[@]}" -run "$histories" ./db || failed=1
wait "$race" || failed=1
[ "$failed" = 0 ]

step "fuzz"
FUZZ_TIME=${FUZZ_TIME:-2000x} FUZZ_GUIDED=no scripts/fuzz.sh
