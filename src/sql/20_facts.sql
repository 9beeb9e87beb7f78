-- Facts: what happened in a window.  The functions take a window; the views
-- of the same name are those of everything since the last reset.

CREATE OR REPLACE FUNCTION diagnose.since_reset() RETURNS diagnose.window
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT ROW(NULL, NULL)::diagnose.window;
END;
COMMENT ON FUNCTION diagnose.since_reset() IS
'the window of everything since the last reset';

CREATE OR REPLACE FUNCTION diagnose.seconds(w diagnose.window)
RETURNS double precision
AS 'MODULE_PATHNAME', 'pgd_seconds'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION diagnose.seconds(diagnose.window) IS
'length of a window in seconds';

CREATE OR REPLACE FUNCTION diagnose.statements(
	w								diagnose.window,
	OUT userid						oid,
	OUT dbid						oid,
	OUT toplevel					boolean,
	OUT queryid						bigint,
	OUT fingerprint					bigint,
	OUT query						text,
	OUT calls						bigint,
	OUT rows						bigint,
	OUT total_exec_time				double precision,
	OUT min_exec_time				double precision,
	OUT max_exec_time				double precision,
	OUT histogram					diagnose.histogram,
	OUT shared_blks_hit				bigint,
	OUT shared_blks_read			bigint,
	OUT shared_blks_dirtied			bigint,
	OUT shared_blks_written			bigint,
	OUT local_blks_hit				bigint,
	OUT local_blks_read				bigint,
	OUT local_blks_dirtied			bigint,
	OUT local_blks_written			bigint,
	OUT temp_blks_read				bigint,
	OUT temp_blks_written			bigint,
	OUT blk_read_time				double precision,
	OUT blk_write_time				double precision,
	OUT temp_blk_read_time			double precision,
	OUT temp_blk_write_time			double precision,
	OUT wal_records					bigint,
	OUT wal_fpi						bigint,
	OUT wal_bytes					bigint,
	OUT jit_functions				bigint,
	OUT jit_time					double precision,
	OUT parallel_workers_to_launch	bigint,
	OUT parallel_workers_launched	bigint,
	OUT spilled						bigint,
	OUT plans						bigint,
	OUT total_plan_time				double precision,
	OUT max_plan_time				double precision,
	OUT failed						bigint,
	OUT failed_nested				bigint,
	OUT failed_time					double precision,
	OUT failed_blks					bigint,
	OUT abandoned					bigint,
	OUT since						timestamptz,
	OUT last_seen					timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_statements'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 5000 COST 10000;
COMMENT ON FUNCTION diagnose.statements(diagnose.window) IS
'everything known of every statement in a window; times in milliseconds, blocks of BLCKSZ bytes';

CREATE OR REPLACE FUNCTION diagnose.errors_by_sqlstate(
	w								diagnose.window,
	OUT userid						oid,
	OUT dbid						oid,
	OUT toplevel					boolean,
	OUT queryid						bigint,
	OUT sqlstate					text,
	OUT failures					bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_errors'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 500 COST 10000;
COMMENT ON FUNCTION diagnose.errors_by_sqlstate(diagnose.window) IS
'failed executions by statement and SQLSTATE; sqlstate NULL: all further ones of a statement; queryid NULL: errors that belong to no statement';

CREATE OR REPLACE FUNCTION diagnose.plans(
	w								diagnose.window,
	OUT userid						oid,
	OUT dbid						oid,
	OUT toplevel					boolean,
	OUT queryid						bigint,
	OUT shape						bigint,
	OUT calls						bigint,
	OUT total_exec_time				double precision,
	OUT max_exec_time				double precision,
	OUT last_seen					timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_plans'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 5000 COST 10000;
COMMENT ON FUNCTION diagnose.plans(diagnose.window) IS
'executions by statement and shape of plan; shape NULL: all further ones of a statement';

CREATE OR REPLACE FUNCTION diagnose.own_status(
	OUT memory_bytes				bigint,
	OUT statements					bigint,
	OUT statements_max				bigint,
	OUT statements_pending			bigint,
	OUT evictions					bigint,
	OUT text_bytes					bigint,
	OUT text_bytes_max				bigint,
	OUT texts_dropped				bigint,
	OUT uncaptured					bigint,
	OUT own_time					double precision,
	OUT own_time_max				double precision,
	OUT wait_time					double precision,
	OUT wait_time_max				double precision,
	OUT since						timestamptz,
	OUT epoch						bigint,
	OUT evidence_statements			bigint,
	OUT evidence_statements_max		bigint,
	OUT evidence_evictions			bigint,
	OUT evidence_missed				bigint,
	OUT examples					bigint,
	OUT example_bytes				bigint,
	OUT example_bytes_max			bigint,
	OUT examples_dropped			bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_status'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 1 COST 10000;
COMMENT ON FUNCTION diagnose.own_status() IS
'pg_diagnose''s own numbers; see the view diagnose.status';

CREATE OR REPLACE FUNCTION diagnose.reset(
	userid							oid DEFAULT 0,
	dbid							oid DEFAULT 0,
	queryid							bigint DEFAULT 0)
RETURNS bigint
AS 'MODULE_PATHNAME', 'pgd_reset'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION diagnose.reset(oid, oid, bigint) IS
'forget the statements of a user, of a database, or with a query identifier; 0: any; returns how many statements that were';
