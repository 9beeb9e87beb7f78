--
-- rule_statement_timeouts: often cancelled before it is done
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

\set VERBOSITY terse
SET pg_diagnose.burst_gap = '10s';
CREATE TABLE timeouts (seconds float8 PRIMARY KEY);
INSERT INTO timeouts VALUES (0), (10);

-- What a client sends: the same statement for rows that take no time or too much.
CREATE FUNCTION pg_temp.send(rows float8[], "timeout" text DEFAULT '1min')
RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('SET statement_timeout = %L', "timeout")
	UNION ALL
	SELECT format('SELECT pg_sleep(seconds) FROM timeouts WHERE seconds = %s', s) -- workload: is cancelled at once
	FROM unnest(rows) AS s
	UNION ALL
	SELECT 'RESET statement_timeout'
$$;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('statement_timeouts');

-- silent: four of them
SET application_name = 'shop';
\set ECHO none
\o /dev/null
SELECT pg_temp.send('{10,10,10,10}', '50ms') \gexec
\o
\set ECHO all
RESET application_name;
SELECT count(*) FROM pg_temp.found('statement_timeouts');

-- found
SET application_name = 'shop';
\set ECHO none
\o /dev/null
SELECT pg_temp.send('{0,0,0,0,0,0,0,0,0,0}') \gexec
SELECT pg_temp.send('{10}', '50ms') \gexec
\o
\set ECHO all
RESET application_name;
SELECT severity FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'statement_timeouts';
SELECT * FROM pg_temp.found('statement_timeouts');

-- silent again: five among six thousand
SET application_name = 'shop';
\set ECHO none
\o /dev/null
SELECT pg_temp.send(array_fill(0::float8, ARRAY[6000])) \gexec
\o
\set ECHO all
RESET application_name;
SELECT count(*) FROM pg_temp.found('statement_timeouts');

-- found: cancelled before it is executed, here in planning
CREATE FUNCTION slow_constant() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	PERFORM pg_sleep(10); -- workload: is cancelled at once
	RETURN 1;
END $$;
SELECT diagnose.reset() IS NOT NULL AS reset;
SET application_name = 'shop';
\set ECHO none
\o /dev/null
SELECT s.statement
FROM generate_series(1, 5) AS t,
	LATERAL (VALUES (1, 'BEGIN'), (2, 'SET LOCAL statement_timeout = ''50ms'''),
		(3, 'SELECT slow_constant()'), (4, 'ROLLBACK')) AS s (position, statement)
ORDER BY t, s.position \gexec
\o
\set ECHO all
RESET application_name;
SELECT key, subject, problem, advice, verify FROM pg_temp.found('statement_timeouts');

-- fixed: it does not take so long
SELECT diagnose.reset() IS NOT NULL AS reset;
SET application_name = 'shop';
\set ECHO none
\o /dev/null
SELECT pg_temp.send('{0,0,0,0,0,0,0,0,0,0}') \gexec
\o
\set ECHO all
RESET application_name;
SELECT count(*) FROM pg_temp.found('statement_timeouts');
DROP FUNCTION slow_constant;
DROP TABLE timeouts;
