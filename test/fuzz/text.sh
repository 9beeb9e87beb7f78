#!/bin/sh
#
# test/fuzz/text.sh [rounds [seed]]
#
# Throws random statements at diagnose.mask() and diagnose.fingerprint(), in a
# database that has the extension (chosen by psql's environment: PGHOST,
# PGDATABASE ...).  The same seed gives the same statements.  It stops at the
# first violation of
#
#	1. no error, a text within its bounds and valid in the database's encoding,
#	   whatever the bytes;
#	2. nothing of a literal or comment in the text, also when the statement is
#	   cut at any byte;
#	3. the same fingerprint for other literals, parameters, blanks and comments.
#
set -eu

rounds=${1:-20000}
seed=${2:-1}

case $rounds$seed in
	*[!0-9]*)
		echo "usage: $0 [rounds [seed]]" >&2
		exit 2
		;;
esac

psql -X -q -v ON_ERROR_STOP=1 -v rounds="$rounds" -v seed="$seed" <<'SQL'
\set VERBOSITY terse
SELECT setseed(:seed::float8 / 1000000 - floor(:seed::float8 / 1000000)) \g /dev/null
SELECT set_config('fuzz.rounds', :'rounds', false) \g /dev/null

CREATE FUNCTION pg_temp.pick(list text[]) RETURNS text VOLATILE LANGUAGE sql
RETURN list[1 + floor(random() * cardinality(list))::int];

-- complete tokens without literals; blanks stand around them all
CREATE FUNCTION pg_temp.plain() RETURNS text VOLATILE LANGUAGE sql
RETURN pg_temp.pick(ARRAY['SELECT', 'a', 'b.c', '"Q ''x"', '"a""b"', '(', ')', '[', ']', ',', ',', ',',
	'+', '-', '*', '=', '<>', '->>', '?', '?|', '@>', '::', ';', ':=', '..', '=>', 'NULL', 'true', 'is', 'VALUES',
	'U&"d\0061t"', 'und', 'null', 'E', 'x$1']);

-- literals and comments that hold a secret
CREATE FUNCTION pg_temp.literal() RETURNS text VOLATILE LANGUAGE sql
RETURN pg_temp.pick(ARRAY['''secret''', '''se''''secret''', 'E''\''secret\\''', 'E''secret\x41''', '$$secret$$',
	'$t$ '' secret $u$ $t$', 'U&''secret\0061''', 'B''secret''', 'X''secret''', '''a''' || E'\n' || '''secret''',
	'''''''secret''', '12', '.5', '1e10', '$1', '$22']);

CREATE FUNCTION pg_temp.blank() RETURNS text VOLATILE LANGUAGE sql
RETURN pg_temp.pick(ARRAY[' ', '  ', E'\t', E'\n', ' /* secret '' */ ', E' -- secret '' " $$\n', '/* a /* secret */ b*/ ',
	E'/* U&"\\ */ ']);

CREATE FUNCTION pg_temp.wide() RETURNS text STABLE LANGUAGE sql
RETURN convert_from(CASE WHEN getdatabaseencoding() = 'UTF8' THEN '\xe282ac'::bytea
	WHEN getdatabaseencoding() LIKE 'EUC%' THEN '\xa4a2' ELSE '\xe2' END, getdatabaseencoding());

CREATE FUNCTION pg_temp.garbage() RETURNS text VOLATILE LANGUAGE sql
RETURN pg_temp.pick(ARRAY['''', '"', '$', '$$', '$a$', '/*', '*/', '--', E'\\', 'E''', 'U&''', 'U&"', 'x''', E'\n', '0x', '1_',
	'1e', '.', '..', ';', chr(1), chr(127), '(', ')', '((((((((((((((((', ',', '1,1,1,', '$1', 'a', repeat('b', 70), '+-', '@-',
	repeat('<', 64), '\u12', '\377', ' ', ' ', '(1),', chr(1 + floor(random() * 126)::int)]
	-- a character of several bytes; in SQL_ASCII, half a one
	|| ARRAY[pg_temp.wide(), repeat(pg_temp.wide(), 40)]);

CREATE FUNCTION pg_temp.check_text(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	masked text := diagnose.mask(statement);
BEGIN
	IF octet_length(masked) > 8191 OR
		convert_from(convert_to(masked, getdatabaseencoding()), getdatabaseencoding()) IS DISTINCT FROM masked OR
		diagnose.fingerprint(statement) = 0 OR
		(masked IS NULL) <> (diagnose.fingerprint(statement) IS NULL) THEN
		RAISE 'invalid text % of %', quote_nullable(masked), quote_literal(statement);
	END IF;
	RETURN masked;
END $$;

DO $$
DECLARE
	rounds int := current_setting('fuzz.rounds')::int;
	one text;
	other text;
	token text;
	masked text;
BEGIN
	FOR i IN 1 .. rounds LOOP
		-- anything at all
		SELECT string_agg(pg_temp.garbage(), '') INTO one
		FROM generate_series(1, 1 + floor(random() * CASE WHEN i % 100 = 0 THEN 20000 ELSE 30 END)::int);
		PERFORM pg_temp.check_text(one);

		-- a sound statement, and the same in other clothes
		one := '';
		other := '';
		FOR j IN 1 .. 1 + floor(random() * 20)::int LOOP
			IF random() < 0.5 THEN
				one := one || pg_temp.blank() || pg_temp.literal();
				other := other || pg_temp.blank() || pg_temp.literal();
				-- a number has a sign, a string has not: have none
				one := one || ' x ';
				other := other || ' x ';
			ELSE
				token := pg_temp.plain();
				one := one || pg_temp.blank() || token;
				other := other || pg_temp.blank() || token;
				IF token = '-' THEN
					one := one || ' x';
					other := other || ' x';
				END IF;
			END IF;
		END LOOP;
		masked := pg_temp.check_text(one);
		IF masked ~ 'secret' THEN
			RAISE 'literal in text % of %', quote_literal(masked), quote_literal(one);
		END IF;
		IF diagnose.fingerprint(one) IS DISTINCT FROM diagnose.fingerprint(other) THEN
			RAISE 'different fingerprints of % and %', quote_literal(one), quote_literal(other);
		END IF;

		-- cut short, where nothing but a literal may end in its middle
		other := left(one, floor(random() * length(one))::int);
		masked := pg_temp.check_text(other);
		IF masked ~ 'secr' THEN
			RAISE 'literal in text % of %', quote_literal(masked), quote_literal(other);
		END IF;

		-- the same at the scanner's limit
		IF i % 20 = 0 THEN
			other := 'a' || repeat(' ', 16384 - floor(random() * length(one))::int) || one;
			masked := pg_temp.check_text(other);
			IF masked ~ 'secr' THEN
				RAISE 'literal in text % of %', quote_literal(masked), quote_literal(one);
			END IF;
		END IF;
	END LOOP;
END $$;
\echo no violation
SQL
