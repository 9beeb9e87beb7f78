--
-- rule_missing_guards: statements and transactions that may take forever
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\set superuser :USER
ALTER SYSTEM SET pg_diagnose.missing_guards_min_transactions = 10;
SELECT pg_reload_conf();
CREATE ROLE regress_guards LOGIN;
CREATE ROLE regress_guards_batch LOGIN;
CREATE ROLE regress_guards_set LOGIN;
CREATE ROLE regress_guards_own LOGIN;
-- from 17 on there is one more
\set ECHO none
SELECT format('ALTER ROLE %I SET transaction_timeout = %L', r, '1h')
FROM unnest(ARRAY['regress_guards', 'regress_guards_set', 'regress_guards_own']) AS r
WHERE current_setting('server_version_num')::int >= 170000 \gexec
\set ECHO all
ALTER ROLE regress_guards_set SET statement_timeout = '10s';
ALTER ROLE regress_guards_set SET idle_in_transaction_session_timeout = '1min';
\set transactions 'BEGIN; SELECT 1; COMMIT; SELECT 2; SELECT 3; SELECT 4; SELECT 5; SELECT 6; SELECT 7; SELECT 8; SELECT 9; SELECT 10;'
\set few 'BEGIN; SELECT 1; COMMIT; SELECT 2; SELECT 3;'

-- nothing yet
\c
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\i :fixture
SELECT count(*) FROM pg_temp.found('missing_guards');

-- silent: few transactions; timeouts that are set; timeouts that the application
-- sets; and long computations
\o /dev/null
\c - regress_guards
:few
\c - regress_guards_set
:transactions
\c - regress_guards_own
SET statement_timeout = '1min';
SET idle_in_transaction_session_timeout = '1min';
:transactions
\c - regress_guards_batch
SELECT pg_sleep(0.05); -- workload: what the threshold calls long
:transactions
\o
\c - :superuser
ALTER SYSTEM SET pg_diagnose.missing_guards_max_time = 20;
SELECT pg_reload_conf();
\c
\set ECHO none
\i :fixture
SELECT subject, problem FROM pg_temp.found('missing_guards') WHERE subject ~ 'regress_guards';
ALTER SYSTEM RESET pg_diagnose.missing_guards_max_time;
SELECT pg_reload_conf();

-- found, also when only one of two applications has none
\c - regress_guards
SET application_name = 'careless';
\o /dev/null
:transactions
\o
SET application_name = 'careful';
SET statement_timeout = '1min';
SET idle_in_transaction_session_timeout = '1min';
\o /dev/null
:transactions
\o
\c - :superuser
\set ECHO none
\i :fixture
SELECT * FROM pg_temp.found('missing_guards') WHERE subject ~ 'role regress_guards in';

-- found: lock_timeout for who changes the schema; what had been set comes back
CREATE SCHEMA regress_guards AUTHORIZATION regress_guards;
\set ECHO none
SELECT format('ALTER ROLE regress_guards IN DATABASE %I SET statement_timeout = 0', current_database()) \gexec
\set ECHO all
\c - regress_guards
SET application_name = 'careless';
CREATE TABLE regress_guards.t (i int);
\c - :superuser
\set ECHO none
\i :fixture
SELECT problem, fix, undo FROM pg_temp.found('missing_guards') WHERE subject ~ 'role regress_guards in';
SELECT fix, undo FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'missing_guards' AND subject ~ 'role regress_guards in' \gset
\set ECHO none
:fix;
\set ECHO all
SELECT unnest(setconfig) FROM pg_db_role_setting
WHERE setrole = 'regress_guards'::regrole AND setdatabase <> 0;
-- set, even if nobody has it yet
SELECT count(*) FROM pg_temp.found('missing_guards') WHERE subject ~ 'role regress_guards in';
\set ECHO none
:undo;
\set ECHO all
SELECT unnest(setconfig) FROM pg_db_role_setting
WHERE setrole = 'regress_guards'::regrole AND setdatabase <> 0;

-- fixed
\set ECHO none
:fix;
\set ECHO all
SELECT diagnose.reset() IS NOT NULL AS reset;
\c - regress_guards
SET application_name = 'careless';
\o /dev/null
:transactions
\o
DROP TABLE regress_guards.t;
\c - :superuser
\set ECHO none
\i :fixture
SELECT count(*) FROM pg_temp.found('missing_guards') WHERE subject ~ 'role regress_guards in';
ALTER SYSTEM RESET pg_diagnose.missing_guards_min_transactions;
SELECT pg_reload_conf();
DROP SCHEMA regress_guards;
DROP ROLE regress_guards, regress_guards_batch, regress_guards_set, regress_guards_own;
