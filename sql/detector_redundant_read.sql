--
-- detector_redundant_read: a query is run again although its result is known
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

-- A busy machine is slow to go on, too.
ALTER SYSTEM SET pg_diagnose.redundant_read_max_gap = 25;
SELECT pg_reload_conf();
\c
\i :fixture
SHOW pg_diagnose.redundant_read_max_gap;
CREATE TABLE redundant_read (id int PRIMARY KEY, name text, at timestamptz);
INSERT INTO redundant_read VALUES (1, 'one', now()), (2, 'two', now());
CREATE SEQUENCE redundant_read_seq;
CREATE FUNCTION redundant_read_write(int) RETURNS void LANGUAGE plpgsql AS
'BEGIN UPDATE redundant_read SET at = now() WHERE id = $1; END';
SET pg_diagnose.burst_gap = '10s';

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('redundant_read');

-- silent: other parameters
BEGIN;
SELECT name FROM redundant_read WHERE id = 1;
SELECT name FROM redundant_read WHERE id = 2;
COMMIT;
-- silent: alike by chance
BEGIN;
\set ECHO none
\o /dev/null
SELECT format('SELECT name FROM redundant_read WHERE id = %s', 5 * i % 29 + 10) FROM generate_series(1, 33) AS i \gexec
\o
\set ECHO all
COMMIT;
-- silent: written in between
BEGIN;
SELECT name FROM redundant_read WHERE id = 1;
UPDATE redundant_read SET name = 'two' WHERE id = 2;
SELECT name FROM redundant_read WHERE id = 1;
COMMIT;
-- silent: written in between by a function
BEGIN;
SELECT name FROM redundant_read WHERE id = 1;
SELECT redundant_read_write(2);
SELECT name FROM redundant_read WHERE id = 1;
COMMIT;
-- silent: the result depends on when it is run
BEGIN;
SELECT name, at <= now() AS past FROM redundant_read WHERE id = 1;
SELECT name, at <= now() AS past FROM redundant_read WHERE id = 1;
SELECT name, nextval('redundant_read_seq') > 0 AS next FROM redundant_read WHERE id = 1;
SELECT name, nextval('redundant_read_seq') > 0 AS next FROM redundant_read WHERE id = 1;
COMMIT;
-- silent: it locks, or reads on
BEGIN;
SELECT name FROM redundant_read WHERE id = 1 FOR UPDATE;
SELECT name FROM redundant_read WHERE id = 1 FOR UPDATE;
DECLARE c CURSOR FOR SELECT name FROM redundant_read;
FETCH c;
FETCH c;
COMMIT;
SELECT sum(calls) AS calls, sum(statements) AS statements
FROM diagnose.transactions(diagnose.since_reset())
WHERE kind = 'transaction';
SELECT count(*) FROM pg_temp.found('redundant_read');

-- silent: polling
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT name FROM redundant_read WHERE id = 2;
\! sleep 0.06 # workload: think time
SELECT name FROM redundant_read WHERE id = 2;
\! sleep 0.06 # workload: think time
SELECT name FROM redundant_read WHERE id = 2;
BEGIN;
COMMIT;
SELECT calls, repeats, idle_repeats
FROM diagnose.transaction_steps(diagnose.since_reset())
WHERE kind = 'burst' AND relid = 'redundant_read'::regclass;
SELECT count(*) FROM pg_temp.found('redundant_read');

-- found: in a transaction, also with other statements in between
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
SELECT name FROM redundant_read WHERE id = 1;
SELECT count(*) FROM redundant_read;
SELECT name FROM redundant_read WHERE id = 1;
COMMIT;
SELECT severity FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'redundant_read';
SELECT * FROM pg_temp.found('redundant_read');

-- found: five times in a burst is a warning
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
COMMIT;
SELECT name FROM redundant_read WHERE id = 2;
SELECT name FROM redundant_read WHERE id = 2;
SELECT name FROM redundant_read WHERE id = 2;
SELECT name FROM redundant_read WHERE id = 2;
SELECT name FROM redundant_read WHERE id = 2;
BEGIN;
COMMIT;
SELECT severity FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'redundant_read';
SELECT * FROM pg_temp.found('redundant_read');

-- fixed: what is known is not asked again
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
SELECT name FROM redundant_read WHERE id = 1;
SELECT count(*) FROM redundant_read;
COMMIT;
SELECT count(*) FROM pg_temp.found('redundant_read');
RESET pg_diagnose.burst_gap;
DROP TABLE redundant_read;
DROP SEQUENCE redundant_read_seq;
DROP FUNCTION redundant_read_write(int);
ALTER SYSTEM RESET pg_diagnose.redundant_read_max_gap;
SELECT pg_reload_conf();
