#!/bin/bash
#
# What snapshots and windows cost: time, disk, and how long statements wait.
#
# usage: test/bench/snapshots.sh [statements]
#
# Builds the library and makes a throw-away server with fsync on; everything is
# gone when it ends.  Times are medians of eleven.  Every statement is executed
# twelve times before the first snapshot and once between the two of the window.

set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"

statements=${1:-4900}
unset MAKEFLAGS MFLAGS MAKELEVEL
cd "$top"
PG_CONFIG=$(test/setup.sh)
export PG_CONFIG
make_work_folder
copy_tree "$work/tree"
quietly make -s -j2 -C "$work/tree" PG_CONFIG="$PG_CONFIG" COPT=-Werror with_llvm=no
bindir=$(install_privately "$work/server" "$work/tree")
mkdir "$work/data" "$work/socket"
! is_root || chown -R "$(server_user)" "$work"
as_server_user "$bindir/initdb" -D "$work/data" -A trust -U postgres --no-sync >"$work/initdb.log"
cat >>"$work/data/postgresql.conf" <<CONF
shared_preload_libraries = 'pg_stat_statements,pg_diagnose'
listen_addresses = ''
unix_socket_directories = '$work/socket'
jit = off
pg_diagnose.max = $((statements * 6 / 5 + 500))
pg_diagnose.snapshot_interval = 0
CONF
as_server_user "$bindir/pg_ctl" -D "$work/data" -l "$work/log" -w start >"$work/ctl.log" 2>&1 ||
	{ show "the server does not start" 40 "$work/log"; exit 1; }

ask()
{
	as_server_user "$bindir/psql" -XAtq -v ON_ERROR_STOP=1 -h "$work/socket" -U postgres -d postgres "$@"
}

# one execution of every statement
script()
{
	awk -v n="$statements" -v round="$1" 'BEGIN {
		for (s = 0; s < n; s++) {
			columns = ""
			for (i = 0; i < 16; i++)
				columns = columns (i ? ", " : "") (int(s / 2 ^ i) % 2 ? "id" : "NULL")
			print "SELECT " columns " FROM t WHERE id > " round ".5;"
		} }'
}

# The median of the times of a statement, in milliseconds.
median()
{
	{
		echo '\timing on'
		for _ in 1 2 3 4 5 6 7 8 9 10 11; do
			echo "$1;"
		done
	} | ask | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | sort -n | sed -n 6p
}

ask -c 'CREATE EXTENSION pg_stat_statements' -c 'CREATE EXTENSION pg_diagnose' \
	-c 'CREATE TABLE t AS SELECT generate_series(1, 20) AS id' -c 'SELECT diagnose.reset()' >"$work/load.log"
for round in 1 2 3 4 5 6 7 8 9 10 11 12; do
	script "$round" | ask >"$work/load.log"
done
lower=$(ask -c 'SELECT diagnose.take_snapshot()')
script 13 | ask >"$work/load.log"
upper=$(ask -c 'SELECT diagnose.take_snapshot()')

printf '%-52s %10s\n' "$(ask -c "SELECT statements FROM diagnose.snapshots() WHERE id = $upper") statements" "median"
row()
{
	printf '%-52s %10s\n' "$1" "$2"
}
row "taking a snapshot, fsync included" "$(median 'SELECT diagnose.take_snapshot()') ms"
row "a snapshot on disk" "$(ask -c "SELECT bytes / 1000 FROM diagnose.snapshots() WHERE id = $upper") kB"
row "480 of them, by 1,000 statements" \
	"$(ask -c "SELECT bytes * 480 / statements / 1000 FROM diagnose.snapshots() WHERE id = $upper") MB"
row "statements() since the reset, live" "$(median 'SELECT count(*) FROM diagnose.statements(diagnose.since_reset())') ms"
row "statements() of one snapshot" "$(median "SELECT count(*) FROM diagnose.statements('(,$upper)')") ms"
row "statements() of a window with all of them" "$(median "SELECT count(*) FROM diagnose.statements('($lower,$upper)')") ms"

# Eight clients in short transactions, while a session takes one after the other.
cat >"$work/clients.sql" <<'SQL'
BEGIN;
SELECT id FROM t WHERE id = 5;
SELECT count(*) FROM t;
COMMIT;
SQL
# The longest wait on a busy machine is that for the processor of who holds a
# lock, so the same is measured without snapshots.
longest_wait()
{
	local clients

	taken=0
	ask -c 'SELECT diagnose.reset()' >"$work/load.log"
	as_server_user "$bindir/pgbench" -n -c 8 -T 15 -h "$work/socket" -U postgres \
		-f "$work/clients.sql" postgres >"$work/pgbench.log" 2>&1 &
	clients=$!
	while kill -0 "$clients" 2>/dev/null; do
		if [ "$1" = taking ]; then
			ask -c 'SELECT diagnose.take_snapshot()' >"$work/load.log"
			taken=$((taken + 1))
		else
			sleep 0.1
		fi
	done
	wait=$(ask -c 'SELECT round(wait_ms_max::numeric, 3) FROM diagnose.status')
}
longest_wait nothing
row "longest wait of a statement, no snapshots" "$wait ms"
longest_wait taking
row "longest wait of a statement, $taken snapshots" "$wait ms"
row "load of the machine, $(nproc) cores" "$(cut -d ' ' -f 1 /proc/loadavg)"
