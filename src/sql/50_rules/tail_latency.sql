-- The tail is what takes more than min_ratio times the median: the ratio that
-- makes a tail a problem also says where it begins.
CREATE OR REPLACE FUNCTION diagnose.rule_tail_latency(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 20000
BEGIN ATOMIC
	WITH shapes AS (
		SELECT p.dbid, p.queryid, count(DISTINCT p.shape) AS shapes
		FROM diagnose.plans(w) AS p
		GROUP BY p.dbid, p.queryid
	),
	judged AS (
		SELECT s.*,
			diagnose.quantile(s.histogram, 0.5) AS p50,
			diagnose.quantile(s.histogram, 0.99) AS p99,
			current_setting('pg_diagnose.tail_latency_min_ratio')::float8 AS min_ratio
		FROM diagnose.workload(w) AS s
		WHERE s.calls >= current_setting('pg_diagnose.tail_latency_min_calls')::float8
			-- That is for the rule unindexed_foreign_key to say.
			AND NOT (NOT s.toplevel AND diagnose.is_foreign_key_search(s.query))
	),
	measured AS (
		SELECT j.*, t.n AS tail_calls, least(t.ms, j.total_exec_time) AS tail_ms,
			least(t.ms, j.total_exec_time) / j.seconds AS impact,
			greatest(t.ms - t.n * j.p50, 0) / j.seconds AS benefit,
			(SELECT max(x.shapes) FROM shapes AS x
			 WHERE x.dbid = j.dbid AND x.queryid = ANY (j.queryids)) AS plan_shapes
		FROM judged AS j
			CROSS JOIN LATERAL (
				SELECT coalesce(sum(b.count), 0)::bigint AS n,
					coalesce(sum(b.count * least(
						(b.lower_ms + b.upper_ms) / 2, j.max_exec_time)), 0) AS ms
				FROM diagnose.buckets(j.histogram) AS b
				WHERE b.lower_ms >= j.min_ratio * j.p50) AS t
		WHERE j.p99 >= current_setting('pg_diagnose.tail_latency_min_time')::float8
			AND j.p99 >= j.min_ratio * j.p50
	)
	SELECT 'tail_latency', 'performance', diagnose.severity_of(m.impact),
		'tail_latency:' || m.identity, m.subject,
		m.impact, least(m.benefit, m.impact), 'exact', m.calls,
		format('p99 %s, median %s, tail %s of its time',
			diagnose.duration_text(m.p99), diagnose.duration_text(m.p50),
			diagnose.share_text(m.tail_ms / nullif(m.total_exec_time, 0))),
		m.evidence || jsonb_strip_nulls(jsonb_build_object(
			'p50_ms', round(m.p50::numeric, 3),
			'p99_ms', round(m.p99::numeric, 3),
			'max_ms', round(m.max_exec_time::numeric, 3),
			'slow_calls', m.tail_calls,
			'slow_calls_ms', round(m.tail_ms::numeric, 1),
			'plan_shapes', m.plan_shapes,
			'calls_with_temporary_files', nullif(m.spilled, 0),
			'read_ms', nullif(round(m.blk_read_time::numeric, 1), 0))),
		concat_ws(' ',
			CASE WHEN m.plan_shapes > 1 THEN format('It ran with %s different plans: compare their times in diagnose.plans(diagnose.since_reset()).', m.plan_shapes) END,
			CASE WHEN m.blk_read_time > 0.3 * m.tail_ms THEN 'Reading blocks from disk explains a part: calls that find their data in memory are fast.' END,
			CASE WHEN m.spilled > 0 AND m.spilled < m.calls THEN 'Some calls write temporary files and others do not.' END,
			'Slow calls of a fast statement wait for a lock, meet parameters with many more rows, or read what is not in memory. Look for the parameters of a slow call (log_min_duration_statement) and for lock waits (log_lock_waits).'),
		NULL::text, NULL::text,
		'SELECT calls, diagnose.quantiles(histogram, ARRAY[0.5, 0.9, 0.99]), diagnose.sparkline(histogram)' || m.verify_from,
		NULL::text
	FROM measured AS m;
END;
COMMENT ON FUNCTION diagnose.rule_tail_latency(diagnose.window) IS
'a statement that is fast as a rule, and very slow at times';
