--
-- rule_recovery_conflict_cancels: queries cancelled in favour of replay.  What
-- it finds on a standby is in test/t/011_replica_rules.pl.
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('recovery_conflict_cancels');

-- silent: on a primary, the same SQLSTATE is a serialization failure
CREATE FUNCTION recovery_conflict_cancels() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'could not serialize access' USING ERRCODE = 'serialization_failure';
END $$;
SELECT recovery_conflict_cancels();
SELECT recovery_conflict_cancels();
SELECT sum(failures) FROM diagnose.errors_by_sqlstate(diagnose.since_reset())
WHERE sqlstate = '40001' AND toplevel;
SELECT count(*) FROM pg_temp.found('recovery_conflict_cancels');
DROP FUNCTION recovery_conflict_cancels;
