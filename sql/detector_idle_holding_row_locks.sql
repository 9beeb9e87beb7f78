--
-- detector_idle_holding_row_locks: rows stay locked while a transaction waits for its client
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

CREATE TABLE idle_holding_row_locks (id int PRIMARY KEY, v int);
INSERT INTO idle_holding_row_locks VALUES (1, 0), (2, 0);

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('idle_holding_row_locks');

-- silent: it has only read
BEGIN;
SELECT v FROM idle_holding_row_locks WHERE id = 1;
\! sleep 0.06 # workload: think time
SELECT v FROM idle_holding_row_locks WHERE id = 2;
COMMIT;
SELECT count(*) FROM pg_temp.found('idle_holding_row_locks');

-- silent: a transaction ID locks no row
BEGIN;
SELECT pg_current_xact_id() IS NOT NULL AS assigned;
\! sleep 0.06 # workload: think time
SELECT v FROM idle_holding_row_locks WHERE id = 2;
COMMIT;
SELECT count(*) FROM pg_temp.found('idle_holding_row_locks');

-- silent: it waits before the first lock, and not after it
BEGIN;
SELECT v FROM idle_holding_row_locks WHERE id = 1;
\! sleep 0.06 # workload: think time
UPDATE idle_holding_row_locks SET v = v + 1 WHERE id = 1;
UPDATE idle_holding_row_locks SET v = v + 1 WHERE id = 2;
COMMIT;
SELECT count(*), sum(with_xid) AS with_xid, sum(calls) AS calls,
	sum(idle_time) >= 180 AS has_waited
FROM diagnose.transactions(diagnose.since_reset())
WHERE kind = 'transaction';
SELECT count(*) FROM pg_temp.found('idle_holding_row_locks');

-- found: before a statement
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
SELECT v FROM idle_holding_row_locks WHERE id = 1 FOR UPDATE;
\! sleep 0.06 # workload: think time
UPDATE idle_holding_row_locks SET v = 1 WHERE id = 1;
COMMIT;
SELECT severity FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'idle_holding_row_locks' ORDER BY severity;
SELECT * FROM pg_temp.found('idle_holding_row_locks');

-- found: before the end
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
UPDATE idle_holding_row_locks SET v = v + 1 WHERE id = 1;
UPDATE idle_holding_row_locks SET v = v + 1 WHERE id = 2;
\! sleep 0.06 # workload: think time
COMMIT;
SELECT severity FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'idle_holding_row_locks' ORDER BY severity;
SELECT * FROM pg_temp.found('idle_holding_row_locks');

-- fixed: it waits first
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
\! sleep 0.06 # workload: think time
UPDATE idle_holding_row_locks SET v = v + 1 WHERE id = 1;
UPDATE idle_holding_row_locks SET v = v + 1 WHERE id = 2;
COMMIT;
SELECT count(*) FROM pg_temp.found('idle_holding_row_locks');
DROP TABLE idle_holding_row_locks;
