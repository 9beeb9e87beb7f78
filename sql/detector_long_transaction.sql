--
-- detector_long_transaction: a transaction is open for minutes
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

-- Milliseconds in place of minutes.
ALTER SYSTEM SET pg_diagnose.long_transaction_writer_min_time = 120;
ALTER SYSTEM SET pg_diagnose.long_transaction_reader_min_time = 300;
SELECT pg_reload_conf();
\c
\i :fixture
SHOW pg_diagnose.long_transaction_reader_min_time;
CREATE TABLE long_transaction (id int PRIMARY KEY, v int);
INSERT INTO long_transaction VALUES (1, 0), (2, 0);

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('long_transaction');

-- silent: readers may take longer
BEGIN;
SELECT v FROM long_transaction WHERE id = 1;
\! sleep 0.13 # workload: think time
COMMIT;
-- silent: a dump has to see the same all the time
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
COPY long_transaction TO STDOUT;
\! sleep 0.31 # workload: think time
COMMIT;
SELECT isolation, calls, duration >= 120 AS is_long
FROM diagnose.transactions(diagnose.since_reset())
WHERE kind = 'transaction' ORDER BY isolation;
SELECT count(*) FROM pg_temp.found('long_transaction');

-- found: a writer and a reader
BEGIN;
UPDATE long_transaction SET v = v + 1 WHERE id = 1;
\! sleep 0.07 # workload: think time
UPDATE long_transaction SET v = v + 1 WHERE id = 2;
\! sleep 0.07 # workload: think time
COMMIT;
BEGIN;
SELECT v FROM long_transaction WHERE id = 2;
\! sleep 0.31 # workload: think time
SELECT v FROM long_transaction WHERE id = 1;
COMMIT;
SELECT * FROM pg_temp.found('long_transaction');

-- fixed: a transaction for each row
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
UPDATE long_transaction SET v = v + 1 WHERE id = 1;
\! sleep 0.07 # workload: think time
COMMIT;
BEGIN;
UPDATE long_transaction SET v = v + 1 WHERE id = 2;
\! sleep 0.07 # workload: think time
COMMIT;
SELECT count(*) FROM pg_temp.found('long_transaction');
DROP TABLE long_transaction;
ALTER SYSTEM RESET pg_diagnose.long_transaction_writer_min_time;
ALTER SYSTEM RESET pg_diagnose.long_transaction_reader_min_time;
SELECT pg_reload_conf();
