--
-- What is known of sessions: what outlives a transaction, timeouts in force,
-- who may see what
--
CREATE ROLE regress_session_one LOGIN;
CREATE ROLE regress_session_two LOGIN;
ALTER ROLE regress_session_one SET lock_timeout = '40s';
SELECT diagnose.reset() IS NOT NULL AS reset;
\set superuser :USER
\c - regress_session_one

-- what a pooler does not carry along, and what it does
SET application_name = 'one';
SET work_mem = '1MB';
SET SESSION work_mem = '2MB';
SET ROLE NONE;
SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE;
SET TIME ZONE 'UTC';
SET client_encoding = 'UTF8';
SET DateStyle = 'ISO';
SET work_mem TO DEFAULT;
RESET work_mem;
SET nothing_that_exists = 1;
BEGIN;
SET LOCAL work_mem = '1MB';
SET TRANSACTION READ ONLY;
SELECT set_config('work_mem', '2MB', true);
COMMIT;
CREATE TEMP TABLE kept (i int);
CREATE TABLE pg_temp.kept_too (i int);
CREATE TEMP TABLE kept_as AS SELECT 1 AS i;
SELECT 1 AS i INTO TEMP kept_into;
BEGIN;
CREATE TEMP TABLE dropped (i int) ON COMMIT DROP;
CREATE TEMP TABLE dropped_as ON COMMIT DROP AS SELECT 1 AS i;
COMMIT;
PREPARE p AS SELECT 1;
EXECUTE p;
EXECUTE p;
LISTEN regress_session;
DECLARE held CURSOR WITH HOLD FOR SELECT 1;
BEGIN;
DECLARE not_held CURSOR FOR SELECT 1;
COMMIT;
SELECT pg_advisory_lock(4711);
SELECT pg_try_advisory_lock(4711);
SELECT pg_advisory_unlock_all();
SELECT pg_advisory_xact_lock(4711);
SELECT application, sets, temp_tables, prepares, listens, held_cursors, advisory_locks, loads
FROM diagnose.sessions(diagnose.since_reset()) WHERE application = 'one';

-- timeouts are those of the latest transaction, SET LOCAL included
SET application_name = 'timeouts';
SELECT 1;
SELECT min_statement_timeout, max_statement_timeout, min_lock_timeout, max_lock_timeout,
	max_idle_in_transaction_session_timeout AS max_idle
FROM diagnose.sessions(diagnose.since_reset()) WHERE application = 'timeouts';
SET statement_timeout = '2min';
BEGIN;
SET LOCAL idle_in_transaction_session_timeout = '3s';
COMMIT;
SELECT min_statement_timeout, max_statement_timeout, min_lock_timeout, max_lock_timeout,
	max_idle_in_transaction_session_timeout AS max_idle
FROM diagnose.sessions(diagnose.since_reset()) WHERE application = 'timeouts';
SELECT max_idle_in_transaction_session_timeout AS max_idle
FROM diagnose.sessions(diagnose.since_reset()) WHERE application = 'timeouts';

-- each sees the names of his own applications, and the numbers of all
\c - regress_session_two
SET application_name = 'two';
SELECT 1;
SELECT userid::regrole, application, begun > 0 AS has_numbers
FROM diagnose.sessions(diagnose.since_reset())
WHERE userid::regrole::text ~ 'regress_session' ORDER BY 1, 2, 3;
SELECT username, application FROM diagnose.sessions WHERE username ~ 'regress_s' ORDER BY 1, 2;
\c - regress_session_one
SELECT DISTINCT userid::regrole, application IS NULL AS hidden
FROM diagnose.sessions(diagnose.since_reset())
WHERE userid::regrole::text ~ 'regress_session' ORDER BY 1, 2;

-- a superuser sees them all
\c - :superuser
SET application_name = 'loader';
LOAD 'pg_diagnose';
SELECT application, loads FROM diagnose.sessions(diagnose.since_reset())
WHERE application IN ('one', 'two', 'timeouts', 'loader') ORDER BY application COLLATE "C";

-- forgetting a role leaves the others
SELECT diagnose.reset(userid => 'regress_session_one'::regrole) IS NOT NULL AS reset;
SELECT application FROM diagnose.sessions(diagnose.since_reset())
WHERE application IN ('one', 'two', 'timeouts') AND begun > 0;
SELECT diagnose.sessions(NULL);
DROP ROLE regress_session_one, regress_session_two;
