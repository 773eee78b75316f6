#!/usr/bin/env bash
# Everything that must hold before a change goes in: format, vet, lint, and all tests
# with the race detector. `make test` runs it with a PostgreSQL beside it.
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

step "go vet ./..."
go vet ./...

step "lint"
scripts/lint.sh

# -count=1: every test really runs, none is answered from the cache.
step "go test -race ./..."
go test -race -count=1 -timeout 20m ./...

step "fuzz"
exec scripts/fuzz.sh
