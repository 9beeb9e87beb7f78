--
-- rule_connection_churn: connects anew for next to every transaction
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'

-- what is too many for a second is known for a minute; here a few are enough
ALTER SYSTEM SET pg_diagnose.connection_churn_min_sessions = 6;
ALTER SYSTEM SET pg_diagnose.connection_churn_min_early_rate = 0.001;
ALTER SYSTEM SET pg_diagnose.connection_churn_min_rate = 1000000;
SELECT pg_reload_conf();
\c
-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\i :fixture
SELECT count(*) FROM pg_temp.found('connection_churn');

-- silent: many transactions, and three sessions with one each
\c
SELECT 1 AS one;
\c
SELECT 2 AS two;
\c
\set ECHO none
\i :fixture
SELECT count(*) FROM pg_temp.found('connection_churn');

-- silent: as many sessions as below, but each with more to do
SELECT diagnose.reset() IS NOT NULL AS reset;
\pset format unaligned
\o /dev/null
\set work 'SELECT 1; SELECT 2; SELECT 3; SELECT 4;'
\c
:work
\c
:work
\c
:work
\c
:work
\c
:work
\c
:work
\c
\o
\pset format aligned
\set ECHO none
\i :fixture
SELECT count(*) FROM pg_temp.found('connection_churn');

-- found: one transaction each
SELECT diagnose.reset() IS NOT NULL AS reset;
\o /dev/null
\c
SELECT 1;
\c
SELECT 1;
\c
SELECT 1;
\c
SELECT 1;
\c
SELECT 1;
\c
SELECT 1;
\c
\o
\set ECHO none
\i :fixture
SELECT * FROM pg_temp.found('connection_churn');

-- found: at such a rate, also if each does some work
ALTER SYSTEM SET pg_diagnose.connection_churn_min_rate = 0.001;
SELECT pg_reload_conf();
SELECT diagnose.reset() IS NOT NULL AS reset;
\o /dev/null
\c
:work
\c
:work
\c
:work
\c
:work
\c
:work
\c
:work
\c
\o
\set ECHO none
\i :fixture
SELECT n, problem FROM pg_temp.found('connection_churn');

-- fixed: the same transactions in one session
SELECT diagnose.reset() IS NOT NULL AS reset;
\o /dev/null
SELECT 1;
SELECT 1;
SELECT 1;
SELECT 1;
SELECT 1;
SELECT 1;
\o
SELECT count(*) FROM pg_temp.found('connection_churn');
ALTER SYSTEM RESET pg_diagnose.connection_churn_min_sessions;
ALTER SYSTEM RESET pg_diagnose.connection_churn_min_early_rate;
ALTER SYSTEM RESET pg_diagnose.connection_churn_min_rate;
SELECT pg_reload_conf();
