#!/bin/sh
#
# Feed diagnose.histogram with random and mutated text, binary and stored bytes.
#
# usage: test/fuzz/histogram.sh [cases of each kind [seed]]
#
# The server is the one that libpq's environment (PGHOST, PGDATABASE ...) names;
# pg_diagnose must be created there and the user be a superuser.  All is rolled
# back.  A failure is a crash, an error other than the documented ones, or an
# accepted value that does not round-trip through text and binary or whose total
# is not the sum of its buckets.  The same seed gives the same cases on the same
# major version.

set -eu

cases=${1:-3000}
seed=${2:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}

echo "histogram: $cases cases of each kind, seed $seed"

psql -X -q -A -t -v ON_ERROR_STOP=1 -v cases="$cases" -v seed="$seed" <<'SQL'
SET statement_timeout = '10min';
BEGIN;
SET LOCAL search_path = diagnose, pg_catalog, pg_temp;
SELECT setseed((:seed % 1000000) / 1000000.0) \g /dev/null
-- only a superuser can make stored bytes of his own
CREATE CAST (bytea AS histogram) WITHOUT FUNCTION;
CREATE TEMP TABLE received (h histogram);

CREATE FUNCTION pg_temp.below(n int) RETURNS int LANGUAGE sql VOLATILE AS
	'SELECT floor(random() * n)::int';

-- a binary COPY with the bytes as its only field reaches the receive function
CREATE FUNCTION pg_temp.recv(field bytea) RETURNS histogram LANGUAGE plpgsql AS $$
DECLARE
	copy bytea := '\x5047434f50590aff0d0a00' || int4send(0) || int4send(0) ||
		int2send(1::int2) || int4send(length(field)) || field || int2send((-1)::int2);
	octal text;
	result histogram;
BEGIN
	SELECT string_agg(format('\%s%s%s', b >> 6, (b >> 3) & 7, b & 7), '' ORDER BY i) INTO octal
		FROM generate_series(0, length(copy) - 1) AS i, get_byte(copy, i) AS b;
	DELETE FROM received;
	EXECUTE format('COPY received FROM PROGRAM %L (FORMAT binary)', format('printf ''%s''', octal));
	SELECT h INTO STRICT result FROM received;
	RETURN result;
END
$$;

-- a valid histogram: few or many buckets, small or large counts
CREATE FUNCTION pg_temp.valid() RETURNS histogram LANGUAGE plpgsql AS $$
DECLARE
	buckets int := CASE pg_temp.below(3) WHEN 0 THEN 1 WHEN 1 THEN 4 ELSE 40 END;
	h histogram;
BEGIN
	SELECT histogram_agg(exp(random() * 34 - 8)) INTO h FROM generate_series(1, pg_temp.below(buckets + 1));
	FOR i IN 1 .. pg_temp.below(60) LOOP
		h := h + h;
	END LOOP;
	RETURN h;
EXCEPTION WHEN numeric_value_out_of_range THEN
	RETURN h;
END
$$;

CREATE FUNCTION pg_temp.mutate(t text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	alphabet CONSTANT text[] := ARRAY['{', '}', ':', ',', '.', ' ', E'\t', E'\n', '-', '+', 'e', 'x', 'é', '0', '1', '9',
		'00', '99999', '0.001024', ':1,', '{0:1}', 'NaN', 'inf', '18446744073709551616', '€'];
	piece text;
	at int;
BEGIN
	FOR i IN 1 .. 1 + pg_temp.below(3) LOOP
		at := pg_temp.below(length(t) + 1);
		piece := alphabet[1 + pg_temp.below(array_length(alphabet, 1))];
		t := CASE pg_temp.below(5)
			WHEN 0 THEN overlay(t PLACING piece FROM at + 1 FOR 0)
			WHEN 1 THEN overlay(t PLACING piece FROM at + 1 FOR 1)
			WHEN 2 THEN overlay(t PLACING '' FROM at + 1 FOR 1 + pg_temp.below(4))
			WHEN 3 THEN left(t, at)
			ELSE left(t, at) || right(t, pg_temp.below(length(t) + 1)) END;
	END LOOP;
	RETURN t;
END
$$;

CREATE FUNCTION pg_temp.mutate(b bytea) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	at int;
	piece bytea;
BEGIN
	FOR i IN 1 .. 1 + pg_temp.below(3) LOOP
		at := pg_temp.below(length(b) + 1);
		piece := set_byte('\x00', 0, CASE pg_temp.below(5)
			WHEN 0 THEN 0 WHEN 1 THEN 255 WHEN 2 THEN 128 WHEN 3 THEN 1 ELSE pg_temp.below(256) END);
		b := CASE pg_temp.below(5)
			WHEN 0 THEN overlay(b PLACING piece FROM at + 1 FOR 0)
			WHEN 1 THEN overlay(b PLACING piece FROM at + 1 FOR 1)
			WHEN 2 THEN overlay(b PLACING '\x' FROM at + 1 FOR 1 + pg_temp.below(12))
			WHEN 3 THEN substr(b, 1, at)
			ELSE CASE WHEN length(b) > at THEN set_bit(b, at * 8 + pg_temp.below(8), pg_temp.below(2)) ELSE b END END;
	END LOOP;
	RETURN b;
END
$$;

CREATE FUNCTION pg_temp.check_accepted(h histogram, source text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF h::text::histogram <> h THEN
		RAISE EXCEPTION 'text does not round-trip: %', source;
	END IF;
	IF total(h) <> (SELECT coalesce(sum(count), 0) FROM buckets(h)) THEN
		RAISE EXCEPTION 'total is not the sum of the buckets: %', source;
	END IF;
	IF pg_temp.recv(histogram_send(h)) <> h THEN
		RAISE EXCEPTION 'binary does not round-trip: %', source;
	END IF;
	IF h + '{}' <> h OR h - h <> '{}' THEN
		RAISE EXCEPTION 'arithmetic is wrong: %', source;
	END IF;
	PERFORM quantiles(h, ARRAY[0, 0.5, 1]), share_below(h, 1), sparkline(h, 1 + pg_temp.below(40));
END
$$;

CREATE FUNCTION pg_temp.fuzz(kind text, cases int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	t text;
	b bytea;
	h histogram;
	accepted int := 0;
BEGIN
	FOR i IN 1 .. cases LOOP
		BEGIN
			IF kind = 'text' THEN
				t := pg_temp.mutate(CASE WHEN random() < 0.1 THEN '' ELSE pg_temp.valid()::text END);
				h := t::histogram;
			ELSIF kind = 'binary' THEN
				b := pg_temp.mutate(histogram_send(pg_temp.valid()));
				t := b::text;
				h := pg_temp.recv(b);
				-- only one binary form is right
				IF histogram_send(h) <> b THEN
					RAISE EXCEPTION 'binary comes back different: %', t;
				END IF;
			ELSE
				-- the stored form of version 1, as the file header describes it
				SELECT '\x01' || coalesce(string_agg(set_byte('\x00', 0,
					CASE WHEN random() < 0.2 THEN 128 + pg_temp.below(128) ELSE pg_temp.below(20) END), ''), '')
					INTO b FROM generate_series(1, pg_temp.below(20));
				IF random() < 0.3 THEN
					b := pg_temp.mutate(b);
				END IF;
				t := b::text;
				h := b::histogram;
			END IF;
			PERFORM pg_temp.check_accepted(h, t);
			accepted := accepted + 1;
		EXCEPTION
			WHEN invalid_text_representation THEN
				IF kind <> 'text' THEN
					RAISE;
				END IF;
			WHEN invalid_binary_representation THEN
				IF kind <> 'binary' THEN
					RAISE;
				END IF;
			WHEN data_corrupted THEN
				IF kind <> 'stored' THEN
					RAISE;
				END IF;
			WHEN numeric_value_out_of_range THEN
				IF kind = 'text' THEN
					RAISE;
				END IF;
		END;
	END LOOP;
	IF accepted = 0 OR accepted = cases THEN
		RAISE EXCEPTION '% cases do not tell anything: % of % accepted', kind, accepted, cases;
	END IF;
	RETURN format('%s: %s refused, %s accepted and checked', kind, cases - accepted, accepted);
END
$$;

SELECT pg_temp.fuzz(kind, :cases) FROM unnest(ARRAY['text', 'binary', 'stored']) AS kind;
ROLLBACK;
SQL
