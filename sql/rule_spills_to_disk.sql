--
-- rule_spills_to_disk: sorts or hashes more than its memory holds
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

CREATE TABLE spills_to_disk AS
SELECT i, repeat('x', 100) AS filler FROM generate_series(1, 20000) AS i;
CREATE FUNCTION spills_to_disk(memory text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('work_mem', memory, true);
	PERFORM count(*) FROM (SELECT filler, i FROM spills_to_disk ORDER BY filler, i OFFSET 0) AS sorted;
END $$;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('spills_to_disk');

-- silent: less than a megabyte
SET work_mem = '64kB';
SELECT count(*) FROM (SELECT filler, i FROM spills_to_disk WHERE i <= 1000 ORDER BY filler, i OFFSET 0) AS sorted;
RESET work_mem;
SELECT spilled FROM diagnose.statements(diagnose.since_reset())
WHERE query ~ '^SELECT count.*sorted';
SELECT count(*) FROM pg_temp.found('spills_to_disk');

-- found
SELECT spills_to_disk('64kB');
SELECT spills_to_disk('64kB');
SELECT * FROM pg_temp.found('spills_to_disk') WHERE subject ~ 'sorted';

-- a value that the role has in the database already comes back with the undo
\set ECHO none
SELECT format('ALTER ROLE %I IN DATABASE %I SET work_mem = %L', current_user, current_database(), '5120kB') \gexec
\set ECHO all
SELECT DISTINCT undo FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'spills_to_disk' \gset
\set ECHO none
SELECT format('ALTER ROLE %I IN DATABASE %I SET work_mem = %L', current_user, current_database(), '1MB') \gexec
\set ECHO all
:undo;
SELECT setconfig FROM pg_db_role_setting
WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
	AND setrole = current_user::regrole;
\set ECHO none
SELECT format('ALTER ROLE %I IN DATABASE %I RESET work_mem', current_user, current_database()) \gexec
\set ECHO all

-- fixed by what was proposed
SELECT DISTINCT replace(evidence->>'would_do', ' ', '') AS would_do
FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'spills_to_disk' \gset
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT spills_to_disk(:'would_do');
SELECT count(*) FROM pg_temp.found('spills_to_disk');
DROP FUNCTION spills_to_disk;
DROP TABLE spills_to_disk;
