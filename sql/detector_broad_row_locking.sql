--
-- detector_broad_row_locking: many rows are locked and few are written
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

CREATE TABLE broad_row_locking (id int PRIMARY KEY, owner int, done bool);
INSERT INTO broad_row_locking SELECT i, i % 5, false FROM generate_series(1, 1000) AS i;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('broad_row_locking');

-- silent: a few rows
BEGIN;
SELECT * FROM broad_row_locking WHERE id <= 20 FOR UPDATE \g /dev/null
UPDATE broad_row_locking SET done = true WHERE id = 1;
COMMIT;
SELECT count(*) FROM pg_temp.found('broad_row_locking');

-- silent: as many as somebody wanted
BEGIN;
SELECT * FROM broad_row_locking WHERE owner = 1 LIMIT 150 FOR UPDATE \g /dev/null
COMMIT;
BEGIN;
SELECT * FROM broad_row_locking WHERE owner = 1 FOR UPDATE SKIP LOCKED \g /dev/null
COMMIT;
SELECT count(*) FROM pg_temp.found('broad_row_locking');

-- silent: a batch that writes what it locked
BEGIN;
SELECT * FROM broad_row_locking WHERE owner = 2 FOR UPDATE \g /dev/null
UPDATE broad_row_locking SET done = true WHERE owner = 2;
COMMIT;
SELECT count(*) FROM pg_temp.found('broad_row_locking');

-- silent: reads as much without locks
BEGIN;
SELECT * FROM broad_row_locking WHERE owner = 2 \g /dev/null
UPDATE broad_row_locking SET done = true WHERE id = 2;
COMMIT;
SELECT count(*) FROM pg_temp.found('broad_row_locking');

-- found
BEGIN;
SELECT * FROM broad_row_locking WHERE owner = 3 FOR UPDATE \g /dev/null
UPDATE broad_row_locking SET done = true WHERE id = 3;
COMMIT;
SELECT * FROM pg_temp.found('broad_row_locking');

-- fixed: chosen without a lock, locked by key
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
SELECT * FROM broad_row_locking WHERE owner = 3 \g /dev/null
SELECT * FROM broad_row_locking WHERE id = 8 FOR UPDATE;
UPDATE broad_row_locking SET done = true WHERE id = 8;
COMMIT;
SELECT count(*) FROM pg_temp.found('broad_row_locking');
DROP TABLE broad_row_locking;
