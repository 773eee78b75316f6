#!/usr/bin/env bash
# Attacks the compiled program: 64 at once, and kill -9 at random moments, on SQLite and
# on a PostgreSQL of its own. The same attacks are part of all tests, with fewer rounds.
#
#   make torture
#   TORTURE_ROUNDS=1000 scripts/torture.sh
#   TORTURE_SEED=… scripts/torture.sh -run TestKill     replay what a failure has printed
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export TORTURE_ROUNDS=${TORTURE_ROUNDS:-300} TORTURE=${TORTURE:-1}
# And more random histories beside the model than all tests have time for.
if [ $# -eq 0 ]; then
	go test ./db -run 'TestSQLite/model' -rapid.checks="$TORTURE_ROUNDS" -v -count=1 -timeout 60m
	scripts/postgres.sh go test ./db -run 'TestPostgreSQL/model' -rapid.checks=40 -v -count=1 -timeout 60m
	scripts/postgres.sh go test ./cmd -run 'TestScript/.*/.*killed' -count=1 -timeout 60m
fi
exec scripts/postgres.sh go test ./torture/... -v -count=1 -timeout 60m "$@"
