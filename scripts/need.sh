#!/usr/bin/env bash
# Says what is missing to build: Go, and a C compiler for the embedded SQLite.
set -euo pipefail

if ! command -v go >/dev/null; then
	echo "go is missing: install Go 1.26 or newer, https://go.dev/doc/install" >&2
	exit 1
fi
# CC may carry flags or a wrapper ("ccache gcc"); its first word is the command.
read -r cc _ <<<"$(go env CC)"
if ! command -v "$cc" >/dev/null; then
	echo "$cc is missing: SQLite is compiled in and needs a C compiler." >&2
	echo "Install one (Debian, Ubuntu: apt-get install gcc libc6-dev; macOS: xcode-select --install)" >&2
	exit 1
fi
