--
-- detector_idle_blocking_others: others wait for a transaction that waits for
-- its client; test/isolation/specs/idle_blocking_others.spec has more cases
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture
\setenv PGDATABASE :DBNAME

CREATE TABLE idle_blocking_others (id int PRIMARY KEY, v int);
INSERT INTO idle_blocking_others VALUES (1, 0), (2, 0);

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('idle_blocking_others');

-- silent: nobody wants the row
BEGIN;
UPDATE idle_blocking_others SET v = v + 1 WHERE id = 1;
\! psql -X -q -c 'UPDATE idle_blocking_others SET v = v + 1 WHERE id = 2'
\! sleep 0.06 # workload: think time
SELECT v FROM idle_blocking_others WHERE id = 1;
COMMIT;
SELECT calls, idle_with_row_locks >= 60 AS has_waited
FROM diagnose.transactions(diagnose.since_reset())
WHERE kind = 'transaction';
SELECT count(*) FROM pg_temp.found('idle_blocking_others');

-- found: somebody does; the client does not go on before that is so, and some
-- time has passed
BEGIN;
UPDATE idle_blocking_others SET v = v + 1 WHERE id = 1;
\! psql -X -q -c 'UPDATE idle_blocking_others SET v = v + 1 WHERE id = 1' &
\! timeout 60 sh -c "until [ \"\$(psql -X -A -t -c 'SELECT count(*) FROM pg_locks WHERE NOT granted')\" = 1 ]; do :; done"
\! sleep 0.06 # workload: think time
SELECT v FROM idle_blocking_others WHERE id = 1;
COMMIT;
SELECT * FROM pg_temp.found('idle_blocking_others');

-- fixed: the client does its work first
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
SELECT v FROM idle_blocking_others WHERE id = 1;
\! psql -X -q -c 'UPDATE idle_blocking_others SET v = v + 1 WHERE id = 1'
\! sleep 0.06 # workload: think time
UPDATE idle_blocking_others SET v = v + 1 WHERE id = 1;
COMMIT;
SELECT count(*) FROM pg_temp.found('idle_blocking_others');
DROP TABLE idle_blocking_others;
