# shellcheck shell=bash
# Measurement D: what diagnose.compare() says of statements that did not change,
# and of some that did, while the load on the machine changes; sourced.
#
# pgbench runs the statements of trial.list at a limited rate.  Another load
# comes and goes beside it.  The snapshots that are taken meanwhile are compared
# at the end.

TRIAL_PORT=5470

# How long: stages are numbers of snapshots, TRIAL_EDGE more than are compared.
trial_settings()
{
	TRIAL_INTERVAL=2	# seconds between snapshots
	TRIAL_RATE=250		# transactions per second
	TRIAL_SIDE=16		# stretches a side where something changes
	TRIAL_EDGE=2
	if [ "$QUICK" = 1 ]; then
		TRIAL_INTERVAL=1
		TRIAL_SAME=66 TRIAL_STAGES=4 TRIAL_DROPS=2
	elif [ "$FULL" = 1 ]; then
		TRIAL_SAME=1300 TRIAL_STAGES=50 TRIAL_DROPS=20
	else
		TRIAL_SAME=260 TRIAL_STAGES=22 TRIAL_DROPS=5
	fi
}

# ---- The statements ----

# Make the scripts of trial.list, the table of bases, and the arguments for
# pgbench, which are left in TRIAL_SCRIPTS.  A script begins with looking up how
# much its statements have to do.
trial_scripts()
{
	local script base statement name list
	local -A body names

	TRIAL_SCRIPTS=()
	: >"$WORK/trial.bases"
	while IFS='|' read -r script base statement; do
		[[ $statement =~ s[0-9][0-9] ]] && name=${BASH_REMATCH[0]}
		[ -n "${body[$script]:-}" ] ||
			TRIAL_SCRIPTS+=(-f "trial_${script%@*}.sql@${script#*@}")
		body[$script]+="${statement//:n/:n_$name};"$'\n'
		if [ "$base" != - ]; then
			names[$script]+=" $name"
			printf '%s\t%s\n' "$name" "$base" >>"$WORK/trial.bases"
		fi
	done < <(grep -v '^#' "$BENCH/trial.list")

	for script in "${!body[@]}"; do
		{
			printf '\\set %s\n' 'item random(1, 20000)' 'customer random(1, 2000)' \
				'order random(1, 50000)' 'day random(1, 365)'
			[ "${script%@*}" = alone ] || echo "BEGIN;"
			read -ra list <<<"${names[$script]:-}"
			[ ${#list[@]} -eq 0 ] || trial_lookup "$script" "${list[@]}"
			echo "${body[$script]}"
			[ "${script%@*}" = alone ] || echo "COMMIT;"
		} >"$WORK/trial_${script%@*}.sql"
	done
}

# trial_lookup SCRIPT NAMES: its own statement for each script
trial_lookup()
{
	local script=$1 name separator=SELECT

	shift
	for name in "$@"; do
		echo "$separator max(n) FILTER (WHERE name = '$name') AS n_$name"
		separator=,
	done
	printf 'FROM trial.work AS s9%s\n\\gset\n' "${script:1:1}"
}

# ---- The load beside it ----

# Lines of a number of other statements per second, and what else is to be done.
# The logarithm of the number is a first-order autoregressive series, which
# stays up or down for about half a minute.
trial_schedule()
{
	awk -v steps="$1" -v interval=3 'BEGIN {
		srand(42)
		split("vacuum checkpoint bulk analyze", event, " ")
		rho = exp(-interval / 20)
		for (i = 0; i < steps; i++) {
			e = 0
			for (j = 0; j < 12; j++)
				e += rand()
			x = rho * x + sqrt(1 - rho * rho) * (e - 6)
			printf "%.1f %s\n", 40 * exp(0.9 * x),
				rand() < 0.1 ? event[int(rand() * 4) + 1] : "-"
		}
	}'
}

# Runs beside the trial until its file is gone.
trial_load()
{
	local rate event clients

	cat >"$WORK/load.sql" <<-'SQL'
		SELECT sum(i * i % 7) AS load FROM generate_series(1, 40000) i;
	SQL
	while read -r rate event && [ -e "$WORK/trial.on" ]; do
		"$BINDIR/pgbench" -n -c 3 -T 3 -R "$rate" -f load.sql@2 -b tpcb-like@1 \
			$(conn "$TRIAL_PORT") &
		clients=$!
		case $event in	# if it fails, so be it
			vacuum) trial_psql -c 'VACUUM trial.customer, trial.orders' ;;
			checkpoint) trial_psql -c 'CHECKPOINT' ;;
			bulk) trial_psql -c "INSERT INTO trial.bulk SELECT i, repeat('x', 100)
				FROM generate_series(1, 100000) i" -c 'TRUNCATE trial.bulk' ;;
			analyze) trial_psql -c 'ANALYZE trial.orders' ;;
		esac || true
		wait "$clients" || true
	done < <(trial_schedule 10000)
}

trial_psql()
{
	"$BINDIR/psql" -X -q -h "$WORK/sock" -p "$TRIAL_PORT" -U postgres postgres "$@"
}

trial_start()
{
	new_server trial "$TRIAL_PORT" diagnose
	cat >>"$WORK/trial/postgresql.conf" <<-EOF
		max_connections = 30
		autovacuum = on
		autovacuum_naptime = 15s
		fsync = on
		full_page_writes = on
		checkpoint_timeout = 60s
		bgwriter_lru_maxpages = 100
		pg_diagnose.snapshot_interval = 0
		pg_diagnose.snapshot_disk = 4GB
	EOF
	start_server trial "$TRIAL_PORT"
	trial_scripts
	sql "$TRIAL_PORT" -q -o /dev/null -f trial.sql
	touch "$WORK/trial.on"
	trial_load >"$WORK/trial_load.log" 2>&1 &
	TRIAL_LOAD=$!
	"${DROP[@]}" "$BINDIR/pgbench" -n -c 4 -R "$TRIAL_RATE" -T 100000 --random-seed=1 \
		"${TRIAL_SCRIPTS[@]}" $(conn "$TRIAL_PORT") >"$WORK/trial_pgbench.log" 2>&1 &
	TRIAL_CLIENTS=$!
	sql "$TRIAL_PORT" -q -c "ALTER SYSTEM SET pg_diagnose.snapshot_interval = $TRIAL_INTERVAL" \
		-c 'SELECT pg_reload_conf()' -o /dev/null
}

trial_stop()
{
	kill "$TRIAL_CLIENTS" && kill -0 "$TRIAL_LOAD" ||
		{ tail "$WORK"/trial_*.log >&2; die "the load has ended before its time"; }
	rm "$WORK/trial.on"
	wait "$TRIAL_CLIENTS" "$TRIAL_LOAD" || true
	sql "$TRIAL_PORT" -q -c "ALTER SYSTEM SET pg_diagnose.snapshot_interval = 0" \
		-c 'SELECT pg_reload_conf()' -o /dev/null
}

# ---- Stages ----

# trial_stage KIND SNAPSHOTS: begin it, and let it last as long as these take.
trial_stage()
{
	TRIAL_STAGE=$((TRIAL_STAGE + 1))
	sql "$TRIAL_PORT" -o /dev/null \
		-c "SELECT trial.begin_stage($TRIAL_STAGE, '$1')" \
		-c "SELECT trial.stage_began($TRIAL_STAGE)"
	run sleep $(($2 * TRIAL_INTERVAL))
}

trial_stages()
{
	local i

	TRIAL_STAGE=0
	say "trial: warming up"
	trial_stage warm 15
	say "trial: nothing changes for $((TRIAL_SAME * TRIAL_INTERVAL)) seconds"
	trial_stage same "$TRIAL_SAME"
	say "trial: statements change $((TRIAL_STAGES - 1)) times"
	for ((i = 0; i < TRIAL_STAGES; i++)); do
		if ((i % 2 == 0)); then
			trial_stage base $((TRIAL_SIDE + TRIAL_EDGE))
		else
			trial_stage slowed $((TRIAL_SIDE + TRIAL_EDGE))
		fi
	done
	trial_stage end 0
}

# An index is dropped; the statement runs twice before and twice after.
trial_drops()
{
	local i lookup='SELECT place AS dropped FROM trial.ticket WHERE id = 7'

	say "trial: an index is dropped $TRIAL_DROPS times"
	for ((i = 0; i < TRIAL_DROPS; i++)); do
		sql "$TRIAL_PORT" -q -o /dev/null \
			-c "SELECT diagnose.take_snapshot('a$i')" -c "$lookup" -c "$lookup" \
			-c "SELECT diagnose.take_snapshot('b$i')" -c 'DROP INDEX trial.ticket_id' \
			-c "SELECT diagnose.take_snapshot('c$i')" -c "$lookup" -c "$lookup" \
			-c "SELECT diagnose.take_snapshot('d$i')" \
			-c 'CREATE INDEX ticket_id ON trial.ticket (id)'
	done
}

# ---- Evaluation ----

# trial_compare SIZE FILTER
trial_compare()
{
	sql "$TRIAL_PORT" -F $'\t' -c "
		SELECT 'trial', p.phase, $1, p.pair, c.kind, c.verdict,
			translate(c.name, E'\t\n', '  '), c.factor, c.mean_ratio, c.ratio,
			c.ratio_low, c.ratio_high, c.smallest, c.windows, c.controls,
			c.executions, translate(c.reason, E'\t\n', '  ')
		FROM trial.pairs($1) AS p
			CROSS JOIN LATERAL trial.judge(p.b0, p.b1, p.a0, p.a1, p.changed) AS c
		WHERE $2" >>"$WORK/results"
}

trial_evaluate()
{
	local i size

	say "trial: evaluation"
	sql "$TRIAL_PORT" -q -o /dev/null -c 'SELECT trial.number_snapshots()'
	trial_compare "$TRIAL_SIDE" "true"
	for size in 32 60; do
		trial_compare "$size" "p.phase = 'same'"
	done
	for ((i = 0; i < TRIAL_DROPS; i++)); do
		sql "$TRIAL_PORT" -F $'\t' -c "
			SELECT 'trial_drop', c.verdict, c.calls_before, c.calls_after, c.reason
			FROM diagnose.compare(diagnose.window('a$i', 'b$i'),
								  diagnose.window('c$i', 'd$i')) AS c
			WHERE c.kind = 'query' AND c.subject ~ '\mdropped\M'" >>"$WORK/results"
	done
}

measure_trial()
{
	trial_settings
	trial_start
	trial_stages
	trial_drops
	trial_stop
	result meta trial_interval "$TRIAL_INTERVAL"
	result meta trial_rate "$TRIAL_RATE"
	result meta trial_side "$TRIAL_SIDE"
	result meta trial_drops "$TRIAL_DROPS"
	trial_evaluate
	stop_server trial
	run rm -rf "$WORK/trial"
}
