--
-- rule_retry_storm: fails and is tried again, over and over
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

\set VERBOSITY terse
CREATE TABLE retry_storm (id int PRIMARY KEY, v int);
INSERT INTO retry_storm SELECT i, 0 FROM generate_series(1, 100) AS i;
CREATE FUNCTION fail_with(state text) RETURNS int
LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'failed' USING ERRCODE = state;
END $$;

-- What a client sends that does something "times" times, and fails "failures"
-- times before each of them.
CREATE FUNCTION pg_temp.attempts(times int, failures int, state text)
RETURNS SETOF text LANGUAGE sql AS $$
	SELECT s.statement
	FROM generate_series(1, times) AS t,
		generate_series(1, failures + 1) AS a,
		LATERAL (VALUES
			(1, 'BEGIN'),
			(2, format('UPDATE retry_storm SET v = v + 1 WHERE id = %s', t)),
			(3, CASE WHEN a <= failures THEN format('SELECT fail_with(%L)', state)
				ELSE format('SELECT v FROM retry_storm WHERE id = %s', t) END),
			(4, CASE WHEN a <= failures THEN 'ROLLBACK' ELSE 'COMMIT' END)) AS s (position, statement)
	ORDER BY t, a, s.position
$$;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('retry_storm');

-- silent: nine retries
\set ECHO none
\o /dev/null
SELECT pg_temp.attempts(9, 1, 'serialization_failure') \gexec
\o
\set ECHO all
SELECT count(*) FROM pg_temp.found('retry_storm');

-- silent: ten and more, among many that succeed at once
\set ECHO none
\o /dev/null
SELECT pg_temp.attempts(3, 1, 'serialization_failure') \gexec
SELECT pg_temp.attempts(30, 0, '') \gexec
\o
\set ECHO all
SELECT sum(retries) AS retries, sum(aborts) AS aborts
FROM diagnose.transactions(diagnose.since_reset())
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database());
SELECT count(*) FROM pg_temp.found('retry_storm');

-- silent: fails often, but of errors that no retry can help
\set ECHO none
\o /dev/null
SELECT pg_temp.attempts(30, 1, 'raise_exception') \gexec
\o
\set ECHO all
SELECT sum(retries) AS retries, sum(aborts) AS aborts
FROM diagnose.transactions(diagnose.since_reset())
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database());
SELECT count(*) FROM pg_temp.found('retry_storm');

-- silent: fails often, but each is another one
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
SELECT s.statement
FROM generate_series(1, 12) AS t,
	LATERAL (VALUES
		(1, 'BEGIN'),
		(2, format('SELECT %s FROM retry_storm WHERE id = %s', repeat('v + ', t) || 'v', t)),
		(3, 'SELECT fail_with(''serialization_failure'')'),
		(4, 'ROLLBACK')) AS s (position, statement)
ORDER BY t, s.position \gexec
\o
\set ECHO all
SELECT count(*) FROM pg_temp.found('retry_storm');

-- found: one retry for each
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
SELECT pg_temp.attempts(10, 1, 'serialization_failure') \gexec
\o
\set ECHO all
SELECT severity FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'retry_storm';
SELECT * FROM pg_temp.found('retry_storm');

-- found: two retries for each are critical
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
SELECT pg_temp.attempts(5, 2, 'unique_violation') \gexec
\o
\set ECHO all
SELECT severity FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'retry_storm';
SELECT problem, evidence, advice FROM pg_temp.found('retry_storm');

-- found: none succeeds
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
SELECT s.statement
FROM generate_series(1, 12) AS t,
	LATERAL (VALUES
		(1, 'BEGIN'),
		(2, 'UPDATE retry_storm SET v = v + 1 WHERE id = 1'),
		(3, 'SELECT fail_with(''query_canceled'')'),
		(4, 'ROLLBACK')) AS s (position, statement)
ORDER BY t, s.position \gexec
\o
\set ECHO all
SELECT problem, advice FROM pg_temp.found('retry_storm');

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
SELECT pg_temp.attempts(10, 0, '') \gexec
\o
\set ECHO all
SELECT count(*) FROM pg_temp.found('retry_storm');
DROP FUNCTION fail_with;
DROP TABLE retry_storm;
