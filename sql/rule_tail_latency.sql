--
-- rule_tail_latency: fast as a rule, very slow at times
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

CREATE FUNCTION tail_latency(calls int, slow int, base float8) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. calls LOOP
		PERFORM pg_sleep(CASE WHEN i <= slow THEN 0.1 ELSE base END); -- workload: some slow calls
	END LOOP;
END $$;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('tail_latency');

-- silent: too few calls to judge a tail
SELECT tail_latency(90, 4, 0);
SELECT count(*) FROM pg_temp.found('tail_latency');

-- silent: all calls are slow
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT tail_latency(110, 4, 0.021);
SELECT count(*) FROM pg_temp.found('tail_latency');

-- silent: one in 300
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT tail_latency(300, 1, 0);
SELECT count(*) FROM pg_temp.found('tail_latency');

-- found; what it costs is the tail's time, 4 times 100 ms
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT tail_latency(120, 4, 0);
SELECT * FROM pg_temp.found('tail_latency');
SELECT impact_ms_per_s * diagnose.seconds(diagnose.since_reset()) > 390 AS impact_is_tail
FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'tail_latency';

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT tail_latency(300, 0, 0);
SELECT count(*) FROM pg_temp.found('tail_latency');
DROP FUNCTION tail_latency;
