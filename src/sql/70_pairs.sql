-- Pairs: every statement and every transaction of two windows, side by side.

-- Only one server can tell its plans apart, by the identifiers of tables and
-- indexes.  The joins are outer ones where inner ones would do, because the
-- planner takes the columns of a key for independent and expects one row.
CREATE OR REPLACE FUNCTION diagnose.pairs(
	before							diagnose.window,
	after							diagnose.window,
	with_names						boolean,
	OUT kind						text,
	OUT key							text,
	OUT subject						text,
	OUT unit						text,
	OUT database					text,
	OUT role						text,
	OUT tag							text,
	OUT userid						oid,
	OUT dbid						oid,
	OUT toplevel					boolean,
	OUT number						bigint,
	OUT tag_number					bigint,
	OUT n							bigint[],
	OUT failed						bigint[],
	OUT completed					bigint[],
	OUT db_time						double precision[],
	OUT duration					double precision[],
	OUT quantiles_before			double precision[],
	OUT quantiles_after				double precision[],
	OUT rows						double precision[],
	OUT blocks						double precision[],
	OUT temp_blocks					double precision[],
	OUT wal_records					double precision[],
	OUT wal_bytes					double precision[],
	OUT statements					double precision[],
	OUT wal_fpi						bigint[],
	OUT variance					double precision[],
	OUT plan_before					bigint,
	OUT plan_after					bigint,
	OUT plan_moved					double precision,
	OUT seconds						double precision[],
	OUT all_time					double precision[],
	OUT all_calls					bigint[],
	OUT evicted						bigint[])
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 5000 COST 100000
BEGIN ATOMIC
	WITH s0 AS MATERIALIZED (
		SELECT * FROM diagnose.side_statements(before, with_names)
	),
	s1 AS MATERIALIZED (
		SELECT * FROM diagnose.side_statements(after, with_names)
	),
	totals AS (
		SELECT ARRAY[diagnose.seconds(before), diagnose.seconds(after)] AS seconds,
			ARRAY[coalesce(b.all_time, 0), coalesce(a.all_time, 0)] AS all_time,
			ARRAY[coalesce(b.all_calls, 0), coalesce(a.all_calls, 0)] AS all_calls,
			ARRAY[coalesce(b.evicted, 0), coalesce(a.evicted, 0)] AS evicted
		FROM (SELECT min(all_time) AS all_time, min(all_calls) AS all_calls,
				min(evicted) AS evicted FROM s0) AS b
			CROSS JOIN (SELECT min(all_time) AS all_time, min(all_calls) AS all_calls,
				min(evicted) AS evicted FROM s1) AS a
	),
	p0 AS (
		SELECT s.key, p.shape, sum(p.calls) AS calls,
			sum(p.calls) / sum(sum(p.calls)) OVER (PARTITION BY s.key) AS share
		FROM (SELECT key, userid, dbid, toplevel, unnest(queryids) AS queryid FROM s0) AS s
			LEFT JOIN diagnose.plans(before) AS p USING (userid, dbid, toplevel, queryid)
		WHERE with_names
		GROUP BY s.key, p.shape
	),
	p1 AS (
		SELECT s.key, p.shape, sum(p.calls) AS calls,
			sum(p.calls) / sum(sum(p.calls)) OVER (PARTITION BY s.key) AS share
		FROM (SELECT key, userid, dbid, toplevel, unnest(queryids) AS queryid FROM s1) AS s
			LEFT JOIN diagnose.plans(after) AS p USING (userid, dbid, toplevel, queryid)
		WHERE with_names
		GROUP BY s.key, p.shape
	),
	-- which share of the executions has moved to other plans
	plans AS (
		SELECT key,
			(array_agg(shape ORDER BY p0.share DESC NULLS LAST, shape))[1] AS plan_before,
			(array_agg(shape ORDER BY p1.share DESC NULLS LAST, shape))[1] AS plan_after,
			1 - sum(least(coalesce(p0.share, 0), coalesce(p1.share, 0)))::float8 AS plan_moved
		FROM p0 FULL JOIN p1 USING (key, shape)
		GROUP BY key
		HAVING count(p0.share) > 0 AND count(p1.share) > 0
	),
	x0 AS MATERIALIZED (
		SELECT * FROM diagnose.side_transactions(before, with_names)
	),
	x1 AS MATERIALIZED (
		SELECT * FROM diagnose.side_transactions(after, with_names)
	)
	SELECT 'query', key, coalesce(a.subject, b.subject), 'call',
		coalesce(a.database, b.database), coalesce(a.role, b.role), NULL::text,
		coalesce(a.userid, b.userid), coalesce(a.dbid, b.dbid),
		coalesce(a.toplevel, b.toplevel),
		coalesce(a.fingerprint, b.fingerprint, a.queryids[1], b.queryids[1]), NULL::bigint,
		ARRAY[coalesce(b.executions, 0), coalesce(a.executions, 0)],
		ARRAY[coalesce(b.failed, 0), coalesce(a.failed, 0)],
		ARRAY[coalesce(b.calls, 0), coalesce(a.calls, 0)],
		ARRAY[b.db_time, a.db_time], ARRAY[b.db_time, a.db_time],
		diagnose.quantiles(b.histogram, '{0.5,0.95,0.99}'),
		diagnose.quantiles(a.histogram, '{0.5,0.95,0.99}'),
		ARRAY[b.rows, a.rows], ARRAY[b.blocks, a.blocks],
		ARRAY[b.temp_blocks, a.temp_blocks], ARRAY[b.wal_records, a.wal_records],
		ARRAY[b.wal_bytes, a.wal_bytes], NULL::float8[],
		ARRAY[b.wal_fpi, a.wal_fpi], NULL::float8[],
		p.plan_before, p.plan_after, p.plan_moved,
		t.seconds, t.all_time, t.all_calls, t.evicted
	FROM s0 AS b FULL JOIN s1 AS a USING (key) LEFT JOIN plans AS p USING (key)
		CROSS JOIN totals AS t
	WHERE coalesce(a.executions, 0) + coalesce(b.executions, 0) > 0
	UNION ALL
	SELECT 'transaction', key, coalesce(a.subject, b.subject),
		coalesce(a.kind, b.kind),
		coalesce(a.database, b.database), coalesce(a.role, b.role),
		coalesce(a.tag, b.tag),
		coalesce(a.userid, b.userid), coalesce(a.dbid, b.dbid), NULL::boolean,
		coalesce(a.shape, b.shape), coalesce(a.tag_number, b.tag_number),
		ARRAY[coalesce(b.executions, 0), coalesce(a.executions, 0)],
		ARRAY[coalesce(b.failed, 0), coalesce(a.failed, 0)],
		ARRAY[coalesce(b.executions, 0), coalesce(a.executions, 0)],
		ARRAY[b.db_time, a.db_time], ARRAY[b.duration, a.duration],
		diagnose.quantiles(b.histogram, '{0.5,0.95,0.99}'),
		diagnose.quantiles(a.histogram, '{0.5,0.95,0.99}'),
		ARRAY[b.rows, a.rows], NULL::float8[], NULL::float8[], NULL::float8[],
		ARRAY[b.wal_bytes, a.wal_bytes], ARRAY[b.statements, a.statements],
		NULL::bigint[], ARRAY[b.statements_variance, a.statements_variance],
		NULL::bigint, NULL::bigint, NULL::float8,
		t.seconds, t.all_time, t.all_calls, t.evicted
	FROM x0 AS b FULL JOIN x1 AS a USING (key) CROSS JOIN totals AS t;
END;
COMMENT ON FUNCTION diagnose.pairs(diagnose.window, diagnose.window, boolean) IS
'each statement and each transaction of two windows with its sums on both sides, {before, after}; times in milliseconds, quantiles are {p50, p95, p99}';
