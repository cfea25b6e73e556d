#!/bin/sh
# mariadb.sh run CMD…: runs CMD beside a private, throw-away MariaDB and ends with its status.
#
# The server listens on a unix socket in a directory of its own (0700) and on nothing else. It has
# an empty database `yufu` and the user root without password. CMD finds the socket in
# YUFU_TEST_SOCKET. Works as root and as an ordinary user; any number may run at once. The server
# ends with this script, however that ends.
#
# YUFU_TEST_MIGRATE names a program that brings an empty database up to date. It is run once for each
# state of migrations/; then every CMD gets a copy of what it made, and YUFU_TEST_MIGRATED=1.
#
# For measurements: YUFU_MARIADB_OPTIONS are further options of the server, and with
# YUFU_MARIADB_AGAIN=1 it is started again when CMD shuts it down.
#
# mariadb.sh template DIR: makes (once, under a lock) an initialised data directory to copy from.
set -eu

support=$(CDPATH="" cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH="" cd -- "$support/../.." && pwd)
template=${YUFU_MARIADB_TEMPLATE:-$root/build/mariadb-template}
PATH=$PATH:/usr/sbin

fail() {
	echo "mariadb.sh: $*" >&2
	exit 1
}

as_user() {
	if [ "$(id -u)" = 0 ]; then echo --user=root; fi
}

# Initialising takes seconds, copying does not.
make_template() {
	dir=$1
	if [ -e "$dir/.ready" ]; then
		[ -r "$dir/ibdata1" ] || fail "$dir belongs to another user; set YUFU_MARIADB_TEMPLATE"
		return 0
	fi
	mkdir -p "$(dirname "$dir")"
	exec 8>"$dir.lock"
	flock 8
	if [ ! -e "$dir/.ready" ]; then
		rm -rf "$dir"
		# force: also where the host name cannot be looked up; nobody connects by it.
		# shellcheck disable=SC2046 # no word at all for an ordinary user
		mariadb-install-db --no-defaults $(as_user) --datadir="$dir" --skip-test-db --force \
			--auth-root-authentication-method=normal --innodb-log-file-size=16M \
			>"$dir.log" 2>&1 || fail "cannot make a data directory, see $dir.log"
		touch "$dir/.ready"
	fi
	exec 8>&-
}

server_ready() {
	mariadb --no-defaults --socket="$1" --user=root -e 'SELECT 1' >/dev/null 2>&1
}

stop_server() {
	status=$?
	trap - EXIT INT TERM HUP
	if [ -n "${command_pid:-}" ]; then kill "$command_pid" 2>/dev/null || true; fi
	if [ -n "${server:-}" ]; then
		# Nothing in it is worth a clean end: it is deleted.
		kill -9 "$server" 2>/dev/null || true
		wait "$server" 2>/dev/null || true
	fi
	rm -rf "$dir"
	exit "$status"
}

start_server() {
	# A server that starts removes the temporary tables of all others in its tmpdir.
	# shellcheck disable=SC2046,SC2086 # options are words
	setpriv --pdeathsig KILL mariadbd --no-defaults $(as_user) --datadir="$dir/data" --socket="$dir/s" \
		--pid-file="$dir/pid" --skip-networking --skip-name-resolve \
		--character-set-server=utf8mb4 --collation-server=utf8mb4_bin \
		--sql-mode=TRADITIONAL --innodb-buffer-pool-size=64M --innodb-log-file-size=16M \
		--innodb-flush-log-at-trx-commit=1 --innodb-doublewrite=0 --innodb-autoextend-increment=2 \
		--innodb-lock-wait-timeout=5 --performance-schema=0 --tmpdir="$dir" \
		${YUFU_MARIADB_OPTIONS:-} >>"$dir/log" 2>&1 &
	server=$!
}

# A server of our own on a copy of a data directory; it ends with this shell.
open_server() {
	place=${TMPDIR:-/dev/shm}
	if ! [ -w "$place" ]; then place=/tmp; fi
	dir=$(mktemp -d "$place/yufu-db.XXXXXX")
	trap stop_server EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	cp -r "$1" "$dir/data"
	export YUFU_TEST_SOCKET="$dir/s"

	start_server

	tries=0
	until server_ready "$dir/s"; do
		tries=$((tries + 1))
		if ! kill -0 "$server" 2>/dev/null || [ $tries -gt 600 ]; then
			tail -20 "$dir/log" >&2
			fail "MariaDB did not start"
		fi
		sleep 0.1
	done
}

as_root() {
	mariadb --no-defaults --socket="$dir/s" --user=root -e "$1"
}

make_database() {
	as_root 'CREATE DATABASE yufu CHARACTER SET utf8mb4 COLLATE utf8mb4_bin'
}

# Sets migrated to a data directory in which YUFU_TEST_MIGRATE has done its work.
make_migrated() {
	state=$(cat "$root"/migrations/* "$root"/core/db/migrate.c "$root"/tests/db/db_fixture.c |
		sha256sum | cut -c 1-16)
	migrated=$template-$state
	if [ -e "$migrated/.ready" ]; then return 0; fi
	exec 7>"$template-migrated.lock"
	flock 7
	if [ ! -e "$migrated/.ready" ]; then
		rm -rf "$template"-????????????????
		(
			open_server "$template"
			make_database
			"$YUFU_TEST_MIGRATE"
			as_root SHUTDOWN
			wait "$server"
			trap - EXIT
			rm "$dir/data/.ready"
			cp -r "$dir/data" "$migrated"
			rm -rf "$dir"
			touch "$migrated/.ready"
		) >"$migrated.log" 2>&1 7>&- || fail "cannot migrate, see $migrated.log"
	fi
	exec 7>&-
}

run() {
	[ $# -gt 0 ] || fail "usage: mariadb.sh run CMD…"
	make_template "$template"
	if [ -n "${YUFU_TEST_MIGRATE:-}" ]; then
		make_migrated
		export YUFU_TEST_MIGRATED=1
		open_server "$migrated"
	else
		open_server "$template"
		make_database
	fi

	# In the background, so that a signal to this script is acted upon at once.
	"$@" <&0 &
	command_pid=$!
	while [ "${YUFU_MARIADB_AGAIN:-}" = 1 ] && kill -0 "$command_pid" 2>/dev/null; do
		kill -0 "$server" 2>/dev/null || start_server
		sleep 0.1
	done
	wait "$command_pid" && status=0 || status=$?
	command_pid=
	return "$status"
}

case ${1:-} in
run)
	shift
	run "$@"
	;;
template)
	[ $# = 2 ] || fail "usage: mariadb.sh template DIR"
	make_template "$2"
	;;
*) fail "usage: mariadb.sh run CMD… | template DIR" ;;
esac
