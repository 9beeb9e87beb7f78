-- Index advice: what is missing, and what was thought of but is not worth it.

CREATE OR REPLACE FUNCTION diagnose.predicates(
	w								diagnose.window,
	OUT userid						oid,
	OUT dbid						oid,
	OUT toplevel					boolean,
	OUT queryid						bigint,
	OUT relid						oid,
	OUT relation					text,
	OUT alias						text,
	OUT kind						text,
	OUT expression					text,
	OUT operator					text,
	OUT condition					text,
	OUT columns						text[],
	OUT matchable					boolean,
	OUT obstacle					text,
	OUT executions					bigint,
	OUT cut_short					bigint,
	OUT loops						bigint,
	OUT rows_out					bigint,
	OUT rows_discarded				bigint,
	OUT estimated_rows				double precision,
	OUT distinct_values				integer,
	OUT top_value_share				double precision)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_predicates'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1000 COST 100000;
COMMENT ON FUNCTION diagnose.predicates(diagnose.window) IS
'what the statements of a window ask of tables: conditions, keys of joins and orders, with what was measured there in instrumented executions; constants only for those who may see all statements';

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
'all that was thought of for the workload of a window: indexes proposed and rejected, statements that could not be planned; budget in bytes, NULL: any; without limits asked once a transaction for a window that cannot change';

CREATE OR REPLACE FUNCTION diagnose.index_advice_query(w diagnose.window)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_index_advice_query'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 50 COST 1000000;
COMMENT ON FUNCTION diagnose.index_advice_query(diagnose.window) IS
'what index_advice() without limits asks; its columns are declared there';

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

CREATE OR REPLACE FUNCTION diagnose.advise_indexes(
	storage_budget					text,
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
	SELECT * FROM diagnose.advise_indexes(pg_size_bytes(storage_budget),
		max_per_table, w);
END;
COMMENT ON FUNCTION diagnose.advise_indexes(text, integer, diagnose.window) IS
'the same with a budget as pg_size_bytes() reads it, such as 30 MB';

-- 31 characters of numbers and of psql's frame: most statements fit beside them
-- into 120.
CREATE OR REPLACE VIEW diagnose.missing_indexes AS
SELECT a.rank,
	round(a.net_ms_per_s::numeric, 1) AS ms_per_s,
	pg_size_pretty(a.size_bytes) AS size,
	a.ddl
FROM diagnose.advise_indexes() AS a
ORDER BY a.rank;
COMMENT ON VIEW diagnose.missing_indexes IS
'indexes worth having for what was executed since the last reset, best first; why, for whom and how sure in diagnose.advise_indexes()';
COMMENT ON COLUMN diagnose.missing_indexes.rank IS 'order in which to create them: each saves most besides those before it';
COMMENT ON COLUMN diagnose.missing_indexes.ms_per_s IS 'database time it saves besides those before it, less what it takes from writers, in milliseconds per second';
COMMENT ON COLUMN diagnose.missing_indexes.size IS 'how big it will be, about';
COMMENT ON COLUMN diagnose.missing_indexes.ddl IS 'the statement that creates it, on the primary, outside a transaction';
