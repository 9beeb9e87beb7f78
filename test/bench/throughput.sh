# shellcheck shell=bash
# Measurement B: throughput, latency in the churn, and the reader; sourced.
#
# The configurations take turns in short runs, so that what else happens on the
# machine meets all of them; only ratios of medians are reported.

clients()
{
	case $1 in
		churn) echo "-c 2 -j 1" ;;
		hot | crowd | mix) echo "" ;;
		*) echo "-c 1" ;;
	esac
}

# one_run CONFIGURATION PORT CASE SECONDS [LOG-PREFIX]
# Leaves the transactions per second in TPS.
one_run()
{
	local log=()

	[ -z "${5:-}" ] || log=(-l "--log-prefix=$5")
	if [ "$3" = tpcb ] || [ "$3" = crowd ]; then
		sql "$2" -q -c 'VACUUM pgbench_branches' -c 'VACUUM pgbench_tellers'
	fi
	pgbench_case "$2" "$3" $(clients "$3") -T "$4" "${log[@]}" \
		-D "n=$((RANDOM % 5000))" >"$WORK/pgbench.out" 2>&1 ||
		{ cat "$WORK/pgbench.out" >&2; die "pgbench failed"; }
	TPS=$(awk '/^tps = / { print $3 }' "$WORK/pgbench.out")
}

# Latencies of one churn run, without each client's first statements, which
# fill the caches of its backend.
record_latency()
{
	local line

	line=$(cat "$WORK"/latency/* | awk '$2 > 20 { print $3 }' | sort -n |
		awk '{ v[NR] = $1; if ($1 > 5000) over++ }
			 function q(p) { return v[int(p * (NR - 1)) + 1] }
			 END { print q(0.5), q(0.999), v[NR], NR, over + 0 }')
	result latency "$1" $line
	run rm -rf "$WORK/latency"
}

measure_throughput()
{
	local config name round port k count=${#CONFIGS[@]} cases=" $CASES "

	cases=${cases/ block / }
	port=5450
	for config in "${CONFIGS[@]}"; do
		new_server "$config" "$port" "$config"
		start_server "$config" "$port"
		create_extension "$config" "$port"
		warm_up "$port"
		for name in $cases; do
			one_run "$config" "$port" "$name" 1
		done
		port=$((port + 1))
	done
	for name in $cases; do
		say "throughput: $name, $ROUNDS rounds of $count runs"
		for ((round = 0; round < ROUNDS; round++)); do
			for ((k = 0; k < count; k++)); do
				# nobody is always first
				port=$(((k + round) % count))
				config=${CONFIGS[$port]}
				if [ "$name" = churn ]; then
					run mkdir "$WORK/latency"
					one_run "$config" $((5450 + port)) "$name" "$SECONDS_EACH" \
						"$WORK/latency/log"
					record_latency "$config"
				else
					one_run "$config" $((5450 + port)) "$name" "$SECONDS_EACH"
				fi
				result tps "$name" "$config" "$round" "$TPS"
			done
		done
	done
	for config in "${CONFIGS[@]}"; do
		stop_server "$config"
		run rm -rf "$WORK/$config"
	done
}

# The time to read all statements, at 5,000 of them.
measure_reader()
{
	local shapes ms i

	say "reader: 5,000 statements"
	new_server reader 5460 reader
	start_server reader 5460
	create_extension reader 5460
	pgbench_case 5460 churn -c 1 -t 5000 -D n=0 >"$WORK/pgbench.out" 2>&1 ||
		{ cat "$WORK/pgbench.out" >&2; die "pgbench failed"; }

	# Every figure of the churn rests on this.
	shapes=$(sql 5460 -c "SELECT count(DISTINCT queryid)
		FROM pg_stat_statements WHERE query LIKE '%FROM shape WHERE id%'")
	[ "$shapes" -eq 5000 ] ||
		die "the churn makes $shapes different statements instead of 5000"

	if [ -z "$(sql 5460 -c "SELECT to_regclass('diagnose.statements')")" ]; then
		result meta reader "there is no view diagnose.statements"
	else
		result reader rows \
			"$(sql 5460 -c 'SELECT count(*) FROM diagnose.statements')"
		{
			echo '\timing on'
			for ((i = 0; i < 20; i++)); do
				echo "SELECT count(*) FROM diagnose.statements;"
			done
		} >"$WORK/reader.sql"
		sql 5460 -f "$WORK/reader.sql" >"$WORK/reader.out"
		while read -r ms; do
			result reader ms "$ms"
		done < <(awk '/^Time:/ { print $2 }' "$WORK/reader.out")
	fi
	stop_server reader
	run rm -rf "$WORK/reader"
}

# The longest that a statement waited for another session on our account: eight
# clients in the churn, and one that reads all statements over and over.
measure_waits()
{
	local seconds=20 reader

	[ "$QUICK" = 0 ] || seconds=5
	say "waits: 8 clients in the churn and a reader, $seconds seconds"
	new_server waits 5461 diagnose
	start_server waits 5461
	create_extension diagnose 5461
	sql 5461 -c 'SELECT diagnose.reset()' >/dev/null
	run "$BINDIR/pgbench" -n -c 1 -T "$seconds" -f read.sql \
		$(conn 5461) >"$WORK/read.out" 2>&1 &
	reader=$!
	pgbench_case 5461 churn -c 8 -j 2 -T "$seconds" -D n=0 \
		>"$WORK/pgbench.out" 2>&1 ||
		{ cat "$WORK/pgbench.out" >&2; die "pgbench failed"; }
	wait "$reader" || { cat "$WORK/read.out" >&2; die "pgbench failed"; }
	result wait "$(sql 5461 -c "SELECT wait_ms_max FROM diagnose.status")" \
		"$(sql 5461 -c "SELECT executions FROM diagnose.status")"
	stop_server waits
	run rm -rf "$WORK/waits"
}
