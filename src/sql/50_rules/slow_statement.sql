CREATE OR REPLACE FUNCTION diagnose.rule_slow_statement(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 20000
BEGIN ATOMIC
	WITH judged AS (
		SELECT s.*,
			diagnose.quantile(s.histogram, 0.5) AS p50,
			diagnose.quantile(s.histogram, 0.95) AS p95,
			s.total_exec_time / nullif(s.all_time, 0) AS share,
			s.total_exec_time / s.seconds AS impact,
			-- what takes the time, as far as it can be told apart
			s.blk_read_time > 0.5 * s.total_exec_time AS reads_disk,
			s.jit_time > 0.3 * s.total_exec_time AS compiles,
			s.spilled > 0.5 * s.calls AS spills,
			s.shared_blks_hit + s.shared_blks_read AS blocks,
			s.query ~* '^(do|call|execute)\M' AS runs_others
		FROM diagnose.workload(w) AS s
		WHERE s.calls > 0
			-- That is for the rule unindexed_foreign_key to say.
			AND NOT (NOT s.toplevel AND diagnose.is_foreign_key_search(s.query))
			-- What is done once is no habit.
			AND NOT (s.calls = 1 AND s.query ~* '^(create|alter|drop|truncate|copy|vacuum|analyze|reindex|cluster|refresh|import|comment)\M')
	)
	SELECT 'slow_statement', 'performance', diagnose.severity_of(j.impact),
		'slow_statement:' || j.identity, j.subject,
		j.impact, NULL::float8, 'exact', j.calls,
		CASE
			WHEN j.calls = 1
				THEN 'the only call took ' || diagnose.duration_text(j.total_exec_time)
			ELSE format('p95 %s over %s', diagnose.duration_text(j.p95),
				diagnose.count_text(j.calls, 'call'))
		END || format(', %s of all time',
			diagnose.share_text(least(j.share, 1))),
		j.evidence || jsonb_strip_nulls(jsonb_build_object(
			'p50_ms', round(j.p50::numeric, 3),
			'p95_ms', round(j.p95::numeric, 3),
			'max_ms', round(j.max_exec_time::numeric, 3),
			'total_ms', round(j.total_exec_time::numeric, 1),
			'share_of_time', round(least(j.share, 1)::numeric, 4),
			'rows_per_call', round(j.rows::numeric / j.calls, 1),
			'blocks_per_call', round(j.blocks::numeric / j.calls, 1),
			'blocks_from_disk_per_call', round(j.shared_blks_read::numeric / j.calls, 1),
			'read_ms_per_call', nullif(round((j.blk_read_time / j.calls)::numeric, 3), 0),
			'jit_ms_per_call', nullif(round((j.jit_time / j.calls)::numeric, 3), 0))),
		concat_ws(' ',
			CASE WHEN j.compiles THEN 'Much of the time goes to JIT compilation: raise jit_above_cost, or set jit = off for this role.' END,
			CASE WHEN j.reads_disk THEN 'Most of the time goes to reading blocks from disk: read fewer of them, with an index or a narrower condition, before adding memory.' END,
			CASE WHEN j.spills THEN 'It writes temporary files: see its finding spills_to_disk.' END,
			CASE WHEN j.rows > 1000 * j.calls THEN 'It returns or changes thousands of rows per call: ask for a page of them, or for what is made of them.' END,
			CASE WHEN NOT j.runs_others AND j.blocks > 1000 * j.calls AND j.blocks > 100 * j.rows THEN 'It touches far more blocks than it returns rows: an index on what it selects by is likely missing.' END,
			CASE
				WHEN j.runs_others
					THEN 'The time goes to the statements that it runs; these are judged as well, "nested".'
				WHEN j.blocks < 10 * j.calls
					THEN 'It touches hardly any data: the time goes to computing, to functions it calls or to waiting, such as for locks.'
				ELSE 'Run EXPLAIN (ANALYZE, BUFFERS) on it with the parameters of a slow call and look for the node that takes the time.'
			END),
		NULL::text, NULL::text,
		'SELECT calls, diagnose.quantile(histogram, 0.5) AS p50, diagnose.quantile(histogram, 0.95) AS p95' ||
			j.verify_from,
		NULL::text
	FROM judged AS j
	WHERE j.p95 >= current_setting('pg_diagnose.slow_statement_min_time')::float8
		AND j.share >= current_setting('pg_diagnose.slow_statement_min_share')::float8;
END;
COMMENT ON FUNCTION diagnose.rule_slow_statement(diagnose.window) IS
'a statement that is slow, and that takes a share of all time';
