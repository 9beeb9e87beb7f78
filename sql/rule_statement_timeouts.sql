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

-- What a client sends: the same statement for a row that takes no time or too much.
CREATE FUNCTION pg_temp.send(rows float8[])
RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('SELECT pg_sleep(seconds) FROM timeouts WHERE seconds = %s', s) -- workload: is cancelled at once
	FROM unnest(rows) AS s
$$;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('statement_timeouts');

-- silent: four of them
SET application_name = 'shop';
SET statement_timeout = '5ms';
\set ECHO none
\o /dev/null
SELECT pg_temp.send('{10,10,10,10}') \gexec
\o
\set ECHO all
RESET statement_timeout;
RESET application_name;
SELECT count(*) FROM pg_temp.found('statement_timeouts');

-- found
SET application_name = 'shop';
\set ECHO none
\o /dev/null
SELECT pg_temp.send('{0,0,0,0,0,0,0,0,0,0}') \gexec
SET statement_timeout = '5ms';
SELECT pg_temp.send('{10}') \gexec
RESET statement_timeout;
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

-- fixed: it does not take so long
SELECT diagnose.reset() IS NOT NULL AS reset;
SET application_name = 'shop';
SET statement_timeout = '1min';
\set ECHO none
\o /dev/null
SELECT pg_temp.send('{0,0,0,0,0,0,0,0,0,0}') \gexec
\o
\set ECHO all
RESET statement_timeout;
RESET application_name;
SELECT count(*) FROM pg_temp.found('statement_timeouts');
DROP TABLE timeouts;
