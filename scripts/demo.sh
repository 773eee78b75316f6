#!/usr/bin/env bash
# Shows the program with sample usage: its reports, then its pages in a browser, with links that sign in. On a terminal
# it serves them until Ctrl-C; elsewhere, such as in a pipeline, it ends after the reports unless SERVE=1 is set.
#
#   make demo
#   make demo SERVE=1 > demo.log &
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=$PWD/bin/alwrity-sub

dir=$(mktemp -d "${TMPDIR:-/tmp}/alwrity-demo.XXXXXX")
# Nothing of the machine's own configuration: the sample is not to be mixed with what is real.
cd "$dir"
database=sqlite:///$dir/alwrity-demo.db
sub() { env -u DATABASE_URL "$program" --database-url "$database" "$@"; }

sub demo --dir "$dir"
if [ ! -t 1 ] && [ -z "${SERVE:-}" ]; then
	printf '\nTo see its pages in a browser: make demo SERVE=1\n'
	exit 0
fi

# A port that nobody has.
port=${PORT:-8080}
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
export ALWRITY_SUB_LISTEN=127.0.0.1:$port

url() { sub tokens link -o json "$@" | sed -n 's/^ *"url": "\(.*\)",$/\1/p'; }
user=$(sub users list -o csv | awk -F, 'NR > 1 && tolower($0) ~ /pro/ { print $1; exit }')
customer=$(url "${user:-ana}")
admin=$(url --admin)

sub serve &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
trap 'kill -TERM "$server" 2>/dev/null || true' INT TERM
for _ in $(seq 100); do
	(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
	sleep 0.1
done
cat <<END

Its pages are served on http://127.0.0.1:$port until Ctrl-C. These links sign in, once, within 15 minutes:

  as the customer ${user:-ana}   $customer
  as an operator      $admin

END
wait "$server" || true
