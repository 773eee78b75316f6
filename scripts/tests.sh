#!/usr/bin/env bash
# All tests of Go, with and without the race detector, and the fuzz targets. scripts/check.sh runs it with a PostgreSQL
# beside it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The race detector makes a program some times slower. It watches what does several things at once within a process;
# what does one thing after another, or runs the compiled program, is tested without. make nightly watches everything.
# -count=1: every test really runs, none is answered from the cache. -vet=off: lint has done it.
flags=(-ldflags=-w -count=1 -vet=off -timeout "${TEST_TIMEOUT:-30m}")
stores='^Test(SQLite|PostgreSQL)$'
stores_at_once="$stores/^(races|writers)\$|$stores/./at_once|$stores/./(while|of_those_who|every_kind)"
scripts='^TestScript$/^(sqlite|postgresql)$'
commands_at_once="^Test(Signal|Second|Interrupted)|$scripts/^(alerts_send_at_once|at_once_record|demo|import_jsonl|selftest)\$"

# Side by side, since either waits much: for locks, servers, processes. What takes longest begins first.
with_race() {
	go test -race "${flags[@]}" -run "$stores_at_once" ./db && go test -race "${flags[@]}" ./notify/... ./usage &&
		go test -race "${flags[@]}" -run "$commands_at_once" ./cmd &&
		FUZZ_TIME=${FUZZ_TIME:-2000x} FUZZ_GUIDED=no scripts/fuzz.sh
}
without_race() {
	local module tests rest
	module=$(go list -m)
	tests=$(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./...)
	rest=$(grep -vE "^$module/(cmd|db|notify|torture|usage)(/|\$)" <<<"$tests")
	# shellcheck disable=SC2086 # one argument for each package
	go test "${flags[@]}" -p 5 -skip "$stores_at_once" ./cmd ./torture/... ./db/... $rest
}
with_race &
race=$!
failed=0
without_race || failed=1
wait "$race" || failed=1
exit "$failed"
