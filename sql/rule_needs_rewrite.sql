--
-- rule_needs_rewrite: a condition that no index can serve as it is written
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
-- on a busy machine one of these statements may take all the time
ALTER SYSTEM SET pg_diagnose.needs_rewrite_min_share = 0.0001;
SELECT pg_reload_conf();
\c
\i :fixture
CREATE SCHEMA needs_rewrite;
SET search_path = needs_rewrite;
SET timezone = 'UTC';
CREATE FUNCTION pg_temp.run(times int, statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. times LOOP
		EXECUTE replace(statement, '{}', i::text);
	END LOOP;
END $$;
CREATE TABLE t AS
SELECT i AS id, i % 5000 AS a, i AS b, '2026-01-01'::timestamptz + i * interval '10 minutes' AS "At", 'name ' || i AS name
FROM generate_series(1, 20000) AS i;
CREATE INDEX ON t (id);
CREATE INDEX ON t ("At");
VACUUM ANALYZE t;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('needs_rewrite');

-- silent: what an index can serve, a condition that discards little, and first pages
SELECT pg_temp.run(20, 'SELECT name FROM t WHERE "At" >= ''2026-01-01''::date + {} AND "At" < ''2026-01-01''::date + {} + 1'),
	pg_temp.run(20, 'SELECT name FROM t WHERE id = 42'),
	pg_temp.run(20, 'SELECT count(name) FROM t WHERE coalesce(a, 0) <> {}'),
	pg_temp.run(20, 'SELECT name FROM t ORDER BY id LIMIT 10 OFFSET {}');
SELECT count(*) FROM pg_temp.found('needs_rewrite');

-- found
CREATE TABLE gone AS SELECT i AS id FROM generate_series(1, 3000) AS i;
ANALYZE gone;
SELECT pg_temp.run(20, 'SELECT count(name) FROM t WHERE "At"::date = ''2026-01-02''::date'),
	pg_temp.run(20, 'SELECT name FROM t WHERE id = 42::numeric'),
	pg_temp.run(20, 'SELECT name FROM t WHERE b + 1 = 42'),
	pg_temp.run(20, 'SELECT count(name) FROM t WHERE date_trunc(''day'', "At") = ''2026-01-02''::timestamptz'),
	pg_temp.run(20, 'SELECT name FROM t WHERE coalesce(b, 0) = 42'),
	pg_temp.run(20, 'SELECT count(b) FROM t WHERE name LIKE ''%999'''),
	pg_temp.run(40, 'SELECT b, name FROM t ORDER BY id LIMIT 10 OFFSET 19000');
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
SELECT count(name) FROM t WHERE id BETWEEN 1901 AND 3000 AND b NOT IN (SELECT id FROM gone);
SELECT count(name) FROM t WHERE id BETWEEN 1901 AND 3000 AND b NOT IN (SELECT id FROM gone);
RESET work_mem;
RESET hash_mem_multiplier;
SELECT dimension, key, subject, costs, grade, n > 0 AS n, problem,
	regexp_replace(evidence, '(rows_[a-z_]*call|instrumented_executions): [0-9.]+', '\1: <n>', 'g') AS evidence,
	advice, fix, undo, verify
FROM pg_temp.found('needs_rewrite');

-- fixed by writing it so
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT pg_temp.run(20, 'SELECT count(name) FROM t WHERE "At" >= ''2026-01-01''::date + {} AND "At" < ''2026-01-01''::date + {} + 1'),
	pg_temp.run(20, 'SELECT name FROM t WHERE id = ''42''::integer'),
	pg_temp.run(20, 'SELECT name FROM t WHERE id > 15000 + {} ORDER BY id LIMIT 10');
SELECT count(*) FROM pg_temp.found('needs_rewrite');
ALTER SYSTEM RESET pg_diagnose.needs_rewrite_min_share;
SELECT pg_reload_conf();
SET client_min_messages = warning;
DROP SCHEMA needs_rewrite CASCADE;
