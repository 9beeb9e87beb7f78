--
-- detector_idle_holding_table_lock: a table stays locked while a transaction waits for its client
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

CREATE TABLE idle_holding_table_lock (id int PRIMARY KEY, v int);

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('idle_holding_table_lock');

-- silent: nobody else can see a new table
BEGIN;
CREATE TABLE idle_holding_table_lock_new (id int);
ALTER TABLE idle_holding_table_lock_new ADD v int;
\! sleep 0.12 # workload: think time
COMMIT;
SELECT count(*) FROM pg_temp.found('idle_holding_table_lock');

-- silent: readers and writers can go on
BEGIN;
LOCK TABLE idle_holding_table_lock IN ROW EXCLUSIVE MODE;
\! sleep 0.12 # workload: think time
COMMIT;
SELECT count(*), bool_and(idle_time >= 120) AS have_waited
FROM diagnose.transactions(diagnose.since_reset())
WHERE kind = 'transaction';
SELECT count(*) FROM pg_temp.found('idle_holding_table_lock');

-- found
BEGIN;
SELECT count(*) FROM idle_holding_table_lock;
ALTER TABLE idle_holding_table_lock ADD w int;
\! sleep 0.12 # workload: think time
SELECT count(*) FROM idle_holding_table_lock;
COMMIT;
BEGIN;
LOCK TABLE idle_holding_table_lock;
\! sleep 0.12 # workload: think time
COMMIT;
SELECT severity FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'idle_holding_table_lock' ORDER BY severity;
SELECT * FROM pg_temp.found('idle_holding_table_lock');

-- fixed: in a transaction of its own
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
SET LOCAL lock_timeout = '1s';
ALTER TABLE idle_holding_table_lock ADD x int;
COMMIT;
\! sleep 0.12 # workload: think time
SELECT count(*) FROM idle_holding_table_lock;
SELECT count(*) FROM pg_temp.found('idle_holding_table_lock');
DROP TABLE idle_holding_table_lock, idle_holding_table_lock_new;
