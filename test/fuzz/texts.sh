#!/bin/bash
#
# Damage the file of texts again and again, and read and write it.
#
# usage: test/fuzz/texts.sh [rounds [seed]]
#
# Builds src/texts.c into a module of its own, and makes a throw-away server;
# everything is gone when it ends.  In each round the file is damaged, cut off,
# or left alone; then
#
#	1. what is read is what was written, or absent: never anything else;
#	2. after a round of writing, all of that round is there;
#	3. the file never exceeds its limit, and the session that did all this has
#	   not a file open, nor more memory than before.
#
# In between the disk is full.  The same seed does the same.

set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"

rounds=${1:-300}
seed=${2:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
unset MAKEFLAGS MFLAGS MAKELEVEL
for name in $(compgen -e PG | grep -vxF PG_CONFIG); do
	unset "$name"
done

cd "$top"
PG_CONFIG=$(test/setup.sh)
export PG_CONFIG
make_work_folder
copy_tree "$work/tree"
mkdir "$work/module"
cat >"$work/module/Makefile" <<'MAKE'
MODULES = fuzz_texts
PG_CPPFLAGS = -I$(TREE)/src
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)
MAKE
cat >"$work/module/fuzz_texts.c" <<'C'
#include "texts.c"

#include "fmgr.h"
#include "utils/builtins.h"

PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(put_texts);
PG_FUNCTION_INFO_V1(get_text);
PG_FUNCTION_INFO_V1(count_texts);

int			pgd_query_text_memory = 64;

/* a text that its name implies; the lengths vary, and the longest is the limit */
static int
make_text(uint64 queryid, char *into)
{
	int			len = (queryid * 37) % (PGD_TEXT_MAX / 8);

	if (queryid % 11 == 0)
		len = PGD_TEXT_MAX;
	for (int i = 0; i < len; i++)
		into[i] = 'a' + (queryid + i * 7) % 26;
	return len;
}

/* put_texts(from, to): one round */
Datum
put_texts(PG_FUNCTION_ARGS)
{
	char		text[PGD_TEXT_MAX];
	PgdTexts   *texts = pgd_texts_read();

	pgd_texts_begin(texts);
	for (int64 i = PG_GETARG_INT64(0); i <= PG_GETARG_INT64(1); i++)
		pgd_texts_add(texts, 1 + i % 3, i, PG_UTF8, text, make_text(i, text));
	PG_RETURN_BOOL(pgd_texts_end(texts));
}

/* count_texts(from, to): how many of these there are, as they should be */
Datum
count_texts(PG_FUNCTION_ARGS)
{
	PgdTexts   *texts = pgd_texts_read();
	char		text[PGD_TEXT_MAX];
	int64		n = 0;

	for (int64 i = PG_GETARG_INT64(0); i <= PG_GETARG_INT64(1); i++)
	{
		const char *found;
		int			len;
		int			encoding;

		if (!pgd_texts_find(texts, 1 + i % 3, i, &found, &len, &encoding))
			continue;
		if (encoding != PG_UTF8 || len != make_text(i, text) ||
			memcmp(found, text, len) != 0)
			elog(ERROR, "text %lld is not what was written", (long long) i);
		n++;
	}
	if (n != texts->known->members)
		elog(ERROR, "there are %u texts, " INT64_FORMAT " of them known",
			 texts->known->members, n);
	PG_RETURN_INT64(n);
}
C
quietly make -s -C "$work/module" PG_CONFIG="$PG_CONFIG" TREE="$work/tree" COPT='-Wall -Werror' with_llvm=no
bindir=$("$PG_CONFIG" --bindir)
data=$work/data
file=$data/pg_diagnose/texts
mkdir "$data" "$work/socket"
! is_root || chown -R "$(server_user)" "$work"
as_server_user "$bindir/initdb" -D "$data" -A trust -U postgres --no-sync -E UTF8 --locale=C >"$work/initdb.log"
as_server_user mkdir "$data/pg_diagnose"
cat >>"$data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$work/socket'
shared_buffers = '16MB'
CONF

# The same session all the time; it asks for damage where it is time for it.
cat >"$work/damage.pl" <<'PERL'
# usage: damage.pl FILE SEED
use strict;
use warnings;
my ($file, $seed) = @ARGV;
srand($seed);
exit 0 unless -s $file;
my $size = -s $file;
my $what = int rand 5;
open my $f, '+<:raw', $file or die "$file: $!";
if ($what == 0) { truncate $f, int rand $size; }
elsif ($what == 1)
{
	# one bit
	seek $f, my $at = int rand $size, 0;
	read $f, my $byte, 1;
	seek $f, $at, 0;
	print $f $byte ^ chr(1 << rand 8);
}
elsif ($what == 2) { seek $f, int rand 40, 0; print $f pack 'L', int rand 2**32; }
elsif ($what == 3) { seek $f, 0, 2; print $f map { chr rand 256 } 1 .. 1 + rand 200; }
elsif ($what == 4) { seek $f, int rand $size, 0; print $f "\0" x (1 + rand 500); }
PERL

{
	cat <<SQL
\\set ON_ERROR_STOP 1
CREATE FUNCTION put_texts(bigint, bigint) RETURNS boolean LANGUAGE c AS '$work/module/fuzz_texts';
CREATE FUNCTION count_texts(bigint, bigint) RETURNS bigint LANGUAGE c AS '$work/module/fuzz_texts';
CREATE FUNCTION check_that(what text, holds boolean) RETURNS void LANGUAGE plpgsql AS
\$\$ BEGIN IF holds IS NOT TRUE THEN RAISE EXCEPTION '%', what; END IF; END \$\$;
CREATE FUNCTION file_size() RETURNS bigint LANGUAGE sql AS
\$\$ SELECT coalesce((pg_stat_file('pg_diagnose/texts', true)).size, 0) \$\$;
CREATE FUNCTION memory() RETURNS bigint LANGUAGE sql AS
\$\$ SELECT sum(used_bytes)::bigint FROM pg_backend_memory_contexts WHERE name NOT LIKE 'CacheMemory%' AND ident IS NULL \$\$;
SELECT count_texts(1, 10) AS absent, put_texts(1, 10), count_texts(1, 10);
SELECT memory() AS memory;
SELECT memory() AS memory, pg_backend_pid() AS pid \\gset
\\setenv LIMIT_PID :pid
SQL
	for ((round = 1; round <= rounds; round++)); do
		n=$(((seed + round * 7919) % 80))
		last=$((round * 12 + n))
		# Half of the time it grows.
		((round % 50 < 25)) || echo "\\! perl \"$work/damage.pl\" \"$file\" $((seed + round))"
		cat <<SQL
SELECT check_that('round $round: what was read', count_texts(1, $((rounds * 12 + 100))) >= 0);
SELECT check_that('round $round: written', put_texts($((round * 12)), $last));
SELECT check_that('round $round: nothing new', put_texts($((round * 12)), $last));
SELECT check_that('round $round: read again', count_texts(1, $((rounds * 12 + 100))) >= $((n + 1)));
SELECT check_that('round $round: size', file_size() <= 4 * 64 * 1024);
SQL
		# The file system says no in the middle of it.
		((round % 20 != 0)) || cat <<SQL
SELECT least(file_size() + 5000, 50000) AS full \\gset
\\setenv LIMIT :full
\\! prlimit --pid "\$LIMIT_PID" --fsize="\$LIMIT:unlimited"
SELECT check_that('round $round: full', NOT put_texts(100011, 100110));
SELECT check_that('round $round: after full', count_texts(1, $((rounds * 12 + 100))) >= $((n + 1)));
\\! prlimit --pid "\$LIMIT_PID" --fsize=unlimited
SQL
	done
	cat <<SQL
\\set files \`ls -l /proc/\$LIMIT_PID/fd | grep -c pg_diagnose/ || true\`
SELECT check_that('the last rounds: written', put_texts(200000 + 150 * i, 200149 + 150 * i))
FROM generate_series(1, 3) AS i;
SELECT check_that('the last rounds: read', count_texts(1, 201000) >= 150);
SELECT check_that('the last rounds: size', file_size() <= 4 * 64 * 1024);
SELECT check_that('files are left open', :files = 0),
	check_that('memory is lost', memory() <= :memory + 100000);
SQL
} >"$work/fuzz.sql"

! is_root || chown -R "$(server_user)" "$work"
as_server_user "$bindir/pg_ctl" -D "$data" -l "$work/log" -w -t 30 start >"$work/ctl.log" 2>&1
if ! as_server_user "$bindir/psql" -XAtq -h "$work/socket" -U postgres -d postgres -f "$work/fuzz.sql" >"$work/answer" 2>&1; then
	tail -n 5 "$work/answer"
	tail -n 5 "$work/log"
	echo "texts: failed, seed $seed"
	exit 1
fi
full=$(grep -c 'could not write file' "$work/log" || true)
[ "$full" -gt 0 ] || { echo "texts: the disk was never full"; exit 1; }
! grep -q 'not closed at end-of-transaction' "$work/log" "$work/answer" ||
	{ echo "texts: a file was left to the end of the transaction"; exit 1; }
! grep -qE 'PANIC:|TRAP:|terminated by signal' "$work/log" ||
	{ echo "texts: a process crashed, seed $seed"; exit 1; }
as_server_user "$bindir/pg_ctl" -D "$data" -w -t 30 -m immediate stop >"$work/ctl.log" 2>&1
echo "texts: $rounds rounds, seed $seed"
