--
-- detector_lost_update_risk: writes a value that was read without a lock
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

SET pg_diagnose.burst_gap = '10s';
CREATE TABLE lost_update (id int PRIMARY KEY, balance int, version int);
INSERT INTO lost_update SELECT i, 100, 1 FROM generate_series(1, 10) AS i;
CREATE TABLE lost_update_parent (id int PRIMARY KEY);
INSERT INTO lost_update_parent VALUES (1);

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('lost_update_risk');

-- silent: locked as it is read
BEGIN;
SELECT balance FROM lost_update WHERE id = 1 FOR UPDATE;
UPDATE lost_update SET balance = 90 WHERE id = 1;
COMMIT;

-- silent: the server computes
BEGIN;
SELECT balance FROM lost_update WHERE id = 1;
UPDATE lost_update SET balance = balance - 10 WHERE id = 1;
COMMIT;

-- silent: optimistic locking, with a version and with the value itself
BEGIN;
SELECT balance, version FROM lost_update WHERE id = 1;
UPDATE lost_update SET balance = 70, version = 2 WHERE id = 1 AND version = 1;
COMMIT;
BEGIN;
SELECT balance FROM lost_update WHERE id = 1;
UPDATE lost_update SET balance = 60 WHERE id = 1 AND balance = 70;
COMMIT;

-- silent: the server would raise an error
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT balance FROM lost_update WHERE id = 1;
UPDATE lost_update SET balance = 50 WHERE id = 1;
COMMIT;

-- silent: another row
BEGIN;
SELECT balance FROM lost_update WHERE id = 1;
UPDATE lost_update SET balance = 50 WHERE id = 2;
COMMIT;

-- silent: others are kept out
BEGIN;
SELECT pg_advisory_xact_lock(1) IS NULL AS locked;
SELECT balance FROM lost_update WHERE id = 1;
UPDATE lost_update SET balance = 40 WHERE id = 1;
COMMIT;
BEGIN;
LOCK TABLE lost_update IN SHARE ROW EXCLUSIVE MODE;
SELECT balance FROM lost_update WHERE id = 1;
UPDATE lost_update SET balance = 40 WHERE id = 1;
COMMIT;
SELECT count(*) FROM pg_temp.found('lost_update_risk');

-- found
BEGIN;
SELECT balance FROM lost_update WHERE id = 1;
UPDATE lost_update SET balance = 30 WHERE id = 1;
COMMIT;
BEGIN;
SELECT balance FROM lost_update WHERE id = 2;
UPDATE lost_update SET balance = 20 WHERE id = 2;
COMMIT;
SELECT severity FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'lost_update_risk';
SELECT * FROM pg_temp.found('lost_update_risk');

-- found: outside a block the lock is gone at once
SELECT diagnose.reset() IS NOT NULL AS reset;
SET application_name = 'shop';
SELECT balance FROM lost_update WHERE id = 3 FOR UPDATE;
UPDATE lost_update SET balance = 30 WHERE id = 3;
RESET application_name;
SELECT severity FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'lost_update_risk';
SELECT subject, problem FROM pg_temp.found('lost_update_risk');

-- a note: the lock on another row may be meant to keep others out
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
SELECT id FROM lost_update_parent WHERE id = 1 FOR UPDATE;
SELECT balance FROM lost_update WHERE id = 1;
UPDATE lost_update SET balance = 30 WHERE id = 1;
COMMIT;
SELECT severity FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'lost_update_risk';
SELECT subject, problem FROM pg_temp.found('lost_update_risk');

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
SELECT balance FROM lost_update WHERE id = 1 FOR UPDATE;
UPDATE lost_update SET balance = 30 WHERE id = 1;
COMMIT;
SELECT count(*) FROM pg_temp.found('lost_update_risk');
DROP TABLE lost_update, lost_update_parent;
