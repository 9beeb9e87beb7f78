--
-- rule_cursor_holding_snapshot: a session that holds a snapshot while it waits for its client
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/sessions.sql'
ALTER SYSTEM SET pg_diagnose.sample_interval = 10;
ALTER SYSTEM SET pg_diagnose.cursor_holding_snapshot_min_time = 100;
SELECT pg_reload_conf();
\c
\i :fixture
CREATE TABLE cursor_holding_snapshot AS SELECT generate_series(1, 100) AS id;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('cursor_holding_snapshot');

-- silent: a transaction that waits for its client, but without a snapshot
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" open regress_reader 'BEGIN; UPDATE cursor_holding_snapshot SET id = 0 WHERE id = 1;'
SELECT pg_temp.wait_for($$EXISTS (
	SELECT FROM diagnose.horizon_holders(diagnose.since_reset()) WHERE max_time > 200)$$);
SELECT state, snapshot_time, max_snapshot_time, oldest_time > 0 AS oldest
FROM diagnose.horizon_holders(diagnose.since_reset()) WHERE max_time > 200;
SELECT count(*) FROM pg_temp.found('cursor_holding_snapshot');
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_reader 'COMMIT;'

-- silent: by its isolation level; that is known exactly when it is over
SELECT pg_temp.wait_for($$pg_temp.is_there('regress_reader', 'idle', 'COMMIT')$$);
SELECT diagnose.reset() IS NOT NULL AS reset;
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_reader 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT max(id) FROM cursor_holding_snapshot;'
SELECT pg_temp.wait_for($$EXISTS (
	SELECT FROM diagnose.horizon_holders(diagnose.since_reset()) WHERE max_snapshot_time > 200)$$);
SELECT count(*) AS while_it_lasts FROM pg_temp.found('cursor_holding_snapshot');
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_reader 'COMMIT;'
SELECT pg_temp.wait_for($$pg_temp.is_there('regress_reader', 'idle', 'COMMIT')$$);
SELECT count(*) FROM pg_temp.found('cursor_holding_snapshot');

-- found: the same with a cursor
SELECT pg_temp.wait_for($$pg_temp.is_there('regress_reader', 'idle', 'COMMIT')$$);
SELECT diagnose.reset() IS NOT NULL AS reset;
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_reader 'BEGIN; DECLARE c CURSOR FOR SELECT * FROM cursor_holding_snapshot; FETCH 1 FROM c;'
SELECT pg_temp.wait_for($$EXISTS (
	SELECT FROM diagnose.horizon_holders(diagnose.since_reset()) WHERE max_snapshot_time > 200)$$);
SELECT dimension, key, subject, costs, grade, problem, advice, fix, undo, verify
FROM pg_temp.found('cursor_holding_snapshot');
SELECT severity, (evidence->>'longest_ms')::float8 > 200 AS long_enough
FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'cursor_holding_snapshot';

-- fixed: the cursor is closed
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_reader 'CLOSE c;'
SELECT pg_temp.wait_for($$pg_temp.is_there('regress_reader', 'idle in transaction', 'CLOSE')$$);
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT pg_temp.wait_for($$(SELECT samples > 20 FROM diagnose.sampler())$$);
SELECT count(*) FROM pg_temp.found('cursor_holding_snapshot');
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" close regress_reader
ALTER SYSTEM RESET pg_diagnose.sample_interval;
ALTER SYSTEM RESET pg_diagnose.cursor_holding_snapshot_min_time;
SELECT pg_reload_conf();
DROP TABLE cursor_holding_snapshot;
