--
-- detector_needless_block: a transaction block around a single statement
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
ALTER SYSTEM SET pg_diagnose.needless_block_min_rate = 0;
SELECT pg_reload_conf();
\c
\i :fixture

CREATE TABLE needless_block (i int PRIMARY KEY, v int);
INSERT INTO needless_block SELECT i, 0 FROM generate_series(1, 10) AS i;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('needless_block');

-- silent: two statements
BEGIN;
SELECT v FROM needless_block WHERE i = 1;
UPDATE needless_block SET v = 1 WHERE i = 1;
COMMIT;
SELECT count(*) FROM pg_temp.found('needless_block');

-- silent: blocks with a purpose
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT v FROM needless_block WHERE i = 2;
COMMIT;
BEGIN;
SET LOCAL work_mem = '1MB';
COMMIT;
BEGIN;
SELECT v FROM needless_block WHERE i = 2 FOR UPDATE;
COMMIT;
BEGIN;
LOCK TABLE needless_block IN SHARE MODE;
COMMIT;
BEGIN;
SELECT pg_advisory_xact_lock(2);
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT v FROM needless_block;
COMMIT;
SELECT count(*) FROM pg_temp.found('needless_block');

-- silent: a trial
BEGIN;
DELETE FROM needless_block;
ROLLBACK;
SELECT count(*) FROM pg_temp.found('needless_block');

-- silent: one that failed
BEGIN;
SELECT v / 0 FROM needless_block;
ROLLBACK;
SELECT count(*) FROM pg_temp.found('needless_block');

-- found, also when a read is rolled back
BEGIN;
UPDATE needless_block SET v = 3 WHERE i = 3;
COMMIT;
BEGIN;
SELECT v FROM needless_block WHERE i = 3;
ROLLBACK;
SELECT * FROM pg_temp.found('needless_block');

-- silent when rare
ALTER SYSTEM SET pg_diagnose.needless_block_min_rate = 1000000;
SELECT pg_reload_conf();
\set QUIET on
\c
\i :fixture
SELECT count(*) FROM pg_temp.found('needless_block');
ALTER SYSTEM SET pg_diagnose.needless_block_min_rate = 0;
SELECT pg_reload_conf();
\set QUIET on
\c
\i :fixture

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
UPDATE needless_block SET v = 3 WHERE i = 3;
SELECT v FROM needless_block WHERE i = 3;
SELECT count(*) FROM pg_temp.found('needless_block');
DROP TABLE needless_block;
ALTER SYSTEM RESET pg_diagnose.needless_block_min_rate;
SELECT pg_reload_conf();
