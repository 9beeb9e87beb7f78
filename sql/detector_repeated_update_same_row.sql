--
-- detector_repeated_update_same_row: a transaction updates the same row again
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

CREATE TABLE repeated_update (id int PRIMARY KEY, v int, w int);
CREATE TABLE repeated_lines (id int, v int);
INSERT INTO repeated_update SELECT i, 0, 0 FROM generate_series(1, 10) AS i;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('repeated_update_same_row');

-- silent: other rows
BEGIN;
UPDATE repeated_update SET v = v + 1 WHERE id = 1;
UPDATE repeated_update SET v = v + 1 WHERE id = 2;
UPDATE repeated_update SET v = v + 1 WHERE id = 3;
COMMIT;
SELECT count(*) FROM pg_temp.found('repeated_update_same_row');

-- silent: a counter that a trigger keeps
CREATE FUNCTION repeated_count() RETURNS trigger LANGUAGE plpgsql
AS 'BEGIN UPDATE repeated_update SET w = w + 1 WHERE id = new.id; RETURN new; END';
CREATE TRIGGER keep_count AFTER INSERT ON repeated_lines FOR EACH ROW EXECUTE FUNCTION repeated_count();
BEGIN;
INSERT INTO repeated_lines VALUES (1, 1);
INSERT INTO repeated_lines VALUES (1, 2);
INSERT INTO repeated_lines VALUES (1, 3);
COMMIT;
SELECT count(*) FROM pg_temp.found('repeated_update_same_row');

-- silent: each in a transaction of its own
UPDATE repeated_update SET v = v + 1 WHERE id = 4;
UPDATE repeated_update SET v = v + 1 WHERE id = 4;
BEGIN;
UPDATE repeated_update SET v = v + 1 WHERE id = 4;
COMMIT;
BEGIN;
UPDATE repeated_update SET v = v + 1 WHERE id = 4;
COMMIT;
SELECT count(*) FROM pg_temp.found('repeated_update_same_row');

-- found: the same statement twice more
BEGIN;
UPDATE repeated_update SET v = v + 1 WHERE id = 5;
UPDATE repeated_update SET v = v + 1 WHERE id = 5;
UPDATE repeated_update SET v = v + 1 WHERE id = 5;
COMMIT;
SELECT * FROM pg_temp.found('repeated_update_same_row');

-- found: one column after the other
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
UPDATE repeated_update SET v = 1 WHERE id = 6;
UPDATE repeated_update SET w = 1 WHERE id = 6;
COMMIT;
SELECT subject, n, problem FROM pg_temp.found('repeated_update_same_row');
SELECT evidence ->> 'parent' AS parent FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'repeated_update_same_row';

-- which has nothing to do with an update of another row
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
UPDATE repeated_update SET w = 1 WHERE id = 7;
UPDATE repeated_update SET v = 1 WHERE id = 8;
UPDATE repeated_update SET v = 2 WHERE id = 8;
COMMIT;
SELECT evidence ->> 'parent' AS parent FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'repeated_update_same_row';

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
UPDATE repeated_update SET v = v + 3 WHERE id = 5;
UPDATE repeated_update SET v = 1, w = 1 WHERE id = 6;
COMMIT;
SELECT count(*) FROM pg_temp.found('repeated_update_same_row');
DROP TABLE repeated_lines, repeated_update;
DROP FUNCTION repeated_count;
