--
-- detector_statement_timeouts: where they happen; the rule judges how many
--
\set VERBOSITY terse
SET pg_diagnose.burst_gap = '10s';
CREATE TABLE statement_timeouts (id int PRIMARY KEY, v int);
INSERT INTO statement_timeouts VALUES (1, 0);
CREATE FUNCTION fail_with(state text) RETURNS int
LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'failed' USING ERRCODE = state;
END $$;
CREATE VIEW seen AS
SELECT kind, position, occurrences, confirmed, count, time > 0 AS cost
FROM diagnose.observations(diagnose.since_reset())
WHERE detector = 'statement_timeouts'
	AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY kind, position;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT * FROM seen;

-- silent: other timeouts have their own SQLSTATE
BEGIN;
UPDATE statement_timeouts SET v = 1 WHERE id = 1;
SELECT fail_with('lock_not_available');
ROLLBACK;
SELECT * FROM seen;

-- found: at the second position
BEGIN;
UPDATE statement_timeouts SET v = 1 WHERE id = 1;
SET LOCAL statement_timeout = '50ms';
SELECT pg_sleep(10) FROM statement_timeouts;	-- workload: is cancelled at once
ROLLBACK;
SELECT * FROM seen;

-- found: outside a block
SELECT diagnose.reset() IS NOT NULL AS reset;
SET application_name = 'shop';
SET statement_timeout = '50ms';
SELECT pg_sleep(10) FROM statement_timeouts;	-- workload: is cancelled at once
SELECT pg_sleep(10) FROM statement_timeouts;	-- workload: is cancelled at once
RESET statement_timeout;
RESET application_name;
SELECT * FROM seen;

-- fixed: there is time enough
SELECT diagnose.reset() IS NOT NULL AS reset;
SET application_name = 'shop';
SET statement_timeout = '1min';
SELECT v FROM statement_timeouts;
RESET statement_timeout;
RESET application_name;
SELECT * FROM seen;
DROP VIEW seen;
DROP TABLE statement_timeouts;
DROP FUNCTION fail_with;
