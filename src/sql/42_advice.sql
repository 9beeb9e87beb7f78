-- Index advice: what is missing, and what was thought of but is not worth it.

CREATE OR REPLACE FUNCTION diagnose.index_advice(
	storage_budget					bigint,
	max_per_table					integer,
	w								diagnose.window,
	OUT verdict						text,
	OUT rank						integer,
	OUT ddl							text,
	OUT undo						text,
	OUT verify						text,
	OUT relation					text,
	OUT relid						oid,
	OUT size_bytes					bigint,
	OUT gain_ms_per_s				double precision,
	OUT gain_alone_ms_per_s			double precision,
	OUT write_ms_per_s				double precision,
	OUT net_ms_per_s				double precision,
	OUT share						double precision,
	OUT statements					bigint,
	OUT calls						bigint,
	OUT queryids					bigint[],
	OUT benefits					jsonb,
	OUT replaces					text[],
	OUT confidence					text,
	OUT reason						text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_index_advice'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 50 COST 1000000;
COMMENT ON FUNCTION diagnose.index_advice(bigint, integer, diagnose.window) IS
'all that was thought of for the workload of a window: indexes proposed and rejected, statements that could not be planned; budget in bytes, NULL: any';

CREATE OR REPLACE FUNCTION diagnose.advise_indexes(
	storage_budget					bigint DEFAULT NULL,
	max_per_table					integer DEFAULT NULL,
	w								diagnose.window DEFAULT diagnose.since_reset(),
	OUT rank						integer,
	OUT ddl							text,
	OUT undo						text,
	OUT verify						text,
	OUT relation					text,
	OUT relid						oid,
	OUT size_bytes					bigint,
	OUT gain_ms_per_s				double precision,
	OUT gain_alone_ms_per_s			double precision,
	OUT write_ms_per_s				double precision,
	OUT net_ms_per_s				double precision,
	OUT share						double precision,
	OUT statements					bigint,
	OUT calls						bigint,
	OUT queryids					bigint[],
	OUT benefits					jsonb,
	OUT replaces					text[],
	OUT confidence					text,
	OUT reason						text)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 10 COST 1000000
BEGIN ATOMIC
	SELECT a.rank, a.ddl, a.undo, a.verify, a.relation, a.relid, a.size_bytes,
		a.gain_ms_per_s, a.gain_alone_ms_per_s, a.write_ms_per_s, a.net_ms_per_s,
		a.share, a.statements, a.calls, a.queryids, a.benefits, a.replaces,
		a.confidence, a.reason
	FROM diagnose.index_advice(storage_budget, max_per_table, w) AS a
	WHERE a.verdict = 'proposed'
	ORDER BY a.rank;
END;
COMMENT ON FUNCTION diagnose.advise_indexes(bigint, integer, diagnose.window) IS
'indexes worth having for the workload of a window, best first, together within a budget in bytes; times in milliseconds per second';

CREATE OR REPLACE FUNCTION diagnose.advice_rejected(
	w								diagnose.window DEFAULT diagnose.since_reset(),
	OUT ddl							text,
	OUT relation					text,
	OUT reason						text,
	OUT size_bytes					bigint,
	OUT write_ms_per_s				double precision,
	OUT calls						bigint,
	OUT queryids					bigint[])
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 50 COST 1000000
BEGIN ATOMIC
	SELECT a.ddl, a.relation, a.reason, a.size_bytes, a.write_ms_per_s, a.calls,
		a.queryids
	FROM diagnose.index_advice(NULL, NULL, w) AS a
	WHERE a.verdict <> 'proposed'
	ORDER BY a.relation, a.ddl, a.queryids;
END;
COMMENT ON FUNCTION diagnose.advice_rejected(diagnose.window) IS
'indexes that were thought of for the workload of a window, and why they are not proposed; without an index: statements that could not be looked at';
