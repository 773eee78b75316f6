#!/usr/bin/env bash
# Lints with the one version of golangci-lint that the project is linted with, built
# from source into .tools the first time (about a minute on two cores). Arguments go
# to `golangci-lint run`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=v2.15.0

# One directory for each version of Go too: a linter refuses code for a newer Go than
# the one it was built with.
dir=$PWD/.tools/golangci-lint-$version-$(go env GOVERSION)
lint=$dir/golangci-lint
if [ ! -x "$lint" ]; then
	echo "building golangci-lint $version into .tools (once)"
	# The Go of this module, also where the installed one is older and fetches it.
	GOBIN=$dir GOFLAGS='' GOTOOLCHAIN=$(go env GOVERSION) go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$version"
fi
"$lint" run "$@"
echo "lint: no issues"
