#!/usr/bin/env bash
# What takes too long for every change: all tests with the race detector, more kills, faults and random histories, and
# fuzzing that is guided. `make nightly` runs it with a PostgreSQL beside it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

go vet ./...
TORTURE=1 go test -race -count=1 -timeout 180m ./...
scripts/torture.sh
FUZZ_TIME=${FUZZ_TIME:-60s} exec scripts/fuzz.sh
