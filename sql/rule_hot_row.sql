--
-- rule_hot_row: a row that sessions queue up for
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/sessions.sql'
ALTER SYSTEM SET pg_diagnose.sample_interval = 10;
ALTER SYSTEM SET pg_diagnose.hot_row_min_time = 100;
SELECT pg_reload_conf();
\c
\i :fixture
CREATE TABLE hot_row AS SELECT i AS id, 0 AS n FROM generate_series(1, 10) AS i;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('hot_row');

-- silent: three sessions wait, but for three rows
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" open regress_blocker 'BEGIN; UPDATE hot_row SET n = n + 1;'
SELECT pg_temp.wait_for($$pg_temp.is_there('regress_blocker', 'idle in transaction', 'UPDATE')$$);
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" open regress_a 'UPDATE hot_row SET n = n + 1 WHERE id = 1;'
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" open regress_b 'UPDATE hot_row SET n = n + 1 WHERE id = 2;'
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" open regress_c 'UPDATE hot_row SET n = n + 1 WHERE id = 3;'
SELECT pg_temp.wait_for($$EXISTS (
	SELECT FROM diagnose.lock_waits(diagnose.since_reset())
	WHERE lock_type = 'transactionid' AND max_depth = 3 AND max_time > 200)$$);
SELECT count(*) FROM diagnose.hot_relations(diagnose.since_reset());
SELECT count(*) FROM pg_temp.found('hot_row');
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_blocker 'COMMIT;'
SELECT pg_temp.wait_for($$pg_temp.is_there('regress_a', 'idle') AND pg_temp.is_there('regress_b', 'idle') AND pg_temp.is_there('regress_c', 'idle')$$);

-- found: for one
SELECT diagnose.reset() IS NOT NULL AS reset;
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_blocker 'BEGIN; UPDATE hot_row SET n = n + 1 WHERE id = 1;'
SELECT pg_temp.wait_for($$pg_temp.is_there('regress_blocker', 'idle in transaction', 'UPDATE')$$);
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_a 'UPDATE hot_row SET n = n + 1 WHERE id = 1;'
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_b 'UPDATE hot_row SET n = n + 1 WHERE id = 1;'
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_c 'UPDATE hot_row SET n = n + 1 WHERE id = 1;'
SELECT pg_temp.wait_for($$EXISTS (
	SELECT FROM diagnose.hot_relations(diagnose.since_reset()) WHERE deep_time > 200)$$);
SELECT relid::regclass, max_depth, total_time > deep_time AS time_of_all
FROM diagnose.hot_relations(diagnose.since_reset());
SELECT dimension, key, subject, costs, grade, problem, advice, fix, undo, verify
FROM pg_temp.found('hot_row');
SELECT evidence->'longest_queue' AS longest_queue, evidence->'statement' AS statement
FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'hot_row';
-- that is why its statement waits for locks
SELECT pg_temp.plain(parent_key) AS parent_key FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'lock_wait_time';

-- fixed: each has a row of its own
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_blocker 'COMMIT;'
SELECT pg_temp.wait_for($$pg_temp.is_there('regress_a', 'idle') AND pg_temp.is_there('regress_b', 'idle') AND pg_temp.is_there('regress_c', 'idle')$$);
SELECT diagnose.reset() IS NOT NULL AS reset;
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_a 'BEGIN; UPDATE hot_row SET n = n + 1 WHERE id = 1;'
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_b 'BEGIN; UPDATE hot_row SET n = n + 1 WHERE id = 2;'
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_c 'BEGIN; UPDATE hot_row SET n = n + 1 WHERE id = 3;'
SELECT pg_temp.wait_for($$pg_temp.is_there('regress_a', 'idle in transaction', 'UPDATE') AND
	pg_temp.is_there('regress_b', 'idle in transaction', 'UPDATE') AND pg_temp.is_there('regress_c', 'idle in transaction', 'UPDATE')$$);
SELECT count(*) FROM pg_temp.found('hot_row');
\! for name in a b c blocker; do sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" close regress_$name; done
ALTER SYSTEM RESET pg_diagnose.sample_interval;
ALTER SYSTEM RESET pg_diagnose.hot_row_min_time;
SELECT pg_reload_conf();
SELECT pg_temp.wait_for($$NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name ~ '^regress_.$')$$);
DROP TABLE hot_row;
