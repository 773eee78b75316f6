#!/usr/bin/env bash
# Runs every fuzz target for a while, and fails if one finds something. What it has
# found is then a file under testdata/fuzz, which every test run tries from then on:
# mend the fault and commit both.
#
#   FUZZ_TIME=60s scripts/fuzz.sh              deeper than the default 3s for each
#   FUZZ_TIME=10m scripts/fuzz.sh ./pricing    the targets of some packages alone
#   FUZZ_TIME=2000x FUZZ_GUIDED=no …           a number of inputs, and without the instrumentation that finds new ones by
#                                              what they reach: it builds all that a package needs once more
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

time=${FUZZ_TIME:-3s}
known=$(go env GOCACHE)/fuzz # what earlier runs found interesting, where go test -fuzz has it too
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# Packages are found by their text: `go test -list ./...` would build the tests of all.
packages=("$@")
if [ $# -eq 0 ]; then
	while read -r package; do packages+=("$package"); done < <(
		grep -rl --include='*_test.go' --exclude-dir='.?*' '^func Fuzz' . | sed 's|/[^/]*$||' | sort -u
	)
fi

instrumented=(-fuzz=.)
if [ "${FUZZ_GUIDED:-}" = no ]; then instrumented=(); fi
found=0
for package in "${packages[@]}"; do
	name=$(go list "$package")
	# One binary for all targets of a package.
	go test -c -vet=off -ldflags=-w ${instrumented[@]+"${instrumented[@]}"} -o "$out/test" "$package"
	for target in $(cd "$package" && "$out/test" -test.list '^Fuzz'); do
		printf '%s %s: ' "$package" "$target"
		if (cd "$package" && "$out/test" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$time" -test.fuzzminimizetime 5s \
			-test.fuzzcachedir "$known/$name") >"$out/log" 2>&1; then
			execs=$(sed -n 's/.*\(execs: [0-9]*\).*/\1/p' "$out/log" | tail -n 1)
			echo "${execs:-nothing new tried}"
		elif grep -q 'context deadline exceeded' "$out/log" && ! grep -q 'Failing input written' "$out/log"; then
			echo "the time was up" # Go reports the end of its time as a failure now and then
		else
			found=1
			printf 'FAILED\n\n'
			grep -v '^fuzz: elapsed' "$out/log"
			sed -n "s|.*Failing input written to \(.*\)|\nthe input that fails is in $package/\1|p" "$out/log"
		fi
	done
done
exit "$found"
