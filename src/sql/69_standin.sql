-- private stand-ins until statistics / marks / snapshots are on main
CREATE OR REPLACE FUNCTION diagnose.time_changes(before diagnose.window, after diagnose.window, max_windows int default 32,
 OUT kind text, OUT userid oid, OUT dbid oid, OUT toplevel boolean, OUT queryid bigint, OUT fingerprint bigint, OUT shape bigint, OUT tag bigint,
 OUT windows_before int, OUT windows_after int, OUT ratio float8, OUT ratio_low float8, OUT ratio_high float8, OUT p_value float8, OUT smallest_effect float8, OUT is_adjusted bool, OUT controls int,
 OUT p95_ratio float8, OUT p95_low float8, OUT p95_high float8, OUT p99_ratio float8, OUT p99_low float8, OUT p99_high float8)
RETURNS SETOF record LANGUAGE sql VOLATILE ROWS 5000 BEGIN ATOMIC
 SELECT 'statement', s.userid, s.dbid, s.toplevel, s.queryid, s.fingerprint, NULL::bigint, NULL::bigint, 1, 1, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, false, NULL::int,
 NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8 FROM diagnose.statements(after) s WHERE s.queryid IS NOT NULL;
END;
CREATE OR REPLACE FUNCTION diagnose.adjusted_p(p float8[]) RETURNS float8[] LANGUAGE sql IMMUTABLE AS $$ SELECT p $$;
CREATE OR REPLACE FUNCTION diagnose.marks(
	OUT id							bigint,
	OUT at							timestamptz,
	OUT kind						text,
	OUT what						text,
	OUT object						text,
	OUT detail						text,
	OUT database					text,
	OUT role						text,
	OUT snapshot					bigint,
	OUT lower						bigint,
	OUT upper						bigint,
	OUT undo						text,
	OUT is_own						boolean)
RETURNS SETOF record LANGUAGE sql BEGIN ATOMIC SELECT NULL::bigint, now(), ''::text, ''::text, ''::text, ''::text, ''::text, ''::text, 1::bigint,  1::bigint,  1::bigint, ''::text, true WHERE false; END;
CREATE OR REPLACE FUNCTION diagnose.paired(a float8[], b float8[], least_correlation float8 default 0, OUT ratio float8, OUT ratio_low float8, OUT ratio_high float8, OUT p_value float8, OUT smallest_effect float8) LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT NULL::float8,NULL::float8,NULL::float8,NULL::float8,NULL::float8 $$;
