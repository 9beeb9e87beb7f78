-- A wrong estimate costs nothing by itself: what it makes the planner choose
-- does.  So the cost is that of the statements, and what could be saved is not
-- known.
CREATE OR REPLACE FUNCTION diagnose.rule_misestimate(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 150000
BEGIN ATOMIC
	WITH misestimates AS MATERIALIZED (
		SELECT m.* FROM diagnose.misestimates(w) AS m
	),
	advice AS MATERIALIZED (
		SELECT s.*, concat_ws(':', s.relation, replace(s.cause, ' ', '_'),
				coalesce(s.expression, (SELECT string_agg(quote_ident(c), ',') FROM unnest(s.columns) AS c))) AS key
		FROM diagnose.statistics_advice(w) AS s
	)
	SELECT 'misestimate', 'performance',
		CASE diagnose.severity_of(f.ms_per_s) WHEN 'critical' THEN 'warning'
			ELSE diagnose.severity_of(f.ms_per_s) END,
		format('misestimate:%s:%s', current_database(), f.key),
		format('%s of %s', lower(f.node), f.relation),
		f.ms_per_s, NULL::float8, 'sampled', f.executions,
		format('%s expected, %s came: %s',
			diagnose.count_text(round(f.estimated_rows)::bigint, 'row'),
			to_char(f.actual_rows, 'FM999,999,999,990'), f.reason),
		jsonb_strip_nulls(jsonb_build_object('relation', f.relation, 'cause', f.cause,
			'columns', CASE WHEN f.columns <> '{}' THEN f.columns END,
			'expression', f.expression, 'node', f.node,
			'actual_rows', round(f.actual_rows::numeric), 'estimated_rows', round(f.estimated_rows::numeric),
			'ratio', round(f.ratio::numeric, 4), 'instrumented_executions', f.executions,
			'statements', f.statements, 'calls', f.calls, 'queryid', f.queryids[1],
			'statement', f.subject)),
		concat_ws(' ',
			CASE f.cause
				WHEN 'never analyzed' THEN format('Run ANALYZE %s, and see that autovacuum does so from then on.', f.relation)
				WHEN 'stale' THEN format('Run ANALYZE %s. If it comes back, have autovacuum do that sooner, with autovacuum_analyze_scale_factor of the table.', f.relation)
				WHEN 'expression' THEN 'Without statistics of an expression the planner guesses. Create them, and analyze.'
				WHEN 'correlation' THEN 'The planner multiplies what it knows of each column. Statistics of them together tell it how they depend on each other; they count from the next ANALYZE on.'
				WHEN 'skew' THEN 'Keep more of its common values; they count from the next ANALYZE on.'
			END,
			CASE WHEN f.ddl IS NULL THEN 'Do so for each of its partitions.' END,
			CASE WHEN pg_is_in_recovery() THEN 'Do that on the primary.' END),
		-- ANALYZE cannot be taken back.
		CASE WHEN f.undo IS NOT NULL THEN f.ddl END, f.undo, f.verify, NULL::text
	FROM advice AS f
	UNION ALL
	-- A join of scans that were estimated well; fewer rows than expected tell
	-- nothing, as somebody may have stopped asking.
	SELECT 'misestimate', 'performance', 'info',
		'misestimate:' || j.identity, j.subject, j.ms_per_s, NULL::float8, 'sampled', j.executions,
		format('%s expected of a join, %s came', diagnose.count_text(round(j.estimated_rows)::bigint, 'row'),
			to_char(j.actual_rows, 'FM999,999,999,990')),
		jsonb_build_object('node', j.node, 'actual_rows', round(j.actual_rows::numeric),
			'estimated_rows', round(j.estimated_rows::numeric), 'ratio', round(j.ratio::numeric, 4),
			'instrumented_executions', j.executions, 'calls', j.calls, 'queryid', j.queryid),
		'No statistics tell how rows of several tables match. If the plan is bad, try a higher statistics target of the columns that are joined, or keep what is joined first in a temporary table and analyze that.',
		NULL::text, NULL::text,
		format('SELECT node, rows, estimated_rows FROM diagnose.evidence() WHERE queryid = %s', j.queryid),
		NULL::text
	FROM (SELECT DISTINCT ON (m.identity) m.*
		  FROM misestimates AS m
		  WHERE m.relid IS NULL AND m.ratio > 1
			AND NOT EXISTS (SELECT FROM misestimates AS s WHERE s.relid IS NOT NULL AND s.identity = m.identity)
		  ORDER BY m.identity, m.ratio DESC) AS j;
END;
COMMENT ON FUNCTION diagnose.rule_misestimate(diagnose.window) IS
'a scan of which many more rows come than the planner expects, or fewer';
