--
-- detector_subxact_overflow: more subtransactions than fit in memory
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

CREATE TABLE subxact_overflow (id int PRIMARY KEY, v int);
INSERT INTO subxact_overflow SELECT i, 0 FROM generate_series(1, 100) AS i;
CREATE FUNCTION subxact_overflow(rows int, writes boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. rows LOOP
		BEGIN
			IF writes THEN
				UPDATE subxact_overflow SET v = v + 1 WHERE id = i;
			ELSE
				PERFORM v FROM subxact_overflow WHERE id = i;
			END IF;
		EXCEPTION WHEN unique_violation THEN
			RAISE NOTICE 'not unique';
		END;
	END LOOP;
END $$;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('subxact_overflow');

-- silent: 64 are listed
BEGIN;
SELECT subxact_overflow(64, true);
COMMIT;

-- silent: those that only read are not listed at all
BEGIN;
SELECT subxact_overflow(100, false);
COMMIT;
SELECT max_savepoints, subxact_overflows
FROM diagnose.transactions(diagnose.since_reset())
WHERE kind = 'transaction'
	AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY 1;
SELECT count(*) FROM pg_temp.found('subxact_overflow');

-- found
BEGIN;
SELECT subxact_overflow(65, true);
COMMIT;
SELECT severity FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'subxact_overflow';
SELECT * FROM pg_temp.found('subxact_overflow');

-- found: outside a block, too
SELECT diagnose.reset() IS NOT NULL AS reset;
SET application_name = 'shop';
SELECT subxact_overflow(65, true);
RESET application_name;
SELECT subject, problem FROM pg_temp.found('subxact_overflow');

-- found: although it failed
SELECT diagnose.reset() IS NOT NULL AS reset;
SET application_name = 'shop';
SELECT 1 / count(v) FILTER (WHERE v < 0)
FROM (SELECT subxact_overflow(65, true) OFFSET 0) AS done, subxact_overflow;
RESET application_name;
SELECT subject, problem FROM pg_temp.found('subxact_overflow');

-- fixed: one statement instead of a loop
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
UPDATE subxact_overflow SET v = v + 1;
COMMIT;
SELECT count(*) FROM pg_temp.found('subxact_overflow');
DROP FUNCTION subxact_overflow;
DROP TABLE subxact_overflow;
