--
-- detector_idle_aborted: a failed transaction is not rolled back at once
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
ALTER SYSTEM SET pg_diagnose.idle_aborted_min_time = 200;
SELECT pg_reload_conf();
\c
\i :fixture

CREATE TABLE idle_aborted (i int);
INSERT INTO idle_aborted VALUES (0);

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('idle_aborted');

-- silent: rolled back at once, and thinking before the failure, be it one of
-- executing or of parsing
BEGIN;
\! sleep 0.25 # workload: the client thinks
SELECT 1 / i FROM idle_aborted;
ROLLBACK;
BEGIN;
\! sleep 0.25 # workload: the client thinks
SELECT nothing_of_this_name;
ROLLBACK;
SELECT count(*) FROM pg_temp.found('idle_aborted');

-- silent: a savepoint saved it, before the client thinks
BEGIN;
SAVEPOINT before;
SELECT 1 / i FROM idle_aborted;
ROLLBACK TO before;
\! sleep 0.25 # workload: the client thinks
COMMIT;
SELECT count(*) FROM pg_temp.found('idle_aborted');

-- found, at the statement that failed
BEGIN;
SELECT i FROM idle_aborted;
SELECT 1 / i FROM idle_aborted;
\! sleep 0.25 # workload: the client thinks
ROLLBACK;
SELECT * FROM pg_temp.found('idle_aborted');

-- found: what fails to parse has no position; COMMIT ends it as well
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
SELECT nothing_of_this_name;
\! sleep 0.25 # workload: the client thinks
COMMIT;
SELECT subject, n, problem FROM pg_temp.found('idle_aborted');

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
SELECT i FROM idle_aborted;
SELECT 1 / i FROM idle_aborted;
ROLLBACK;
\! sleep 0.25 # workload: the client thinks
SELECT count(*) FROM pg_temp.found('idle_aborted');
DROP TABLE idle_aborted;
ALTER SYSTEM RESET pg_diagnose.idle_aborted_min_time;
SELECT pg_reload_conf();
