-- Changes: pairs, judged.  Work first: it is counted, and needs no statistics.
-- Then time, on means of stretches of time, not of executions: those are not
-- independent of each other.

CREATE OR REPLACE FUNCTION diagnose.changes(
	before							diagnose.window,
	after							diagnose.window,
	with_names						boolean,
	with_times						boolean,
	OUT change						diagnose.comparison,
	OUT toplevel					boolean,
	OUT seconds						double precision[],
	OUT all_time					double precision[],
	OUT all_calls					bigint[],
	OUT evicted						bigint[])
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 5000 COST 200000
BEGIN ATOMIC
	WITH limits AS MATERIALIZED (
		SELECT current_setting('pg_diagnose.compare_max_p')::float8 AS max_p,
			current_setting('pg_diagnose.compare_min_blocks')::float8 AS min_blocks,
			current_setting('pg_diagnose.compare_min_burst_change')::float8 AS min_burst_change,
			current_setting('pg_diagnose.compare_min_calls')::float8 AS min_calls,
			current_setting('pg_diagnose.compare_min_failed_share')::float8 AS min_failed_share,
			current_setting('pg_diagnose.compare_min_failures')::float8 AS min_failures,
			current_setting('pg_diagnose.compare_min_impact')::float8 AS min_impact,
			current_setting('pg_diagnose.compare_min_impact_share')::float8 AS min_impact_share,
			current_setting('pg_diagnose.compare_min_plan_calls')::float8 AS min_plan_calls,
			current_setting('pg_diagnose.compare_min_plan_share')::float8 AS min_plan_share,
			current_setting('pg_diagnose.compare_min_tail_calls')::float8 AS min_tail_calls,
			current_setting('pg_diagnose.compare_min_tail_change')::float8 AS min_tail_change,
			current_setting('pg_diagnose.compare_min_time_change')::float8 AS min_time_change,
			current_setting('pg_diagnose.compare_min_wal_bytes')::float8 AS min_wal_bytes,
			current_setting('pg_diagnose.compare_min_windows')::float8 AS min_windows,
			current_setting('pg_diagnose.compare_min_work_change')::float8 AS min_work_change,
			current_setting('block_size')::float8 AS block_size
	),
	times AS MATERIALIZED (
		SELECT t.*, coalesce(t.toplevel, true) AS is_toplevel,
			coalesce(t.tag, 0) AS tag_number,
			CASE t.kind WHEN 'statement' THEN 'query' ELSE t.kind END AS compared_kind,
			CASE t.kind
				WHEN 'statement' THEN coalesce(t.fingerprint, t.queryid)
				ELSE t.shape
			END AS number
		FROM diagnose.time_changes(before, after) AS t
		WHERE with_times
	),
	measured AS (
		SELECT p.*, coalesce(p.toplevel, true) AS is_toplevel,
			p.n[1] > 0 AND p.n[2] > 0 AS both,
			p.completed[1] >= l.min_calls AND p.completed[2] >= l.min_calls AS many,
			-- a document may come without timings: unknown
			nullif(p.duration[1], 0) / nullif(p.completed[1], 0) AS mean_before,
			nullif(p.duration[2], 0) / nullif(p.completed[2], 0) AS mean_after,
			nullif(p.db_time[1], 0) / nullif(p.completed[1], 0) AS time_before,
			nullif(p.db_time[2], 0) / nullif(p.completed[2], 0) AS time_after,
			-- the database time of all, a second
			greatest(p.all_time[1] / nullif(p.seconds[1], 0),
				p.all_time[2] / nullif(p.seconds[2], 0)) AS load,
			coalesce(p.plan_moved >= l.min_plan_share, false)
				AND p.completed[1] >= l.min_plan_calls
				AND p.completed[2] >= l.min_plan_calls AS plan_changed,
			p.variance[1] = 0 AND p.variance[2] = 0
				AND p.completed[1] >= l.min_plan_calls
				AND p.completed[2] >= l.min_plan_calls AS all_alike,
			CASE p.unit WHEN 'burst' THEN l.min_burst_change
				ELSE l.min_work_change END AS min_change,
			CASE p.unit WHEN 'call' THEN 'execution' ELSE p.unit END AS noun,
			sqrt(diagnose.relative_variance(p.quantiles_before) / nullif(p.completed[1], 0) +
				diagnose.relative_variance(p.quantiles_after) / nullif(p.completed[2], 0)) AS scatter
		FROM diagnose.pairs(before, after, with_names) AS p CROSS JOIN limits AS l
		OFFSET 0	-- else each use of a column computes it again
	),
	-- work per execution
	worked AS (
		SELECT m.*,
			m.rows[1] / nullif(m.completed[1], 0) AS rows_before,
			m.rows[2] / nullif(m.completed[2], 0) AS rows_after,
			m.blocks[1] / nullif(m.completed[1], 0) AS blocks_before,
			m.blocks[2] / nullif(m.completed[2], 0) AS blocks_after,
			m.temp_blocks[1] / nullif(m.completed[1], 0) AS temp_before,
			m.temp_blocks[2] / nullif(m.completed[2], 0) AS temp_after,
			m.wal_records[1] / nullif(m.completed[1], 0) AS records_before,
			m.wal_records[2] / nullif(m.completed[2], 0) AS records_after,
			m.wal_bytes[1] / nullif(m.completed[1], 0) AS bytes_before,
			m.wal_bytes[2] / nullif(m.completed[2], 0) AS bytes_after,
			m.statements[1] / nullif(m.completed[1], 0) AS statements_before,
			m.statements[2] / nullif(m.completed[2], 0) AS statements_after,
			-- Whole pages in the log come with checkpoints, not with the statement.
			m.unit = 'call' AND m.wal_fpi[1] * l.block_size <= 0.1 * m.wal_bytes[1]
				AND m.wal_fpi[2] * l.block_size <= 0.1 * m.wal_bytes[2] AS bytes_count
		FROM measured AS m CROSS JOIN limits AS l
		OFFSET 0
	),
	moves AS (
		SELECT w.*,
			diagnose.moved(w.blocks_before, w.blocks_after, CASE WHEN w.many THEN w.scatter END,
				w.plan_changed, w.min_change, l.min_blocks) AS blocks_moved,
			diagnose.moved(w.temp_before, w.temp_after, CASE WHEN w.many THEN w.scatter END,
				w.plan_changed, w.min_change, l.min_blocks) AS temp_moved,
			-- Who only reads cleans up after others now and then.
			CASE WHEN w.subject !~* '^(nested: )?select\M' THEN
				diagnose.moved(w.records_before, w.records_after, CASE WHEN w.many THEN w.scatter END,
					w.plan_changed, w.min_change, 1)
			END AS records_moved,
			CASE WHEN w.bytes_count AND w.subject !~* '^(nested: )?select\M' THEN
				diagnose.moved(w.bytes_before, w.bytes_after, CASE WHEN w.many THEN w.scatter END,
					w.plan_changed, w.min_change, l.min_wal_bytes)
			END AS bytes_moved,
			diagnose.moved(w.rows_before, w.rows_after, CASE WHEN w.many THEN w.scatter END,
				w.plan_changed, w.min_change, 1) AS rows_moved,
			diagnose.moved(w.statements_before, w.statements_after,
				CASE WHEN w.many THEN
					sqrt(w.variance[1] / nullif(w.statements_before, 0) ^ 2 / w.completed[1] +
						w.variance[2] / nullif(w.statements_after, 0) ^ 2 / w.completed[2])
				END,
				w.all_alike, w.min_change, 1) AS statements_moved
		FROM worked AS w CROSS JOIN limits AS l
		OFFSET 0
	),
	timed AS MATERIALIZED (
		SELECT m.*,
			t.windows_before, t.windows_after, t.ratio, t.ratio_low, t.ratio_high,
			t.smallest_effect, t.is_adjusted, t.controls, t.load_ratio,
			t.p95_ratio, t.p95_low, t.p95_high, t.p99_ratio, t.p99_low, t.p99_high,
			m.many AND coalesce(t.ratio IS NOT NULL AND t.windows_before >= l.min_windows
				AND t.windows_after >= l.min_windows, false) AS can_tell,
			CASE WHEN m.many AND t.windows_before >= l.min_windows
					AND t.windows_after >= l.min_windows
				THEN t.p_value END AS p_value,
			greatest(m.blocks_moved, m.temp_moved, m.records_moved, m.bytes_moved,
				m.statements_moved) > 0 AS more_work,
			least(m.blocks_moved, m.temp_moved, m.records_moved, m.bytes_moved,
				m.statements_moved) < 0 AS less_work
		FROM moves AS m
			CROSS JOIN limits AS l
			LEFT JOIN times AS t ON t.compared_kind = m.kind
				AND t.number = m.number AND t.userid = m.userid AND t.dbid = m.dbid
				AND t.is_toplevel = m.is_toplevel
				AND t.tag_number = coalesce(m.tag_number, 0)
	),
	-- What is 1 of 20 by chance is 250 of 5,000 (Benjamini and Hochberg, 1995).
	-- Those that take so little time that they could not matter if they took
	-- twice as long are not asked: each question makes all others harder.
	tested AS (
		SELECT f.kind, u.key, u.p
		FROM (SELECT t.kind, array_agg(t.key ORDER BY t.key) AS keys,
				diagnose.adjusted_p(array_agg(t.p_value ORDER BY t.key)) AS ps
			  FROM timed AS t CROSS JOIN limits AS l
			  WHERE t.p_value IS NOT NULL
				AND greatest(t.db_time[1] / nullif(t.seconds[1], 0),
						t.db_time[2] / nullif(t.seconds[2], 0)) >=
					least(l.min_impact, l.min_impact_share * t.load)
			  GROUP BY t.kind) AS f
			CROSS JOIN LATERAL unnest(f.keys, f.ps) AS u (key, p)
	),
	-- The tails of all move with the load; there is no other control for them.
	tails AS (
		SELECT CASE WHEN count(*) >= 5
				THEN percentile_cont(0.5) WITHIN GROUP (ORDER BY p99_ratio) ELSE 1 END AS usual
		FROM timed CROSS JOIN limits AS l
		WHERE kind = 'query' AND completed[1] >= l.min_tail_calls
			AND completed[2] >= l.min_tail_calls AND p99_ratio IS NOT NULL
	),
	weighed AS (
		SELECT t.*, x.p AS adjusted_p, f0.low AS failed_low_before, f0.high AS failed_high_before,
			f1.low AS failed_low_after, f1.high AS failed_high_after,
			l.min_failures, l.min_failed_share, l.min_windows, l.min_calls, l.min_blocks,
			l.min_time_change, l.min_impact, l.min_impact_share, l.max_p,
			CASE
				WHEN t.n[1] = 0 THEN t.db_time[2] / nullif(t.seconds[2], 0)
				WHEN t.n[2] = 0 THEN - t.db_time[1] / nullif(t.seconds[1], 0)
				-- with the load taken out
				WHEN t.can_tell AND t.is_adjusted
					THEN t.db_time[2] * (1 - 1 / t.ratio) / nullif(t.seconds[2], 0)
				ELSE t.completed[2] * (t.time_after - t.time_before) / nullif(t.seconds[2], 0)
			END AS impact,
			t.p99_ratio / g.usual AS tail_ratio,
			t.can_tell AND t.is_adjusted AND t.ratio_low < 1.1 AND t.ratio < 1.1
				AND t.completed[1] >= l.min_tail_calls AND t.completed[2] >= l.min_tail_calls
				AND t.p99_ratio / g.usual >= 1 + l.min_tail_change
				-- 3.5 standard errors for 5,000 that are not adjusted
				AND ln(t.p99_ratio / g.usual) >= 3.5 / 1.96 * ln(t.p99_ratio / nullif(t.p99_low, 0))
				AS tail_up
		FROM timed AS t
			CROSS JOIN limits AS l CROSS JOIN tails AS g
			LEFT JOIN tested AS x ON x.kind = t.kind AND x.key = t.key
			LEFT JOIN LATERAL diagnose.share_interval(t.failed[1], t.attempts[1]) AS f0 ON true
			LEFT JOIN LATERAL diagnose.share_interval(t.failed[2], t.attempts[2]) AS f1 ON true
		OFFSET 0
	),
	judged AS (
		SELECT w.*,
			w.both AND w.failed[2] >= w.min_failures AND w.failed_low_after > w.failed_high_before
				AND w.failed[2]::float8 / nullif(w.attempts[2], 0) - w.failed[1]::float8 / nullif(w.attempts[1], 0) >= w.min_failed_share
				AS fails_more,
			w.both AND w.failed[1] >= w.min_failures AND w.failed_high_after < w.failed_low_before
				AND w.failed[1]::float8 / nullif(w.attempts[1], 0) - w.failed[2]::float8 / nullif(w.attempts[2], 0) >= w.min_failed_share
				AS fails_less,
			-- not even what chance could have done
			coalesce(diagnose.moved(w.blocks_before, w.blocks_after, 0, true, w.min_change, w.min_blocks), 0) = 0
				AND coalesce(diagnose.moved(w.temp_before, w.temp_after, 0, true, w.min_change, w.min_blocks), 0) = 0
				AND coalesce(diagnose.moved(w.records_before, w.records_after, 0, true, w.min_change, 1), 0) = 0
				AND coalesce(diagnose.moved(w.rows_before, w.rows_after, 0, true, w.min_change, 1), 0) = 0
				AND coalesce(diagnose.moved(w.statements_before, w.statements_after, 0, true, w.min_change, 1), 0) = 0
				AS same_work,
			w.can_tell AND coalesce(w.adjusted_p < w.max_p, false) AS significant,
			w.can_tell AND w.is_adjusted AND coalesce(w.adjusted_p < w.max_p, false)
				AND abs(w.ratio - 1) >= w.min_time_change
				AND (abs(w.impact) >= w.min_impact
					OR abs(w.impact) >= w.min_impact_share * w.load) AS time_moved,
			w.can_tell AND w.ratio_low > 1 - w.min_time_change
				AND w.ratio_high < 1 + w.min_time_change AS time_stayed
		FROM weighed AS w
		OFFSET 0
	),
	verdicts AS (
		SELECT j.*,
			CASE
				WHEN j.n[1] = 0 THEN 'new'
				WHEN j.n[2] = 0 THEN 'gone'
				WHEN j.fails_more THEN 'regressed'
				-- What takes longer or less is not argued away with blocks.
				WHEN j.time_moved THEN CASE WHEN j.ratio > 1 THEN 'regressed' ELSE 'improved' END
				WHEN j.more_work AND j.less_work THEN 'inconclusive'
				WHEN j.more_work THEN 'regressed'
				WHEN j.less_work THEN 'improved'
				-- Those of a tag depend on which of its shapes there were.
				WHEN j.rows_moved > 0 AND j.number IS NOT NULL THEN 'regressed'
				WHEN j.tail_up THEN 'regressed'
				WHEN (j.rows_moved < 0 AND j.number IS NOT NULL) OR j.fails_less THEN 'improved'
				WHEN j.plan_changed THEN 'plan changed'
				WHEN j.time_stayed THEN 'unchanged'
				ELSE 'inconclusive'
			END AS verdict
		FROM judged AS j
		OFFSET 0
	)
	SELECT ROW(v.kind, v.verdict, v.kind || ':' || v.key, v.subject, v.impact,
			CASE v.verdict
				WHEN 'new' THEN format('%s, none before', diagnose.count_text(v.n[2], v.noun))
				WHEN 'gone' THEN format('none, %s before', diagnose.count_text(v.n[1], v.noun))
				ELSE concat_ws('; ',
					CASE WHEN v.fails_more OR v.fails_less
						THEN format('fails in %s of %ss instead of %s',
							diagnose.share_text(v.failed[2]::float8 / nullif(v.attempts[2], 0)), v.noun,
							diagnose.share_text(v.failed[1]::float8 / nullif(v.attempts[1], 0))) END,
					diagnose.moved_text(v.statements_moved, v.statements_before,
						v.statements_after, 'statements per ' || v.unit),
					diagnose.moved_text(v.blocks_moved, v.blocks_before, v.blocks_after,
						'blocks per ' || v.unit),
					diagnose.moved_text(v.temp_moved, v.temp_before, v.temp_after,
						'temporary blocks per ' || v.unit),
					diagnose.moved_text(v.records_moved, v.records_before, v.records_after,
						'WAL records per ' || v.unit),
					diagnose.moved_text(v.bytes_moved, v.bytes_before, v.bytes_after,
						'bytes of WAL per ' || v.unit),
					diagnose.moved_text(v.rows_moved, v.rows_before, v.rows_after,
						'rows per ' || v.unit),
					CASE WHEN v.plan_changed THEN format('another plan in %s of executions',
						diagnose.share_text(v.plan_moved)) END,
					CASE WHEN v.significant OR v.time_stayed
						THEN format('takes %s times as long (%s to %s)',
							diagnose.times_text(v.ratio), diagnose.times_text(v.ratio_low),
							diagnose.times_text(v.ratio_high)) END,
					CASE WHEN v.tail_up THEN format('99th percentile %s times as long, median not',
						diagnose.times_text(v.tail_ratio)) END,
					CASE
						WHEN v.verdict = 'inconclusive' THEN concat_ws(', ',
							CASE WHEN v.same_work THEN 'same work' ELSE 'work differs, perhaps by chance' END,
							CASE
								WHEN v.significant AND v.is_adjusted THEN 'too little to matter'
								WHEN v.number IS NULL THEN 'time is judged shape by shape'
								ELSE diagnose.missing_text(v.n, v.unit, v.min_calls,
									ARRAY[v.windows_before, v.windows_after], v.min_windows,
									v.is_adjusted, v.smallest_effect)
							END)
						WHEN NOT v.many AND v.verdict <> 'unchanged'
							THEN format('%s before, %s after',
								diagnose.count_text(v.n[1], v.noun), v.n[2])
					END)
			END,
			v.n[1], v.n[2], v.mean_before, v.mean_after,
			v.quantiles_before[1], v.quantiles_after[1],
			v.quantiles_before[2], v.quantiles_after[2],
			v.quantiles_before[3], v.quantiles_after[3],
			v.ratio, v.ratio_low, v.ratio_high, v.smallest_effect,
			v.windows_before, v.windows_after, CASE WHEN v.is_adjusted THEN v.controls END,
			CASE WHEN v.verdict IN ('inconclusive', 'unchanged')
					OR v.time_moved OR v.tail_up THEN 'inferred' ELSE 'exact' END,
			jsonb_strip_nulls(jsonb_build_object(
				'database', v.database, 'role', v.role, 'tag', nullif(v.tag, ''),
				'unit', v.unit, 'nested', NOT v.toplevel,
				CASE v.kind WHEN 'query' THEN 'fingerprint' ELSE 'shape' END, v.number::text,
				'failed', CASE WHEN v.failed[1] + v.failed[2] > 0 THEN jsonb_build_object(
					'before', v.failed[1], 'after', v.failed[2],
					'share_before', ARRAY[v.failed_low_before, v.failed_high_before],
					'share_after', ARRAY[v.failed_low_after, v.failed_high_after]) END,
				'statements', CASE WHEN v.unit <> 'call'
					THEN ARRAY[v.statements_before, v.statements_after] END,
				'db_time', ARRAY[v.time_before, v.time_after],
				'rows', ARRAY[v.rows_before, v.rows_after],
				'blocks', CASE WHEN v.unit = 'call'
					THEN ARRAY[v.blocks_before, v.blocks_after] END,
				'temp_blocks', CASE WHEN v.temp_blocks[1] > 0 OR v.temp_blocks[2] > 0
					THEN ARRAY[v.temp_before, v.temp_after] END,
				'wal_records', CASE WHEN v.wal_records[1] > 0 OR v.wal_records[2] > 0
					THEN ARRAY[v.records_before, v.records_after] END,
				'wal_bytes', CASE WHEN v.wal_bytes[1] > 0 OR v.wal_bytes[2] > 0
					THEN ARRAY[v.bytes_before, v.bytes_after] END,
				'plan', CASE WHEN v.plan_moved > 0 THEN jsonb_build_object(
					'before', v.plan_before::text, 'after', v.plan_after::text,
					'moved', v.plan_moved) END,
				'time', CASE WHEN v.ratio IS NOT NULL THEN jsonb_build_object(
					'adjusted_p', v.adjusted_p, 'is_adjusted', v.is_adjusted,
					'load_ratio', v.load_ratio,
					'p95', ARRAY[v.p95_ratio, v.p95_low, v.p95_high],
					'p99', ARRAY[v.p99_ratio, v.p99_low, v.p99_high]) END))
		)::diagnose.comparison,
		v.toplevel, v.seconds, v.all_time, v.all_calls, v.evicted
	FROM verdicts AS v;
END;
COMMENT ON FUNCTION diagnose.changes(diagnose.window, diagnose.window, boolean, boolean) IS
'what became of each statement and each transaction between two windows, and the sums of both sides, {before, after}';
