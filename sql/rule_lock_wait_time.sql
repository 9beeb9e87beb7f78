--
-- rule_lock_wait_time: a statement that waits for locks
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/sessions.sql'
ALTER SYSTEM SET pg_diagnose.sample_interval = 10;
ALTER SYSTEM SET pg_diagnose.lock_wait_time_min_time = 100;
SELECT pg_reload_conf();
\c
\i :fixture
CREATE TABLE lock_wait_time AS SELECT i AS id, 0 AS n FROM generate_series(1, 10) AS i;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('lock_wait_time');

-- silent: one session sleeps, another holds a lock that nobody waits for
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" open regress_blocker 'BEGIN; UPDATE lock_wait_time SET n = 1 WHERE id = 1;'
SELECT pg_temp.wait_for($$pg_temp.is_there('regress_blocker', 'idle in transaction', 'UPDATE')$$);
UPDATE lock_wait_time SET n = 2 WHERE id = 2;
SELECT pg_temp.wait_for($$EXISTS (
	SELECT FROM diagnose.waits(diagnose.since_reset()) WHERE wait_event = 'PgSleep' AND total_time > 200)$$);
SELECT count(*) FROM diagnose.lock_waits(diagnose.since_reset());
SELECT count(*) FROM pg_temp.found('lock_wait_time');

-- found: somebody does wait
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" open regress_waiter 'UPDATE lock_wait_time SET n = n + 1 WHERE id = 1;'
SELECT pg_temp.wait_for($$EXISTS (
	SELECT FROM diagnose.lock_waits(diagnose.since_reset()) WHERE max_time > 200)$$);
SELECT s.query, l.lock_type, b.query AS blocker, l.blocker_state, l.waits, l.max_depth, l.relid
FROM diagnose.lock_waits(diagnose.since_reset()) AS l
	LEFT JOIN diagnose.statements(diagnose.since_reset()) AS s
		ON s.queryid = l.queryid AND s.userid = l.userid AND s.dbid = l.dbid
	LEFT JOIN diagnose.statements(diagnose.since_reset()) AS b
		ON b.queryid = l.blocker_queryid AND b.userid = l.blocker_userid AND b.dbid = l.dbid;
SELECT dimension, key, subject, costs, grade, problem, advice, fix, undo, verify
FROM pg_temp.found('lock_wait_time');
SELECT severity, evidence - ARRAY['database', 'role', 'queryid', 'fingerprint'] -
	ARRAY['waited_ms', 'longest_ms', 'share_of_database_time', 'blocked_by_idle_ms', 'by_type_ms'] AS evidence,
	(evidence->>'longest_ms')::float8 > 200 AS long_enough,
	evidence->'by_type_ms' ? 'transactionid' AS of_a_transaction
FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'lock_wait_time';

-- found: somebody waits for a table
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_blocker 'COMMIT; BEGIN; LOCK TABLE lock_wait_time;'
SELECT pg_temp.wait_for($$pg_temp.is_there('regress_blocker', 'idle in transaction', 'LOCK')$$);
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_waiter 'SELECT count(*) FROM lock_wait_time;'
SELECT pg_temp.wait_for($$EXISTS (
	SELECT FROM diagnose.lock_waits(diagnose.since_reset()) WHERE lock_type = 'relation' AND max_time > 200)$$);
SELECT key, subject, problem, advice, verify FROM pg_temp.found('lock_wait_time')
WHERE subject ~ 'about';
SELECT evidence->'table' AS "table" FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'lock_wait_time' AND subject ~ 'about';

-- fixed: commit first
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_blocker 'COMMIT;'
SELECT pg_temp.wait_for($$pg_temp.is_there('regress_waiter', 'idle', 'count')$$);
SELECT diagnose.reset() IS NOT NULL AS reset;
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_waiter 'UPDATE lock_wait_time SET n = n + 1 WHERE id = 1;'
SELECT pg_temp.wait_for($$pg_temp.is_there('regress_waiter', 'idle', 'UPDATE')$$);
SELECT count(*) FROM pg_temp.found('lock_wait_time');
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" close regress_waiter
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" close regress_blocker
ALTER SYSTEM RESET pg_diagnose.sample_interval;
ALTER SYSTEM RESET pg_diagnose.lock_wait_time_min_time;
SELECT pg_reload_conf();
DROP TABLE lock_wait_time;
