#!/bin/bash
# run.sh [record | prove]
#
# Check the work of the application against the baseline: make a database that
# is the same every time, and let pg_regress compare sql/*.sql with expected/.
# What failed is in out/regression.diffs.
#
#	record		write baseline/*.json anew, to be read and committed
#	prove		t/*.sql with prove instead
#
# The server is that of PGHOST and PGPORT, set up as postgresql.conf says.

set -euo pipefail
cd "$(dirname "$0")"
export PG_ABS_SRCDIR=$PWD

# Plans with workers and compiled expressions do other work each time; and
# requests without a transaction shall not be told apart by time.
export PGOPTIONS="-c jit=off -c max_parallel_workers_per_gather=0 \
	-c pg_diagnose.burst_gap=1min ${PGOPTIONS:-}"
export PSQLRC=/dev/null

: "${PG_REGRESS:=$(dirname "$(pg_config --pgxs)")/../test/regress/pg_regress}"

# One database is filled, and each test begins with a copy of it.  VACUUM FREEZE
# leaves nothing to be done by whoever reads a row first.
make_template()
{
	local database

	for database in shop_ci shop_template; do
		dropdb --if-exists "$database" 2>&1 | sed '/does not exist/d' >&2
	done
	createdb shop_template
	psql -q -v ON_ERROR_STOP=1 -d shop_template \
		-c 'CREATE EXTENSION IF NOT EXISTS pg_stat_statements' \
		-c 'CREATE EXTENSION pg_diagnose' -f schema.sql \
		-c 'VACUUM (FREEZE, ANALYZE)' -c 'CHECKPOINT'
}

fresh_database()
{
	dropdb --if-exists shop_ci 2>/dev/null
	createdb -T shop_template shop_ci
}

make_template
fresh_database
case ${1:-} in
	"")
		"$PG_REGRESS" --use-existing --dbname=shop_ci --bindir= \
			--inputdir=. --outputdir=out checkout
		;;
	record)
		psql -AtqX -v ON_ERROR_STOP=1 -d shop_ci \
			-c '\o /dev/null' -c 'SELECT diagnose.reset()' -f app/workload.sql -c '\o' \
			-c 'SELECT jsonb_pretty(diagnose.export(timings => false))' \
			>baseline/checkout.json.new
		mv baseline/checkout.json.new baseline/checkout.json
		;;
	prove)
		prove --exec 'psql -AtqX -d shop_ci -f' t/*.sql
		;;
	*)
		echo "usage: run.sh [record | prove]" >&2
		exit 2
		;;
esac
