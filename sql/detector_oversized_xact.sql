--
-- detector_oversized_xact: a transaction writes too much at once
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
ALTER SYSTEM SET pg_diagnose.oversized_xact_min_rows = 1000;
ALTER SYSTEM SET pg_diagnose.oversized_xact_min_wal = 1;
ALTER SYSTEM SET pg_diagnose.oversized_xact_min_subtransactions = 20;
SELECT pg_reload_conf();
\c
\i :fixture

CREATE TABLE oversized_xact (i int, v text);
ALTER TABLE oversized_xact ALTER v SET STORAGE EXTERNAL;
INSERT INTO oversized_xact SELECT i FROM generate_series(1, 1500) AS i;

CREATE TABLE oversized_load (i int);

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('oversized_xact');

-- silent: reads much, writes little
BEGIN;
SELECT count(*) FROM oversized_xact;
UPDATE oversized_xact SET v = 'x' WHERE i <= 10;
COMMIT;
SELECT count(*) FROM pg_temp.found('oversized_xact');

-- silent: loads, with COPY or into a table that it created
BEGIN;
COPY oversized_load FROM PROGRAM 'seq 200000';
COMMIT;
SELECT wal_bytes > 1024 * 1024 AS much_wal
FROM diagnose.transactions(diagnose.since_reset()) WHERE rows = 200000;
BEGIN;
CREATE TABLE oversized_copy (i int);
INSERT INTO oversized_copy SELECT i FROM oversized_load WHERE i <= 30000;
INSERT INTO oversized_xact VALUES (0);
COMMIT;
SELECT count(*) FROM pg_temp.found('oversized_xact');

-- found by its rows
BEGIN;
UPDATE oversized_xact SET i = i;
COMMIT;
SELECT * FROM pg_temp.found('oversized_xact');

-- found by its rows, an autocommit statement; but not one that only inserts
SELECT diagnose.reset() IS NOT NULL AS reset;
SET pg_diagnose.burst_gap = '10s';
INSERT INTO oversized_copy SELECT i FROM oversized_xact;
DELETE FROM oversized_copy;
BEGIN;
COMMIT;
SELECT subject, n, problem FROM pg_temp.found('oversized_xact');

-- found by its WAL
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
UPDATE oversized_xact SET v = repeat('x', 30000) WHERE i BETWEEN 1 AND 50;
COMMIT;
SELECT subject, n, problem FROM pg_temp.found('oversized_xact');

-- found by its subtransactions; as many without a write are none
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
\set ECHO none
\set QUIET on
SELECT 'SAVEPOINT s' FROM generate_series(1, 25) \gexec
\set QUIET off
\set ECHO all
COMMIT;
SELECT count(*) FROM pg_temp.found('oversized_xact');
BEGIN;
UPDATE oversized_xact SET v = 'y' WHERE i = 1;
\set ECHO none
\set QUIET on
SELECT 'SAVEPOINT s' FROM generate_series(1, 25) \gexec
\set QUIET off
\set ECHO all
COMMIT;
SELECT subject, n, problem FROM pg_temp.found('oversized_xact');

-- found by its duration; reading for as long is none
ALTER SYSTEM SET pg_diagnose.oversized_xact_min_time = 200;
SELECT pg_reload_conf();
\set QUIET on
\c
\i :fixture
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
SELECT i FROM oversized_xact WHERE i = 1;
\! sleep 0.25 # workload: the client thinks
COMMIT;
SELECT count(*) FROM pg_temp.found('oversized_xact');
BEGIN;
UPDATE oversized_xact SET v = 'z' WHERE i = 1;
\! sleep 0.25 # workload: the client thinks
COMMIT;
SELECT subject, n, problem FROM pg_temp.found('oversized_xact');
ALTER SYSTEM RESET pg_diagnose.oversized_xact_min_time;
SELECT pg_reload_conf();
\set QUIET on
\c
\i :fixture

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
UPDATE oversized_xact SET i = i WHERE i <= 750;
COMMIT;
BEGIN;
UPDATE oversized_xact SET i = i WHERE i > 750;
COMMIT;
SELECT count(*) FROM pg_temp.found('oversized_xact');
DROP TABLE oversized_xact, oversized_copy, oversized_load;
ALTER SYSTEM RESET pg_diagnose.oversized_xact_min_rows;
ALTER SYSTEM RESET pg_diagnose.oversized_xact_min_wal;
ALTER SYSTEM RESET pg_diagnose.oversized_xact_min_subtransactions;
SELECT pg_reload_conf();
