#!/bin/bash
#
# What does pg_diagnose cost?  Compares a bare server, one with
# pg_stat_statements, and one with pg_stat_statements and pg_diagnose, and
# prints tables in Markdown.  README.md beside this file explains the figures.
#
# Settings, from the environment:
#	PG_CONFIG	the server to measure; pg_diagnose must be installed there
#	QUICK=1		about six minutes; the full version takes about half an hour
#	FULL=1		the long transaction has 10^7 statements instead of 10^6
#	PEERS=1		also pg_qualstats and auto_explain, where installed
#	PARTS		which of "instructions throughput waits reader think long sampler
#				contention", which is the default, "trial", and "advice"
#	VERIFY=1	"advice" is about the truth and the traps, not about advisors
#	DETAILS=1	"advice" shows every index and every statement
#	WORKLOADS	of "advice": which of "shop desk tpch oracle many"; all by default
#	CASES		which of "prepared simple tpcb churn hot block"; all by default
#	WHOSE		of "advice": whose, of "none truth diagnose qualstats", the
#				first two always
#	RESULTS		a file for the single figures, to look closer

set -euo pipefail
export LC_ALL=C

BENCH=$(cd "$(dirname "$0")" && pwd)
PG_CONFIG=${PG_CONFIG:-pg_config}
QUICK=${QUICK:-0}
FULL=${FULL:-0}
PEERS=${PEERS:-0}
PARTS=${PARTS:-instructions throughput waits reader think long sampler contention}
CASES=${CASES:-prepared simple tpcb churn hot block}
CONFIGS=(bare pgss diagnose)
COUNTER=()
STARTED=$(date +%s)

# The caller's own connection settings must not reach the servers made here.
unset PGHOST PGHOSTADDR PGPORT PGUSER PGDATABASE PGOPTIONS PGSERVICE \
	PGAPPNAME PGSSLMODE PGPASSWORD PGDATA PGCLIENTENCODING PGREQUIREAUTH

if [ "$QUICK" = 0 ]; then
	REPEATS=3 ROUNDS=30 SECONDS_EACH=1
else
	REPEATS=1 ROUNDS=4 SECONDS_EACH=1
fi

. "$BENCH/servers.sh"
. "$BENCH/instructions.sh"
. "$BENCH/throughput.sh"
. "$BENCH/transactions.sh"
. "$BENCH/trial.sh"
. "$BENCH/advice.sh"
. "$BENCH/advice_tpch.sh"

# Append one line of figures; report.pl turns the lines into tables.
result()
{
	local IFS=$'\t'

	echo "$*" >>"$WORK/results"
}

check_arguments()
{
	local word

	for word in $PARTS; do
		case $word in
			instructions | throughput | waits | reader) ;;
			think | long | sampler | contention | trial | advice) ;;
			*) die "unknown part \"$word\" in PARTS" ;;
		esac
	done
	for word in $CASES; do
		case $word in
			prepared | simple | tpcb | churn | hot | block) ;;
			*) die "unknown case \"$word\" in CASES" ;;
		esac
	done
}

check_installation()
{
	local pkglibdir word

	pkglibdir=$("$PG_CONFIG" --pkglibdir) || die "cannot run \"$PG_CONFIG\""
	BINDIR=$("$PG_CONFIG" --bindir)
	MAJOR=$("$PG_CONFIG" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
	[ -x "$BINDIR/pgbench" ] || die "there is no pgbench in $BINDIR"
	for word in pg_stat_statements pg_diagnose; do
		[ -e "$pkglibdir/$word.so" ] ||
			die "$word is not installed in $pkglibdir: run \"make install\""
	done
	[ "$PEERS" = 0 ] && return
	[ ! -e "$pkglibdir/pg_qualstats.so" ] || CONFIGS+=(qualstats)
	[ ! -e "$pkglibdir/auto_explain.so" ] || CONFIGS+=(explain)
}

check_arguments
check_installation
prepare_work
result meta version "$("$PG_CONFIG" --version)"
result meta processors "$(nproc)"
result meta rounds "$ROUNDS"
result meta seconds "$SECONDS_EACH"
result meta repeats "$REPEATS"
say "making the template"
make_template
for part in $PARTS; do
	"measure_$part"
done
say "done in $(($(date +%s) - STARTED)) seconds"
[ -z "${RESULTS:-}" ] || cp "$WORK/results" "$RESULTS"
case $PARTS in
	trial | advice) ;;
	*) perl "$BENCH/report.pl" "$WORK/results" ;;
esac
[[ " $PARTS " != *" trial "* ]] || perl "$BENCH/trial.pl" "$WORK/results"
[[ " $PARTS " != *" advice "* ]] || cat "$WORK/advice.md"
