#!/bin/bash
# test/bench/statistics_trial.sh [REPETITIONS]
#
# How often the statistics on times (src/statistics*.c) call an unchanged
# statement changed, and how often they find that one takes 1.2 times as long, on
# simulated load.  PG_CONFIG names the server whose headers and static libraries
# are used; no server is started.

set -euo pipefail
src=$(cd "$(dirname "$0")/../../src" && pwd)
pg_config=${PG_CONFIG:-pg_config}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

libraries=()
for library in libpgcommon.a libpgport.a; do
	for folder in "$("$pg_config" --libdir)" "$("$pg_config" --pkglibdir)"; do
		[ ! -e "$folder/$library" ] || libraries+=("$folder/$library")
	done
done

# shellcheck disable=SC2086
${CC:-gcc} -O2 -Wall -D_GNU_SOURCE -I"$src" -I"$("$pg_config" --includedir-server)" \
	-o "$work/trial" "$(dirname "$0")/statistics_trial.c" \
	"$src"/statistics{,_student,_load,_histogram}.c "${libraries[@]}" -lm
"$work/trial" "${1:-1000}"
