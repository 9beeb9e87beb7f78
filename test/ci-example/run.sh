#!/bin/bash
# run.sh [record | prove]
#
# Does the application still do no more work than the baseline says?  pg_regress
# runs sql/*.sql and compares with expected/; out/regression.diffs says what
# differs.
#
#	record		write baseline/*.json anew, to be read and committed
#	prove		the same checks as t/*.sql, with prove
#
# The server is that of PGHOST and PGPORT, set up as postgresql.conf says.

set -euo pipefail
cd "$(dirname "$0")"
export PG_ABS_SRCDIR=$PWD PSQLRC=/dev/null

# Parallel workers and compiled expressions do other work each time, and where a
# request ends that has no transaction is not to be a matter of time.
export PGOPTIONS="-c jit=off -c max_parallel_workers_per_gather=0 \
	-c pg_diagnose.burst_gap=1min ${PGOPTIONS:-}"

: "${PG_REGRESS:=$(dirname "$(pg_config --pgxs)")/../test/regress/pg_regress}"

query()
{
	psql -AtqX -v ON_ERROR_STOP=1 "$@"
}

# One database is filled, and all else happens in a copy of it.  VACUUM FREEZE
# leaves nothing to be done by whoever reads a row first.
make_template()
{
	local database

	for database in shop_ci shop_template; do
		PGOPTIONS='-c client_min_messages=warning' dropdb --if-exists $database
	done
	createdb shop_template
	query -d shop_template -c 'CREATE EXTENSION pg_stat_statements' \
		-c 'CREATE EXTENSION pg_diagnose' -f schema.sql \
		-c 'VACUUM (FREEZE, ANALYZE)' -c 'CHECKPOINT'
	createdb -T shop_template shop_ci
}

import_baselines()
{
	local file name

	for file in baseline/*.json; do
		name=$(basename "$file" .json)
		query -d shop_ci -o /dev/null -v name="$name" -v file="$file" <<-'SQL'
			\set document `cat :'file'`
			SELECT diagnose.drop_snapshot(id) FROM diagnose.snapshots() WHERE label = :'name';
			SELECT diagnose.import(:'document', :'name');
		SQL
	done
}

case ${1:-} in
	"")
		make_template
		import_baselines
		"$PG_REGRESS" --use-existing --dbname=shop_ci --bindir= \
			--inputdir=. --outputdir=out checkout
		;;
	record)
		make_template
		query -d shop_ci -c '\o /dev/null' -c 'SELECT diagnose.reset()' \
			-c '\o' -f app/workload.sql \
			-c 'SELECT jsonb_pretty(diagnose.export(timings => false))' \
			>baseline/checkout.json.new
		mv baseline/checkout.json.new baseline/checkout.json
		;;
	prove)
		make_template
		import_baselines
		prove --failures --comments --ext .sql --exec 'psql -AtqX -d shop_ci -f' t
		;;
	*)
		echo "usage: run.sh [record | prove]" >&2
		exit 2
		;;
esac
