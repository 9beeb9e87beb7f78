--
-- detector_begin_too_early: a transaction is begun long before its first statement
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

-- A busy machine is slow to go on, too.
ALTER SYSTEM SET pg_diagnose.begin_too_early_min_time = 50;
SELECT pg_reload_conf();
\c
\i :fixture
SHOW pg_diagnose.begin_too_early_min_time;
CREATE TABLE begin_too_early (id int PRIMARY KEY, v int);
INSERT INTO begin_too_early VALUES (1, 0);

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('begin_too_early');

-- silent: a pool looks after its connection
BEGIN;
\! sleep 0.06 # workload: think time
SELECT 1 AS alive;
COMMIT;
SELECT count(*) FROM pg_temp.found('begin_too_early');

-- silent: it waits later
BEGIN;
SELECT v FROM begin_too_early WHERE id = 1;
\! sleep 0.06 # workload: think time
COMMIT;
-- silent: a small part of the transaction
BEGIN;
\! sleep 0.06 # workload: think time
SELECT v, pg_sleep(0.5) FROM begin_too_early WHERE id = 1; -- workload: a long statement
COMMIT;
SELECT count(*), bool_and(idle_time >= 30) AS have_waited
FROM diagnose.transactions(diagnose.since_reset())
WHERE kind = 'transaction';
SELECT count(*) FROM pg_temp.found('begin_too_early');

-- found
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
\! sleep 0.06 # workload: think time
SELECT v FROM begin_too_early WHERE id = 1;
COMMIT;
SELECT * FROM pg_temp.found('begin_too_early');

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
\! sleep 0.06 # workload: think time
BEGIN;
SELECT v FROM begin_too_early WHERE id = 1;
COMMIT;
SELECT count(*) FROM pg_temp.found('begin_too_early');
DROP TABLE begin_too_early;
ALTER SYSTEM RESET pg_diagnose.begin_too_early_min_time;
SELECT pg_reload_conf();
