# shellcheck shell=bash
# Measurement A: instructions per transaction in the backend; sourced.
#
# One client runs N transactions, then 2N; the second count less the first,
# over N, is a transaction without the cost of connecting, of filling caches and
# of the first executions, which are planned differently.
#
# callgrind collects inside PostgresMain but not inside secure_read: whether the
# backend finds its client's next message there or has to wait for it depends on
# the scheduler alone, and makes a difference of 200 instructions.

# Sets METHOD to perf, callgrind or none.
choose_method()
{
	METHOD=none
	# a counter that is missing is printed as "<not supported>", with status 0
	if perf stat -x, -e instructions:u true 2>&1 |
		grep -Eq '^[0-9]+,.*instructions'; then
		METHOD=perf
	elif command -v valgrind >/dev/null; then
		METHOD=callgrind
	else
		say "neither hardware counters nor valgrind: instructions are left out"
	fi
}

start_counted_server()
{
	local i

	if [ "$METHOD" = perf ]; then
		start_server "$1" "$2"
		return
	fi
	"${DROP[@]}" setsid valgrind --tool=callgrind --trace-children=yes -q \
		--toggle-collect=PostgresMain --toggle-collect=secure_read \
		--callgrind-out-file="$WORK/counts/%p" \
		"$BINDIR/postgres" -D "$WORK/$1" >>"$WORK/$1.log" 2>&1 &
	VALGRIND_PID=$!
	for ((i = 0; i < 1200; i++)); do
		"$BINDIR/pg_isready" -q -h "$WORK/sock" -p "$2" && return
		kill -0 "$VALGRIND_PID" 2>/dev/null || break
		sleep 0.1
	done
	tail -n 20 "$WORK/$1.log" >&2
	die "server \"$1\" did not start under valgrind"
}

# Count what the backends of a command execute: counted NAME COMMAND...
# The command puts "${COUNTER[@]}" before its client.  Leaves the number in COUNT.
counted()
{
	local name=$1 log="$WORK/$1.log" lines pid pids

	shift
	lines=$(wc -l <"$log")
	COUNTER=()
	if [ "$METHOD" = perf ]; then
		# counts what the postmaster forks from now on
		COUNTER=(perf stat -x, -e instructions:u -o "$WORK/counts/perf"
				 -p "$(head -n 1 "$WORK/$name/postmaster.pid")" --)
	fi
	"$@" >"$WORK/counted.out" 2>&1 ||
		{ cat "$WORK/counted.out" >&2; die "the client failed"; }
	COUNTER=()
	if [ "$METHOD" = perf ]; then
		COUNT=$(awk -F, '/instructions/ { print $1 }' "$WORK/counts/perf")
		[[ $COUNT =~ ^[0-9]+$ ]] || die "perf did not count: \"$COUNT\""
		return
	fi
	# A backend writes its count when it ends, a little after its client.
	pids=$(tail -n "+$((lines + 1))" "$log" |
		awk '/connection received/ { print $1 }')
	for pid in $pids; do
		await_end "$pid" || die "backend $pid does not end"
	done
	COUNT=$(cd "$WORK/counts" &&
		awk '/^totals:/ { sum += $2 } END { printf "%.0f", sum }' $pids)
}

# Count one pgbench run: count_run NAME PORT CASE TRANSACTIONS [SHAPE]
count_run()
{
	if [ "$3" = tpcb ]; then
		sql "$2" -q -c 'VACUUM pgbench_branches' -c 'VACUUM pgbench_tellers'
	fi
	counted "$1" pgbench_case "$2" "$3" -c 1 -t "$4" -D "n=${5:-0}"
}

# How many transactions: enough to be past all that happens once, and for the
# churn enough to go through more shapes than the tables hold.
transactions()
{
	local n

	case $1 in
		prepared | simple) n=1000 ;;
		tpcb) n=400 ;;
		churn) n=1500 ;;
		block10) n=200 ;;
		block110) n=40 ;;
	esac
	[ "$QUICK" = 0 ] || n=$((n / 2))
	# perf counts at full speed, but also the waiting: more transactions
	[ "$METHOD" != perf ] || n=$((n * 20))
	echo "$n"
}

# Read all of pgbench's table and index once, so that no count depends on it.
warm_up()
{
	sql "$1" -q -o /dev/null -c 'SELECT sum(abalance) FROM pgbench_accounts' \
		-c 'SET enable_seqscan = off' -c 'SET enable_bitmapscan = off' \
		-c 'SELECT count(aid) FROM pgbench_accounts'
}

count_case()
{
	local config=$1 name=$2 n rep once twice shape

	n=$(transactions "$name")
	# fills the caches, and in the churn the tables of statements as well
	shape=$n
	[ "$name" != churn ] || shape=$((n < 1200 ? 1200 : n))
	count_run "$config" "$PORT" "$name" "$shape" 0
	for ((rep = 1; rep <= REPEATS; rep++)); do
		count_run "$config" "$PORT" "$name" "$n" "$shape"
		once=$COUNT
		shape=$((shape + n))
		count_run "$config" "$PORT" "$name" $((2 * n)) "$shape"
		twice=$COUNT
		shape=$((shape + 2 * n))
		result instructions "$name" "$config" $(((twice - once) / n))
	done
}

measure_instructions()
{
	local config name cases=" $CASES "

	# the difference between the two is a hundred statements inside a block
	cases=${cases/ block / block10 block110 }
	choose_method
	result meta method "$METHOD"
	[ "$METHOD" != none ] || return 0
	run mkdir -p "$WORK/counts"
	PORT=5440
	for config in "${CONFIGS[@]}" capture; do
		new_server "$config" "$PORT" "$config"
		start_counted_server "$config" "$PORT"
		create_extension "$config" "$PORT"
		warm_up "$PORT"
		for name in $cases; do
			[ "$name" != hot ] || continue
			say "instructions: $config, $name"
			count_case "$config" "$name"
		done
		stop_server "$config"
		VALGRIND_PID=
		run rm -rf "$WORK/$config" "$WORK/counts"
		run mkdir "$WORK/counts"
	done
}
