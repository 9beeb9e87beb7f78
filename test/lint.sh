#!/bin/bash
# test/lint.sh
#
# Architecture tests: the rules of src/README.md that a machine can check.  One
# line for each rule, "ok - name" or "not ok - name"; after the latter, what is
# wrong, where, and what to do.  A rule is a function below which prints one
# line for each offence, and lines that start with "note:" for what is no
# offence yet.

# The checks are called by name.
# shellcheck disable=SC2317
set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$top"
shopt -s nullglob globstar
export LC_ALL=C

c_files=(src/**/*.c src/**/*.h)
failed=0

# check NAME COMMAND...
check()
{
	local name=$1 findings

	# A check that breaks is a failed check.
	findings=$("${@:2}") || findings+=$'\n'"the check itself failed"
	if grep -qv '^note:' <<<"${findings:-note:}"; then
		echo "not ok - $name"
		failed=1
	else
		echo "ok - $name"
	fi
	[ -z "$findings" ] || echo "$findings"
}

# The C files again, with every line where it was but without comments: these may
# name what the code must not use.
code=$(mktemp -d)
trap 'rm -rf "$code"' EXIT
for file in "${c_files[@]}"; do
	mkdir -p "$code/${file%/*}"
	: >"$code/$file"
done
[ ${#c_files[@]} -eq 0 ] || perl -0pe '
	BEGIN { $folder = shift }
	s{/\*.*?\*/}{$& =~ s/[^\n]//gr}gse;
	open(STDOUT, ">", "$folder/$ARGV") or die "$folder/$ARGV: $!";
' "$code" "${c_files[@]}"

# The concept a file belongs to is its name without extension, or the name of
# its folder below src.
concept_of()
{
	local path=${1#src/}

	case $path in
		pg_diagnose.h) echo vocabulary ;;
		detectorlist.h) echo detectors ;;
		*/*) echo "${path%%/*}" ;;
		*) echo "${path%.*}" ;;
	esac
}

# Arrows point down only.
layer_of()
{
	case $1 in
		pg_diagnose) echo 14 ;;
		hooks | hooks_* | worker | sqlfuncs | sqlfuncs_*) echo 13 ;;
		remember | series | series_* | interchange | interchange_* | xact | session | error | advise | advise_gather | advise_workload | advise_try | advise_cost | advise_write | advise_select | advise_refine | window_statements | window_sums) echo 12 ;;
		window | window_* | transcribe | evidence_file | advise_definition) echo 11 ;;
		snapshot | snapshot_held | advise_candidate) echo 10 ;;
		image_names) echo 7 ;;
		image | image_* | statement | touches | repeats | blocking | predicate | example | example_mask | advise_condition) echo 9 ;;
		closing | predicate_values | advise_need | advise_table) echo 8 ;;
		plan | traits | traits_utility | rows | detectors | pending_shapes | difference | whatif | whatif_* | ddl | ddl_object | settings) echo 7 ;;
		pending | text | sampler | markfile) echo 6 ;;
		store | store_sums | store_evidence) echo 5 ;;
		reading | shapes | texts) echo 4 ;;
		table | document | strays | slot | writers | samples | sessions | tag | archive | archive_thin | marks | evidence) echo 3 ;;
		guc | safely | sums | transcript | histogram_* | codec | archive_file | statistics | statistics_*) echo 2 ;;
		vocabulary) echo 1 ;;
		histogram | counterlist | xactlist | sessionlist | thresholdlist | compat) echo 0 ;;
		*) return 1 ;;
	esac
}

# Siblings do not know each other, but for a part of a concept, which is named
# after it.
is_allowed_sibling()
{
	[ "${1%_*}" = "$2" ] || [ "$1" = "$2" ] || [ "$(layer_of "$1")" = 0 ]
}

layers()
{
	local file concept layer line include target other

	for file in "${c_files[@]}"; do
		concept=$(concept_of "$file")
		if ! layer=$(layer_of "$concept"); then
			echo "$file: say in layer_of() of test/lint.sh which layer it belongs to"
			continue
		fi
		while IFS=: read -r line include; do
			target=${include##*../}
			# What is not in src is PostgreSQL's.
			[ -e "src/$target" ] || [ "$target" = detectorlist.h ] ||
				{ [ -e "${file%/*}/$target" ] &&
					target=${file#src/} target=${target%/*}/$include; } ||
				continue
			target=$(concept_of "src/$target")
			other=$(layer_of "$target") || continue
			if [ "$other" -gt "$layer" ]; then
				echo "$file:$line: $concept (layer $layer) must not know" \
					"$target (layer $other): turn the call around"
			elif [ "$other" -eq "$layer" ] &&
				! is_allowed_sibling "$concept" "$target"; then
				echo "$file:$line: $concept and $target are siblings: move what" \
					"they share down, or join them in a layer above"
			fi
		done < <(sed -n '/^[ \t]*#[ \t]*include[ \t]*"/{=;s/.*"\(.*\)".*/\1/p;}' \
			"$code/$file" | paste -d: - -)
	done
}

# only_in CONCEPTS PATTERN ADVICE: the pattern may occur in these concepts only.
only_in()
{
	local file

	for file in "${c_files[@]}"; do
		case " $1 " in
			*" $(concept_of "$file") "*) continue ;;
		esac
		grep -nP "$2" "$code/$file" |
			sed "s|^\([0-9]*\):[ \t]*|$file:\1: $3: |" || true
	done
}

# not_in CONCEPTS PATTERN ADVICE: the reverse.
not_in()
{
	local file

	for file in "${c_files[@]}"; do
		case " $1 " in
			*" $(concept_of "$file") "*) ;;
			*) continue ;;
		esac
		grep -nP "$2" "$code/$file" |
			sed "s|^\([0-9]*\):[ \t]*|$file:\1: $3: |" || true
	done
}

settings_sorted()
{
	[ -e src/guc.c ] || return 0
	perl -0ne 'print "$1\n" while /DefineCustom\w+Variable\(\s*"([^"]+)"/g' \
		"$code/src/guc.c" |
		sort -c 2>&1 |
		sed 's|^[^:]*:[^:]*:[^:]*: *|src/guc.c: define this setting where the alphabet puts it: |' ||
		true
}

# Servers of 15 export every symbol that is not static.
exported_symbols()
{
	if [ ! -e pg_diagnose.so ]; then
		echo "note: not built, so not looked at"
		return
	fi
	nm -D --defined-only pg_diagnose.so | awk '{ print $3 }' |
		grep -vE '^(pgd_|pg_finfo_pgd_|_PG_init$|Pg_magic_func$|_init$|_fini$)' |
		sed 's/.*/&: make it static, or start its name with pgd_/' || true
}

file_sizes()
{
	local file lines

	for file in "${c_files[@]}"; do
		lines=$(wc -l <"$file")
		if [ "$lines" -gt 800 ]; then
			echo "$file: $lines lines, more than 800: split it by concept"
		elif [ "$lines" -gt 500 ]; then
			echo "note: $file has $lines lines, more than 500"
		fi
	done
}

# tested FOLDER EXTENSION PREFIX: every file there has its test.
tested()
{
	local file name

	for file in "$1"/*."$2"; do
		name=${file##*/} name=$3_${name%.*}
		[ -e "sql/$name.sql" ] || echo "$file: write its test, sql/$name.sql"
		[ -e "expected/$name.out" ] ||
			echo "$file: write what its test shows, expected/$name.out"
	done
}

rules_named()
{
	local file name

	for file in src/sql/50_rules/*.sql; do
		name=${file##*/} name=${name%.sql}
		grep -qE "FUNCTION +diagnose\.rule_$name *\(" "$file" ||
			echo "$file: it must define diagnose.rule_$name()"
	done
}

# paired TESTS EXTENSION EXPECTED: variants end in _1, _2 ...
paired()
{
	local file name

	for file in "$1"/*."$2"; do
		name=${file##*/} name=${name%.*}
		[ -e "$3/$name.out" ] || echo "$file: it has no $3/$name.out"
	done
	for file in "$3"/*.out; do
		name=${file##*/} name=${name%.out}
		[ -e "$1/$name.$2" ] || [ -e "$1/${name%_[0-9]}.$2" ] ||
			echo "$file: remove it, there is no $1/$name.$2"
	done
}

no_sleeps()
{
	local files=(sql/*.sql test/isolation/specs/*.spec test/t/*.pl)

	[ ${#files[@]} -gt 0 ] || return 0
	grep -nE '\b(pg_sleep(_for|_until)?|u?sleep)\b *[(0-9$]' "${files[@]}" /dev/null |
		grep -vE '(--|#) workload:|sleep\(\?\)' |
		sed 's|$|  <- wait for what you wait for; or say "workload:" in a comment there if time passing is the point|' ||
		true
}

version_matches()
{
	local control changelog

	control=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" pg_diagnose.control)
	changelog=$(sed -n 's/^## \([^ ]*\).*/\1/p' CHANGELOG.md | head -n 1)
	[ "$control" = "$changelog" ] ||
		echo "pg_diagnose.control says $control, CHANGELOG.md says $changelog:" \
			"start a section for the new version"
	grep -q "\"version\": *\"$control\.[0-9]" META.json ||
		echo "META.json: its versions must start with $control"
}

no_leftovers()
{
	local folders=(src*/ sql*/ test*/)

	grep -rnIE '\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b' "${folders[@]}" |
		sed 's/$/  <- do it, or write an issue/' || true
}

# pg_stat_statements renames columns every other release; these have stayed.
stable_columns()
{
	local files=(src/sql/**/*.sql)

	[ ${#files[@]} -gt 0 ] || return 0
	perl -0ne '
		BEGIN
		{
			%stable = map { $_ => 1 } qw(userid dbid toplevel queryid query
				calls total_exec_time mean_exec_time rows);
			$no_alias = qr/^(where|join|on|using|left|right|inner|full|cross
				|natural|group|order|limit|union|having|window|for)$/xi;
		}
		s/--[^\n]*//g;
		# An alias means what it means up to the end of its statement.
		foreach my $statement (split /;/)
		{
			my $rest = $statement;
			while ($statement =~ /\b(?:FROM|JOIN)\s+(?:\S+\.)?
				pg_stat_statements\b(?:\s*\([^()]*\))?
				(?:\s+(?:AS\s+)?(\w+))?/gxi)
			{
				my ($alias, %seen) = ($1);
				if (!defined $alias || $alias =~ $no_alias)
				{
					print "$ARGV: give pg_stat_statements an alias, so that "
					  . "it can be seen which columns are used\n";
					next;
				}
				while ($rest =~ /\b\Q$alias\E\.(\w+|\*)/g)
				{
					next if $stable{$1} || $seen{$1}++;
					print "$ARGV: pg_stat_statements.$1 is not the same in "
					  . "every release: use a counter of ours\n";
				}
			}
		}' "${files[@]}"
}

check "layers" layers
check "hooks are assigned in hooks.c" only_in "hooks hooks_planner" \
	'\b\w+_hook\s*=(?!=)' "leave this to hooks.c or hooks_planner.c"
check "locks are taken in store.c" only_in "store store_sums store_evidence" \
	'\b(LWLock(Conditional)?Acquire|LWLockAcquireOrWait|SpinLockAcquire)\b' \
	"let store.c or store_sums.c do this"
check "versions are compared in compat.h" only_in compat \
	'\bPG_VERSION_NUM\b' "hide the difference in compat.h"
check "settings are defined in guc.c" only_in guc \
	'\bDefineCustom\w+Variable\b' "move it to guc.c"
check "settings are in alphabetical order" settings_sorted
check "nothing fails a user's statement" not_in \
	"statement plan predicate predicate_values example evidence store_evidence error text xact transcribe closing traits tag touches repeats blocking detectors pending pending_shapes store shapes hooks marks ddl ddl_object markfile settings" \
	'\b(ereport|elog)\s*\(\s*(ERROR|FATAL|PANIC)\b' \
	"count it and go on, no error of ours may reach the user's statement"
check "exported symbols" exported_symbols
check "file sizes" file_sizes
check "rules are named after their files" rules_named
check "every rule has its test" tested src/sql/50_rules sql rule
check "every detector has its test" tested src/detectors c detector
check "tests and expected output" paired sql sql expected
check "specs and expected output" paired test/isolation/specs spec \
	test/isolation/expected
check "no test waits by sleeping" no_sleeps
check "one version everywhere" version_matches
check "nothing left to do" no_leftovers
check "stable columns of pg_stat_statements" stable_columns

exit "$failed"
