# shellcheck shell=bash
# Measurement E: advice on indexes, ours and the peers', for workloads of which
# is known what should be proposed and what should not; sourced.
#
# Each workload NAME has NAME.sql (tables and rows), NAME.list (statements) and
# NAME.truth.  Every advisor has a copy of one server.  All of them run the same
# statements, are asked, get the indexes that they proposed, and run them again.

ADVICE_PORT=5480

advice_settings()
{
	ADVICE_SEED=7
	VERIFY=${VERIFY:-0}
	ADVICE_WORKLOADS=${WORKLOADS:-shop desk tpch oracle many}
	if [ "$QUICK" = 1 ]; then
		ADVICE_PERCENT=25 ADVICE_STATEMENTS=4000 ADVICE_ROUNDS=2 ADVICE_TIMES=5
	else
		ADVICE_PERCENT=100 ADVICE_STATEMENTS=8000 ADVICE_ROUNDS=3 ADVICE_TIMES=6
	fi
}

# Port of an advisor's server.
advice_port()
{
	local i

	for i in "${!ADVISORS[@]}"; do
		[ "${ADVISORS[$i]}" != "$1" ] || echo $((ADVICE_PORT + 1 + i))
	done
}

# advice_sql ADVISOR psql-arguments
advice_sql()
{
	local port

	port=$(advice_port "$1")
	shift
	run "$BINDIR/psql" -X -v ON_ERROR_STOP=1 -A -t -q -F $'\t' -h "$WORK/sock" \
		-p "$port" -U postgres -d bench "$@"
}

advice_own_settings()
{
	case $1 in
		diagnose) echo "shared_preload_libraries = 'pg_stat_statements,pg_diagnose'" ;;
		qualstats)
			# everything that it can see, not one in a hundred
			echo "shared_preload_libraries = 'pg_stat_statements,pg_qualstats'"
			echo "pg_qualstats.sample_rate = 1"
			echo "pg_qualstats.max = 20000" ;;
		*) echo "shared_preload_libraries = 'pg_stat_statements'" ;;
	esac
}

# The server with the tables, of which the advisors' are copies.  The database
# "empty" has the tables without rows, to see how definitions are spelled.
advice_load()
{
	local psql=("$BINDIR/psql" -X -q -v ON_ERROR_STOP=1 -h "$WORK/sock"
		-p "$ADVICE_PORT" -U postgres)

	say "$1: loading $ADVICE_PERCENT %"
	run "$BINDIR/initdb" -D "$WORK/base" -U postgres -A trust -N -E UTF8 \
		--locale=C.UTF-8 >"$WORK/initdb.log" || die "initdb failed"
	{ quiet_settings; echo "port = $ADVICE_PORT"; } >>"$WORK/base/postgresql.conf"
	start_server base "$ADVICE_PORT"
	run "${psql[@]}" -d postgres -c 'CREATE DATABASE bench' -c 'CREATE DATABASE empty'
	run "${psql[@]}" -d empty -v percent=0 -f "$WORK/advice_$1.sql" >"$WORK/load.log"
	run "${psql[@]}" -d bench -v percent="$ADVICE_PERCENT" -f "$WORK/advice_$1.sql" \
		>"$WORK/load.log"
	[ ! -e "$ADVICE/statements" ] || advice_accepted "$1"
	run "${psql[@]}" -d bench -c CHECKPOINT
	stop_server base
}

# How the server spells the definitions of the truth.
advice_accepted()
{
	local psql=("$BINDIR/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$WORK/sock"
		-p "$ADVICE_PORT" -U postgres -d empty)
	local kind name i ddl

	run "${psql[@]}" -v schema="$1" -f "$WORK/advice_tools.sql"
	run "${psql[@]}" -F $'\t' -c "SELECT 'existing', definition FROM advice.scans()" \
		>>"$ADVICE/results"
	perl "$BENCH/advice.pl" truth "$BENCH/advice_$1.truth" >"$ADVICE/truth"
	{
		while IFS=$'\t' read -r kind name i ddl; do
			echo "$ddl;"
			echo "SELECT 'accept', '$kind', '$name', $i, definition FROM advice.new_index();"
		done <"$ADVICE/truth"
	} >"$WORK/accept.sql"
	run "${psql[@]}" -F $'\t' -f "$WORK/accept.sql" >>"$ADVICE/results" ||
		die "a definition of the truth of \"$1\" is refused"
}

advice_servers()
{
	local name port

	for name in "${ADVISORS[@]}"; do
		port=$(advice_port "$name")
		run cp -r "$WORK/base" "$WORK/$name"
		{ advice_own_settings "$name"; echo "port = $port"; } >>"$WORK/$name/postgresql.conf"
		start_server "$name" "$port"
		advice_sql "$name" -c 'CREATE EXTENSION pg_stat_statements'
		case $name in
			diagnose) advice_sql "$name" -c 'CREATE EXTENSION pg_diagnose' ;;
			qualstats) advice_sql "$name" -c 'CREATE EXTENSION pg_qualstats' ;;
		esac
	done
}

advice_stop()
{
	local name

	for name in "${ADVISORS[@]}"; do
		stop_server "$name"
		run rm -rf "${WORK:?}/$name"
	done
	run rm -rf "$WORK/base"
}

# ---- The workload ----

# Sorts the statements by how they are sent; weights are counted for the mix.
advice_statements()
{
	perl "$BENCH/advice.pl" scripts "$BENCH/advice_$1.list" "$ADVICE"
	sed 's/^/statement\t/' "$ADVICE/statements" >>"$ADVICE/results"
	ADVICE_VARIABLES=(-D customers=$((120000 * ADVICE_PERCENT / 100))
		-D products=$((40000 * ADVICE_PERCENT / 100))
		-D orders=$((300000 * ADVICE_PERCENT / 100))
		-D sessions=$((150000 * ADVICE_PERCENT / 100)))
}

# advice_pgbench ADVISOR simple|prepared further-arguments, in the background
advice_pgbench()
{
	local port mode=$2

	port=$(advice_port "$1")
	shift 2
	"${DROP[@]}" "$BINDIR/pgbench" -n -M "$mode" --random-seed="$ADVICE_SEED" \
		"${ADVICE_VARIABLES[@]}" "$@" -h "$WORK/sock" -p "$port" -U postgres bench \
		>"$WORK/pgbench_$mode.log" 2>&1 &
}

advice_wait()
{
	local pid

	for pid in "$@"; do
		wait "$pid" || { grep -h error "$WORK"/pgbench_*.log >&2; die "pgbench failed"; }
	done
}

# Everything once: those of each mode by two clients, in proportion.
advice_run()
{
	local name=$1 phase=$2 weight mode s simple=() prepared=() pids=() of=0 all=0

	while IFS=$'\t' read -r s weight mode _; do
		[ "$weight" -gt 0 ] || continue
		all=$((all + weight))
		if [ "$mode" = simple ]; then
			simple+=(-f "$ADVICE/$s.sql@$weight")
			of=$((of + weight))
		else
			prepared+=(-f "$ADVICE/$s.sql@$weight")
		fi
	done <"$ADVICE/statements"
	advice_pgbench "$name" simple -c 2 -t $((ADVICE_STATEMENTS * of / all / 2)) "${simple[@]}"
	pids+=($!)
	advice_pgbench "$name" prepared -c 2 -t $((ADVICE_STATEMENTS * (all - of) / all / 2)) \
		"${prepared[@]}"
	pids+=($!)
	advice_wait "${pids[@]}"
	while IFS=$'\t' read -r s weight mode _; do
		[ "$weight" -gt 0 ] || advice_sql "$name" -o /dev/null -f "$ADVICE/$s.sql"
	done <"$ADVICE/statements"
	advice_sql "$name" -c "SELECT 'run', '$name', '$phase', sum(total_exec_time) / 1000,
		sum(wal_bytes) FROM pg_stat_statements" >>"$ADVICE/results"
}

# ---- Advice ----

# Writes one definition per line.
advice_ask()
{
	case $1 in
		none) ;;
		traps) awk -F '\t' '$1 == "trap" { print $4 }' "$ADVICE/truth" ;;
		truth) awk -F '\t' '$1 == "need" && $3 == 0 { print $4 }' "$ADVICE/truth" ;;
		diagnose) advice_sql "$1" -c "SELECT translate(ddl, E'\n\t', '  ')
			FROM diagnose.advise_indexes() ORDER BY rank" ;;
		qualstats) advice_sql "$1" -c "SELECT json_array_elements_text(
			pg_qualstats_index_advisor() -> 'indexes')" ;;
	esac
}

advice_build()
{
	local name=$1 n=0 ddl

	advice_sql "$name" -v schema="$2" -f "$WORK/advice_tools.sql"
	while IFS= read -r ddl; do
		n=$((n + 1))
		if advice_sql "$name" -c "$ddl" >"$WORK/ddl.log" 2>&1; then
			advice_sql "$name" -c "SELECT 'built', '$name', $n, bytes, definition, ''
				FROM advice.new_index() LIMIT 1"
		else
			printf 'built\t%s\t%d\t0\t\t%s: %s\n' "$name" "$n" "$ddl" "$(head -n 1 "$WORK/ddl.log")"
		fi
	done <"$ADVICE/$name.ddl" >>"$ADVICE/results"
}

# Statistics of expressions, and a visibility map; one table is not to have them.
advice_vacuum()
{
	advice_sql "$1" -c "SELECT format('VACUUM (ANALYZE) %s;', c.oid::regclass)
		FROM pg_class AS c WHERE c.relnamespace = '$2'::regnamespace
			AND c.relkind IN ('r', 'p') AND NOT c.relispartition
			AND c.relname <> 'stock_moves'" >"$WORK/vacuum.sql"
	advice_sql "$1" -f "$WORK/vacuum.sql"
}

# ---- Times of single statements ----

# advice_times ADVISOR TAG EXECUTIONS STATEMENT...: appends to logs of this tag.
advice_times()
{
	local name=$1 tag=$2 times=$3 s weight mode chosen kind args

	shift 3
	chosen=" $* "
	for kind in simple prepared; do
		args=()
		: >"$WORK/$tag.$kind.order"
		while IFS=$'\t' read -r s weight mode _; do
			[[ $chosen == *" $s "* || $chosen == "  " ]] || continue
			[ "$mode" = simple ] || mode=prepared
			[ "$mode" = "$kind" ] || continue
			args+=(-f "$ADVICE/$s.sql")
			echo "$s" >>"$WORK/$tag.$kind.order"
		done <"$ADVICE/statements"
		[ ${#args[@]} -gt 0 ] || continue
		advice_pgbench "$name" "$kind" -c 1 -t $((times * ${#args[@]} / 2)) -l \
			--log-prefix="$WORK/$tag.$kind" "${args[@]}"
		advice_wait $!
	done
}

# advice_medians TAG: name and microseconds
advice_medians()
{
	local kind logs

	for kind in simple prepared; do
		logs=("$WORK/$1.$kind".[0-9]*)
		[ ! -e "${logs[0]}" ] ||
			perl "$BENCH/advice.pl" times "$WORK/$1.$kind.order" "${logs[@]}"
	done
	rm -f "$WORK/$1".*.[0-9]* "$WORK/$1".*.order
}

# Which statement uses which of the indexes that were built.
advice_users()
{
	local name=$1 s mode

	advice_sql "$name" -c 'SELECT pg_stat_reset()' -o /dev/null
	while IFS=$'\t' read -r s _ mode _; do
		advice_times "$name" used 14 "$s"
		advice_sql "$name" -F $'\t' -c "SELECT 'scans', '$s', scans, definition FROM advice.scans()"
	done <"$ADVICE/statements" >"$WORK/scans"
	rm -f "$WORK"/used.*
	awk -F '\t' -v name="$name" '
		FNR == NR { if ($1 == "built" && $2 == name && $5 != "") n[$5] = $3; next }
		{ if ($3 > last[$4] && $4 in n) print "used\t" name "\t" n[$4] "\t" $2; last[$4] = $3 }
		' "$ADVICE/results" "$WORK/scans" >"$WORK/users"
	cat "$WORK/users" >>"$ADVICE/results"
}

# advice_show ADVISOR DEFINITION true|false: may the planner see the index?
advice_show()
{
	echo "SELECT advice.show(:'d', $3)" >"$WORK/show.sql"
	advice_sql "$1" -o /dev/null -v d="$2" -f "$WORK/show.sql"
}

# Each index is hidden, and the statements that used it are timed without it.
advice_without()
{
	local name=$1 n definition users round s

	while IFS=$'\t' read -r n definition; do
		users=$(awk -F '\t' -v n="$n" '$3 == n { print $4 }' "$WORK/users" | tr '\n' ' ')
		[ -n "$users" ] || continue
		for round in 1 2; do
			ADVICE_SEED=$((ADVICE_SEED + 1))
			advice_times "$name" with 8 $users
			# what has been deleted with it would be found deleted without it
			ADVICE_SEED=$((ADVICE_SEED + 1))
			advice_show "$name" "$definition" false
			advice_times "$name" hidden 8 $users
			advice_show "$name" "$definition" true
		done
		advice_medians with | sort >"$WORK/times_with"
		advice_medians hidden | sort >"$WORK/times_hidden"
		join -t $'\t' "$WORK/times_with" "$WORK/times_hidden" |
			awk -F '\t' -v OFS='\t' -v name="$name" -v n="$n" \
				'{ print "without", name, n, $1, $2, $4 }' >>"$ADVICE/results"
	done < <(awk -F '\t' -v name="$name" \
		'$1 == "built" && $2 == name && $5 != "" { print $3 "\t" $5 }' "$ADVICE/results")
}

# ---- All of it ----

# Servers with the tables of a workload, one for each advisor.
advice_begin()
{
	local name

	ADVICE=$WORK/advice_$1
	mkdir "$ADVICE"
	printf 'meta\tworkload\t%s\nmeta\tversion\t%s\nmeta\tdate\t%s\n' "$1" \
		"$("$PG_CONFIG" --version)" "$(date +%F)" >"$ADVICE/results"
	advice_statements "$1"
	[ "$(id -u)" -ne 0 ] || chown -R "$OS_USER" "$ADVICE"
	advice_load "$1"
	advice_servers
	advice_sql none -c "SELECT 'meta', 'megabytes', pg_database_size('bench') / 1000000" \
		>>"$ADVICE/results"
	for name in "${ADVISORS[@]}"; do
		printf 'advisor\t%s\n' "$name" >>"$ADVICE/results"
	done
}

# Nobody knows anything yet.
advice_reset()
{
	advice_sql "$1" -o /dev/null -c 'SELECT pg_stat_statements_reset()'
	case $1 in
		diagnose) advice_sql "$1" -o /dev/null -c 'SELECT diagnose.reset()' ;;
		qualstats) advice_sql "$1" -o /dev/null -c 'SELECT pg_qualstats_reset()' ;;
	esac
}

# advice_take WORKLOAD ADVISOR: ask, and do as it says.
advice_take()
{
	local started

	started=$(date +%s%N)
	advice_ask "$2" >"$ADVICE/$2.ddl" || say "$1: $2 fails"
	printf 'asked\t%s\t%.1f\n' "$2" "$((($(date +%s%N) - started) / 100000000))e-1" \
		>>"$ADVICE/results"
	[ "$2" != diagnose ] || advice_sql "$2" -c "SELECT 'finding', rule,
			translate(concat_ws(' ', subject, problem, advice, evidence), E'\n\t', '  ')
		FROM diagnose.findings(diagnose.since_reset()) WHERE rule IN ('redundant_index', 'needs_rewrite',
			'misestimate')" >>"$ADVICE/results" ||
		say "$1: no findings"
	say "$1: $2 proposes $(wc -l <"$ADVICE/$2.ddl") indexes"
	advice_build "$2" "$1"
	advice_vacuum "$2" "$1"
}

advice_workload()
{
	local workload=$1 name round

	advice_begin "$workload"
	for name in "${ADVISORS[@]}"; do
		say "$workload: $name runs $ADVICE_STATEMENTS statements"
		advice_reset "$name"
		advice_run "$name" before
	done
	for name in "${ADVISORS[@]}"; do
		advice_take "$workload" "$name"
	done
	for name in "${ADVISORS[@]}"; do
		say "$workload: $name runs them again"
		advice_sql "$name" -o /dev/null -c 'SELECT pg_stat_statements_reset()'
		advice_run "$name" after
	done
	say "$workload: single statements"
	for ((round = 0; round < ADVICE_ROUNDS; round++)); do
		ADVICE_SEED=$((ADVICE_SEED + 1))
		for name in "${ADVISORS[@]}"; do
			advice_times "$name" "each_$name" "$ADVICE_TIMES"
		done
	done
	for name in "${ADVISORS[@]}"; do
		advice_medians "each_$name" | sed "s/^/time\t$name\t/" >>"$ADVICE/results"
		# whether the truth is true has been looked at, VERIFY=1 looks again
		[ "$name" != none ] && [ "$name$VERIFY" != truth0 ] || continue
		say "$workload: what uses the indexes of $name"
		advice_users "$name"
		advice_without "$name"
	done
	advice_stop
	[ -z "${RESULTS:-}" ] || cp "$ADVICE/results" "$RESULTS.$workload"
	perl "$BENCH/advice.pl" report "$ADVICE/results" "$BENCH/advice_$workload.truth" \
		>>"$WORK/advice.md"
}

# What costs would be, as we, HypoPG and the planner say.
advice_workload_oracle()
{
	[ -e "$("$PG_CONFIG" --pkglibdir)/hypopg.so" ] ||
		{ say "oracle: hypopg is not installed"; return; }
	ADVICE=$WORK/advice_oracle
	mkdir "$ADVICE"
	ADVISORS=(diagnose)
	advice_load shop
	advice_servers
	say "oracle: costs"
	advice_sql diagnose -c 'CREATE EXTENSION hypopg'
	advice_sql diagnose -f "$WORK/advice_oracle.sql" >"$ADVICE/results"
	advice_stop
	[ -z "${RESULTS:-}" ] || cp "$ADVICE/results" "$RESULTS.oracle"
	perl "$BENCH/advice.pl" oracle "$ADVICE/results" >>"$WORK/advice.md"
}

# How long advice for 200 statements on 50 tables takes.
advice_workload_many()
{
	local i t

	ADVICE=$WORK/advice_many
	mkdir "$ADVICE"
	ADVISORS=(diagnose)
	advice_load many
	advice_servers
	advice_reset diagnose
	for ((i = 0; i < 4; i++)); do
		for ((t = 1; t <= 50; t++)); do
			echo "SELECT id, c FROM t$t WHERE a = $((i * 7 + t)) AND d = 1 ORDER BY at DESC LIMIT 5;"
			echo "SELECT count(*) FROM t$t WHERE c LIKE 'a$i%' OR b = $i;"
			echo "SELECT x.id, y.c FROM t$t AS x JOIN t$((t % 50 + 1)) AS y ON y.a = x.a" \
				"WHERE x.c = md5('$((i * 100 + t))') AND y.b > 80;"
			echo "UPDATE t$t SET d = d + 1 WHERE b = $i AND a < 20;"
		done
	done >"$WORK/many.script"
	advice_sql diagnose -o /dev/null -f "$WORK/many.script"
	for i in 1 2 3; do
		echo "SELECT 'many', count(*), $i FROM diagnose.advise_indexes();"
	done >"$WORK/many.ask"
	{ echo '\timing on'; cat "$WORK/many.ask"; } >"$WORK/many.timed"
	advice_sql diagnose -f "$WORK/many.timed" >"$ADVICE/results"
	advice_sql diagnose -c "SELECT 'statements', count(*) FROM diagnose.evidence()" \
		>>"$ADVICE/results"
	advice_stop
	awk '/^many/ { n = $2 } /^Time/ { printf "%s%.2f s", times++ ? ", " : "", $2 / 1000 }
		END { print " for advice on 200 statements and 50 tables: " n " indexes" }' \
		"$ADVICE/results" >>"$WORK/advice.md"
	[ -z "${RESULTS:-}" ] || cp "$ADVICE/results" "$RESULTS.many"
}

measure_advice()
{
	local workload

	advice_settings
	for workload in $ADVICE_WORKLOADS; do
		ADVISORS=(none truth diagnose)
		[ ! -e "$("$PG_CONFIG" --pkglibdir)/pg_qualstats.so" ] || ADVISORS+=(qualstats)
		[ "$VERIFY" = 0 ] || ADVISORS=(none truth traps)
		[ -z "${WHOSE:-}" ] || read -ra ADVISORS <<<"$WHOSE"
		case $workload in
			tpch | oracle | many) "advice_workload_$workload" ;;
			*) advice_workload "$workload" ;;
		esac
		echo >>"$WORK/advice.md"
	done
}
