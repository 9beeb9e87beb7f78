-- Facts about plans: what became of the rows at their nodes, in executions
-- that were instrumented.  Since the start of the server or the last reset.

CREATE OR REPLACE FUNCTION diagnose.evidence(
	OUT userid			oid,
	OUT dbid			oid,
	OUT toplevel		boolean,
	OUT queryid			bigint,
	OUT executions		bigint,
	OUT cut_short		bigint,
	OUT last_seen		timestamptz,
	OUT node			text,
	OUT relid			oid,
	OUT index			oid,
	OUT node_executions	bigint,
	OUT loops			bigint,
	OUT rows			bigint,
	OUT discarded		bigint,
	OUT estimated_rows	double precision,
	OUT examples		bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_evidence'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 1000 COST 10000;
COMMENT ON FUNCTION diagnose.evidence() IS
'what executed plans have shown: one row per statement and node of its plans; rows, discarded and estimated_rows are sums over node_executions instrumented executions and their loops; cut_short were those that failed or were cancelled';

CREATE OR REPLACE FUNCTION diagnose.examples(
	OUT userid			oid,
	OUT dbid			oid,
	OUT toplevel		boolean,
	OUT queryid			bigint,
	OUT taken_at		timestamptz,
	OUT is_masked		boolean,
	OUT is_generic		boolean,
	OUT statement		text,
	OUT parameters		text,
	OUT settings		text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_examples'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1000 COST 10000;
COMMENT ON FUNCTION diagnose.examples() IS
'examples of statements as they were planned, with their constants: views are expanded, policies are in place; statement is NULL for those of other databases, and when what it names is gone, has changed or is locked';
REVOKE ALL ON FUNCTION diagnose.examples() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION diagnose.examples() TO pg_read_all_stats;
