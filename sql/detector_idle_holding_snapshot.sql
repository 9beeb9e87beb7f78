--
-- detector_idle_holding_snapshot: a snapshot is kept while a transaction waits for its client
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

ALTER SYSTEM SET pg_diagnose.idle_holding_snapshot_min_time = 50;
SELECT pg_reload_conf();
\c
\i :fixture
SHOW pg_diagnose.idle_holding_snapshot_min_time;
CREATE TABLE idle_holding_snapshot (id int PRIMARY KEY, v int);
INSERT INTO idle_holding_snapshot VALUES (1, 0), (2, 0);

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('idle_holding_snapshot');

-- silent: each statement has its own snapshot
BEGIN;
SELECT v FROM idle_holding_snapshot WHERE id = 1;
\! sleep 0.06 # workload: think time
SELECT v FROM idle_holding_snapshot WHERE id = 2;
COMMIT;
SELECT count(*) FROM pg_temp.found('idle_holding_snapshot');

-- silent: there is no snapshot before the first statement
BEGIN ISOLATION LEVEL REPEATABLE READ;
\! sleep 0.06 # workload: think time
SELECT v FROM idle_holding_snapshot WHERE id = 1;
COMMIT;
SELECT isolation, calls, idle_time >= 60 AS has_waited
FROM diagnose.transactions(diagnose.since_reset())
WHERE kind = 'transaction' ORDER BY isolation;
SELECT count(*) FROM pg_temp.found('idle_holding_snapshot');

-- found
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT v FROM idle_holding_snapshot WHERE id = 1;
\! sleep 0.06 # workload: think time
SELECT v FROM idle_holding_snapshot WHERE id = 2;
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT v FROM idle_holding_snapshot WHERE id = 1;
\! sleep 0.06 # workload: think time
COMMIT;
SELECT * FROM pg_temp.found('idle_holding_snapshot');

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT v FROM idle_holding_snapshot WHERE id = 1;
SELECT v FROM idle_holding_snapshot WHERE id = 2;
COMMIT;
\! sleep 0.06 # workload: think time
SELECT count(*) FROM pg_temp.found('idle_holding_snapshot');
DROP TABLE idle_holding_snapshot;
ALTER SYSTEM RESET pg_diagnose.idle_holding_snapshot_min_time;
SELECT pg_reload_conf();
