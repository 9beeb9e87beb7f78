# shellcheck shell=bash
# Measurement C: what the capture of transactions is true to, and what it costs
# beyond a statement: think time, a long transaction, the background worker, and
# many clients at once; sourced.

# ---- Think time ----

# What the server saw as think time of the client that calls itself "think", by
# what it was asked to sleep: think_seen PORT
think_seen()
{
	local i

	for ((i = 0; i < 600; i++)); do
		[ "$(sql "$1" -c "SELECT count(*) FROM pg_stat_activity
			WHERE application_name = 'think'")" != 0 ] || break
		sleep 0.1
	done
	sql "$1" -F ' ' -c "SELECT CASE position WHEN 2 THEN 20 ELSE 50 END,
			idle_time / calls
		FROM diagnose.transaction_steps(diagnose.since_reset())
		WHERE application = 'think' AND position IN (2, 3) AND calls = 5
		ORDER BY 1"
}

# Five blocks, or a burst of as many times the same, from pgbench; its own
# report has the mean of what it really slept.
think_pgbench()
{
	local port=$1 client=$2 nominal seen slept script=think mode=$2

	if [ "$client" = burst ]; then
		script=think_burst mode=prepared
	fi
	sql "$port" -o /dev/null -c 'SELECT diagnose.reset()'
	PGAPPNAME=think pgbench_case "$port" "$script" -M "$mode" -t 5 \
		>"$WORK/pgbench.out" 2>&1 ||
		{ cat "$WORK/pgbench.out" >&2; die "pgbench failed"; }
	while read -r nominal seen; do
		slept=$(awk -v n="$nominal" '$0 ~ "sleep " n " ms" { print $1 }' \
			"$WORK/pgbench.out")
		result think "$client" "$nominal" "$slept" "$seen"
	done < <(think_seen "$port")
}

# The same from psql.  How long "\! sleep" takes it is more than the sleep: a
# shell and a program must be started.  So it says on standard error, where
# nothing is held back, when that begins and ends.
psql_script()
{
	local i

	for ((i = 0; i < 5; i++)); do
		sed 's/^\\sleep \([0-9]*\) ms/\\warn \1\n\\! sleep 0.0\1\n\\warn \1/' \
			"$WORK/think.sql"
	done
}

# Put the time before each line.
stamp()
{
	local line

	while read -r line; do
		echo "$EPOCHREALTIME $line"
	done
}

think_psql()
{
	local port=$1 nominal seen slept

	sql "$port" -o /dev/null -c 'SELECT diagnose.reset()'
	PGAPPNAME=think sql "$port" -f psql_think.sql 2>&1 >"$WORK/psql.out" |
		stamp >"$WORK/psql.times"
	while read -r nominal seen; do
		slept=$(awk -v n="$nominal" '
			$2 == n && ++i % 2 == 1 { start = $1 }
			$2 == n && i % 2 == 0 { sum += $1 - start }
			END { printf "%.3f", sum / (i / 2) * 1000 }' "$WORK/psql.times")
		result think psql "$nominal" "$slept" "$seen"
	done < <(think_seen "$port")
}

measure_think()
{
	local rounds=15 round client

	[ "$QUICK" = 0 ] || rounds=5
	say "think time, $rounds rounds"
	new_server think 5462 diagnose
	# a hiccup of the machine must not end a burst
	echo "pg_diagnose.burst_gap = '10s'" >>"$WORK/think/postgresql.conf"
	start_server think 5462
	create_extension diagnose 5462
	psql_script >"$WORK/psql_think.sql"
	for ((round = 0; round < rounds; round++)); do
		for client in simple extended prepared burst; do
			think_pgbench 5462 "$client"
		done
		think_psql 5462
	done
	stop_server think
	run rm -rf "$WORK/think"
}

# ---- A long transaction ----

# Instructions of the backend for one block of so many prepared SELECTs:
# count_long CONFIGURATION PORT STATEMENTS
# Leaves the number in COUNT.
count_long()
{
	counted "$1" run_long "$3" "$1=$WORK/sock/.s.PGSQL.$2"
}

run_long()
{
	"${COUNTER[@]}" perl "$BENCH/long.pl" "$@" >"$WORK/long.out"
}

# A statement early in a transaction and late in one, again as differences.
count_long_ends()
{
	local config late=20000 from first

	choose_method
	[ "$METHOD" != none ] || return 0
	[ "$QUICK" = 0 ] || late=5000
	run mkdir -p "$WORK/counts"
	for config in pgss diagnose; do
		new_server "$config" 5463 "$config"
		start_counted_server "$config" 5463
		create_extension "$config" 5463
		warm_up 5463
		count_long "$config" 5463 1000
		for from in 1000 "$late"; do
			say "instructions: $config, from the ${from}th statement on"
			count_long "$config" 5463 "$from"
			first=$COUNT
			count_long "$config" 5463 $((2 * from))
			result long_count "$config" "$from" $(((COUNT - first) / from))
		done
		stop_server "$config"
		VALGRIND_PID=
		run rm -rf "$WORK/$config" "$WORK/counts"
		run mkdir "$WORK/counts"
	done
}

# One block of a million prepared SELECTs, in ten slices, on a server with and
# one without pg_diagnose; they take turns slice by slice.
measure_long()
{
	local statements=1000000 line

	count_long_ends
	[ "$QUICK" = 0 ] || statements=200000
	[ "$FULL" = 0 ] || statements=10000000
	if [ ! -r /proc/self/schedstat ]; then
		say "the kernel does not tell the time of a processor: no long transaction"
		return
	fi
	say "one transaction of $statements statements"
	new_server pgss 5463 pgss
	new_server diagnose 5464 diagnose
	start_server pgss 5463
	start_server diagnose 5464
	create_extension diagnose 5464
	warm_up 5463
	warm_up 5464
	perl "$BENCH/long.pl" "$statements" \
		"pgss=$WORK/sock/.s.PGSQL.5463" \
		"diagnose=$WORK/sock/.s.PGSQL.5464" >"$WORK/long.out" ||
		die "the long transaction failed"
	while read -r line; do
		# one word is one field
		# shellcheck disable=SC2086
		result long $line
	done <"$WORK/long.out"
	result meta long_seen "$(sql 5464 -c "SELECT max(max_statements)
		FROM diagnose.transactions(diagnose.since_reset())
		WHERE application = 'long'")"
	result meta long_positions "$(sql 5464 -c "SELECT max(positions)
		FROM diagnose.transactions(diagnose.since_reset())
		WHERE application = 'long'")"
	stop_server pgss
	stop_server diagnose
	run rm -rf "$WORK/pgss" "$WORK/diagnose"
}

# ---- The background worker ----

# Processor time of a process so far, in nanoseconds.
processor_time()
{
	local used rest

	read -r used rest <"/proc/$1/schedstat"
	echo "$used"
}

# sampler_minute LABEL PID SECONDS
sampler_minute()
{
	local before since used looks

	looks=$(sql 5465 -c 'SELECT samples FROM diagnose.sampler()')
	before=$(processor_time "$2")
	since=$(date +%s%N)
	sleep "$3"
	used=$(($(processor_time "$2") - before))
	since=$(($(date +%s%N) - since))
	looks=$(($(sql 5465 -c 'SELECT samples FROM diagnose.sampler()') - looks))
	result sampler "$1" \
		"$(awk -v u="$used" -v s="$since" 'BEGIN { print u / s * 60000 }')" \
		"$(awk -v n="$looks" -v s="$since" 'BEGIN { print n / s * 60e9 }')"
}

measure_sampler()
{
	local seconds=60 pid load

	[ "$QUICK" = 0 ] || seconds=10
	[ -r /proc/self/schedstat ] || return 0
	say "background worker, two times $seconds seconds"
	new_server sampler 5465 diagnose
	start_server sampler 5465
	create_extension diagnose 5465
	pid=$(sql 5465 -c 'SELECT pid FROM diagnose.sampler() WHERE is_running')
	[ -n "$pid" ] || die "the background worker does not run"
	result meta sample_interval "$(sql 5465 -c 'SHOW pg_diagnose.sample_interval')"
	sampler_minute "idle server" "$pid" "$seconds"
	run "$BINDIR/pgbench" -n -b tpcb-like -c 8 -j 2 -T $((seconds + 2)) \
		$(conn 5465) >"$WORK/load.out" 2>&1 &
	load=$!
	sleep 1
	sampler_minute "8 clients, TPC-B" "$pid" "$seconds"
	wait "$load" || { cat "$WORK/load.out" >&2; die "pgbench failed"; }
	stop_server sampler
	run rm -rf "$WORK/sampler"
}

# ---- Many clients ----

# Eight clients in TPC-B, and in 500 shapes of statements and of transactions,
# more than a backend's slot holds: do they wait for each other on our account?
measure_contention()
{
	local round name k config port ports=(5466 5467) configs=(pgss diagnose)

	for k in 0 1; do
		new_server "${configs[k]}" "${ports[k]}" "${configs[k]}"
		start_server "${configs[k]}" "${ports[k]}"
		create_extension "${configs[k]}" "${ports[k]}"
		warm_up "${ports[k]}"
	done
	for name in crowd mix; do
		say "contention: $name, $ROUNDS rounds of 2 runs"
		sql 5467 -o /dev/null -c 'SELECT diagnose.reset()'
		for ((round = 0; round < ROUNDS; round++)); do
			for k in $((round % 2)) $(((round + 1) % 2)); do
				config=${configs[k]} port=${ports[k]}
				one_run "$config" "$port" "$name" "$SECONDS_EACH"
				result tps "$name" "$config" "$round" "$TPS"
			done
		done
		result contention "$name" \
			"$(sql 5467 -c 'SELECT wait_ms_max FROM diagnose.status')" \
			"$(sql 5467 -c 'SELECT executions FROM diagnose.status')"
	done
	stop_server pgss
	stop_server diagnose
	run rm -rf "$WORK/pgss" "$WORK/diagnose"
}
