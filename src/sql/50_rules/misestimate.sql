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
		-- of partitions, the one that suffers most
		SELECT DISTINCT ON (coalesce(pg_partition_root(s.relid), s.relid), s.cause, s.columns, s.expression)
			s.*, count(*) OVER (PARTITION BY coalesce(pg_partition_root(s.relid), s.relid),
				s.cause, s.columns, s.expression) AS parts,
			sum(s.ms_per_s) OVER (PARTITION BY coalesce(pg_partition_root(s.relid), s.relid),
				s.cause, s.columns, s.expression) AS all_ms_per_s
		FROM diagnose.statistics_advice(w) AS s
		ORDER BY coalesce(pg_partition_root(s.relid), s.relid), s.cause, s.columns, s.expression,
			s.ms_per_s DESC, s.relation
	),
	found AS (
		SELECT format('%s:%s:%s', a.relation, replace(a.cause, ' ', '_'),
				coalesce(a.expression, (SELECT string_agg(quote_ident(c), ',') FROM unnest(a.columns) AS c))) AS key,
			format('%s of %s', lower(a.node), a.relation) AS scan,
			a.*
		FROM advice AS a
	)
	SELECT 'misestimate', 'performance',
		CASE diagnose.severity_of(f.all_ms_per_s) WHEN 'critical' THEN 'warning'
			ELSE diagnose.severity_of(f.all_ms_per_s) END,
		format('misestimate:%s:%s', current_database(), f.key),
		f.scan,
		f.all_ms_per_s, NULL::float8, 'sampled', f.executions,
		format('%s expected, %s came: %s',
			diagnose.count_text(round(f.estimated_rows)::bigint, 'row'),
			to_char(f.actual_rows, 'FM999,999,999,990'), f.reason),
		jsonb_strip_nulls(jsonb_build_object('relation', f.relation, 'cause', f.cause,
			'columns', CASE WHEN f.columns <> '{}' THEN f.columns END,
			'expression', f.expression, 'node', f.node,
			'actual_rows', round(f.actual_rows::numeric), 'estimated_rows', round(f.estimated_rows::numeric),
			'ratio', round(f.ratio::numeric, 4), 'instrumented_executions', f.executions,
			'statements', f.statements, 'calls', f.calls, 'queryid', f.queryids[1],
			'statement', f.subject, 'partitions', nullif(f.parts, 1))),
		concat_ws(' ',
			CASE f.cause
				WHEN 'never analyzed' THEN format('Run ANALYZE %s, and see that autovacuum does so from then on.', f.relation)
				WHEN 'stale' THEN format('Run ANALYZE %s. If it comes back, have autovacuum do that sooner, with autovacuum_analyze_scale_factor of the table.', f.relation)
				WHEN 'expression' THEN 'Without statistics of an expression the planner guesses. Create them, and analyze.'
				WHEN 'correlation' THEN 'The planner multiplies what it knows of each column. Statistics of them together tell it how they depend on each other; they count from the next ANALYZE on.'
				WHEN 'skew' THEN 'Keep more of its common values; they count from the next ANALYZE on.'
			END,
			CASE WHEN f.parts > 1 THEN format('Do so for %s.', diagnose.count_text(f.parts, 'partition')) END,
			CASE WHEN pg_is_in_recovery() THEN 'Do that on the primary.' END),
		-- ANALYZE cannot be taken back.
		CASE WHEN f.undo IS NOT NULL THEN f.ddl END, f.undo, f.verify, NULL::text
	FROM found AS f
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
		  WHERE m.relid = 0 AND m.ratio > 1
			AND NOT EXISTS (SELECT FROM misestimates AS s WHERE s.relid <> 0 AND s.identity = m.identity)
		  ORDER BY m.identity, m.ratio DESC) AS j;
END;
COMMENT ON FUNCTION diagnose.rule_misestimate(diagnose.window) IS
'a scan of which many more rows come than the planner expects, or fewer';
