--
-- rule_advisory_lock_leak: an idle session that still holds advisory locks
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/sessions.sql'
ALTER SYSTEM SET pg_diagnose.advisory_lock_leak_min_time = 0;
SELECT pg_reload_conf();
\c
\i :fixture

-- nothing yet
SELECT count(*) FROM pg_temp.found('advisory_lock_leak');

-- silent: those of a transaction go with it
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" open regress_locker 'BEGIN; SELECT pg_advisory_xact_lock(1);'
SELECT pg_temp.wait_for($$pg_temp.is_there('regress_locker', 'idle in transaction', 'xact_lock')$$);
SELECT count(*) FROM pg_temp.found('advisory_lock_leak');

-- found: those of a session do not
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_locker 'SELECT pg_advisory_lock(i) FROM generate_series(10000000001, 10000000002) AS i; SELECT pg_advisory_lock(3, -4); COMMIT;'
SELECT pg_temp.wait_for($$pg_temp.is_there('regress_locker', 'idle', 'COMMIT')$$);
SELECT * FROM pg_temp.found('advisory_lock_leak');
SELECT severity FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'advisory_lock_leak';

-- found: so many at once that it does not matter for how long
ALTER SYSTEM RESET pg_diagnose.advisory_lock_leak_min_time;
SELECT pg_reload_conf();
\c
\i :fixture
SELECT count(*) FROM pg_temp.found('advisory_lock_leak');
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_locker 'SELECT pg_advisory_lock(i) FROM generate_series(1, 97) AS i; SELECT 1;'
SELECT pg_temp.wait_for($$pg_temp.is_there('regress_locker', 'idle', 'SELECT 1')$$);
SELECT n FROM pg_temp.found('advisory_lock_leak');

-- fixed
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" tell regress_locker 'SELECT pg_advisory_unlock_all();'
SELECT pg_temp.wait_for($$pg_temp.is_there('regress_locker', 'idle', 'unlock')$$);
SELECT count(*) FROM pg_temp.found('advisory_lock_leak');
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" close regress_locker
