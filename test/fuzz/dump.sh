#!/bin/bash
#
# Start a server with damaged dump files which have a good checksum, so that the
# reader itself is tested.
#
# usage: test/fuzz/dump.sh [rounds [seed]]
#
# Builds the library and makes a throw-away server of its own; everything is
# gone when it ends.  Each round the server must start, say so if it ignores the
# file, show all that it took from it, and stop.  The same seed gives the same
# files on the same major version.

set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"

rounds=${1:-100}
seed=${2:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
unset MAKEFLAGS MFLAGS MAKELEVEL
for name in $(compgen -e PG | grep -vxF PG_CONFIG); do
	unset "$name"
done

cd "$top"
PG_CONFIG=$(test/setup.sh)
export PG_CONFIG
make_work_folder
copy_tree "$work/tree"
quietly make -s -j2 -C "$work/tree" PG_CONFIG="$PG_CONFIG" COPT=-Werror with_llvm=no
bindir=$(install_privately "$work/server" "$work/tree")
data=$work/data
file=$data/pg_stat/pg_diagnose.stat
mkdir "$data" "$work/socket"
! is_root || chown -R "$(server_user)" "$work"

as_server_user "$bindir/initdb" -D "$data" -A trust -U postgres --no-sync -E UTF8 --locale=C >"$work/initdb.log"
cat test/postgresql.conf - >>"$data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$work/socket'
pg_diagnose.max = 400
CONF

start()
{
	: >"$work/log"
	! is_root || chown "$(server_user)" "$work/log"
	as_server_user "$bindir/pg_ctl" -D "$data" -l "$work/log" -w -t 30 start >"$work/ctl.log" 2>&1
}
stop()
{
	as_server_user "$bindir/pg_ctl" -D "$data" -w -t 30 -m "$1" stop >"$work/ctl.log" 2>&1
}
ask()
{
	as_server_user "$bindir/psql" -XAtq -v ON_ERROR_STOP=1 -h "$work/socket" -U postgres -d postgres "$@" 2>&1
}

# Statements with all there is to be saved: errors, plans, several users and
# databases, an (evicted) row, texts of every length; and sessions of several
# kinds.
start || { show "the server does not start" 40 "$work/log"; exit 1; }
as_server_user "$bindir/createdb" -h "$work/socket" -U postgres other
ask -v ON_ERROR_STOP=0 >"$work/load.log" <<'SQL'
CREATE EXTENSION pg_stat_statements;
CREATE EXTENSION pg_diagnose;
CREATE TABLE t AS SELECT generate_series(1, 100) AS id;
CREATE ROLE somebody SUPERUSER;
SELECT format('SELECT %s FROM t', string_agg(CASE WHEN n >> i & 1 = 1 THEN 'id' ELSE 'NULL' END, ', '))
FROM generate_series(1, 500) AS n, generate_series(0, 8) AS i GROUP BY n \gexec
SET ROLE somebody;
SELECT count(*) FROM t;
SET enable_seqscan = off;
SELECT count(*) FROM t;
SELECT 1 / (id - 50) FROM t;
SELECT repeat('x', id)::int FROM t;
SELEC;
\c other
SELECT 'äöü€' AS "äöü€";
DO $$ BEGIN PERFORM count(*) FROM pg_class; END $$;
SELECT format('SET application_name = %L', repeat('x', n)) FROM generate_series(0, 63) AS n \gexec
SQL
stop fast
cp "$file" "$work/good"

failed()
{
	cp "$file" "${TMPDIR:-/tmp}/pg_diagnose.stat.$seed.$1" 2>/dev/null || true
	show "round $1, seed $seed: $2" 40 "$work/answer"
	show "the server's log" 40 "$work/log"
	echo "dump: failed in round $1, seed $seed"
	exit 1
}

ignored=0 taken=0
for ((round = 1; round <= rounds; round++)); do
	perl -I "$top/test/fixtures" "$top/test/fuzz/snapshot.pl" "$work/good" "$work/bad" $((seed + round))
	cp "$work/bad" "$file"
	! is_root || chown "$(server_user)" "$file"
	: >"$work/answer"
	start || failed "$round" "the server did not start"
	# everything in every form, so that nothing stays untouched
	ask >"$work/answer" <<'SQL' || failed "$round" "what was taken cannot be read"
SELECT count(s::text), sum(calls), sum(total_exec_time), count(diagnose.quantile(histogram, 0.99)),
	count(diagnose.total(histogram)), count(diagnose.sparkline(histogram, 20)), count(to_jsonb(s))
FROM diagnose.statements(diagnose.since_reset()) s;
SELECT count(e::text) FROM diagnose.errors_by_sqlstate(diagnose.since_reset()) e;
SELECT count(p::text) FROM diagnose.plans(diagnose.since_reset()) p;
SELECT count(o::text) FROM diagnose.own_status() o;
SELECT count(s::text), count(diagnose.quantile(histogram, 0.5)) FROM diagnose.sessions(diagnose.since_reset()) s;
SELECT diagnose.seconds(diagnose.since_reset()) > 0;
SELECT count(query) FROM diagnose.statements(diagnose.since_reset()) WHERE calls < 0 OR total_exec_time < 0;
-- a statement of the file goes on being counted
SET ROLE somebody;
SELECT count(*) FROM t;
SELECT 1 FROM diagnose.statements(diagnose.since_reset()) WHERE query = 'SELECT count(*) FROM t' AND calls > 0;
SQL
	! grep -qE 'PANIC:|TRAP:|terminated by signal' "$work/log" ||
		failed "$round" "a process crashed"
	if grep -q 'ignoring invalid data in file' "$work/log"; then
		ignored=$((ignored + 1))
	else
		taken=$((taken + 1))
	fi
	# now and then write what was taken
	if ((round % 5 == 0)); then
		stop fast || failed "$round" "the server did not stop"
		! grep -q 'could not write' "$work/log" || failed "$round" "nothing was written"
	else
		stop immediate || failed "$round" "the server did not stop"
	fi
done

[ "$ignored" -gt 0 ] && [ "$taken" -gt 0 ] ||
	{ echo "dump: $ignored ignored and $taken taken do not tell anything"; exit 1; }
echo "dump: $rounds files, $ignored ignored, $taken taken and read, seed $seed"
