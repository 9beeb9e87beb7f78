-- Sides: what is compared, on one side of a comparison.  Statements and
-- transactions are brought into one form here, so that they are judged alike.

-- A window that was imported knows neither database nor role: these are names
-- of another server, and shapes of plans are made of its identifiers.  What it
-- has is compared with the current database.
CREATE OR REPLACE FUNCTION diagnose.side_statements(
	w								diagnose.window,
	with_names						boolean,
	OUT key							text,
	OUT subject						text,
	OUT database					text,
	OUT role						text,
	OUT userid						oid,
	OUT dbid						oid,
	OUT toplevel					boolean,
	OUT queryids					bigint[],
	OUT fingerprint					bigint,
	OUT executions					bigint,
	OUT failed						bigint,
	OUT calls						bigint,
	OUT db_time						double precision,
	OUT histogram					diagnose.histogram,
	OUT rows						bigint,
	OUT blocks						bigint,
	OUT temp_blocks					bigint,
	OUT wal_records					bigint,
	OUT wal_bytes					bigint,
	OUT wal_fpi						bigint,
	OUT seconds						double precision,
	OUT all_time					double precision,
	OUT all_calls					bigint,
	OUT evicted						bigint)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 5000 COST 30000
BEGIN ATOMIC
	SELECT s.identity, s.subject, s.database, s.role, s.userid, s.dbid, s.toplevel,
		s.queryids, s.fingerprint, s.calls + s.failed, s.failed, s.calls,
		s.total_exec_time, s.histogram, s.rows,
		s.shared_blks_hit + s.shared_blks_read + s.local_blks,
		s.temp_blks_read + s.temp_blks_written,
		s.wal_records, s.wal_bytes, s.wal_fpi,
		s.seconds, s.all_time, s.all_calls, s.evicted
	FROM diagnose.workload(w) AS s
	WHERE with_names
	UNION ALL
	SELECT s.fingerprint || CASE WHEN s.toplevel THEN ':top' ELSE ':nested' END,
		min(s.subject), NULL, NULL, min(s.userid), min(s.dbid), s.toplevel,
		max(s.queryids), s.fingerprint, sum(s.calls + s.failed)::bigint,
		sum(s.failed)::bigint, sum(s.calls)::bigint,
		sum(s.total_exec_time), diagnose.sum(s.histogram), sum(s.rows)::bigint,
		sum(s.shared_blks_hit + s.shared_blks_read + s.local_blks)::bigint,
		sum(s.temp_blks_read + s.temp_blks_written)::bigint,
		sum(s.wal_records)::bigint, sum(s.wal_bytes)::bigint, sum(s.wal_fpi)::bigint,
		min(s.seconds), min(s.all_time), min(s.all_calls), min(s.evicted)
	FROM diagnose.workload(w) AS s
	WHERE NOT with_names AND s.fingerprint IS NOT NULL AND s.database = current_database()
	GROUP BY s.fingerprint, s.toplevel;
END;
COMMENT ON FUNCTION diagnose.side_statements(diagnose.window, boolean) IS
'the statements of a window in the form in which they are compared; without names: those of the current database, whoever ran them; blocks are shared and local ones, hit or read';

-- The spread of the number of statements is not counted, but bounded: of values
-- between low and high with a given mean, none vary more than (high - mean) *
-- (mean - low) (Bhatia and Davis).  It is 0 where all are equal.
CREATE OR REPLACE FUNCTION diagnose.side_transactions(
	w								diagnose.window,
	with_names						boolean,
	OUT key							text,
	OUT subject						text,
	OUT database					text,
	OUT role						text,
	OUT userid						oid,
	OUT dbid						oid,
	OUT kind						text,
	OUT tag							text,
	OUT shape						bigint,
	OUT tag_number					bigint,
	OUT executions					bigint,
	OUT attempts					bigint,
	OUT failed						bigint,
	OUT db_time						double precision,
	OUT duration					double precision,
	OUT histogram					diagnose.histogram,
	OUT statements					bigint,
	OUT statements_variance			double precision,
	OUT rows						bigint,
	OUT wal_bytes					bigint,
	OUT shapes						bigint)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 500 COST 40000
BEGIN ATOMIC
	WITH known AS MATERIALIZED (
		SELECT x.*, x.statements::float8 / x.calls AS mean
		FROM diagnose.transaction_shapes(w) AS x
		WHERE x.calls > 0 AND NOT x.is_own
			AND (with_names OR x.database = current_database())
	),
	shaped AS (
		SELECT k.*,
			CASE WHEN with_names THEN k.database END AS shown_database,
			CASE WHEN with_names THEN k.role END AS shown_role,
			-- Each position has one statement at least; what the most had is
			-- unknown if some had more before the window.
			CASE
				WHEN k.mean <= k.positions THEN 0
				WHEN k.max_statements IS NULL THEN k.mean * k.mean
				ELSE greatest(k.max_statements - k.mean, 0) * (k.mean - k.positions)
			END AS variance
		FROM known AS k
	)
	SELECT concat_ws(':', 'shape', s.shown_database, s.shown_role, s.tag, s.shape),
		CASE WHEN min(s.dbid) = (SELECT oid FROM pg_database
								 WHERE datname = current_database())
			THEN '' ELSE 'in database ' || min(s.database) || ': ' END ||
			CASE WHEN s.tag <> '' THEN s.tag || ': ' ELSE '' END ||
			diagnose.shape_text(min(s.first_statement), max(s.positions), 200),
		s.shown_database, s.shown_role, min(s.userid), min(s.dbid), min(s.kind), s.tag,
		s.shape, (array_agg(s.tag_number ORDER BY s.calls DESC, s.tag_number))[1],
		sum(s.calls)::bigint,
		sum(s.commits + s.rollbacks + s.prepared + s.aborts + s.abandoned)::bigint,
		sum(s.aborts + s.abandoned)::bigint,
		sum(s.exec_time), sum(s.duration), diagnose.sum(s.duration_histogram),
		sum(s.statements)::bigint,
		greatest(0, sum(s.calls * (s.variance + s.mean * s.mean)) / sum(s.calls)::float8 -
			(sum(s.statements) / sum(s.calls)::float8) ^ 2),
		sum(s.rows)::bigint, sum(s.wal_bytes)::bigint, 1
	FROM shaped AS s
	GROUP BY s.shown_database, s.shown_role, s.tag, s.shape
	UNION ALL
	-- What a program does may get another shape; its tag stays.
	SELECT concat_ws(':', 'tag', s.shown_database, s.shown_role, s.tag, s.kind),
		CASE WHEN min(s.dbid) = (SELECT oid FROM pg_database
								 WHERE datname = current_database())
			THEN '' ELSE 'in database ' || min(s.database) || ': ' END ||
			format('all %ss of %s', s.kind, s.tag),
		s.shown_database, s.shown_role, min(s.userid), min(s.dbid), s.kind, s.tag,
		NULL::bigint, NULL::bigint,
		sum(s.calls)::bigint,
		sum(s.commits + s.rollbacks + s.prepared + s.aborts + s.abandoned)::bigint,
		sum(s.aborts + s.abandoned)::bigint,
		sum(s.exec_time), sum(s.duration), diagnose.sum(s.duration_histogram),
		sum(s.statements)::bigint,
		greatest(0, sum(s.calls * (s.variance + s.mean * s.mean)) / sum(s.calls)::float8 -
			(sum(s.statements) / sum(s.calls)::float8) ^ 2),
		sum(s.rows)::bigint, sum(s.wal_bytes)::bigint, count(DISTINCT s.shape)
	FROM shaped AS s
	WHERE s.tag <> ''
	GROUP BY s.shown_database, s.shown_role, s.tag, s.kind;
END;
COMMENT ON FUNCTION diagnose.side_transactions(diagnose.window, boolean) IS
'the transactions and bursts of a window in the form in which they are compared: by shape, and by what is written on them; shape NULL: all of a tag';

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
	OUT attempts					bigint[],
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
		ARRAY[coalesce(b.attempts, 0), coalesce(a.attempts, 0)],
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
