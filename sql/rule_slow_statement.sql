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
