#!/usr/bin/env bash
# Prints where tests may keep files that are thrown away: a directory in memory where one has room, else /tmp.
# Both databases make many small files, and what tests do with them is much cheaper there. MB is how much they may need:
# What a run that was killed has left there goes after a day.
#
#   scripts/scratch.sh MB
set -euo pipefail

memory=/dev/shm
room() { df -Pm "$memory" 2>/dev/null | awk 'NR == 2 { print $4 }'; }
free() { awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo 2>/dev/null; }
# Programs are run there as well, which a container may forbid.
runs() {
	local file status=0
	file=$(mktemp "$memory/alwrity.XXXXXX" 2>/dev/null) || return 1
	printf '#!/bin/sh\n' >"$file" && chmod 700 "$file" && "$file" 2>/dev/null || status=1
	rm -f "$file"
	return "$status"
}

for parent in "$memory" /tmp; do
	find "$parent" -maxdepth 1 \( -name 'alwrity-check.*' -o -name 'alwrity-postgres.*' \) -mtime +0 -exec rm -rf {} + \
		2>/dev/null || true
done

if [ -d "$memory" ] && [ "$(room)" -gt "$1" ] && [ "$(free)" -gt $((2 * $1)) ] && runs; then
	echo "$memory"
else
	echo /tmp
fi
