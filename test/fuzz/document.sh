#!/bin/sh
#
# test/fuzz/document.sh [rounds [seed]]
#
# Damages a document that diagnose.export() has made and imports it, in a
# database that has the extension (chosen by psql's environment: PGHOST,
# PGDATABASE ...).  The same seed does the same damage to the same document.
#
#	1. every value is replaced by one of every other kind, every member is taken
#	   away, and every name is changed;
#	2. then, as many times as there are rounds, several of these at once.
#
# Each must be refused with an error that names a place in the document, or be
# imported; then everything can be read from it, and it can be exported again.
#
set -eu

rounds=${1:-500}
seed=${2:-1}

case $rounds$seed in
	*[!0-9]*)
		echo "usage: $0 [rounds [seed]]" >&2
		exit 2
		;;
esac

psql -X -q -v ON_ERROR_STOP=1 -v rounds="$rounds" -v seed="$seed" <<'SQL'
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT setseed(:seed::float8 / 1000000 - floor(:seed::float8 / 1000000)) \g /dev/null

-- All there can be in a document; names must be short, or there are no paths.
CREATE FUNCTION pg_temp.original() RETURNS jsonb LANGUAGE sql AS $$
SELECT '{"format": 1, "library": "pg_diagnose 1.0", "server_version": 150020, "timings": true,
	"window": {"seconds": 12.5},
	"statements": {
		"-17": {"query": "SELECT a FROM b", "calls": 3, "rows": 9, "total_exec_time": 1.000001,
			"min_exec_time": 0.25, "max_exec_time": 0.5, "histogram": "{0.237568:1,0.491520:1}",
			"plan_shapes": {"5": 2, "other": 1}, "errors": {"57014": 2, "other": 1}, "failed": 3},
		"18": {"calls": 1, "query": "SELECT 1"}},
	"nested": {"-17": {"calls": 1}},
	"transactions": {"a/77": {"kind": "burst", "isolation": "serializable", "application": "b", "route": "a", "calls": 2,
		"duration": 3.5, "errors": {"40001": 1}, "histograms": {"duration": "{1.703936:2}"},
		"steps": [{"fingerprint": "-17", "calls": 4, "cycle": 1, "sqlstate": "40001"}, {"fingerprint": "other", "calls": 2}]}},
	"unidentified": {"calls": 5},
	"findings": [{"key": "k", "rule": "r", "subject": "s", "severity": "critical"}]}'::jsonb
$$;

CREATE FUNCTION pg_temp.paths(doc jsonb) RETURNS TABLE (path text[]) LANGUAGE sql AS $$
WITH RECURSIVE found (path, value) AS (
	SELECT '{}'::text[], doc
	UNION ALL
	SELECT f.path || e.key, e.value
	FROM found AS f CROSS JOIN LATERAL (
		SELECT key, value FROM jsonb_each(CASE jsonb_typeof(f.value) WHEN 'object' THEN f.value ELSE '{}' END)
		UNION ALL
		SELECT (position - 1)::text, value
		FROM jsonb_array_elements(CASE jsonb_typeof(f.value) WHEN 'array' THEN f.value ELSE '[]' END)
			WITH ORDINALITY AS a (value, position)) AS e)
SELECT path FROM found WHERE path <> '{}' ORDER BY path;
$$;

CREATE FUNCTION pg_temp.damage(doc jsonb, path text[], how int) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	bad jsonb[] := ARRAY['null', 'true', '-1', '0', '1.5', '7', '1e30', '9007199254740993', '""', '"x"', '"5"', '"other"',
		'[]', '{}', '[null]', '{"": null}', '[[[[]]]]', '{"calls": {"calls": {}}}', to_jsonb(repeat('x', 9000))];
	names text[] := ARRAY['', 'x', '0', '-1', '00', '9223372036854775808', 'other', 'a/b', '/', '/1', repeat('y', 200), 'é', 'calls'];
BEGIN
	IF how < cardinality(bad) THEN
		RETURN jsonb_set(doc, path, bad[how + 1]);
	ELSIF how = cardinality(bad) THEN
		RETURN doc #- path;
	ELSIF doc #> path IS NULL THEN
		RETURN doc;
	ELSIF jsonb_typeof(doc #> path[:cardinality(path) - 1]) = 'array' THEN
		RETURN jsonb_insert(doc, path, doc #> path);
	END IF;
	RETURN jsonb_set(doc #- path, path[:cardinality(path) - 1] ||
		names[1 + (how - cardinality(bad) - 1) % cardinality(names)], doc #> path);
EXCEPTION WHEN invalid_text_representation THEN
	-- an object that was there has become an array
	RETURN doc;
END $$;

CREATE FUNCTION pg_temp.try(doc jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	id bigint;
	w diagnose.window;
	detail text;
	context text;
BEGIN
	BEGIN
		id := diagnose.import(doc, 'fuzz');
	EXCEPTION WHEN invalid_parameter_value OR invalid_text_representation THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, context = PG_EXCEPTION_CONTEXT;
		IF detail !~ '^At ' THEN
			RAISE EXCEPTION 'no place: % (%)', SQLERRM, doc;
		ELSIF detail ~ '^At character' AND context !~ 'pg_diagnose document, ' THEN
			RAISE EXCEPTION 'no place in the document: % (%)', context, doc;
		END IF;
		RETURN false;
	END;
	w := ROW(NULL, id);
	PERFORM count(s::text), sum(s.calls), count(diagnose.quantile(s.histogram, 0.5)) FROM diagnose.statements(w) AS s;
	PERFORM count(p::text) FROM diagnose.plans(w) AS p;
	PERFORM count(e::text) FROM diagnose.errors_by_sqlstate(w) AS e;
	PERFORM count(t::text), count(diagnose.quantile(t.duration_histogram, 0.5)) FROM diagnose.transactions(w) AS t;
	PERFORM count(t::text) FROM diagnose.transaction_steps(w) AS t;
	PERFORM count(t::text) FROM diagnose.transaction_errors(w) AS t;
	PERFORM count(o::text) FROM diagnose.observations(w) AS o;
	PERFORM count(x::text) FROM diagnose.recorded_findings(w) AS x;
	-- this takes longer
	IF random() < 0.9 THEN
		PERFORM diagnose.drop_snapshot(id);
		RETURN true;
	END IF;
	PERFORM count(x::text) FROM diagnose.workload(w) AS x;
	PERFORM count(x::text) FROM diagnose.transaction_shapes(w) AS x;
	PERFORM diagnose.drop_snapshot(id);
	-- what was taken is in a form of its own, and stays the same from then on
	DECLARE
		once jsonb;
		twice jsonb;
	BEGIN
		id := diagnose.import(doc, 'fuzz');
		once := diagnose.export(ROW(NULL, id)::diagnose.window) - 'window';
		PERFORM diagnose.drop_snapshot(id);
		id := diagnose.import(CASE WHEN (once ->> 'timings')::boolean THEN once || '{"window": {"seconds": 1}}' ELSE once END, 'fuzz');
		twice := diagnose.export(ROW(NULL, id)::diagnose.window) - 'window';
		PERFORM diagnose.drop_snapshot(id);
		IF once <> twice THEN
			RAISE EXCEPTION 'not the same: % (%, then %)', doc, once, twice;
		END IF;
	END;
	RETURN true;
END $$;

DO $$
BEGIN
	IF NOT pg_temp.try(pg_temp.original()) THEN
		RAISE EXCEPTION 'the document itself is not taken';
	END IF;
END $$;
SELECT count(*) AS damaged, count(*) FILTER (WHERE taken) AS taken
FROM (SELECT pg_temp.try(pg_temp.damage(pg_temp.original(), p.path, how)) AS taken
	FROM pg_temp.paths(pg_temp.original()) AS p, generate_series(0, 32) AS how
	OFFSET 0) AS t;
SELECT count(*) AS damaged_at_several_places, count(*) FILTER (WHERE taken) AS taken
FROM (SELECT pg_temp.try(pg_temp.damage(pg_temp.damage(pg_temp.damage(pg_temp.original(), a.path, (random() * 32)::int),
			b.path, (random() * 32)::int), c.path, (random() * 32)::int)) AS taken
	FROM generate_series(1, :rounds) AS round,
		LATERAL (SELECT path FROM pg_temp.paths(pg_temp.original()) WHERE round > 0 ORDER BY random() LIMIT 1) AS a,
		LATERAL (SELECT path FROM pg_temp.paths(pg_temp.original()) WHERE round > 0 ORDER BY random() LIMIT 1) AS b,
		LATERAL (SELECT path FROM pg_temp.paths(pg_temp.original()) WHERE round > 0 ORDER BY random() LIMIT 1) AS c
	OFFSET 0) AS t;
SQL
