--
-- detector_deadlock_events: transactions ended to resolve a deadlock
--
-- The deadlock itself takes two sessions: test/isolation/specs/deadlock_events.spec.
-- Here the error is raised by hand, in all the places where it can come up.
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

\set VERBOSITY terse
SET pg_diagnose.burst_gap = '10s';
CREATE TABLE deadlock_events (id int PRIMARY KEY, v int);
INSERT INTO deadlock_events VALUES (1, 0), (2, 0);
CREATE FUNCTION fail_with(state text) RETURNS int
LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'failed' USING ERRCODE = state;
END $$;
CREATE FUNCTION fail_later() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'failed' USING ERRCODE = 'deadlock_detected';
END $$;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('deadlock_events');

-- silent: other errors, also those of locks
BEGIN;
UPDATE deadlock_events SET v = 1 WHERE id = 1;
SELECT fail_with('lock_not_available');
ROLLBACK;
BEGIN;
UPDATE deadlock_events SET v = 1 WHERE id = 1;
SELECT fail_with('serialization_failure');
ROLLBACK;
SELECT count(*) FROM pg_temp.found('deadlock_events');

-- found
BEGIN;
UPDATE deadlock_events SET v = 2 WHERE id = 1;
SELECT fail_with('deadlock_detected');
ROLLBACK;
SELECT severity FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'deadlock_events';
SELECT * FROM pg_temp.found('deadlock_events');

-- found: a savepoint saved the rest
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
UPDATE deadlock_events SET v = 3 WHERE id = 1;
SAVEPOINT s;
SELECT fail_with('deadlock_detected');
ROLLBACK TO s;
COMMIT;
SELECT subject, n, problem FROM pg_temp.found('deadlock_events');

-- found: outside a block
SELECT diagnose.reset() IS NOT NULL AS reset;
SET application_name = 'shop';
SELECT fail_with('deadlock_detected');
RESET application_name;
SELECT subject, n, problem FROM pg_temp.found('deadlock_events');

-- found: in COMMIT
CREATE CONSTRAINT TRIGGER fail_later AFTER UPDATE ON deadlock_events
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail_later();
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
UPDATE deadlock_events SET v = 4 WHERE id = 1;
COMMIT;
SELECT subject, n, problem FROM pg_temp.found('deadlock_events');
DROP TRIGGER fail_later ON deadlock_events;

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
SELECT id FROM deadlock_events ORDER BY id FOR UPDATE;
UPDATE deadlock_events SET v = 5 WHERE id = 1;
COMMIT;
SELECT count(*) FROM pg_temp.found('deadlock_events');
DROP TABLE deadlock_events;
DROP FUNCTION fail_later;
DROP FUNCTION fail_with;
