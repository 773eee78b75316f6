#!/usr/bin/env bash
# Measures, and prints every figure beside that of the tool that a user would
# otherwise reach for, from the same run on the same machine. bench/main.go lists the
# variables that choose what is measured.
#
#   BENCH_ROWS=20000 make bench     a try; the figures that count have a million rows
set -euo pipefail
cd "$(dirname "$0")/.."

# What is committed must be on the disk, as in production.
export ALWRITY_POSTGRES_DURABLE=1
scripts/tools.sh wrk=wrk
exec scripts/postgres.sh go run ./bench
