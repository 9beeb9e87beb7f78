--
-- rule_prepared_xact_lingering: a prepared transaction that nobody finishes
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/sessions.sql'
ALTER SYSTEM SET pg_diagnose.prepared_xact_lingering_min_time = 3600000;
SELECT pg_reload_conf();
\c
\i :fixture
CREATE TABLE prepared_xact_lingering AS SELECT 1 AS id;

-- nothing yet
SELECT count(*) FROM pg_temp.found('prepared_xact_lingering');

-- silent: not that old
BEGIN;
UPDATE prepared_xact_lingering SET id = 2;
PREPARE TRANSACTION 'it''s prepared_xact_lingering';
SELECT count(*) FROM pg_temp.found('prepared_xact_lingering');

-- found: with a limit of a millisecond, and somebody waits for it
ALTER SYSTEM SET pg_diagnose.prepared_xact_lingering_min_time = 1;
SELECT pg_reload_conf();
\c
\i :fixture
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" open regress_waiter 'UPDATE prepared_xact_lingering SET id = 3;'
SELECT pg_temp.wait_for($$EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid')$$);
SELECT dimension, key, subject, costs, grade, n, problem, advice, fix, undo, verify
FROM pg_temp.found('prepared_xact_lingering');
SELECT severity, evidence - ARRAY['age_ms', 'database', 'role', 'transactions_since'] AS evidence FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'prepared_xact_lingering';

-- fixed
ROLLBACK PREPARED 'it''s prepared_xact_lingering';
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" close regress_waiter
SELECT count(*) FROM pg_temp.found('prepared_xact_lingering');
ALTER SYSTEM RESET pg_diagnose.prepared_xact_lingering_min_time;
SELECT pg_reload_conf();
DROP TABLE prepared_xact_lingering;
