--
-- rule_slow_statement: slow by its tail, and a share of all time
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('slow_statement');

-- silent: slow once among many, and slow but done once in a table's life
\set ECHO none
\o /dev/null
SELECT 'SELECT pg_sleep(0) AS rarely' -- workload: fast calls
FROM generate_series(1, 60) \gexec
SELECT pg_sleep(0.15) AS rarely; -- workload: one slow call
\o
\set ECHO all
CREATE TABLE slow_statement_once AS SELECT pg_sleep(0.15) IS NULL AS slept; -- workload: slow DDL
SELECT count(*) FROM pg_temp.found('slow_statement');

-- silent: what the server runs for a foreign key, which has a rule of its own
SELECT diagnose.reset() IS NOT NULL AS reset;
CREATE TABLE slow_parent (id int PRIMARY KEY);
CREATE TABLE slow_child (id int REFERENCES slow_parent ON DELETE CASCADE);
CREATE FUNCTION slow_child_goes() RETURNS trigger LANGUAGE plpgsql
AS 'BEGIN PERFORM pg_sleep(0.15); RETURN old; END'; -- workload: slow inside
CREATE TRIGGER slow BEFORE DELETE ON slow_child FOR EACH ROW EXECUTE FUNCTION slow_child_goes();
INSERT INTO slow_parent VALUES (1);
INSERT INTO slow_child VALUES (1);
DELETE FROM slow_parent;
SELECT query, max_exec_time > 150 AS slow FROM diagnose.statements WHERE diagnose.is_foreign_key_search(query)
ORDER BY query COLLATE "C";
SELECT subject FROM pg_temp.found('slow_statement') ORDER BY subject COLLATE "C";
DROP TABLE slow_child, slow_parent;
DROP FUNCTION slow_child_goes;
SELECT diagnose.reset() IS NOT NULL AS reset;

-- found: always slow; the literals do not matter
SELECT pg_sleep(0.15), 'a' AS always; -- workload: slow
SELECT pg_sleep(0.16), 'b' AS always; -- workload: slow
SELECT * FROM pg_temp.found('slow_statement');

-- found: a single call, of a statement that runs others
SELECT diagnose.reset() IS NOT NULL AS reset;
DO 'BEGIN END'; -- which is another one, though both are masked to DO ?
DO 'BEGIN PERFORM pg_sleep(0.15) AS within; END'; -- workload: slow inside
SELECT subject, problem, advice FROM pg_temp.found('slow_statement');

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
SELECT 'SELECT pg_sleep(0), 1 AS always' -- workload: fast now
FROM generate_series(1, 60) \gexec
\o
\set ECHO all
SELECT count(*) FROM pg_temp.found('slow_statement');
DROP TABLE slow_statement_once;
