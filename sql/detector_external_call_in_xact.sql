--
-- detector_external_call_in_xact: application work or an external call within a transaction
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

CREATE TABLE external_call_in_xact (id int PRIMARY KEY, v int);
INSERT INTO external_call_in_xact VALUES (1, 0), (2, 0);

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('external_call_in_xact');

-- silent: once in three times is no fixed place
BEGIN;
SELECT v FROM external_call_in_xact WHERE id = 1;
\! sleep 0.06 # workload: think time
UPDATE external_call_in_xact SET v = v + 1 WHERE id = 1;
COMMIT;
BEGIN;
SELECT v FROM external_call_in_xact WHERE id = 1;
UPDATE external_call_in_xact SET v = v + 1 WHERE id = 1;
COMMIT;
BEGIN;
SELECT v FROM external_call_in_xact WHERE id = 1;
UPDATE external_call_in_xact SET v = v + 1 WHERE id = 1;
COMMIT;
SELECT count(*) FROM pg_temp.found('external_call_in_xact');

-- silent: waits before the first statement and before the end have their own
-- detectors
BEGIN;
\! sleep 0.06 # workload: think time
SELECT v FROM external_call_in_xact WHERE id = 2;
\! sleep 0.06 # workload: think time
COMMIT;
SELECT calls, statements, idle_time >= 60 AS has_waited
FROM diagnose.transactions(diagnose.since_reset())
WHERE kind = 'transaction' ORDER BY calls;
SELECT count(*) FROM pg_temp.found('external_call_in_xact');

-- found
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
SELECT v FROM external_call_in_xact WHERE id = 1;
\! sleep 0.06 # workload: think time
UPDATE external_call_in_xact SET v = v + 1 WHERE id = 1;
COMMIT;
BEGIN;
SELECT v FROM external_call_in_xact WHERE id = 1;
\! sleep 0.06 # workload: think time
UPDATE external_call_in_xact SET v = v + 1 WHERE id = 1;
COMMIT;
SELECT severity FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'external_call_in_xact' ORDER BY severity;
SELECT * FROM pg_temp.found('external_call_in_xact');

-- fixed: the call comes after COMMIT
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
SELECT v FROM external_call_in_xact WHERE id = 1;
UPDATE external_call_in_xact SET v = v + 1 WHERE id = 1;
COMMIT;
\! sleep 0.06 # workload: think time
BEGIN;
SELECT v FROM external_call_in_xact WHERE id = 1;
UPDATE external_call_in_xact SET v = v + 1 WHERE id = 1;
COMMIT;
\! sleep 0.06 # workload: think time
SELECT count(*) FROM pg_temp.found('external_call_in_xact');
DROP TABLE external_call_in_xact;
