#!/bin/bash
# test/run.sh
#
# What "make test" does: set up, build without a warning, then lint, regress,
# isolation and TAP tests in throw-away servers which load the library from a
# private copy of the installation.  Nothing outside the tree and a temporary
# folder is written, and everything started is stopped, also when interrupted.
#
#	make test ONLY=regress			one suite (or several, in quotes)
#	make test TESTS="contract facts_errors"	single tests, of any suite
#
# Every regression test, spec, TAP file and lint check counts as one test.

set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/lib.sh"
# What make was told is not meant for the makes below.
unset MAKEFLAGS MFLAGS MAKELEVEL

tally=			# one line "ok" or "not ok" for each test
suite=			# which one is running

# One line for each test, and its mark in the tally.
result()
{
	local verdict=$1 name=$2 duration=${3:-}

	echo "$verdict" >>"$tally"
	if [ "$verdict" = ok ]; then
		printf '  ok      %-44s %9s\n' "$name" "$duration"
	else
		printf '  FAILED  %-44s %9s\n' "$name" "$duration"
	fi
}

# installcheck VARIABLE=VALUE...: one suite of the Makefile's, in the
# server user's copy of the tree and with the private copy of the server.
installcheck()
{
	as_server_user env -C "$work/tree" HOME="$work/tree" TMPDIR="$work/tmp" \
		LC_ALL=C TEMP_CONFIG="$work/tree/test/postgresql.conf" \
		make -s installcheck PG_CONFIG="$PG_CONFIG" bindir="$bindir" \
		REGRESS= ISOLATION= TAP_TESTS= "$@" 2>&1
}

pg_regress_suite()
{
	installcheck "$1=$2" \
		EXTRA_REGRESS_OPTS="--temp-instance=$work/$suite.instance \
			--temp-config=$work/tree/test/postgresql.conf" |
		pg_regress_results "$work/$suite.log" |
		while IFS='|' read -r verdict name duration; do
			echo "$name" >>"$work/$suite.seen"
			result "$verdict" "$name" "$duration"
		done
}

# Regression tests or isolation specs; $3 is where the output goes.
run_pg_regress()
{
	local variable=$1 tests=$2 output=$work/tree/$3 status=0 name before

	# pg_regress gives up where it has nothing to compare with; a new test
	# shall fail with what it shows instead.
	mkdir -p "$output/expected"
	for name in $tests; do
		[ -e "$output/expected/$name.out" ] || : >"$output/expected/$name.out"
	done
	: >"$work/$suite.seen"
	before=$(grep -cx 'not ok' "$tally") || true
	run_job pg_regress_suite "$variable" "$tests" || status=$?
	for name in $tests; do
		if ! grep -qxF "$name" "$work/$suite.seen"; then
			result "not ok" "$name" "not run"
		fi
	done
	# A worker that crashes and is started again may fail no test at all.
	if grep -hE 'was terminated by signal|PANIC:|TRAP:' \
		"$output"/log/postmaster.log 2>/dev/null; then
		result "not ok" "a server process crashed, see above"
	fi
	if [ "$(grep -cx 'not ok' "$tally")" -eq "$before" ]; then
		[ "$status" -ne 0 ] || return 0
		result "not ok" "$suite ended with exit status $status"
	fi
	# Where a developer looks for them, and where git ignores them.
	cp -r "$output"/results "$output"/regression.diffs "$top/$3/" 2>/dev/null || true
	if [ -s "$output/regression.diffs" ]; then
		show "differences (also in ${3#./}/regression.diffs)" 400 \
			"$output/regression.diffs"
	else
		show "output of the suite" 40 "$work/$suite.log"
	fi
	show "end of the server's log" 30 "$output/log/postmaster.log"
}

run_tap()
{
	local name start log log_of

	for name in $1; do
		start=$SECONDS
		log=$work/tap_$name.log
		if run_job installcheck TAP_TESTS=1 PROVE_FLAGS=-v \
			PROVE_TESTS="test/t/$name.pl" >"$log"; then
			if grep -q '^1\.\.0 # SKIP' "$log"; then
				say "          $(grep -m 1 '^1\.\.0 # SKIP' "$log")"
			fi
			result ok "$name" "$((SECONDS - start)) s"
		else
			result "not ok" "$name" "$((SECONDS - start)) s"
			grep -vE '^ok ' "$log" >"$log.failed" || true
			show "what failed in $name" 80 "$log.failed"
			log_of=$(find "$work/tree/tmp_check/log" -name "*$name*.log" \
				-newer "$work/tree/Makefile" 2>/dev/null | sort) || true
			for log in $log_of; do
				show "end of ${log##*/}" 30 "$log"
			done
		fi
	done
}

run_lint()
{
	local line status=0

	"$top/test/lint.sh" >"$work/lint.log" || status=$?
	# Lines that are no results say what to do about the one before.
	while IFS= read -r line; do
		case $line in
			"ok - "*) result ok "${line#ok - }" ;;
			"not ok - "*) result "not ok" "${line#not ok - }" ;;
			*) echo "          $line" ;;
		esac
	done <"$work/lint.log"
	[ "$status" -eq 0 ] || grep -q '^not ok - ' "$work/lint.log" ||
		result "not ok" "lint ended with exit status $status"
}

# select_tests GLOB: names of the files, without folder and extension, that
# TESTS leaves over.
select_tests()
{
	local file name

	for file in $1; do
		[ -e "$file" ] || continue
		name=${file##*/} name=${name%.*}
		case " ${TESTS:-$name} " in
			*" $name "*) printf '%s ' "$name" ;;
		esac
	done
}

wants()
{
	case " ${ONLY:-lint regress isolation tap} " in
		*" $1 "*) return 0 ;;
		*) return 1 ;;
	esac
}

for suite in ${ONLY:-}; do
	case $suite in
		lint | regress | isolation | tap) ;;
		*) die "ONLY=$suite: the suites are lint, regress, isolation and tap" ;;
	esac
done

cd "$top"
PG_CONFIG=$(test/setup.sh)
export PG_CONFIG
# psql's and libpq's settings of the caller must not reach the tests.
for name in $(compgen -e PG | grep -vxF PG_CONFIG); do
	unset "$name"
done

make_work_folder
tally=$work/tally
: >"$tally"

regress=$(wants regress && select_tests 'sql/*.sql') || true
isolation=$(wants isolation && select_tests 'test/isolation/specs/*.spec') || true
tap=$(wants tap && select_tests 'test/t/*.pl') || true
for name in ${TESTS:-}; do
	case " $regress$isolation$tap" in
		*" $name "*) ;;
		*) die "TESTS: there is no test $name" ;;
	esac
done

printf '%s\n' "$("$PG_CONFIG" --version)"
start=$SECONDS
run_job make -s -j2 PG_CONFIG="$PG_CONFIG" COPT=-Werror with_llvm=no ||
	{ echo "  FAILED  build with -Werror"; echo "0 passed, 1 failed"; exit 1; }
printf '  ok      %-44s %9s\n' "build without a warning" "$((SECONDS - start)) s"

if wants lint && [ -z "${TESTS:-}" ]; then
	suite=lint
	echo lint
	run_lint
fi

if [ -n "$regress$isolation$tap" ]; then
	bindir=$(install_privately "$work/server")
	copy_tree "$work/tree"
	! is_root || chown -R "$(server_user)" "$work"
fi
if [ -n "$regress" ]; then
	suite=regress
	echo regress
	run_pg_regress REGRESS "$regress" .
fi
if [ -n "$isolation" ]; then
	suite=isolation
	echo isolation
	run_pg_regress ISOLATION "$isolation" test/isolation
fi
if [ -n "$tap" ]; then
	suite=tap
	echo tap
	run_tap "$tap"
fi

passed=$(grep -cx ok "$tally") || true
failed=$(grep -cx 'not ok' "$tally") || true
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
