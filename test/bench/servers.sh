# shellcheck shell=bash
# Throw-away servers for the benchmarks; sourced, not run.
#
# Every server is a copy of one template, listens only on a socket inside the
# work directory, and belongs to an unprivileged user.  All of it disappears
# when the script ends, however it ends.

OS_USER=$(id -un)
DROP=()
if [ "$(id -u)" -eq 0 ]; then
	OS_USER=postgres
	# setpriv becomes the command, so that $! is the command's own pid
	DROP=(setpriv --reuid postgres --regid postgres --init-groups
		  env HOME=/ USER=postgres LOGNAME=postgres)
fi

WORK=
CHILD=
VALGRIND_PID=

die()
{
	printf 'bench: %s\n' "$*" >&2
	exit 1
}

say()
{
	printf '%s  %s\n' "$(date +%H:%M:%S)" "$*" >&2
}

# Run in the background and wait: bash handles a signal at once while it waits,
# but only after the end of a command in the foreground.
run()
{
	local status=0

	"${DROP[@]}" "$@" &
	CHILD=$!
	wait "$CHILD" || status=$?
	CHILD=
	return "$status"
}

# Stop the servers of the work directory and remove it.
clean_up()
{
	local pidfile pid

	trap '' INT TERM HUP
	set +e
	[ -z "$CHILD" ] || kill "$CHILD" 2>/dev/null
	if [ -n "$WORK" ]; then
		for pidfile in "$WORK"/*/postmaster.pid; do
			[ -e "$pidfile" ] || continue
			pid=$(head -n 1 "$pidfile")
			kill -QUIT "$pid" 2>/dev/null
			await_end "$pid" || kill -KILL "$pid" 2>/dev/null
		done
		# valgrind may be running without having come to a postmaster.pid
		[ -z "$VALGRIND_PID" ] || kill -KILL "$VALGRIND_PID" 2>/dev/null
		rm -rf "$WORK"
	fi
}

# Wait until a process has gone, a minute at most.
await_end()
{
	local i

	for ((i = 0; i < 600; i++)); do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.1
	done
	return 1
}

prepare_work()
{
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/pgd-bench.XXXXXX")
	mkdir "$WORK/sock"
	cp "$BENCH"/*.sql "$WORK"
	block_script 10 >"$WORK/block10.sql"
	block_script 110 >"$WORK/block110.sql"
	chmod 755 "$WORK"
	[ "$(id -u)" -ne 0 ] || chown -R "$OS_USER" "$WORK"
	cd "$WORK"
}

# A block of so many one-row SELECTs, each with a key from a range of its own:
# no two are alike, as those of an application that knows what it wants.
block_script()
{
	local i

	for ((i = 0; i < $1; i++)); do
		printf '\\set key%d random(%d, %d)\n' "$i" $((i * 900 + 1)) \
			$(((i + 1) * 900))
	done
	echo "BEGIN;"
	for ((i = 0; i < $1; i++)); do
		echo "SELECT abalance FROM pgbench_accounts WHERE aid = :key$i;"
	done
	echo "COMMIT;"
}

# The settings that keep everything but the statements themselves quiet.
# Commits stay synchronous (without fsync): otherwise hint bits wait for the WAL
# writer, and the instructions of TPC-B depend on its timing.
quiet_settings()
{
	cat <<-EOF
		listen_addresses = ''
		unix_socket_directories = '$WORK/sock'
		max_connections = 20
		log_line_prefix = '%p '
		log_connections = on
		autovacuum = off
		fsync = off
		full_page_writes = off
		jit = off
		max_parallel_workers_per_gather = 0
		max_logical_replication_workers = 0
		checkpoint_timeout = 1h
		max_wal_size = 8GB
		wal_init_zero = off
		bgwriter_lru_maxpages = 0
		shared_buffers = 256MB
	EOF
	# asynchronous reads by other processes would escape the counting
	[ "$MAJOR" -lt 18 ] || echo "io_method = sync"
}

# The settings in which the configurations differ.
own_settings()
{
	case $1 in
		bare)
			echo "compute_query_id = off"
			return ;;
		pgss) echo "shared_preload_libraries = 'pg_stat_statements'" ;;
		capture)
			echo "shared_preload_libraries = 'pg_stat_statements,pg_diagnose'"
			echo "pg_diagnose.track_transactions = off" ;;
		diagnose | reader)
			echo "shared_preload_libraries = 'pg_stat_statements,pg_diagnose'" ;;
		qualstats)
			echo "shared_preload_libraries = 'pg_stat_statements,pg_qualstats'"
			# its default, one over max_connections, for the usual 100
			echo "pg_qualstats.sample_rate = 0.01" ;;
		explain)
			echo "shared_preload_libraries = 'pg_stat_statements,auto_explain'"
			echo "auto_explain.log_min_duration = '10s'"
			echo "auto_explain.log_analyze = on"
			echo "auto_explain.sample_rate = 0.01" ;;
	esac
	if [ "$1" = reader ]; then
		echo "pg_stat_statements.max = 6000"
		echo "pg_diagnose.max = 5000"
	else
		echo "pg_stat_statements.max = 1000"
		echo "pg_diagnose.max = 1000"
	fi
}

# The template every server is copied from: tables made once, by a bare server.
make_template()
{
	run "$BINDIR/initdb" -D "$WORK/template" -U postgres -A trust -N -E UTF8 \
		--locale=C >"$WORK/initdb.log" || die "initdb failed"
	quiet_settings >>"$WORK/template/postgresql.conf"
	echo "port = 5432" >>"$WORK/template/postgresql.conf"
	start_server template 5432
	run "$BINDIR/pgbench" -i -q -s 1 $(conn 5432) 2>/dev/null ||
		die "pgbench could not make its tables"
	sql 5432 -q -f "$WORK/schema.sql"
	stop_server template
}

# new_server NAME PORT CONFIGURATION
new_server()
{
	rm -rf "$WORK/$1" "$WORK/$1.log"
	run cp -r "$WORK/template" "$WORK/$1"
	{ own_settings "$3"; echo "port = $2"; } >>"$WORK/$1/postgresql.conf"
}

# start_server NAME PORT
start_server()
{
	run "$BINDIR/pg_ctl" -D "$WORK/$1" -l "$WORK/$1.log" -w -s start ||
		{ tail -n 20 "$WORK/$1.log" >&2; die "server \"$1\" did not start"; }
}

stop_server()
{
	run "$BINDIR/pg_ctl" -D "$WORK/$1" -m fast -w -s stop
}

conn()
{
	echo "-h $WORK/sock -p $1 -U postgres postgres"
}

# sql PORT psql-arguments
sql()
{
	local port=$1

	shift
	run "$BINDIR/psql" -X -v ON_ERROR_STOP=1 -A -t -h "$WORK/sock" -p "$port" \
		-U postgres -d postgres "$@"
}

# With the library preloaded, measure it as it is used: with its extension.
create_extension()
{
	case $1 in
		capture | diagnose | reader) sql "$2" -q -c 'CREATE EXTENSION pg_diagnose' ;;
	esac
}

# pgbench_case PORT CASE further-pgbench-arguments
pgbench_case()
{
	local port=$1 name=$2 what

	shift 2
	case $name in
		prepared) what="-M prepared -f select.sql" ;;
		simple) what="-M simple -f select.sql" ;;
		tpcb) what="-M simple -b tpcb-like" ;;
		churn) what="-M simple -f churn.sql" ;;
		hot) what="-M prepared -f select.sql -c 8 -j 2" ;;
		block10) what="-M prepared -f block10.sql" ;;
		block110) what="-M prepared -f block110.sql" ;;
		crowd) what="-M simple -b tpcb-like -c 8 -j 2" ;;
		mix) what="-M simple -f mix.sql -c 8 -j 2" ;;
		think) what="-f think.sql -r -c 1" ;;
		think_burst) what="-f think_burst.sql -r -c 1" ;;
	esac
	run "${COUNTER[@]}" "$BINDIR/pgbench" -n --random-seed=1 $what "$@" \
		$(conn "$port")
}
