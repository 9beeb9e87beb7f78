--
-- detector_lock_order_inversion: in which order rows are locked; the rule finds
-- the orders that cross
--
SET pg_diagnose.burst_gap = '10s';
CREATE TABLE lock_a (id int PRIMARY KEY, v int);
CREATE TABLE lock_b (id int PRIMARY KEY, v int);
CREATE TABLE lock_c (id int PRIMARY KEY, v int);
INSERT INTO lock_a SELECT i, 0 FROM generate_series(1, 10) AS i;
INSERT INTO lock_b SELECT * FROM lock_a;
INSERT INTO lock_c SELECT * FROM lock_a;
CREATE VIEW seen AS
SELECT kind, object::regclass, other::regclass, parent, position, occurrences
FROM diagnose.observations(diagnose.since_reset())
WHERE detector = 'lock_order_inversion'
	AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY kind, object::regclass::text, other::regclass::text, position;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT * FROM seen;

-- silent: a table alone, reads, and new rows that nobody can wait for
BEGIN;
SELECT v FROM lock_a WHERE id = 1;
UPDATE lock_b SET v = 1 WHERE id = 1;
INSERT INTO lock_c VALUES (11, 0);
COMMIT;

-- silent: what does not wait
BEGIN;
UPDATE lock_a SET v = 1 WHERE id = 1;
SELECT v FROM lock_b WHERE id = 1 FOR UPDATE SKIP LOCKED;
COMMIT;

-- silent: outside a block each statement has its own locks
SET application_name = 'shop';
UPDATE lock_a SET v = 2 WHERE id = 1;
UPDATE lock_b SET v = 2 WHERE id = 1;
RESET application_name;
SELECT * FROM seen;

-- found: the order of three tables
BEGIN;
SELECT v FROM lock_c WHERE id = 1 FOR UPDATE;
UPDATE lock_a SET v = 3 WHERE id = 1;
DELETE FROM lock_b WHERE id = 2;
UPDATE lock_c SET v = 3 WHERE id = 1;
COMMIT;
SELECT * FROM seen;

-- found: rows of one table, by ascending and by descending key
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
UPDATE lock_c SET v = 4 WHERE id = 3;
UPDATE lock_c SET v = 4 WHERE id = 5;
COMMIT;
BEGIN;
UPDATE lock_c SET v = 4 WHERE id = 8;
UPDATE lock_c SET v = 4 WHERE id = 7;
COMMIT;
SELECT * FROM seen;

-- fixed: one statement, one table
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
UPDATE lock_a SET v = 6 WHERE id = 1;
COMMIT;
SELECT * FROM seen;
DROP VIEW seen;
DROP TABLE lock_a, lock_b, lock_c;
