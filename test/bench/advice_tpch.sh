# shellcheck shell=bash
# Measurement E, second part: twenty-two questions with the structure of TPC-H's,
# of which two would take minutes without an index and are cancelled; sourced.

TPCH_TIMEOUT=8		# seconds

# tpch_run ADVISOR ROUND: every question once; its time, or that of its end.
tpch_run()
{
	local name=$1 s started state

	while IFS=$'\t' read -r s _; do
		started=$(date +%s%N)
		state=ended
		advice_sql "$name" -o /dev/null -f "$ADVICE/timeout.sql" -f "$ADVICE/$s.sql" \
			2>"$WORK/tpch.log" || state=cancelled
		[ "$state" = ended ] || grep -q 'statement timeout' "$WORK/tpch.log" ||
			{ cat "$WORK/tpch.log" >&2; die "$s fails"; }
		printf 'tpch\t%s\t%s\t%s\t%d\t%s\n' "$name" "$2" "$s" \
			$((($(date +%s%N) - started) / 1000000)) "$state"
	done <"$ADVICE/statements" >>"$ADVICE/results"
}

advice_workload_tpch()
{
	local name round

	advice_begin tpch
	echo "SET statement_timeout = '${TPCH_TIMEOUT}s';" >"$ADVICE/timeout.sql"
	for name in "${ADVISORS[@]}"; do
		say "tpch: $name answers $(wc -l <"$ADVICE/statements") questions"
		advice_reset "$name"
		tpch_run "$name" before
	done
	for name in "${ADVISORS[@]}"; do
		advice_take tpch "$name"
	done
	for ((round = 0; round < ADVICE_ROUNDS; round++)); do
		for name in "${ADVISORS[@]}"; do
			say "tpch: $name answers them again"
			tpch_run "$name" after
		done
	done
	for name in "${ADVISORS[@]}"; do
		advice_sql "$name" -c "SELECT 'tpch_unused', '$name', count(*) FROM advice.scans()
			WHERE scans = 0 AND definition NOT LIKE '%UNIQUE%'" >>"$ADVICE/results"
	done
	advice_stop
	[ -z "${RESULTS:-}" ] || cp "$ADVICE/results" "$RESULTS.tpch"
	perl "$BENCH/advice.pl" tpch "$ADVICE/results" "$BENCH/advice_tpch.truth" \
		>>"$WORK/advice.md"
}
