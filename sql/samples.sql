--
-- What the background worker sees, and who may see that
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/sessions.sql'
ALTER SYSTEM SET pg_diagnose.sample_interval = 10;
SELECT pg_reload_conf();
\c
\i :fixture
\x off
CREATE ROLE regress_samples_user;
CREATE FUNCTION samples_of(state text, statement text) RETURNS TABLE (query text, samples boolean, fits boolean)
LANGUAGE sql AS $$
	-- no more time than passed, and not much less: a look may come late
	SELECT s.query, w.samples > 3, w.total_time BETWEEN 50 AND s.total_exec_time + 1000
	FROM diagnose.waits(diagnose.since_reset()) AS w
		LEFT JOIN diagnose.statements(diagnose.since_reset()) AS s
			ON s.queryid = w.queryid AND s.userid = w.userid AND s.dbid = w.dbid AND s.toplevel
	WHERE coalesce(w.wait_event, w.wait_event_type) = state AND starts_with(s.query, statement)
$$;

-- a session at work, and one that waits
SELECT diagnose.reset() IS NOT NULL AS reset;
DO $$
DECLARE
	until							timestamptz := clock_timestamp() + '300 ms';
BEGIN
	WHILE clock_timestamp() < until LOOP
	END LOOP;
END $$;
SELECT pg_sleep(0.3); -- workload: waits
SELECT * FROM samples_of('CPU', 'DO');
SELECT * FROM samples_of('PgSleep', 'SELECT pg_sleep');

-- idle sessions, in transactions or not, do nothing
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" open regress_idle 'BEGIN; SELECT 1;'
SELECT pg_temp.wait_for($$pg_temp.is_there('regress_idle', 'idle in transaction', 'SELECT')$$);
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT pg_temp.wait_for($$(SELECT samples > 20 FROM diagnose.sampler())$$);
SELECT DISTINCT s.query FROM diagnose.waits(diagnose.since_reset()) AS w
	JOIN diagnose.statements(diagnose.since_reset()) AS s
		ON s.queryid = w.queryid AND s.userid = w.userid AND s.dbid = w.dbid
WHERE s.query !~ 'wait_for' AND NOT diagnose.is_own(s.query);
SELECT count(*) FROM diagnose.waits(diagnose.since_reset()) WHERE wait_event = 'ClientRead';
\! sh "$PG_ABS_SRCDIR/test/fixtures/session.sh" close regress_idle

-- about itself
SELECT is_running, sample_interval, samples > 20 AS samples,
	sampled_time BETWEEN 10 * 20 AND 1000 * diagnose.seconds(diagnose.since_reset()) + 1000 AS fits,
	own_time BETWEEN 0.001 AND sampled_time AS own, last_sample > now() - interval '1 min' AS recent
FROM diagnose.sampler();

-- others' statements are nobody's business
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT pg_sleep(0.1); -- workload: something that is hers
SET ROLE regress_samples_user;
SELECT count(*) > 0 AS some, count(queryid) AS known FROM diagnose.waits(diagnose.since_reset());
SELECT key FROM diagnose.findings(diagnose.since_reset()) WHERE key ~ '^rule_failed';
RESET ROLE;
SELECT count(queryid) > 0 AS known FROM diagnose.waits(diagnose.since_reset());

-- forgetting: by user, by statement, by database
SELECT pg_temp.wait_for($$(SELECT count(*) > 0 FROM diagnose.waits(diagnose.since_reset()) WHERE wait_event = 'PgSleep')$$);
SELECT queryid AS sleep FROM diagnose.statements(diagnose.since_reset())
WHERE query ~ '^SELECT pg_sleep' AND toplevel \gset
SELECT diagnose.reset('regress_samples_user'::regrole) IS NOT NULL AS reset;
SELECT count(*) FROM diagnose.waits(diagnose.since_reset()) WHERE queryid = :sleep AND wait_event = 'PgSleep';
SELECT diagnose.reset(queryid => :sleep) IS NOT NULL AS reset;
SELECT count(*) FROM diagnose.waits(diagnose.since_reset()) WHERE queryid = :sleep;
SELECT count(*) > 0 AS others FROM diagnose.waits(diagnose.since_reset());

-- bad arguments
\set VERBOSITY terse
SELECT count(*) FROM diagnose.waits(NULL);
SELECT count(*) FROM diagnose.lock_waits(NULL);
SELECT count(*) FROM diagnose.hot_relations(NULL);
SELECT count(*) FROM diagnose.horizon_holders(ROW(999999999999, NULL));

DROP FUNCTION samples_of;
DROP ROLE regress_samples_user;
ALTER SYSTEM RESET pg_diagnose.sample_interval;
SELECT pg_reload_conf();
