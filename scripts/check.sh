#!/usr/bin/env bash
# Everything that must hold before a change goes in: format, lint (with what go vet finds) and all tests.
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

# To compile SQLite as well as can be, as is the default, takes three times as long, and tests are hardly faster for it.
# make nightly does.
export CGO_CFLAGS=${CGO_CFLAGS:--O1}

# Beside the build: what is fetched takes time and no processor.
scripts/tools.sh >"$temporary/tools" 2>&1 &
tools=$!
scripts/lint.sh >"$temporary/lint" 2>&1 &
lint=$!

# Memory is cheaper than the time of its collector, which the linter alone has to care for.
export GOGC=400

# Built once for all packages that run them; nobody debugs what is linked.
step "build"
go build -buildvcs=false -ldflags=-w -o "$temporary/programs/" . ./torture/patient
export ALWRITY_TEST_PROGRAMS=$temporary/programs

step "lint"
status=0
wait "$lint" || status=$?
cat "$temporary/lint"
[ "$status" = 0 ]
wait "$tools" || cat "$temporary/tools" # tests say what is missing

step "go test, with and without -race"
export GOTMPDIR=${TMPDIR:-/tmp} TMPDIR=$temporary/tests # what is linked is large
scripts/postgres.sh scripts/tests.sh
