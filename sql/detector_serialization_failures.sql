--
-- detector_serialization_failures: where they happen; the rule judges how many
--
-- Real ones take two sessions: test/isolation/specs/serialization_failures.spec.
-- Here the error is raised by hand, in all the places where it can come up.
--
\set VERBOSITY terse
SET pg_diagnose.burst_gap = '10s';
CREATE TABLE serialization_failures (id int PRIMARY KEY, v int);
INSERT INTO serialization_failures VALUES (1, 0);
CREATE FUNCTION fail_with(state text) RETURNS int
LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'failed' USING ERRCODE = state;
END $$;
CREATE FUNCTION fail_later() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'failed' USING ERRCODE = 'serialization_failure';
END $$;
CREATE VIEW seen AS
SELECT kind, isolation, position, occurrences, confirmed, count, time > 0 AS cost
FROM diagnose.observations(diagnose.since_reset())
WHERE detector = 'serialization_failures'
	AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY kind, isolation, position;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT * FROM seen;

-- silent: other errors
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT v FROM serialization_failures WHERE id = 1;
SELECT fail_with('deadlock_detected');
ROLLBACK;
SELECT * FROM seen;

-- found: at a position, twice
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT v FROM serialization_failures WHERE id = 1;
SELECT fail_with('serialization_failure');
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT v FROM serialization_failures WHERE id = 1;
SELECT fail_with('serialization_failure');
ROLLBACK;
SELECT * FROM seen;

-- found: outside a block
SET application_name = 'shop';
SELECT fail_with('serialization_failure');
RESET application_name;
SELECT * FROM seen;

-- found: in COMMIT
CREATE CONSTRAINT TRIGGER fail_later AFTER UPDATE ON serialization_failures
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail_later();
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN ISOLATION LEVEL SERIALIZABLE;
UPDATE serialization_failures SET v = 4 WHERE id = 1;
COMMIT;
SELECT * FROM seen;

-- fixed
DROP TRIGGER fail_later ON serialization_failures;
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN ISOLATION LEVEL SERIALIZABLE;
UPDATE serialization_failures SET v = 4 WHERE id = 1;
COMMIT;
SELECT * FROM seen;
DROP VIEW seen;
DROP TABLE serialization_failures;
DROP FUNCTION fail_later;
DROP FUNCTION fail_with;
