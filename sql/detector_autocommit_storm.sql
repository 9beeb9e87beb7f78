--
-- detector_autocommit_storm: single rows are written and committed one by one
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
ALTER SYSTEM SET pg_diagnose.autocommit_storm_min_commit_time = 0;
SELECT pg_reload_conf();
\c
SET pg_diagnose.burst_gap = '10s';
\i :fixture

CREATE TABLE autocommit_storm (i int PRIMARY KEY, v int);
CREATE TABLE autocommit_lines (i int, v int);

-- BEGIN and COMMIT end a burst.
\set end_of_burst 'BEGIN; COMMIT;'

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('autocommit_storm');

-- silent: too few
\set QUIET on
\set ECHO none
:end_of_burst
SELECT format('INSERT INTO autocommit_storm VALUES (%s, 0)', i) FROM generate_series(1, 15) AS i \gexec
:end_of_burst
\set ECHO all
\set QUIET off
SELECT count(*) FROM pg_temp.found('autocommit_storm');

-- silent: many, but in one transaction
\set QUIET on
\set ECHO none
BEGIN;
SELECT format('INSERT INTO autocommit_storm VALUES (%s, 0)', i) FROM generate_series(101, 140) AS i \gexec
COMMIT;
\set ECHO all
\set QUIET off
SELECT count(*) FROM pg_temp.found('autocommit_storm');

-- silent: many rows each
\set QUIET on
\set ECHO none
SELECT format('INSERT INTO autocommit_storm VALUES (%s, 0), (%s, 0)', i, i + 1000) FROM generate_series(201, 240) AS i \gexec
:end_of_burst
\set ECHO all
\set QUIET off
SELECT count(*) FROM pg_temp.found('autocommit_storm');

-- silent: a worker that does one piece after the other
\set QUIET on
\set ECHO none
\o /dev/null
SELECT format('SELECT min(v) FROM autocommit_storm WHERE i = %s', i),
	format('UPDATE autocommit_storm SET v = 1 WHERE i = %s', i)
FROM generate_series(101, 140) AS i \gexec
:end_of_burst
\o
\set ECHO all
\set QUIET off
SELECT count(*) FROM pg_temp.found('autocommit_storm');

-- found
SELECT diagnose.reset() IS NOT NULL AS reset;
\set QUIET on
\set ECHO none
SELECT format('INSERT INTO autocommit_storm VALUES (%s, 0)', i) FROM generate_series(301, 340) AS i \gexec
:end_of_burst
\set ECHO all
\set QUIET off
SELECT * FROM pg_temp.found('autocommit_storm');

-- found: two that come round in turn
SELECT diagnose.reset() IS NOT NULL AS reset;
\set QUIET on
\set ECHO none
SELECT format('INSERT INTO autocommit_storm VALUES (%s, 0)', i),
	format('INSERT INTO autocommit_lines VALUES (%s, 0)', i)
FROM generate_series(401, 440) AS i \gexec
:end_of_burst
\set ECHO all
\set QUIET off
SELECT subject, n, problem FROM pg_temp.found('autocommit_storm');

-- silent when commits are cheap
ALTER SYSTEM SET pg_diagnose.autocommit_storm_min_commit_time = 60000;
SELECT pg_reload_conf();
SELECT diagnose.reset() IS NOT NULL AS reset;
\set QUIET on
\c
SET pg_diagnose.burst_gap = '10s';
\set ECHO none
SELECT format('INSERT INTO autocommit_storm VALUES (%s, 0)', i) FROM generate_series(501, 540) AS i \gexec
:end_of_burst
\i :fixture
SELECT count(*) FROM pg_temp.found('autocommit_storm');
ALTER SYSTEM SET pg_diagnose.autocommit_storm_min_commit_time = 0;
SELECT pg_reload_conf();

-- fixed: one statement for all
SELECT diagnose.reset() IS NOT NULL AS reset;
\set QUIET on
\c
SET pg_diagnose.burst_gap = '10s';
\i :fixture
INSERT INTO autocommit_storm SELECT i, 0 FROM unnest(ARRAY(SELECT generate_series(601, 640))) AS i;
:end_of_burst
SELECT count(*) FROM pg_temp.found('autocommit_storm');
DROP TABLE autocommit_storm, autocommit_lines;
ALTER SYSTEM RESET pg_diagnose.autocommit_storm_min_commit_time;
SELECT pg_reload_conf();
