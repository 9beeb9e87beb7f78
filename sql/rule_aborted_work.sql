--
-- rule_aborted_work: much work in transactions that do not commit
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

\set VERBOSITY terse
CREATE TABLE aborted_work (id int PRIMARY KEY, v int);
INSERT INTO aborted_work VALUES (1, 0);

-- What a client sends: a transaction "times" times that works for so long in its
-- middle, and how it ends.
CREATE FUNCTION pg_temp.send(times int, seconds float8, first text, last text, ending text)
RETURNS SETOF text LANGUAGE sql AS $$
	SELECT s.statement
	FROM generate_series(1, times) AS t,
		LATERAL (VALUES
			(1, 'BEGIN'), (2, first),
			(3, CASE WHEN seconds > 0 THEN format('SELECT pg_sleep(%s) FROM aborted_work', seconds) END), -- workload: takes time
			(4, last), (5, ending)) AS s (position, statement)
	WHERE s.statement <> ''
	ORDER BY t, s.position
$$;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('aborted_work');

-- silent: drivers end what has only read with ROLLBACK
SET application_name = 'shop';
\set ECHO none
\o /dev/null
SELECT pg_temp.send(12, 0.005, 'SELECT v FROM aborted_work', '', 'ROLLBACK') \gexec
\o
\set ECHO all
RESET application_name;
SELECT rollbacks, aborted_time > 0 AS aborted_time
FROM diagnose.transactions(diagnose.since_reset())
WHERE application = 'shop' AND kind = 'transaction';
SELECT count(*) FROM pg_temp.found('aborted_work');

-- silent: many fail, but before they have done anything
SET application_name = 'shop';
\set ECHO none
\o /dev/null
SELECT pg_temp.send(1, 0.5, 'UPDATE aborted_work SET v = 1', '', 'COMMIT') \gexec
SELECT pg_temp.send(12, 0, 'SELECT 1 / v FROM aborted_work WHERE v = 0', '', 'ROLLBACK') \gexec
SELECT pg_temp.send(12, 0, 'INSERT INTO aborted_work VALUES (1, 0)', '', 'ROLLBACK') \gexec
\o
\set ECHO all
RESET application_name;
SELECT count(*) FROM pg_temp.found('aborted_work');

-- found: they fail at their end
SELECT diagnose.reset() IS NOT NULL AS reset;
SET application_name = 'shop';
\set ECHO none
\o /dev/null
SELECT pg_temp.send(10, 0.005, 'UPDATE aborted_work SET v = 2', 'INSERT INTO aborted_work VALUES (1, 0)', 'ROLLBACK') \gexec
\o
\set ECHO all
RESET application_name;
SELECT * FROM pg_temp.found('aborted_work') WHERE subject ~ 'shop';

-- found: they change their mind at their end
SELECT diagnose.reset() IS NOT NULL AS reset;
SET application_name = 'shop';
\set ECHO none
\o /dev/null
SELECT pg_temp.send(10, 0.005, 'UPDATE aborted_work SET v = 3', '', 'ROLLBACK') \gexec
\o
\set ECHO all
RESET application_name;
SELECT subject, problem, evidence, advice FROM pg_temp.found('aborted_work') WHERE subject ~ 'shop';

-- fixed: what fails comes first
SELECT diagnose.reset() IS NOT NULL AS reset;
SET application_name = 'shop';
\set ECHO none
\o /dev/null
SELECT pg_temp.send(10, 0, 'INSERT INTO aborted_work VALUES (1, 0)', '', 'ROLLBACK') \gexec
SELECT pg_temp.send(1, 0.5, 'UPDATE aborted_work SET v = 4', '', 'COMMIT') \gexec
\o
\set ECHO all
RESET application_name;
SELECT count(*) FROM pg_temp.found('aborted_work') WHERE subject ~ 'shop';
DROP TABLE aborted_work;
