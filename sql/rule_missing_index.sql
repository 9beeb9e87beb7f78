--
-- rule_missing_index: an index that would save more time than it takes
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture
CREATE SCHEMA "missing Index";
SET search_path = "missing Index";
CREATE TABLE "Order" (id int PRIMARY KEY, "Customer" int, state text, paid boolean,
	created timestamptz, seen timestamptz);
INSERT INTO "Order" SELECT i, i % 5000, CASE WHEN i % 500 = 0 THEN 'new' ELSE 'done' END, i % 3 = 0,
	'2026-01-01'::timestamptz + i * interval '1 minute', now()
FROM generate_series(1, 50000) AS i;
CREATE TABLE small AS SELECT i AS id, i % 10 AS a FROM generate_series(1, 500) AS i;
CREATE TABLE indexed AS SELECT i AS id, i % 5000 AS a FROM generate_series(1, 50000) AS i;
CREATE INDEX ON indexed (a, id);
VACUUM ANALYZE "Order", small, indexed;
-- runs one statement many times, each with another number in place of {}
CREATE FUNCTION pg_temp.run(times int, statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. times LOOP
		EXECUTE replace(statement, '{}', i::text);
	END LOOP;
END $$;
CREATE FUNCTION pg_temp.missing() RETURNS TABLE (problem text, subject text)
LANGUAGE sql
BEGIN ATOMIC
	SELECT regexp_replace(f.problem, 'saves .* of', 'saves <n> ms/s of'), f.subject
	FROM pg_temp.found('missing_index') AS f WHERE f.subject ~ 'missing Index';
END;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT * FROM pg_temp.missing();

-- silent: a small table, one that has the index, a condition that most rows
-- fulfil, and a column that changes all the time and is hardly ever asked for
SELECT pg_temp.run(50, 'SELECT count(id) FROM small WHERE a = {}'),
	pg_temp.run(50, 'SELECT id FROM indexed WHERE a = {}'),
	pg_temp.run(20, 'SELECT count(seen) FROM "Order" WHERE NOT paid AND id > {}'),
	pg_temp.run(3000, 'UPDATE "Order" SET seen = now() WHERE id = {}'),
	pg_temp.run(1, 'SELECT count(state) FROM "Order" WHERE seen < ''2020-01-01''');
SELECT * FROM pg_temp.missing();

-- found
SELECT pg_temp.run(50, 'SELECT state, created FROM "Order" WHERE "Customer" = {}');
SELECT dimension, key, subject, costs, grade, n, regexp_replace(problem, 'saves .* of', 'saves <n> ms/s of') AS problem,
	regexp_replace(regexp_replace(evidence, '[0-9.]+ of <n> ms/s, cost \d+ instead of \d+', '<n> of <n> ms/s, cost <n> instead of <n>', 'g'),
		'(bytes|[a-z_]+ms_per_s): [^\n]+', '\1: <n>', 'g') AS evidence,
	advice, fix, undo, verify
FROM pg_temp.found('missing_index') WHERE subject ~ 'missing Index';
-- with another one that serves a foreign key, which is that rule's business
CREATE TABLE child (id int, parent int REFERENCES "Order", filler text);
INSERT INTO child SELECT i, NULL, repeat('x', 100) FROM generate_series(1, 20000) AS i;
ANALYZE child;
DELETE FROM "Order" WHERE id <= 30;
SELECT * FROM pg_temp.missing() WHERE subject ~ 'child';
SELECT problem ~ 'searches' OR current_setting('server_version_num')::int >= 180000 AS as_foreign_key
FROM pg_temp.found('unindexed_foreign_key') WHERE subject ~ 'missing Index';
-- unless others need it, too: it is said once
SELECT pg_temp.run(50, 'SELECT filler FROM child WHERE parent = {}');
SELECT * FROM pg_temp.missing() WHERE subject ~ 'child';
SELECT count(*) FROM pg_temp.found('unindexed_foreign_key') WHERE subject ~ 'missing Index';

-- fixed by the fix, and back after the undo
SELECT undo FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'missing_index' AND subject ~ 'Customer' \gset
SELECT fix FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'missing_index' AND subject ~ 'missing Index' ORDER BY key COLLATE "C" \gexec
SELECT * FROM pg_temp.missing();
:undo;
SELECT * FROM pg_temp.missing();
SET client_min_messages = warning;
DROP SCHEMA "missing Index" CASCADE;
