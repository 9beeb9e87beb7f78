--
-- detector_early_lock_late_commit: rows are locked early in a transaction
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
ALTER SYSTEM SET pg_diagnose.early_lock_late_commit_min_time = 50;
SELECT pg_reload_conf();
\c
\i :fixture

CREATE TABLE early_lock (id int PRIMARY KEY, stock int);
CREATE TABLE early_lock_log (id int, stock int);
INSERT INTO early_lock SELECT i, 100 FROM generate_series(1, 10) AS i;
CREATE FUNCTION early_lock_work() RETURNS void LANGUAGE sql
RETURN pg_sleep(0.1); -- workload: what else a transaction does

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('early_lock_late_commit');

-- silent: the row that others want comes last
BEGIN;
INSERT INTO early_lock_log VALUES (1, 100);
SELECT early_lock_work();
UPDATE early_lock SET stock = stock - 1 WHERE id = 1;
COMMIT;
SELECT count(*) FROM pg_temp.found('early_lock_late_commit');

-- silent: locked on purpose, what follows depends on it
BEGIN;
SELECT stock FROM early_lock WHERE id = 1 FOR UPDATE;
SELECT early_lock_work();
UPDATE early_lock SET stock = 98 WHERE id = 1;
COMMIT;
BEGIN;
UPDATE early_lock SET stock = stock - 1 WHERE id = 1 RETURNING stock;
SELECT early_lock_work();
COMMIT;
SELECT count(*) FROM pg_temp.found('early_lock_late_commit');

-- silent: found no row, hence locked none
BEGIN;
INSERT INTO early_lock_log VALUES (99, 0);
UPDATE early_lock SET stock = stock - 1 WHERE id = 99;
SELECT early_lock_work();
COMMIT;
SELECT count(*) FROM pg_temp.found('early_lock_late_commit');

-- silent: what comes after it takes no time, or little in comparison
BEGIN;
SELECT count(*) FROM early_lock;
\! sleep 0.02 # workload: the client thinks
UPDATE early_lock SET stock = stock - 1 WHERE id = 1;
SELECT count(*) FROM early_lock AS a, early_lock AS b;
SELECT count(*) FROM early_lock AS a, early_lock AS b, early_lock AS c;
INSERT INTO early_lock_log VALUES (1, 97);
COMMIT;
BEGIN;
UPDATE early_lock SET stock = stock - 1 WHERE id = 1 AND pg_sleep(0.3) IS NOT NULL; -- workload: a slow write
SELECT pg_sleep(0.06); -- workload: less than that
COMMIT;
SELECT count(*) FROM pg_temp.found('early_lock_late_commit');

-- found; nobody waited, so it is a hint
BEGIN;
UPDATE early_lock SET stock = stock - 1 WHERE id = 1;
SELECT early_lock_work();
INSERT INTO early_lock_log VALUES (1, 98);
COMMIT;
SELECT * FROM pg_temp.found('early_lock_late_commit');
SELECT severity FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'early_lock_late_commit';

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
SELECT early_lock_work();
INSERT INTO early_lock_log VALUES (1, 97);
UPDATE early_lock SET stock = stock - 1 WHERE id = 1;
COMMIT;
SELECT count(*) FROM pg_temp.found('early_lock_late_commit');
DROP FUNCTION early_lock_work;
DROP TABLE early_lock, early_lock_log;
ALTER SYSTEM RESET pg_diagnose.early_lock_late_commit_min_time;
SELECT pg_reload_conf();
