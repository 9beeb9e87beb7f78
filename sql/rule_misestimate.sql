--
-- rule_misestimate: many more rows come than the planner expects, or fewer
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
-- on a busy machine one of these statements may take all the time
ALTER SYSTEM SET pg_diagnose.misestimate_min_share = 0.0001;
SELECT pg_reload_conf();
\c
\i :fixture
CREATE SCHEMA "misestimate";
SET search_path = "misestimate";
CREATE FUNCTION pg_temp.run(times int, statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. times LOOP
		EXECUTE replace(statement, '{}', i::text);
	END LOOP;
END $$;
CREATE TABLE fine AS SELECT i AS id, i % 20 AS a FROM generate_series(1, 40000) AS i;
CREATE TABLE address AS
SELECT i AS id, 'city ' || i % 20 AS "City", 1000 + i % 20 AS zip, 'Name ' || i % 3 AS name
FROM generate_series(1, 40000) AS i;
CREATE TABLE parts (id int, a int, b int) PARTITION BY RANGE (id);
CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (20000);
CREATE TABLE "Part 2" PARTITION OF parts DEFAULT;
INSERT INTO parts SELECT i, i % 20, i % 20 FROM generate_series(1, 40000) AS i;
CREATE TABLE skewed (a int, b text);
INSERT INTO skewed SELECT i % 10000, 'x' FROM generate_series(1, 20000) AS i;
INSERT INTO skewed SELECT 20000 + i / 1200, 'x' FROM generate_series(1, 60000) AS i;
ALTER TABLE skewed ALTER a SET STATISTICS 10;
CREATE TABLE stale AS SELECT i AS a, 'x' AS b FROM generate_series(1, 5000) AS i;
CREATE TABLE new AS SELECT 1 AS a, 'x' AS b FROM generate_series(1, 30000) AS i;
SELECT pg_stat_force_next_flush();
ANALYZE fine, address, part1, "Part 2", skewed, stale;
INSERT INTO stale SELECT 7, 'y' FROM generate_series(1, 20000) AS i;
SELECT pg_stat_force_next_flush();
-- one of its common values that did not get into the list
SELECT min(20000 + i) AS rare FROM generate_series(1, 49) AS i
WHERE 20000 + i <> ALL (SELECT unnest(s.most_common_vals::text::int[]) FROM pg_stats AS s
						WHERE s.schemaname = 'misestimate' AND s.tablename = 'skewed' AND s.attname = 'a') \gset

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('misestimate');

-- silent: estimated well, or few rows, or no more wanted
SELECT pg_temp.run(20, 'SELECT count(id) FROM fine WHERE a = {}'),
	pg_temp.run(20, 'SELECT count(id) FROM fine WHERE id = {} AND a = {}'),
	pg_temp.run(20, 'SELECT id FROM fine WHERE a > 0 LIMIT {}');
SELECT count(*) FROM pg_temp.found('misestimate');

-- found
SELECT pg_temp.run(19, 'SELECT count(id) FROM address WHERE "City" = ''city {}'' AND zip = 1000 + {}'),
	pg_temp.run(20, 'SELECT count(id) FROM address WHERE lower(name) = ''name 1'''),
	pg_temp.run(19, 'SELECT count(id) FROM parts WHERE a = {} AND b = {}'),
	pg_temp.run(20, 'SELECT count(b) FROM skewed WHERE a = ' || :rare),
	pg_temp.run(20, 'SELECT count(b) FROM stale WHERE a = 7'),
	pg_temp.run(20, 'SELECT count(b) FROM new WHERE a = 1');
SELECT dimension, key, subject, costs, grade, n > 0 AS n,
	regexp_replace(problem, '[0-9,]+ (rows? expected)', '<n> \1') AS problem,
	regexp_replace(evidence, '(ratio|estimated_rows|instrumented_executions): [0-9.]+', '\1: <n>', 'g') AS evidence,
	advice, fix, undo, verify
FROM pg_temp.found('misestimate');

-- fixed by what was proposed
SELECT coalesce(fix, (regexp_match(advice, 'Run (ANALYZE [^ ,]+[[:alnum:]])'))[1]) AS fix
FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'misestimate' ORDER BY key COLLATE "C" \gexec
SELECT pg_temp.run(19, 'SELECT count(id) FROM address WHERE "City" = ''city {}'' AND zip = 1000 + {}'),
	pg_temp.run(20, 'SELECT count(id) FROM address WHERE lower(name) = ''name 1'''),
	pg_temp.run(19, 'SELECT count(id) FROM parts WHERE a = {} AND b = {}'),
	pg_temp.run(20, 'SELECT count(b) FROM skewed WHERE a = ' || :rare),
	pg_temp.run(20, 'SELECT count(b) FROM stale WHERE a = 7'),
	pg_temp.run(20, 'SELECT count(b) FROM new WHERE a = 1');
SELECT count(*) FROM pg_temp.found('misestimate');

-- found: a join whose scans are estimated well
CREATE TABLE one AS SELECT i % 50 AS a, i % 50 AS b FROM generate_series(1, 1000) AS i;
CREATE TABLE two AS SELECT * FROM one;
ANALYZE one, two;
SELECT pg_temp.run(40, 'SELECT count(*) FROM one JOIN two USING (a, b)');
SELECT key, subject, costs, problem,
	regexp_replace(evidence, '(ratio|instrumented_executions): [0-9.]+', '\1: <n>', 'g') AS evidence,
	advice, fix, verify
FROM pg_temp.found('misestimate');
ALTER SYSTEM RESET pg_diagnose.misestimate_min_share;
SELECT pg_reload_conf();
SET client_min_messages = warning;
DROP SCHEMA "misestimate" CASCADE;
