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

# What tests write goes to memory where there is room, since nothing of it need outlive them. Root's is open to the
# other users that some tests run programs as.
temporary=$(mktemp -d "$(scripts/scratch.sh 2000)/alwrity-check.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
chmod 755 "$temporary"
mkdir "$temporary/programs" "$temporary/tests"

# Beside the build, which leaves a core idle now and then.
scripts/tools.sh promtool=prometheus buildah=buildah nginx=nginx-light >"$temporary/tools" 2>&1 &
tools=$!
scripts/lint.sh >"$temporary/lint" 2>&1 &
lint=$!

# Memory is cheaper here than the time of its collector; and nobody debugs what is linked.
export GOGC=400
build=(-ldflags=-w)

# Built once for all packages that run them.
step "build"
go build -buildvcs=false "${build[@]}" -o "$temporary/programs/" . ./torture/patient
export ALWRITY_TEST_PROGRAMS=$temporary/programs

step "lint"
status=0
wait "$lint" || status=$?
cat "$temporary/lint"
[ "$status" = 0 ]
wait "$tools" || cat "$temporary/tools" # tests say what is missing

# The race detector makes a program some times slower. It watches what does several things at once within a process;
# what does one thing after another, or runs the compiled program, is tested without. make nightly watches everything.
# -count=1: every test really runs, none is answered from the cache. -vet=off: lint has done it.
flags=("${build[@]}" -count=1 -vet=off -timeout "${TEST_TIMEOUT:-30m}")
stores='^Test(SQLite|PostgreSQL)$'
stores_at_once="$stores/^(races|writers)\$|$stores/./at_once|$stores/./(while|of_those_who|every_kind)"
scripts='^TestScript$/^(sqlite|postgresql)$'
commands_at_once="^Test(Signal|Second|Interrupted)|$scripts/^(alerts_send_at_once|at_once_record|demo|import_jsonl|selftest)\$"

# Side by side, since either waits much: for locks, servers, processes. What takes longest begins first.
with_race() {
	go test -race "${flags[@]}" -run "$stores_at_once" ./db && go test -race "${flags[@]}" ./notify/... ./usage &&
		go test -race "${flags[@]}" -run "$commands_at_once" ./cmd
}
without_race() {
	local module tests rest
	module=$(go list -m)
	tests=$(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./...)
	rest=$(grep -vE "^$module/(cmd|db|notify|torture|usage)(/|\$)" <<<"$tests")
	# shellcheck disable=SC2086 # one argument for each package
	go test "${flags[@]}" -p 5 -skip "$stores_at_once" ./cmd ./torture/... ./db/... $rest
}
step "go test, with and without -race"
export GOTMPDIR=${TMPDIR:-/tmp} TMPDIR=$temporary/tests # what is linked is large
with_race &
race=$!
failed=0
without_race || failed=1
wait "$race" || failed=1
[ "$failed" = 0 ]

step "fuzz"
FUZZ_TIME=${FUZZ_TIME:-2000x} FUZZ_GUIDED=no scripts/fuzz.sh
