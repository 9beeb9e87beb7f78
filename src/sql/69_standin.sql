-- private stand-ins until statistics / marks / snapshots are on main
CREATE OR REPLACE FUNCTION diagnose.time_changes(before diagnose.window, after diagnose.window, max_windows int default 32,
 OUT kind text, OUT userid oid, OUT dbid oid, OUT toplevel boolean, OUT queryid bigint, OUT fingerprint bigint, OUT shape bigint, OUT tag bigint,
 OUT windows_before int, OUT windows_after int, OUT ratio float8, OUT ratio_low float8, OUT ratio_high float8, OUT p_value float8, OUT smallest_effect float8, OUT is_adjusted bool, OUT controls int,
 OUT p95_ratio float8, OUT p95_low float8, OUT p95_high float8, OUT p99_ratio float8, OUT p99_low float8, OUT p99_high float8)
RETURNS SETOF record LANGUAGE sql VOLATILE ROWS 5000 BEGIN ATOMIC
 SELECT 'statement', s.userid, s.dbid, s.toplevel, s.queryid, s.fingerprint, NULL::bigint, NULL::bigint, 1, 1, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, false, NULL::int,
 NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8 FROM diagnose.statements(after) s WHERE s.queryid IS NOT NULL;
END;
