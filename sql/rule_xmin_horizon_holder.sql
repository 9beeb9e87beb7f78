--
-- rule_xmin_horizon_holder: so old that vacuum cannot remove dead rows
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/sessions.sql'
ALTER SYSTEM SET pg_diagnose.sample_interval = 10;
ALTER SYSTEM SET pg_diagnose.xmin_horizon_holder_min_time = 100;
SELECT pg_reload_conf();
\c
\i :fixture
CREATE TABLE xmin_horizon_holder AS SELECT 1 AS id;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('xmin_horizon_holder');

-- silent: a transaction as old, but holding neither a snapshot nor an identifier
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" open regress_holder 'BEGIN; SELECT count(*) FROM xmin_horizon_holder;'
SELECT pg_temp.wait_for($$EXISTS (
	SELECT FROM pg_stat_activity WHERE application_name = 'regress_holder'
		AND state = 'idle in transaction' AND query ~ 'SELECT'
		AND clock_timestamp() - xact_start > '200 ms')$$);
SELECT count(*) FROM pg_temp.found('xmin_horizon_holder');

-- found: with one
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_holder 'DELETE FROM xmin_horizon_holder;'
SELECT pg_temp.wait_for($$pg_temp.is_there('regress_holder', 'idle in transaction', 'DELETE')$$);
SELECT dimension, key, subject, costs, grade, n, regexp_replace(problem, '\d+ transactions?', '<n> transactions') AS problem,
	advice, fix, undo, regexp_replace(verify, 'pid = \d+', 'pid = <number>') AS verify
FROM pg_temp.found('xmin_horizon_holder') WHERE grade = 'exact';

-- found: by transactions, not by time
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_holder 'COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT max(id) FROM xmin_horizon_holder;'
SELECT pg_temp.wait_for($$pg_temp.is_there('regress_holder', 'idle in transaction', 'max')$$);
ALTER SYSTEM SET pg_diagnose.xmin_horizon_holder_min_age = 10;
ALTER SYSTEM RESET pg_diagnose.xmin_horizon_holder_min_time;
SELECT pg_reload_conf();
\c
\i :fixture
SELECT count(*) FROM pg_temp.found('xmin_horizon_holder');
DO $$
BEGIN
	FOR i IN 1 .. 20 LOOP
		INSERT INTO xmin_horizon_holder VALUES (i);
		COMMIT;
	END LOOP;
END $$;
SELECT pg_temp.wait_for($$EXISTS (
	SELECT FROM diagnose.horizon_holders(diagnose.since_reset()) WHERE max_age >= 20)$$);
SELECT grade, subject, regexp_replace(problem, '\d+ transactions?', '<n> transactions') AS problem
FROM pg_temp.found('xmin_horizon_holder');

-- found: it is over, but was seen from outside
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" close regress_holder
SELECT grade, subject, regexp_replace(problem, '\d+ transactions?', '<n> transactions') AS problem, advice, verify
FROM pg_temp.found('xmin_horizon_holder');

-- found: by a prepared transaction
INSERT INTO xmin_horizon_holder VALUES (0);
BEGIN;
DELETE FROM xmin_horizon_holder WHERE id = 0;
PREPARE TRANSACTION 'xmin_horizon_holder';
DO $$
BEGIN
	FOR i IN 1 .. 20 LOOP
		INSERT INTO xmin_horizon_holder VALUES (i);
		COMMIT;
	END LOOP;
END $$;
SELECT grade, key, subject, regexp_replace(problem, '\d+ transactions?', '<n> transactions') AS problem, advice FROM pg_temp.found('xmin_horizon_holder')
WHERE grade = 'exact';
ROLLBACK PREPARED 'xmin_horizon_holder';

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('xmin_horizon_holder');
ALTER SYSTEM RESET pg_diagnose.sample_interval;
ALTER SYSTEM RESET pg_diagnose.xmin_horizon_holder_min_age;
SELECT pg_reload_conf();
DROP TABLE xmin_horizon_holder;
