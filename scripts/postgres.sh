#!/usr/bin/env bash
# Runs a command with a private, throw-away PostgreSQL beside it:
#
#   scripts/postgres.sh go test -race ./db/...
#   scripts/postgres.sh psql
#
# The command finds the server's address in ALWRITY_TEST_POSTGRES_URL (its role is
# a superuser, so tests may create databases and schemas), and psql, pg_dump and
# pgbench in PATH. The script exits with the command's exit code; the server and its
# data are gone by then, however the command ended.
#
# - As root the server runs as the user postgres (or nobody), since PostgreSQL
#   refuses root. An ordinary user runs it as themselves.
# - Missing server binaries are installed with apt-get when that is possible without
#   asking for a password. If there are none, the command runs without the variable;
#   with CI=true that is an error, since a test that did not run has not passed.
# - ALWRITY_POSTGRES_DURABLE=1 leaves what keeps data safe in a crash switched on, as in
#   production: for measurements, where the default would flatter.
# - If ALWRITY_TEST_POSTGRES_URL is set already, that server is used, as it is.
# shellcheck disable=SC2317 # what the traps call is reached
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/install.sh"

if [ $# -eq 0 ]; then
	echo "usage: scripts/postgres.sh COMMAND [ARGS...]" >&2
	exit 2
fi

if [ -n "${ALWRITY_TEST_POSTGRES_URL:-}" ]; then
	say "using the server that ALWRITY_TEST_POSTGRES_URL names"
	exec "$@"
fi
unset ALWRITY_TEST_POSTGRES_URL

# --- how it ends -------------------------------------------------------------

dir='' janitor='' child='' signalled=''

# finish lets the janitor stop the server and remove the data, and waits for it.
finish() {
	trap '' INT TERM HUP
	if [ -n "$janitor" ]; then
		echo "clean up" >&9
		wait "$janitor" || true
	elif [ -n "$dir" ]; then
		rm -rf "$dir"
	fi
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# --- binaries -----------------------------------------------------------------

has_server() {
	[ -x "$1/initdb" ] && [ -x "$1/pg_ctl" ] && [ -x "$1/postgres" ] && [ -x "$1/createdb" ]
}

# find_server prints the directory of the server's binaries: the one in PATH, else
# the newest of those that packages install outside of it.
find_server() {
	local dir
	# What stands in PATH may be links to some of the binaries: go where they all are.
	if dir=$(command -v initdb) && dir=$(dirname "$(readlink -f "$dir" || echo "$dir")") && has_server "$dir"; then
		echo "$dir"
		return
	fi
	{
		printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin
		printf '%s\n' {/opt/homebrew,/usr/local,/home/linuxbrew/.linuxbrew}/opt/postgresql*/bin
		printf '%s\n' /Applications/Postgres.app/Contents/Versions/*/bin
		pg_config --bindir 2>/dev/null || true
	} | while read -r candidate; do
		if has_server "$candidate"; then
			printf '%s %s\n' "$("$candidate/postgres" --version | awk '{ print $3 + 0 }')" "$candidate"
		fi
	done | sort -n | tail -n 1 | cut -d ' ' -f 2-
}

package_to_install() {
	if command -v apt-get >/dev/null; then
		echo "apt-get install postgresql"
	elif command -v dnf >/dev/null; then
		echo "dnf install postgresql-server"
	elif command -v apk >/dev/null; then
		echo "apk add postgresql"
	elif command -v pacman >/dev/null; then
		echo "pacman -S postgresql"
	elif command -v brew >/dev/null; then
		echo "brew install postgresql"
	else
		echo "the package that brings PostgreSQL's server (initdb, pg_ctl, postgres)"
	fi
}

bindir=$(find_server)
missing=()
[ -n "$bindir" ] || missing+=(postgresql)
has pgbouncer || missing+=(pgbouncer) # some tests put one before the server, and skip without it (CI=true: fail)
if [ ${#missing[@]} -gt 0 ] && install_packages "${missing[@]}"; then
	bindir=$(find_server)
fi
if [ -z "$bindir" ]; then
	say "no PostgreSQL server found. Install it: $(package_to_install)"
	if [ "${CI:-}" = true ]; then
		say "CI=true: stopping here, the tests must run on both databases"
		exit 1
	fi
	say "SKIPPING THE POSTGRESQL HALF: running on SQLite alone"
	exec "$@"
fi

# --- the server's user, its directory, and who cleans up ----------------------

if [ "$(id -u)" -eq 0 ]; then
	pg_user=
	for user in postgres nobody; do
		if id "$user" >/dev/null 2>&1; then
			pg_user=$user
			break
		fi
	done
	if [ -z "$pg_user" ]; then
		say "PostgreSQL does not run as root, and there is neither a user postgres nor nobody"
		exit 1
	fi
	if command -v runuser >/dev/null; then
		as_pg() { (exec 9>&- && cd "$dir" && LC_ALL=C exec runuser -u "$pg_user" -- "$@"); }
	else
		# shellcheck disable=SC2016 # the inner shell expands "$@"
		as_pg() { (exec 9>&- && cd "$dir" && LC_ALL=C exec su -s /bin/sh -c 'exec "$@"' -- "$pg_user" sh "$@"); }
	fi
else
	pg_user=
	as_pg() { (exec 9>&- && cd "$dir" && LC_ALL=C exec "$@"); }
fi

# Not TMPDIR: the server's user must reach it, and the path of a socket is limited to
# about a hundred bytes.
parent=/tmp
if [ "${ALWRITY_POSTGRES_DURABLE:-}" != 1 ]; then
	parent=$("$(dirname "${BASH_SOURCE[0]}")/scratch.sh" 3000)
fi
dir=$(mktemp -d "$parent/alwrity-postgres.XXXXXX")
data=$dir/data
log=$dir/server.log

# The janitor cleans up once this script says so, or is gone: its end of the pipe (9)
# is closed by a kill -9 too, hence nothing that outlives the script may inherit it.
# The janitor is a process group of its own (set -m), out of Ctrl-C's reach.
mkfifo "$dir/pipe"
# shellcheck disable=SC2094 # the two ends of one pipe
exec 9<>"$dir/pipe" 8<"$dir/pipe"
rm "$dir/pipe"
set -m
(
	trap - EXIT
	trap '' INT TERM HUP
	exec 9>&-
	read -r <&8 || true
	# Again if need be: after a kill -9, what was starting may still be writing.
	for _ in 1 2 3 4 5; do
		if [ -s "$data/postmaster.pid" ]; then
			as_pg "$bindir/pg_ctl" -D "$data" -m immediate -w stop >/dev/null 2>&1 || true
		fi
		rm -rf "$dir" 2>/dev/null || true
		[ -e "$dir" ] || break
		sleep 1
	done
) &
janitor=$!
set +m
exec 8<&-

if [ -n "$pg_user" ]; then
	chown "$pg_user" "$dir"
fi

# --- the server ---------------------------------------------------------------

# The caller's PGHOST, PGSSLMODE and the like are meant for another server.
for name in ${!PG@}; do unset "$name"; done

fail() {
	say "$1"
	if [ -s "$2" ]; then
		say "the last lines of its log:"
		tail -n 30 "$2" >&2
	fi
	exit 1
}

password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
echo "$password" >"$dir/password"
if [ -n "$pg_user" ]; then
	chown "$pg_user" "$dir/password"
fi

init() {
	as_pg "$bindir/initdb" -D "$data" --username=alwrity --pwfile="$dir/password" \
		--auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync "$@" >"$dir/initdb.log" 2>&1
}
# Sort text as a server in production would, by the rules of a language, so that a
# query whose result depends on the collation is found here. Not every build has ICU.
init --locale-provider=icu --icu-locale=en-US || { rm -rf "$data" && init; } ||
	fail "initdb failed" "$dir/initdb.log"

cat >>"$data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$dir'
max_connections = 400
lc_messages = 'C'
# Not UTC, so that whatever depends on a connection's time zone is found here.
timezone = '<+0530>-05:30'
CONF
if [ "${ALWRITY_POSTGRES_DURABLE:-}" != 1 ]; then
	# The data are thrown away: survive no crash, and be quick.
	cat >>"$data/postgresql.conf" <<-CONF
		fsync = off
		full_page_writes = off
		synchronous_commit = off
		wal_level = minimal
		max_wal_senders = 0
		max_wal_size = 512MB
		jit = off
	CONF
fi

tls=off
if command -v openssl >/dev/null &&
	as_pg openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
		-addext subjectAltName=IP:127.0.0.1,DNS:localhost \
		-keyout "$dir/server.key" -out "$dir/server.crt" >"$dir/openssl.log" 2>&1 &&
	as_pg chmod 600 "$dir/server.key"; then
	tls=on
	cat >>"$data/postgresql.conf" <<CONF
ssl = on
ssl_cert_file = '$dir/server.crt'
ssl_key_file = '$dir/server.key'
CONF
fi

# Any free port will do. Whether it is free is known only once the server has it, so
# take one at random (below those that systems give to outgoing connections), and
# another one if it is in use.
started=
for _ in 1 2 3 4 5 6 7 8 9 10; do
	port=$((20000 + RANDOM % 12000))
	: >"$log"
	if [ -n "$pg_user" ]; then chown "$pg_user" "$log"; fi
	if as_pg "$bindir/pg_ctl" -D "$data" -l "$log" -o "-p $port" -t 60 -w start \
		</dev/null >"$dir/pg_ctl.log" 2>&1; then
		started=yes
		break
	fi
	grep -q 'Address already in use' "$log" || break
done
if [ -z "$started" ]; then
	fail "PostgreSQL did not start" "$log"
fi
PGPASSWORD=$password "$bindir/createdb" -w -h 127.0.0.1 -p "$port" -U alwrity alwrity 9>&- ||
	fail "PostgreSQL started but could not be used" "$log"

export PATH="$bindir:$PATH"
export ALWRITY_TEST_POSTGRES_URL="postgresql://alwrity:$password@127.0.0.1:$port/alwrity"
say "$("$bindir/postgres" --version) on port $port, TLS $tls"

# --- the command --------------------------------------------------------------

# descendants prints a process and all that it has started.
descendants() {
	ps -A -o pid= -o ppid= 2>/dev/null | awk -v root="$1" '
		{ children[$2] = children[$2] " " $1 }
		function walk(pid, list, n, i) {
			print pid
			n = split(children[pid], list, " ")
			for (i = 1; i <= n; i++) walk(list[i])
		}
		END { walk(root) }' || echo "$1"
}

# forward passes a signal on to the command and what it has started, as a terminal
# does with Ctrl-C. The script goes on waiting, and cleans up when the command is done.
forward() {
	local pid
	signalled=yes
	for pid in $(descendants "$child"); do
		kill -s "$1" "$pid" 2>/dev/null || true
	done
}

# In the background, since bash handles a signal only once the foreground command has
# ended; with its own stdin and with Ctrl-C working, which a background command has not.
(
	trap - EXIT INT QUIT TERM HUP
	exec 9>&-
	exec "$@"
) <&0 &
child=$!

trap 'forward INT' INT
trap 'forward TERM' TERM
trap 'forward HUP' HUP

status=0
while :; do
	signalled=
	wait "$child" && status=0 || status=$?
	# A signal that came in has interrupted the wait, and the status is not the command's.
	[ -n "$signalled" ] || break
done
exit "$status"
