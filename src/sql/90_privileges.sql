-- Privileges: as pg_stat_statements'.  Everybody may look; what was run by
-- others is masked where it is read, in C, by the privileges of the caller.
-- What changes something is for whoever it is granted to.  No function of
-- ours runs with the rights of its owner.

GRANT SELECT ON ALL TABLES IN SCHEMA diagnose TO PUBLIC;

REVOKE ALL ON FUNCTION diagnose.reset(oid, oid, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION diagnose.add_mark(text, text, text, bigint, bigint, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION diagnose.mark(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION diagnose.rebaseline(text, text, diagnose.window) FROM PUBLIC;
REVOKE ALL ON FUNCTION diagnose.drop_baseline(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION diagnose.take_snapshot(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION diagnose.drop_snapshot(bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION diagnose.adopt_snapshots(bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION diagnose.import(jsonb, text) FROM PUBLIC;
