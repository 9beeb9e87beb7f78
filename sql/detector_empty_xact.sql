--
-- detector_empty_xact: transactions without a statement
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
ALTER SYSTEM SET pg_diagnose.empty_xact_min_occurrences = 4;
ALTER SYSTEM SET pg_diagnose.empty_xact_min_rate = 0;
SELECT pg_reload_conf();
\c
\i :fixture

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('empty_xact');

-- silent: a health check now and then
BEGIN;
COMMIT;
BEGIN;
ROLLBACK;
SELECT count(*) FROM pg_temp.found('empty_xact');

-- silent: blocks with a statement, even if it is none
BEGIN; SELECT 1 AS one; COMMIT;
BEGIN; SELECT 1 AS one; COMMIT;
BEGIN; SELECT 1 AS one; COMMIT;
BEGIN; SELECT 1 AS one; COMMIT;
BEGIN;
SELECT nothing_of_this_name;
ROLLBACK;
BEGIN;
SET LOCAL work_mem = '1MB';
COMMIT;
SELECT count(*) FROM pg_temp.found('empty_xact');

-- found
BEGIN;
COMMIT;
BEGIN;
ROLLBACK;
SELECT * FROM pg_temp.found('empty_xact');

-- silent when so many are rare
ALTER SYSTEM SET pg_diagnose.empty_xact_min_rate = 1000000;
SELECT pg_reload_conf();
\set QUIET on
\c
\i :fixture
SELECT count(*) FROM pg_temp.found('empty_xact');

-- fixed: no block where there is nothing to do
ALTER SYSTEM RESET pg_diagnose.empty_xact_min_rate;
SELECT pg_reload_conf();
\set QUIET on
\c
\i :fixture
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT 1 AS one;
SELECT count(*) FROM pg_temp.found('empty_xact');
ALTER SYSTEM RESET pg_diagnose.empty_xact_min_occurrences;
SELECT pg_reload_conf();
