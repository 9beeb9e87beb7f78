--
-- detector_commit_too_late: a transaction ends long after its last statement
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

-- A busy machine is slow to go on, too.
ALTER SYSTEM SET pg_diagnose.commit_too_late_min_time = 50;
SELECT pg_reload_conf();
\c
\i :fixture
SHOW pg_diagnose.commit_too_late_min_time;
CREATE TABLE commit_too_late (id int PRIMARY KEY, v int);
INSERT INTO commit_too_late VALUES (1, 0);

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('commit_too_late');

-- silent: a pool looks after its connection
BEGIN;
SELECT 1 AS alive;
\! sleep 0.06 # workload: think time
COMMIT;
-- silent: an error ended it
BEGIN;
SELECT v FROM commit_too_late WHERE id = 1;
SELECT v / 0 FROM commit_too_late WHERE id = 1;
\! sleep 0.06 # workload: think time
ROLLBACK;
-- silent: the session ended in it
BEGIN;
SELECT v FROM commit_too_late WHERE id = 1;
\! sleep 0.06 # workload: think time
\c
\i :fixture
-- silent: it waits earlier
BEGIN;
\! sleep 0.06 # workload: think time
SELECT v FROM commit_too_late WHERE id = 1;
COMMIT;
-- silent: a small part of the transaction
BEGIN;
SELECT v, pg_sleep(0.5) FROM commit_too_late WHERE id = 1; -- workload: a long statement
\! sleep 0.06 # workload: think time
COMMIT;
SELECT count(*), sum(calls) AS calls
FROM diagnose.transactions(diagnose.since_reset())
WHERE kind = 'transaction';
SELECT count(*) FROM pg_temp.found('commit_too_late');

-- found
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
SELECT v FROM commit_too_late WHERE id = 1;
\! sleep 0.06 # workload: think time
COMMIT;
BEGIN;
UPDATE commit_too_late SET v = v + 1 WHERE id = 1;
\! sleep 0.06 # workload: think time
ROLLBACK;
SELECT severity FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'commit_too_late' ORDER BY severity;
SELECT * FROM pg_temp.found('commit_too_late');

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
SELECT v FROM commit_too_late WHERE id = 1;
COMMIT;
\! sleep 0.06 # workload: think time
BEGIN;
UPDATE commit_too_late SET v = v + 1 WHERE id = 1;
ROLLBACK;
\! sleep 0.06 # workload: think time
SELECT count(*) FROM pg_temp.found('commit_too_late');
DROP TABLE commit_too_late;
ALTER SYSTEM RESET pg_diagnose.commit_too_late_min_time;
SELECT pg_reload_conf();
