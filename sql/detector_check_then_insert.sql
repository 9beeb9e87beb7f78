--
-- detector_check_then_insert: looks for a row in vain, then inserts it
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

\set VERBOSITY terse
SET pg_diagnose.burst_gap = '10s';
CREATE TABLE check_then_insert (id int PRIMARY KEY, name text UNIQUE);
INSERT INTO check_then_insert VALUES (1, 'one');

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('check_then_insert');

-- silent: with ON CONFLICT
BEGIN;
SELECT name FROM check_then_insert WHERE id = 2;
INSERT INTO check_then_insert VALUES (2, 'two') ON CONFLICT DO NOTHING;
COMMIT;

-- silent: the search found something
BEGIN;
SELECT name FROM check_then_insert WHERE id = 1;
INSERT INTO check_then_insert VALUES (3, 'three');
COMMIT;

-- silent: others are kept out
BEGIN;
SELECT pg_advisory_xact_lock(4) IS NULL AS locked;
SELECT name FROM check_then_insert WHERE id = 4;
INSERT INTO check_then_insert VALUES (4, 'four');
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT name FROM check_then_insert WHERE id = 5;
INSERT INTO check_then_insert VALUES (5, 'five');
COMMIT;
SELECT count(*) FROM pg_temp.found('check_then_insert');

-- found: a note, as nothing has happened yet
BEGIN;
SELECT name FROM check_then_insert WHERE id = 6;
INSERT INTO check_then_insert VALUES (6, 'six');
COMMIT;
SELECT severity FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'check_then_insert';
SELECT * FROM pg_temp.found('check_then_insert');

-- found: it has happened, here because the search was for another key
BEGIN;
SELECT name FROM check_then_insert WHERE id = 7;
INSERT INTO check_then_insert VALUES (7, 'six');
ROLLBACK;
SELECT severity FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'check_then_insert';
SELECT subject, n, problem FROM pg_temp.found('check_then_insert');

-- found: outside a block, too
SELECT diagnose.reset() IS NOT NULL AS reset;
SET application_name = 'shop';
SELECT name FROM check_then_insert WHERE id = 8;
INSERT INTO check_then_insert VALUES (8, 'eight');
RESET application_name;
SELECT subject, n, problem FROM pg_temp.found('check_then_insert');

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
INSERT INTO check_then_insert VALUES (8, 'nine') ON CONFLICT DO NOTHING RETURNING id;
COMMIT;
SELECT count(*) FROM pg_temp.found('check_then_insert');
DROP TABLE check_then_insert;
