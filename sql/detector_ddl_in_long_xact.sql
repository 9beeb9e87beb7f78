--
-- detector_ddl_in_long_xact: a change of the schema in a transaction that goes on
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
ALTER SYSTEM SET pg_diagnose.ddl_in_long_xact_min_time = 200;
SELECT pg_reload_conf();
\c
\i :fixture

CREATE TABLE ddl_in_xact (i int, v int);
CREATE FUNCTION ddl_move_data() RETURNS void LANGUAGE sql
RETURN pg_sleep(0.25); -- workload: a migration that moves data

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('ddl_in_long_xact');

-- silent: the change comes last
BEGIN;
SELECT ddl_move_data();
ALTER TABLE ddl_in_xact ADD a int;
COMMIT;
SELECT count(*) FROM pg_temp.found('ddl_in_long_xact');

-- silent: a new table, which nobody can want yet
BEGIN;
CREATE TABLE ddl_new (i int);
ALTER TABLE ddl_new ADD v int;
CREATE INDEX ON ddl_new (v);
SELECT ddl_move_data();
COMMIT;
SELECT count(*) FROM pg_temp.found('ddl_in_long_xact');

-- silent: locks no table, or not so that others cannot write
BEGIN;
CREATE FUNCTION ddl_function() RETURNS int LANGUAGE sql RETURN 1;
ALTER TABLE ddl_in_xact ALTER i SET STATISTICS 100;
SELECT ddl_move_data();
COMMIT;
SELECT count(*) FROM pg_temp.found('ddl_in_long_xact');

-- found; nobody waited
BEGIN;
ALTER TABLE ddl_in_xact ADD b int;
SELECT ddl_move_data();
COMMIT;
SELECT * FROM pg_temp.found('ddl_in_long_xact');
SELECT severity FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'ddl_in_long_xact';

-- found once, with several changes; and the client may think as well
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
ALTER TABLE ddl_in_xact RENAME COLUMN a TO d;
CREATE INDEX ddl_index ON ddl_in_xact (i);
\! sleep 0.25 # workload: the client thinks
COMMIT;
SELECT subject, n, problem FROM pg_temp.found('ddl_in_long_xact');

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
SET LOCAL lock_timeout = '1s';
ALTER TABLE ddl_in_xact ADD c int;
COMMIT;
BEGIN;
SELECT ddl_move_data();
COMMIT;
SELECT count(*) FROM pg_temp.found('ddl_in_long_xact');
DROP FUNCTION ddl_move_data, ddl_function;
DROP TABLE ddl_in_xact, ddl_new;
ALTER SYSTEM RESET pg_diagnose.ddl_in_long_xact_min_time;
SELECT pg_reload_conf();
