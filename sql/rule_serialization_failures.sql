--
-- rule_serialization_failures: a large share fails to serialize
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

\set VERBOSITY terse
CREATE TABLE serialization (id int PRIMARY KEY, v int);
INSERT INTO serialization SELECT i, 0 FROM generate_series(1, 10) AS i;
-- fails for odd rows, as if somebody else had been faster
CREATE FUNCTION fail_to_serialize() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.id % 2 = 1 THEN
		RAISE EXCEPTION 'could not serialize' USING ERRCODE = 'serialization_failure';
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER fail_to_serialize BEFORE UPDATE ON serialization
FOR EACH ROW EXECUTE FUNCTION fail_to_serialize();

-- What a client sends: a transaction for each row, with something after what
-- may fail; and maybe something else after a failure, so that what follows is
-- no retry.
CREATE FUNCTION pg_temp.send(rows int[], isolation text, gives_up boolean DEFAULT false)
RETURNS SETOF text LANGUAGE sql AS $$
	SELECT s.statement
	FROM unnest(rows) WITH ORDINALITY AS t (id, number),
		LATERAL (VALUES
			(1, 'BEGIN ISOLATION LEVEL ' || isolation),
			(2, 'SELECT count(v) FROM serialization'),
			(3, format('UPDATE serialization SET v = v + 1 WHERE id = %s', id)),
			(4, CASE WHEN id % 2 = 0 THEN 'SELECT max(v) FROM serialization' END),
			(5, 'COMMIT'),
			(6, CASE WHEN id % 2 = 1 AND gives_up THEN 'SELECT 1' END)) AS s (position, statement)
	WHERE s.statement <> ''
	ORDER BY t.number, s.position
$$;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('serialization_failures');

-- silent: four failures
\set ECHO none
\o /dev/null
SELECT pg_temp.send('{1,1,1,1}', 'REPEATABLE READ') \gexec
\o
\set ECHO all
SELECT count(*) FROM pg_temp.found('serialization_failures');

-- silent: five, but among six hundred, most of which have another shape
\set ECHO none
\o /dev/null
SELECT pg_temp.send('{1}' || array_fill(2, ARRAY[600]), 'REPEATABLE READ') \gexec
\o
\set ECHO all
SELECT count(*) FROM pg_temp.found('serialization_failures');

-- found
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
SELECT pg_temp.send(array_fill(2, ARRAY[91]) || '{1,2,1,2,1,2,1,2,1}', 'REPEATABLE READ') \gexec
\o
\set ECHO all
SELECT severity FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'serialization_failures';
SELECT * FROM pg_temp.found('serialization_failures');

-- found: critical from one in ten on
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
SELECT pg_temp.send('{1,1,1,1,1,2,2,2,2,2}', 'SERIALIZABLE') \gexec
\o
\set ECHO all
SELECT severity FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'serialization_failures';
SELECT problem, advice FROM pg_temp.found('serialization_failures');

-- found: and not tried again
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
SELECT pg_temp.send('{1,1,1,1,1}', 'REPEATABLE READ', true) \gexec
\o
\set ECHO all
SELECT problem, advice FROM pg_temp.found('serialization_failures');

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
SELECT pg_temp.send('{2,2,2,2,2,2,2,2,2,2}', 'REPEATABLE READ') \gexec
\o
\set ECHO all
SELECT count(*) FROM pg_temp.found('serialization_failures');
DROP TABLE serialization;
DROP FUNCTION fail_to_serialize;
