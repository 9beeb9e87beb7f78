--
-- rule_writes_on_replica: writes that are sent to a standby.  What it finds
-- there is in test/t/011_replica_rules.pl.
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture
CREATE TABLE writes_on_replica (i int);

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('writes_on_replica');

-- silent: on a primary, a transaction said that it would not write
BEGIN READ ONLY;
INSERT INTO writes_on_replica VALUES (1);
ROLLBACK;
BEGIN READ ONLY;
CREATE TABLE writes_on_replica_too (i int);
ROLLBACK;
SELECT sum(failures) FROM diagnose.errors_by_sqlstate(diagnose.since_reset())
WHERE sqlstate = '25006' AND toplevel;
SELECT count(*) FROM pg_temp.found('writes_on_replica');
DROP TABLE writes_on_replica;
