-- Views: the same facts for people, in psql at 120 columns.  Each has a
-- function that takes a window; the view is that of everything since the last
-- reset.  What pg_diagnose itself is asked is left out of all but the raw one.

CREATE OR REPLACE VIEW diagnose.statements AS
SELECT d.datname AS database, pg_catalog.pg_get_userbyid(s.userid) AS username, s.*
FROM diagnose.statements(diagnose.since_reset()) AS s
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.dbid;
COMMENT ON VIEW diagnose.statements IS
'everything known of every statement since the last reset; times in milliseconds';

CREATE OR REPLACE FUNCTION diagnose.slow_queries(
	w								diagnose.window,
	OUT database					name,
	OUT calls						bigint,
	OUT p50_ms						numeric,
	OUT p95_ms						numeric,
	OUT p99_ms						numeric,
	OUT max_ms						numeric,
	OUT pct							numeric,
	OUT query						text,
	OUT toplevel					boolean,
	OUT queryid						bigint)
RETURNS SETOF record
LANGUAGE sql STABLE ROWS 1000
BEGIN ATOMIC
	SELECT d.datname, s.calls,
		pg_catalog.round(least(diagnose.quantile(s.histogram, 0.50), s.max_exec_time)::numeric, 1),
		pg_catalog.round(least(diagnose.quantile(s.histogram, 0.95), s.max_exec_time)::numeric, 1),
		pg_catalog.round(least(diagnose.quantile(s.histogram, 0.99), s.max_exec_time)::numeric, 1),
		pg_catalog.round(s.max_exec_time::numeric, 1),
		pg_catalog.round((100 * s.total_exec_time /
			nullif(pg_catalog.sum(s.total_exec_time)
					FILTER (WHERE s.toplevel) OVER (), 0))::numeric, 1),
		s.query, s.toplevel, s.queryid
	FROM diagnose.statements(w) AS s
	LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.dbid
	WHERE s.calls > 0 AND NOT diagnose.is_own(s.query)
	ORDER BY diagnose.quantile(s.histogram, 0.95) DESC, s.total_exec_time DESC;
END;
COMMENT ON FUNCTION diagnose.slow_queries(diagnose.window) IS
'statements by the 95th percentile of their execution time; pct is their share of the time of all statements sent by clients';

CREATE OR REPLACE VIEW diagnose.slow_queries AS
SELECT database, calls, p50_ms, p95_ms, p99_ms, max_ms, pct,
	diagnose.short_text(query, 42) AS query
FROM diagnose.slow_queries(diagnose.since_reset())
LIMIT 20;
COMMENT ON VIEW diagnose.slow_queries IS
'the 20 statements with the highest 95th percentile of execution time';

CREATE OR REPLACE FUNCTION diagnose.frequent_queries(
	w								diagnose.window,
	OUT database					name,
	OUT calls						bigint,
	OUT calls_per_s					numeric,
	OUT mean_ms						numeric,
	OUT rows_per_call				numeric,
	OUT blks_per_call				numeric,
	OUT pct							numeric,
	OUT query						text,
	OUT toplevel					boolean,
	OUT queryid						bigint)
RETURNS SETOF record
LANGUAGE sql STABLE ROWS 1000
BEGIN ATOMIC
	SELECT d.datname, s.calls,
		pg_catalog.round((s.calls / diagnose.seconds(w))::numeric, 1),
		pg_catalog.round((s.total_exec_time / s.calls)::numeric, 3),
		pg_catalog.round(s.rows::numeric / s.calls, 1),
		pg_catalog.round((s.shared_blks_hit + s.shared_blks_read)::numeric / s.calls, 1),
		pg_catalog.round((100 * s.total_exec_time /
			nullif(pg_catalog.sum(s.total_exec_time)
					FILTER (WHERE s.toplevel) OVER (), 0))::numeric, 1),
		s.query, s.toplevel, s.queryid
	FROM diagnose.statements(w) AS s
	LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.dbid
	WHERE s.calls > 0 AND NOT diagnose.is_own(s.query)
	ORDER BY s.calls DESC, s.total_exec_time DESC;
END;
COMMENT ON FUNCTION diagnose.frequent_queries(diagnose.window) IS
'statements by the number of their executions; pct is their share of the time of all statements sent by clients';

CREATE OR REPLACE VIEW diagnose.frequent_queries AS
SELECT database, calls, calls_per_s, mean_ms, rows_per_call AS rows, blks_per_call AS blks, pct,
	diagnose.short_text(query, 42) AS query
FROM diagnose.frequent_queries(diagnose.since_reset())
LIMIT 20;
COMMENT ON VIEW diagnose.frequent_queries IS
'the 20 statements with most executions; mean time in milliseconds, rows and blocks per call';

CREATE OR REPLACE FUNCTION diagnose.errors(
	w								diagnose.window,
	OUT database					name,
	OUT sqlstate					text,
	OUT failures					bigint,
	OUT nested						bigint,
	OUT failed_pct					numeric,
	OUT wasted_ms					numeric,
	OUT query						text,
	OUT toplevel					boolean,
	OUT queryid						bigint)
RETURNS SETOF record
LANGUAGE sql STABLE ROWS 100
BEGIN ATOMIC
	WITH s AS MATERIALIZED (
		SELECT * FROM diagnose.statements(w)
	)
	SELECT d.datname, e.sqlstate, e.failures, s.failed_nested,
		pg_catalog.round(100.0 * s.failed / nullif(s.calls + s.failed, 0), 1),
		pg_catalog.round(s.failed_time::numeric, 1),
		CASE WHEN e.userid IS NULL AND e.queryid IS NULL
			THEN '(no statement: syntax, bind, commit ...)' ELSE s.query END,
		e.toplevel, e.queryid
	FROM diagnose.errors_by_sqlstate(w) AS e
	LEFT JOIN s ON s.queryid = e.queryid AND s.userid = e.userid AND
		s.dbid = e.dbid AND s.toplevel = e.toplevel
	LEFT JOIN pg_catalog.pg_database AS d ON d.oid = e.dbid
	WHERE NOT diagnose.is_own(s.query)
	ORDER BY e.failures DESC, e.sqlstate, s.query;
END;
COMMENT ON FUNCTION diagnose.errors(diagnose.window) IS
'failed executions by statement and SQLSTATE; nested: raised in a statement inside this one; failed_pct and wasted_ms are of the whole statement; sqlstate NULL: all further ones';

CREATE OR REPLACE VIEW diagnose.errors AS
SELECT database, sqlstate, failures, nested, failed_pct, wasted_ms,
	diagnose.short_text(query, 40) AS query
FROM diagnose.errors(diagnose.since_reset());
COMMENT ON VIEW diagnose.errors IS
'failed executions by statement and SQLSTATE since the last reset; also the errors that belong to no statement';

CREATE OR REPLACE VIEW diagnose.status AS
WITH counted AS (
	SELECT pg_catalog.sum(calls + failed) AS executions,
		coalesce(pg_catalog.sum(calls + failed) FILTER (WHERE userid IS NULL), 0) AS evicted
	FROM diagnose.statements(diagnose.since_reset())
)
SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'standby' ELSE 'primary' END AS role,
	o.since,
	pg_catalog.round(100 * (c.executions - c.evicted) /
		nullif(c.executions + o.uncaptured, 0), 2) AS coverage_pct,
	c.executions,
	c.evicted AS evicted_executions,
	o.uncaptured,
	o.statements, o.statements_max, o.evictions,
	o.texts_dropped, o.text_bytes, o.text_bytes_max,
	o.memory_bytes,
	o.own_time AS own_ms,
	o.own_time_max AS own_ms_max,
	o.wait_time AS wait_ms,
	o.wait_time_max AS wait_ms_max,
	CASE
		WHEN NOT p.is_running THEN 'not running'
		WHEN p.sample_interval = 0 THEN 'off'
		ELSE 'running'
	END AS sampler,
	p.last_sample,
	f.snapshots,
	f.snapshot_bytes,
	f.last_snapshot,
	o.evidence_statements, o.evidence_evictions, o.evidence_missed,
	o.examples, o.examples_dropped
FROM diagnose.own_status() AS o, counted AS c, diagnose.sampler() AS p,
	(SELECT count(*) AS snapshots, coalesce(pg_catalog.sum(s.bytes), 0)::bigint AS snapshot_bytes,
		pg_catalog.max(s.taken_at) FILTER (WHERE s.is_own AND s.kind <> 'imported') AS last_snapshot
	FROM diagnose.snapshots() AS s) AS f;
COMMENT ON VIEW diagnose.status IS
'pg_diagnose about itself: role of the server, since when it counts, how much of the work it can tell apart, memory, evictions, drops, its own time, and whether it samples';
COMMENT ON COLUMN diagnose.status.coverage_pct IS 'executions known by statement, in percent of all; the rest was evicted, or had no query identifier';
COMMENT ON COLUMN diagnose.status.uncaptured IS 'executions that could not be captured, for want of a query identifier or memory';
COMMENT ON COLUMN diagnose.status.texts_dropped IS 'statements kept without text, for want of query_text_memory';
COMMENT ON COLUMN diagnose.status.own_ms IS 'milliseconds spent registering, merging and evicting; the few hundred instructions on each statement''s path are not in it';
COMMENT ON COLUMN diagnose.status.own_ms_max IS 'the longest of these at once, which on a busy machine includes not being scheduled';
COMMENT ON COLUMN diagnose.status.wait_ms IS 'part of own_ms that was spent asleep, waiting for another session';
COMMENT ON COLUMN diagnose.status.wait_ms_max IS 'the longest that a statement ever waited for another session on pg_diagnose''s account';
COMMENT ON COLUMN diagnose.status.evidence_statements IS 'statements of which plans have shown something, or of which there is an example';
COMMENT ON COLUMN diagnose.status.evidence_evictions IS 'statements whose evidence made room for that of others, for want of evidence_memory';
COMMENT ON COLUMN diagnose.status.evidence_missed IS 'times that evidence was not added, as others were adding theirs';
COMMENT ON COLUMN diagnose.status.examples IS 'examples of statements, for index advice; at most three of each';
COMMENT ON COLUMN diagnose.status.examples_dropped IS 'examples that were not kept, as they were too long or there was no room';
COMMENT ON COLUMN diagnose.status.sampler IS 'the background worker that looks at what sessions wait for: running, off (sample_interval is 0) or not running';
COMMENT ON COLUMN diagnose.status.last_sample IS 'when it last looked';
COMMENT ON COLUMN diagnose.status.snapshots IS 'snapshots on disk, those of other servers and damaged ones included';
COMMENT ON COLUMN diagnose.status.snapshot_bytes IS 'disk space that they take; the limit is pg_diagnose.snapshot_disk';
COMMENT ON COLUMN diagnose.status.last_snapshot IS 'when this server took the latest one';
