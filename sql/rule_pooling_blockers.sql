--
-- rule_pooling_blockers: relies on what transaction pooling takes away
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
ALTER SYSTEM SET pg_diagnose.pooling_blockers_min_transactions = 10;
SELECT pg_reload_conf();
\c
\set ECHO none
\i :fixture

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('pooling_blockers');

-- silent: all that ends with its transaction, or is carried along
SET application_name = 'good';
SET client_encoding = 'UTF8';
BEGIN;
SET LOCAL statement_timeout = '10s';
CREATE TEMP TABLE dropped (i int) ON COMMIT DROP;
DECLARE c CURSOR FOR SELECT 1;
SELECT pg_advisory_xact_lock(1);
COMMIT;
\set transactions 'SELECT 1; SELECT 2; SELECT 3; SELECT 4; SELECT 5; SELECT 6; SELECT 7; SELECT 8; SELECT 9; SELECT 10;'
\o /dev/null
:transactions
\o
SELECT count(*) FROM pg_temp.found('pooling_blockers');

-- silent: somebody who does little, a person
SET application_name = 'person';
SET work_mem = '8MB';
CREATE TEMP TABLE kept (i int);
SELECT count(*) FROM pg_temp.found('pooling_blockers') WHERE subject ~ 'person';

-- found
SET application_name = 'pooled';
SET statement_timeout = '10s';
SET lock_timeout = '10s';
CREATE TEMP TABLE kept_too (i int);
LISTEN regress_pooling;
PREPARE p AS SELECT 1;
SELECT pg_advisory_lock(1);
\o /dev/null
:transactions
\o
SELECT * FROM pg_temp.found('pooling_blockers') WHERE subject ~ 'pooled';
SET application_name = 'other';
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT 1;
COMMIT;
LOAD 'pg_diagnose';
\o /dev/null
:transactions
\o
SELECT subject, n, problem, advice FROM pg_temp.found('pooling_blockers') WHERE subject ~ 'other';

-- fixed: the same within transactions
\c
\set ECHO none
\i :fixture
SELECT diagnose.reset() IS NOT NULL AS reset;
SET application_name = 'pooled';
BEGIN;
SET LOCAL statement_timeout = '10s';
SET LOCAL lock_timeout = '10s';
CREATE TEMP TABLE kept_too (i int) ON COMMIT DROP;
SELECT pg_advisory_xact_lock(1);
COMMIT;
\o /dev/null
:transactions
\o
SELECT count(*) FROM pg_temp.found('pooling_blockers');
ALTER SYSTEM RESET pg_diagnose.pooling_blockers_min_transactions;
SELECT pg_reload_conf();
