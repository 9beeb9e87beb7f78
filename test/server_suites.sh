#!/bin/bash
# test/server_suites.sh [SUITE...]
#
# PostgreSQL's own tests with pg_diagnose preloaded and everything switched on,
# in a server built with assertions.  A difference is a fault of pg_diagnose.
#
#	serial		core regression, one test after the other
#	parallel	core regression in its parallel groups
#	workers		core regression with parallel plans forced wherever possible
#	isolation	the isolation tests
#	standby		027_stream_regress: core regression on a primary with a standby
#
# Without a SUITE it runs all.  The server is built from the source package of
# Debian's PostgreSQL 15 the first time, which takes a few minutes, and kept in
# the cache folder.  Prints a table for test/README.md at the end.

# make_in() and the suites are called by name.
# shellcheck disable=SC2317
set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/lib.sh"

major=15
place=$cache/cassert-$major
source=$place/src

# Everything on: all that pg_diagnose can do it does for every statement of these
# suites.  A setting that is off by default, or samples, belongs here.
diagnose_settings="pg_diagnose.track = 'all'
pg_diagnose.track_planning = on
pg_diagnose.track_utility = on
pg_diagnose.evidence_rate = 1000000"
settings="
shared_preload_libraries = 'pg_stat_statements,pg_diagnose'
compute_query_id = 'regress'
pg_stat_statements.track = 'all'
pg_stat_statements.track_planning = on
max_prepared_transactions = 10
fsync = off
$diagnose_settings"

# Fetch the source package with lists and caches of its own: the machine's are
# neither needed nor touched.
fetch_source()
{
	local apt=$work/apt suite

	is_root || die "the first time it needs root, to install what a build needs"
	suite=$(suite_of_major "$major")
	say "fetching the source package of PostgreSQL $major from Debian $suite"
	quietly apt-get "${apt_options[@]}" install --no-install-recommends \
		make gcc libc6-dev bison flex perl pkg-config dpkg-dev bzip2 xz-utils \
		libicu-dev libssl-dev libreadline-dev zlib1g-dev libipc-run-perl
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
	echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
		"$(debian_archive) $suite main" >"$apt/sources.list"
	local options=("${apt_options[@]}" -o "Dir::Etc::SourceList=$apt/sources.list"
		-o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$apt/lists"
		-o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
	quietly apt-get "${options[@]}" update
	(cd "$apt" && quietly apt-get "${options[@]}" source --download-only \
		"postgresql-$major" &&
		quietly dpkg-source --no-check --skip-patches -x ./*.dsc "$source")
}

build_server()
{
	mkdir -p "$place"
	rm -rf "$source" "$place/inst"
	fetch_source
	# The tests write in the tree they were built in.
	! is_root || chown -R "$(server_user)" "$place"
	say "building it with assertions (a few minutes)"
	# The variables below are for the shell inside.
	# shellcheck disable=SC2016
	run_job quietly as_server_user bash -ec 'cd "$1/src"
		CFLAGS="-O1 -g -fno-omit-frame-pointer" nice ./configure \
			--prefix="$1/inst" --enable-cassert --enable-debug \
			--enable-tap-tests --with-icu --with-openssl --enable-depend
		nice make -s -j2 world-bin
		make -s install-world-bin
		make -s -C src/test/regress all
		make -s -C src/test/isolation all install
		touch "$1/src/built"' bash "$place"
}

# A fresh server for each suite, in $work/SUITE.
start_server()
{
	local data=$work/$1/data

	mkdir -p "$work/$1/socket"
	! is_root || chown -R "$(server_user)" "$work/$1"
	quietly as_server_user "$bindir/initdb" -D "$data" -A trust -N -E UTF8 \
		--locale=C.UTF-8 -U postgres
	echo "$settings
		listen_addresses = ''
		unix_socket_directories = '$work/$1/socket'" >>"$data/postgresql.conf"
	quietly as_server_user "$bindir/pg_ctl" -D "$data" -w \
		-l "$work/$1/server.log" start
	psql -c "SET client_min_messages = warning;
		CREATE EXTENSION pg_diagnose CASCADE"
}

psql()
{
	PGHOST=$work/$suite/socket "$bindir/psql" -XqAt -v ON_ERROR_STOP=1 \
		-U postgres -d postgres "$@"
}

# Run make in a folder of the server's sources as the server's user.
make_in()
{
	as_server_user env HOME="$work/$suite" TMPDIR="$work/tmp" LC_ALL=C.UTF-8 \
		PGHOST="$work/$suite/socket" PGUSER=postgres TEMP_CONFIG="$work/extra.conf" \
		make -s -C "$source/$1" bindir="$bindir" "${@:2}" 2>&1
}

pg_regress_suite()
{
	make_in "$@" | pg_regress_results "$work/$suite.out" >"$work/$suite.results"
}

tap_suite()
{
	make_in "$@" PROVE_FLAGS=-v | tee "$work/$suite.out" |
		sed -nE 's/^(ok|not ok) [0-9]+ - (.*)/\1|\2|/p' >"$work/$suite.results"
}

# One suite: run it, look at what it left behind, print its line of the table.
run_suite()
{
	local folder=$1 status=0 start=$SECONDS passed failed verdict database

	if [ "$suite" = standby ]; then
		mkdir "$work/$suite"
		! is_root || chown "$(server_user)" "$work/$suite"
		run_job tap_suite "$@" || status=$?
	else
		start_server "$suite"
		run_job pg_regress_suite "$@" || status=$?
		# A suite under a library that does nothing proves nothing.
		[ "$(psql -c "SELECT count(*) > 500 FROM pg_stat_statements")" = t ] ||
			die "$suite: pg_stat_statements saw no statements"
		if [ -n "$(psql -c "SELECT to_regclass('diagnose.statements')")" ]; then
			[ "$(psql -c "SELECT count(*) > 500 FROM diagnose.statements")" = t ] ||
				die "$suite: pg_diagnose saw no statements"
			psql -c "SELECT count(*) FROM diagnose.findings" >/dev/null
			# statements are read back where they were executed, as far as
			# there still is what they name
			database=$(psql -c "SELECT datname FROM pg_database
				WHERE datname ~ 'regression' LIMIT 1")
			psql -d "$database" -c "SET client_min_messages = warning;
				CREATE EXTENSION pg_diagnose CASCADE"
			[ "$(psql -d "$database" -c "SELECT count(*) > 20 AND count(statement) >= 0
				FROM diagnose.examples()")" = t ] ||
				die "$suite: pg_diagnose has no examples"
		fi
		quietly as_server_user "$bindir/pg_ctl" -D "$work/$suite/data" -m fast stop
	fi
	passed=$(grep -c '^ok|' "$work/$suite.results") || true
	failed=$(grep -c '^not ok|' "$work/$suite.results") || true
	verdict="no difference"
	if [ "$status" -ne 0 ] || [ "$failed" -gt 0 ] || [ "$passed" -eq 0 ]; then
		verdict="$failed differ"
		bad=1
		grep '^not ok|' "$work/$suite.results" || true
		find "$source/$folder" -name regression.diffs -size +0 -newer "$work/extra.conf" \
			-exec head -n 200 {} +
		show "end of the output" 40 "$work/$suite.out"
		show "end of the server's log" 40 "$work/$suite/server.log"
	fi
	# What only the log tells: a crash, or an assertion of a worker.
	if grep -hE 'was terminated by signal|PANIC:|TRAP:' \
		"$work/$suite/server.log" 2>/dev/null; then
		verdict="a server process crashed"
		bad=1
	fi
	printf '| %-9s | %5s | %-24s | %7s |\n' "$suite" "$((passed + failed))" \
		"$verdict" "$((SECONDS - start))" | tee -a "$work/table" >&2
}

regress=src/test/regress
suites=("$@")
[ $# -gt 0 ] || suites=(serial parallel workers isolation standby)
server_folders=("$source/src/test/recovery/tmp_check")
bad=0
make_work_folder

mkdir -p "$cache"
exec 9>"$place.lock"
flock -n 9 || die "it is running already, with $place"
[ -e "$source/built" ] || build_server

PG_CONFIG=$place/inst/bin/pg_config
say "building pg_diagnose"
copy_tree "$work/tree"
bindir=$(install_privately "$work/server" "$work/tree")
echo "$settings" >"$work/extra.conf"
! is_root || chown "$(server_user)" "$work" "$work/tmp"

for suite in "${suites[@]}"; do
	case $suite in
		serial) run_suite $regress installcheck ;;
		parallel) run_suite $regress installcheck-parallel ;;
		workers)
			PGOPTIONS="-c force_parallel_mode=regress" \
				run_suite $regress installcheck-parallel
			;;
		isolation) run_suite src/test/isolation installcheck ;;
		standby)
			run_suite src/test/recovery installcheck \
				PROVE_TESTS=t/027_stream_regress.pl
			;;
		*) die "no such suite: $suite" ;;
	esac
done

echo
echo "$("$bindir/postgres" --version), assertions on;" \
	"pg_diagnose $(sed -n "s/^default_version *= *'\(.*\)'/\1/p" "$top/pg_diagnose.control")" \
	"of $(git -C "$top" log -1 --format=%h 2>/dev/null || echo "no commit");" \
	"$(date +%Y-%m-%d)"
echo
echo "| suite     | tests | result                   | seconds |"
echo "|-----------|------:|--------------------------|--------:|"
cat "$work/table"
exit "$bad"
