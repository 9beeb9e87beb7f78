#!/bin/bash
#
# Read snapshots which are damaged, but have good checksums, so that decoding
# itself is tested.
#
# usage: test/fuzz/snapshots.sh [rounds [seed]]
#
# Builds the library and makes a throw-away server of its own; everything is
# gone when it ends.  In each round both ends of a window, or one of them, are
# damaged; everything that reads a window must give rows, or one of the errors
# that say what is wrong, and never a negative number, a time that cannot be
# shown or a process that ends.  The same seed gives the same files on the same
# major version.  PG_CONFIG may name a server with assertions.

set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"

rounds=${1:-300}
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
folder=$data/pg_diagnose
mkdir "$data" "$work/socket"
! is_root || chown -R "$(server_user)" "$work"

as_server_user "$bindir/initdb" -D "$data" -A trust -U postgres --no-sync -E UTF8 --locale=C >"$work/initdb.log"
cat test/postgresql.conf - >>"$data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$work/socket'
pg_diagnose.max = 400
pg_diagnose.max_transactions = 50
pg_diagnose.snapshot_interval = 0
restart_after_crash = off
CONF

ask()
{
	as_server_user "$bindir/psql" -XAtq -h "$work/socket" -U postgres -d postgres "$@" 2>&1
}

as_server_user "$bindir/pg_ctl" -D "$data" -l "$work/log" -w -t 30 start >"$work/ctl.log" 2>&1 ||
	{ show "the server does not start" 40 "$work/log"; exit 1; }

# Two snapshots with all there is: errors, plans, evicted statements, blocks and
# bursts, what detectors see, sessions, samples; and something in between.
ask >"$work/load.log" <<'SQL'
CREATE EXTENSION pg_stat_statements;
CREATE EXTENSION pg_diagnose;
CREATE TABLE t AS SELECT generate_series(1, 100) AS id;
CREATE ROLE somebody SUPERUSER;
SELECT format('SELECT %s FROM t', string_agg(CASE WHEN n >> i & 1 = 1 THEN 'id' ELSE 'NULL' END, ', '))
FROM generate_series(1, 500) AS n, generate_series(0, 8) AS i GROUP BY n \gexec
SELECT diagnose.take_snapshot('lower');
SET ROLE somebody;
SELECT count(*) FROM t;
SET enable_seqscan = off;
SELECT count(*) FROM t;
SELECT 1 / (id - 50) FROM t;
SELEC;
BEGIN /*route='r',action='a'*/;
SELECT format('SELECT count(*) FROM t WHERE id = %s', n) FROM generate_series(1, 20) AS n \gexec
UPDATE t SET id = id WHERE id = 1;
COMMIT;
SELECT pg_sleep(0.2); -- workload: something to be sampled
SELECT format('SELECT %s FROM t', string_agg(CASE WHEN n >> i & 1 = 1 THEN 'id' ELSE 'NULL' END, ', '))
FROM generate_series(400, 500) AS n, generate_series(0, 8) AS i GROUP BY n \gexec
SELECT diagnose.take_snapshot('upper');
SQL
# shellcheck disable=SC2207
ids=($(ask -c 'SELECT id FROM diagnose.snapshots() ORDER BY id'))
[ ${#ids[@]} -eq 2 ] || { show "no snapshots" 40 "$work/load.log"; exit 1; }
for i in 0 1; do
	cp "$folder/$(printf '%012d' "${ids[$i]}").snap" "$work/good$i"
done

# Everything that reads a window, in every form, so that nothing stays untouched.
windows="ROW(${ids[0]}, ${ids[1]}) ROW(NULL, ${ids[1]}) ROW(${ids[1]}, NULL)"
{
	echo "SELECT count(to_jsonb(s)) FROM diagnose.snapshots() AS s;"
	echo "SELECT count(s::text) FROM diagnose.snapshots AS s;"
	echo "SELECT count(s::text) FROM diagnose.status AS s;"
	for window in "${windows// ROW/;ROW}"; do
		IFS=';' read -ra list <<<"$window"
		for w in "${list[@]}"; do
			for f in statements plans errors_by_sqlstate transactions transaction_steps transaction_errors \
				observations sessions waits lock_waits hot_relations horizon_holders findings; do
				echo "SELECT 'negative', '$f', s FROM (SELECT to_jsonb(f) AS s FROM diagnose.$f($w::diagnose.window) AS f) AS f"
				echo "WHERE EXISTS (SELECT FROM jsonb_each_text(s) AS e WHERE e.value ~ '^-[0-9.e+]+\$'"
				echo "	AND e.key !~ '(queryid|fingerprint|shape|tag|_ms_per_s|timeout)\$');"
			done
			echo "SELECT count(diagnose.quantile(histogram, 0.99)), count(diagnose.total(histogram)) FROM diagnose.statements($w::diagnose.window);"
			echo "SELECT diagnose.seconds($w::diagnose.window) > 0, diagnose.window_problem($w::diagnose.window);"
		done
	done
} >"$work/questions.sql"

failed()
{
	cp "$work/bad0" "${TMPDIR:-/tmp}/pg_diagnose.lower.$seed.$1" 2>/dev/null || true
	cp "$work/bad1" "${TMPDIR:-/tmp}/pg_diagnose.upper.$seed.$1" 2>/dev/null || true
	show "round $1, seed $seed: $2" 40 "$work/answer"
	show "the server's log" 40 "$work/log"
	echo "snapshots: failed in round $1, seed $seed"
	exit 1
}

refused=0 taken=0
for ((round = 1; round <= rounds; round++)); do
	which=$((round % 3))
	for i in 0 1; do
		cp "$work/good$i" "$work/bad$i"
		if [ $which -eq 2 ] || [ $which -eq $i ]; then
			perl -I "$top/test/fixtures" "$top/test/fuzz/snapshot.pl" "$work/good$i" "$work/bad$i" $((2 * (seed + round) + i))
		fi
		cp "$work/bad$i" "$folder/$(printf '%012d' "${ids[$i]}").snap"
	done
	! is_root || chown -R "$(server_user)" "$folder"
	timeout 60 bash -c "$(declare -f ask as_server_user is_root server_user); work='$work' bindir='$bindir'; ask -f -" \
		<"$work/questions.sql" >"$work/answer" || failed "$round" "a question was not answered"
	! grep -qE 'PANIC:|TRAP:|terminated by signal|server closed' "$work/log" "$work/answer" ||
		failed "$round" "a process crashed"
	! grep -q '^negative' "$work/answer" || failed "$round" "a negative number"
	! grep 'ERROR:' "$work/answer" | grep -vE 'snapshot [0-9]+ (is damaged|does not exist)|window from snapshot .* (crosses|has ends|has an imported)' |
		grep -q . || failed "$round" "an error that says something else"
	if grep -q 'ERROR:' "$work/answer"; then
		refused=$((refused + 1))
	else
		taken=$((taken + 1))
	fi
done

[ "$refused" -gt 0 ] && [ "$taken" -gt 0 ] ||
	{ echo "snapshots: $refused refused and $taken taken do not tell anything"; exit 1; }
echo "snapshots: $rounds windows, $refused refused, $taken read, seed $seed"
