#!/usr/bin/env bash
# Measures, and prints every figure beside that of the tool that a user would
# otherwise reach for, from the same run on the same machine.
#
#   BENCH_ROWS=100000 make bench     a smaller log than the default million rows
set -euo pipefail
cd "$(dirname "$0")/.."

go test ./cmd -run '^$' -bench '^BenchmarkColdProcess$' -benchtime 50x -timeout 60m
