#!/bin/bash
# test/demo.sh
#
# What "make demo" does, after test/setup.sh: build, start a throw-away server,
# let a shop with real problems work on it for half a minute, show what
# pg_diagnose found, apply two fixes, one of the database and one of an
# application, repeat the same work and show what changed.
#
#	make demo KEEP=1			leave the server up and print how to get there
#
# The workload is test/fixtures: shop.sql are the tables, and every *.pgbench is
# an application; its first line says with which options it runs.  Where there
# is a *.fixed beside it, that is the application after its fix.  Nothing
# outside a temporary folder is written, and everything started is stopped, also
# when the demo is interrupted.

set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/lib.sh"
# What make was told is not meant for the makes below.
unset MAKEFLAGS MFLAGS MAKELEVEL
# Nor are the caller's settings of libpq and psql for ours.
for name in $(compgen -e PG | grep -vxF PG_CONFIG); do
	unset "$name"
done
export PGHOST PGPORT=5432 PGUSER=postgres PGDATABASE=shop PGAPPNAME=demo
export PGCLIENTENCODING=UTF8

fixtures=$top/test/fixtures
deadline=150		# seconds after which an application is ended
bold='' plain='' again=''	# again: where the line begins
if [ -t 1 ]; then
	bold=$'\e[1m' plain=$'\e[0m' again=$'\r'
fi
linestyle=ascii arrow='->'
case ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} in
	*[Uu][Tt][Ff]*) linestyle=unicode arrow='→' ;;
esac

# ---- What the reader sees ----

title()
{
	printf '\n%s%s%s\n\n' "$bold" "$1" "$plain"
}

# step NAME WHY COMMAND...: one line, with the time it took.
step()
{
	local name=$1 why=$2 start=$SECONDS status=0

	shift 2
	printf '  %-10s %-100s' "$name" "$why"
	run_job "$@" >"$work/step.log" 2>&1 || status=$?
	if [ "$status" -ne 0 ]; then
		printf '  failed\n\n'
		show "output" 40 "$work/step.log"
		[ ! -e "$work/server.log" ] || show "server's log" 20 "$work/server.log"
		exit "$status"
	fi
	printf '%4d s\n' $((SECONDS - start))
}

# ---- The server ----

build()
{
	install_privately "$work/server" >"$work/bindir"
}

start_server()
{
	local folder

	for folder in data socket; do
		mkdir -m 700 "$work/$folder" || return
		! is_root || chown "$(server_user)" "$work/$folder" || return
	done
	touch "$work/server.log"
	! is_root || chown "$(server_user)" "$work/server.log" || return
	as_server_user "$bindir/initdb" -D "$work/data" -U postgres -A trust -N \
		-E UTF8 --locale=C || return
	configure <<-CONF || return
		# Nobody else can connect: the folder of the socket is its owner's.
		listen_addresses = ''
		unix_socket_directories = '$work/socket'
		port = $PGPORT

		shared_preload_libraries = 'pg_stat_statements'
		track_io_timing = on

		# A small server whose tables fit into its memory.
		shared_buffers = '256MB'
		work_mem = '1MB'
		max_wal_size = '4GB'
		checkpoint_timeout = '1h'

		# A throw-away server has nothing to lose, and two runs of the same
		# work should differ by the fix only.
		fsync = off
		autovacuum = off
		max_parallel_workers_per_gather = 0
		jit = off
	CONF
	as_server_user "$bindir/pg_ctl" -D "$work/data" -l "$work/server.log" -s start
}

# Append the input to the configuration.
configure()
{
	as_server_user tee -a "$work/data/postgresql.conf" >/dev/null
}

sql()
{
	"$bindir/psql" -X -q -v ON_ERROR_STOP=1 -P pager=off "$@"
}

# The demo's own looks stay out of what is looked at.
unseen()
{
	PGOPTIONS='-c pg_diagnose.track=none -c pg_stat_statements.track=none' sql "$@"
}

load_data()
{
	"$bindir/createdb" shop &&
		sql -c "CREATE EXTENSION pg_stat_statements" &&
		sql -f "$fixtures/shop.sql" &&
		"$bindir/pgbench" -i -q -s 10
}

yesterday()
{
	for _ in 1 2 3 4 5; do
		sql -f "$fixtures/shop_history.sql" || return
	done
}

install_extension()
{
	configure <<-CONF || return
		shared_preload_libraries = 'pg_stat_statements,pg_diagnose'

		# What takes milliseconds in tables as small as these takes seconds in
		# real ones.
		pg_diagnose.slow_statement_min_time = 10
		pg_diagnose.tail_latency_min_time = 5

		# Half a minute must do for the statistics, too.
		pg_diagnose.snapshot_interval = 1
	CONF
	as_server_user "$bindir/pg_ctl" -D "$work/data" -l "$work/server.log" -s \
		restart && sql -c "CREATE EXTENSION pg_diagnose"
}

# ---- The workload ----

# An application for half a minute.  Both rounds draw the same random numbers.
application()
{
	local round=$1 name=$2

	shift 2
	PGAPPNAME=$name timeout "$deadline" "$bindir/pgbench" -n --random-seed=42 \
		--define=round="$round" "$@" >"$work/$name.log" 2>&1 ||
		{ show "$name" 20 "$work/$name.log"; return 1; }
}

# A pgbench would end at the first statement that fails.
failing_application()
{
	local round=$1

	for _ in $(seq 28); do
		cat "$fixtures/shop_errors.sql"
		sleep 1
	done | PGAPPNAME=shop_errors timeout "$deadline" "$bindir/psql" -X -q \
		-v round="$round" >"$work/shop_errors.log" 2>&1
}

start_applications()
{
	local round=$1 script name options

	for script in "$fixtures"/*.pgbench; do
		options=$(sed -n '1s/^-- pgbench: //p' "$script")
		name=${script##*/} name=${name%.pgbench}
		if [ "$round" -gt 1 ] && [ -e "${script%.pgbench}.fixed" ]; then
			script=${script%.pgbench}.fixed
		fi
		# They are words.
		# shellcheck disable=SC2086
		application "$round" "$name" $options --file="$script" &
		applications+=($!)
	done
	application "$round" pgbench --client=1 --rate=20 --transactions=600 \
		--protocol=prepared --builtin=tpcb-like &
	applications+=($!)
	failing_application "$round" &
	applications+=($!)
}

# What the applications do, as their files say in the third line.
introduce()
{
	local file name

	for file in "$fixtures"/*.pgbench "$fixtures/shop_errors.sql"; do
		name=${file##*/shop_} name=${name%.*}
		printf '  %-14s %s\n' "$name" "$(sed -n '3s/^-- \(.*\)\.$/\1/p' "$file")"
	done
	printf '  %-14s %s\n\n' pgbench "pgbench's own transactions, which look like those of TPC-B"
}

# Start counting anew, but leave what only pg_stat_statements knows.
forget()
{
	unseen -c "
		SELECT count(pg_stat_statements_reset(userid, dbid, queryid))
		FROM diagnose.statements(diagnose.since_reset())
		WHERE queryid IS NOT NULL" -c "SELECT diagnose.reset()"
}

# What is going on at this moment: statements, failed ones, and sessions that
# idle in a transaction and that wait for a lock.  Asked in one session: a new
# one for each look would be connection churn, and found.
look()
{
	echo "
		SELECT to_char(sum(calls + failed) - $statements_then, 'FM9,999,999'),
			sum(failed) - $failed_then,
			(SELECT count(*) FROM pg_stat_activity
			 WHERE state = 'idle in transaction'),
			(SELECT count(*) FROM pg_stat_activity
			 WHERE wait_event_type = 'Lock')
		FROM diagnose.statements(diagnose.since_reset())
		WHERE toplevel;" >&"$ask" &&
		read -r statements failed idle waiting <&"${onlooker[0]}"
}

# The line of the workload, with its figures so far.
show_progress()
{
	printf '%s  %-10s %-100s%4d s' "$again" workload "${#applications[@]} applications:\
 $statements statements, $failed failed; up to $most_idle idle in transaction,\
 $most_waiting waiting for a lock" $((SECONDS - start))
}

# Is one of these processes still there?
are_running()
{
	local pid

	for pid; do
		! kill -0 "$pid" 2>/dev/null || return 0
	done
	return 1
}

workload()
{
	local round=$1 applications=() ask statements failed idle waiting
	local statements_then failed_then
	local most_idle=0 most_waiting=0 start=$SECONDS application status=0

	read -r statements_then failed_then < <(unseen -A -t -F ' ' -c "
		SELECT coalesce(sum(calls + failed), 0), coalesce(sum(failed), 0)
		FROM diagnose.statements(diagnose.since_reset())
		WHERE toplevel") || return
	coproc onlooker { unseen -A -t -F ' '; }
	ask=${onlooker[1]}
	start_applications "$round"
	while are_running "${applications[@]}"; do
		sleep 0.5
		look || return
		most_idle=$((idle > most_idle ? idle : most_idle))
		most_waiting=$((waiting > most_waiting ? waiting : most_waiting))
		[ ! -t 1 ] || show_progress
	done
	for application in "${applications[@]}"; do
		wait "$application" || status=1
	done
	exec {ask}>&-
	show_progress
	echo
	return "$status"
}

# ---- The report ----

# Tables as psql makes them, without the count of rows.
report()
{
	unseen -P footer=off -P linestyle="$linestyle" "$@" |
		sed '/^$/d; s/ *$//'
}

# value QUERY
value()
{
	unseen -A -t -c "$1"
}

# The name of the finding that costs most, by a condition.
costliest()
{
	value "
		SELECT diagnose.finding_id(key)
		FROM diagnose.findings(diagnose.since_reset())
		WHERE $1
		ORDER BY impact_ms_per_s DESC NULLS LAST, key
		LIMIT 1"
}

# What all applications sent and touched, before and after.
conclude()
{
	local sums="
		SELECT format('%s statements, %s buffers',
			to_char(sum(calls + failed), 'FM999,999,999'),
			to_char(sum(shared_blks_hit + shared_blks_read), 'FM999,999,999'))"

	printf '\n  All together: %s %s %s.\n' \
		"$(value "$sums FROM diagnose.statements($before) WHERE toplevel")" "$arrow" \
		"$(value "$sums FROM diagnose.statements($after) WHERE toplevel")"
}

# Leave the server up.
keep()
{
	local psql

	psql=$(command -v psql) || psql=$("$PG_CONFIG" --bindir)/psql
	{
		echo "#!/bin/sh -e"
		! is_root || echo "runuser -u $(server_user) -- \\"
		echo "'$bindir/pg_ctl' -D '$work/data' -m fast -s stop"
		echo "rm -rf '$work'"
	} >"$work/stop"
	chmod 755 "$work/stop"
	trap - EXIT
	title "The server stays up"
	echo "  to look around    $psql -h $PGHOST -p $PGPORT -U $PGUSER $PGDATABASE"
	printf '%s\n' "  then              SELECT * FROM diagnose.findings;  \\dv diagnose.*  \\df diagnose.*"
	echo "  to stop it        $work/stop"
}

# ---- The story ----

cd "$top"
make_work_folder
PGHOST=$work/socket

printf '%sA shop with problems, and what pg_diagnose makes of them%s\n\n' "$bold" "$plain"
step build "pg_diagnose for $("$PG_CONFIG" --version | sed 's/ (.*//'), into a private copy of the server" build
bindir=$(cat "$work/bindir")
step server "a throw-away server; only pg_stat_statements is preloaded" start_server
step data "a shop with 100,000 customers and 450,000 order items; pgbench at scale 10" load_data
step yesterday "last month's closing runs; nobody has heard of pg_diagnose yet" yesterday
step install "shared_preload_libraries, a restart, CREATE EXTENSION pg_diagnose" install_extension

title "A first look, by what pg_stat_statements and the catalogs know: SELECT * FROM diagnose.findings"
report -c "SELECT * FROM diagnose.findings"

title "Half a minute of work, by these applications"
introduce
forget >/dev/null
run_job workload 1 || exit 1
unseen -c "SELECT diagnose.take_snapshot('first half minute')" >/dev/null

title "What is wrong, by what it costs: SELECT * FROM diagnose.findings"
report -c "SELECT * FROM diagnose.findings"

id=$(costliest "fix IS NOT NULL")
[ -n "$id" ] || die "no finding has a fix"
fix=$(value "
	SELECT fix FROM diagnose.findings(diagnose.since_reset())
	WHERE diagnose.finding_id(key) = '$id'")
title "The first that comes with a fix: SELECT diagnose.explain('$id')"
value "SELECT diagnose.explain('$id')" | sed 's/^/  /'

loop=$(costliest "rule = 'n_plus_one' AND evidence ->> 'route' = '/orders/:id'")
[ -n "$loop" ] || die "the loop of the order page is not found"
title "One that no index mends, as it is the application's: SELECT diagnose.explain('$loop')"
value "SELECT diagnose.explain('$loop')" | sed 's/^/  /'

title "Where the time goes in transactions and bursts: SELECT * FROM diagnose.transactions LIMIT 8"
report -c "SELECT * FROM diagnose.transactions LIMIT 8"

checkout=$(value "
	SELECT id FROM diagnose.transaction_times(diagnose.since_reset())
	WHERE tag = '/checkout'
	LIMIT 1")
title "A checkout: what others wait for while it waits: SELECT diagnose.transaction('$checkout')"
value "SELECT diagnose.transaction('$checkout')" | sed 's/^/  /'

title "Two fixes, then the same work again"
step fix "$fix" sql -c "$fix"
step fix "the developer of the order page joins the products to the list that names them" true
step mark "SELECT diagnose.mark('two fixes')" sql -c "SELECT diagnose.mark('two fixes')"
run_job workload 2 || exit 1
unseen -c "SELECT diagnose.take_snapshot('second half minute')" >/dev/null
before="diagnose.window('reset', 'first half minute')"
after="diagnose.window('two fixes', 'second half minute')"

title "What changed: SELECT * FROM diagnose.compare_short($before, $after)"
report -c "SELECT * FROM diagnose.compare_short($before, $after) LIMIT 25"
conclude

title "What the server noticed by itself, and what became of it: SELECT * FROM diagnose.interventions"
report -c "SELECT * FROM diagnose.interventions"

if [ -n "${KEEP:-}" ]; then
	keep
else
	printf '\n  %s\n' "make demo KEEP=1 leaves the server up, to look around in it."
fi
