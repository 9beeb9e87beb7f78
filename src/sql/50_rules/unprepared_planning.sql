CREATE OR REPLACE FUNCTION diagnose.rule_unprepared_planning(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 20000
BEGIN ATOMIC
	WITH judged AS (
		SELECT s.*,
			s.total_plan_time / s.plans AS mean_plan,
			s.total_exec_time / s.calls AS mean_exec,
			s.total_plan_time / nullif(s.total_exec_time, 0) AS ratio,
			s.total_plan_time / s.seconds AS impact
		FROM diagnose.workload(w) AS s
		WHERE s.calls > 0
			AND s.plans >= greatest(1, current_setting('pg_diagnose.unprepared_planning_min_calls')::float8)
	)
	SELECT 'unprepared_planning', 'performance', diagnose.severity_of(j.impact),
		'unprepared_planning:' || j.identity, j.subject,
		j.impact, j.impact, 'exact', j.plans,
		format('planned %s for %s to run %s',
			diagnose.count_text(j.plans, 'time'),
			diagnose.duration_text(j.mean_plan), diagnose.duration_text(j.mean_exec)),
		j.evidence || jsonb_build_object(
			'plans', j.plans,
			'plan_ms', round(j.total_plan_time::numeric, 1),
			'mean_plan_ms', round(j.mean_plan::numeric, 4),
			'max_plan_ms', round(j.max_plan_time::numeric, 3),
			'mean_exec_ms', round(j.mean_exec::numeric, 4),
			'ratio', round(j.ratio::numeric, 2)),
		concat_ws(' ',
			CASE
				WHEN NOT j.toplevel THEN 'EXECUTE in a function plans its statement every time: write it as plain SQL with variables where only values change.'
				WHEN j.query ~ '\$\d' THEN 'It has parameters, and is planned anew all the same: keep it prepared by name in the driver, have a connection pool keep prepared statements (PgBouncer: max_prepared_statements), and consider plan_cache_mode = force_generic_plan where the plan does not depend on the values.'
				ELSE 'Send it as a prepared statement: most drivers do so by themselves once values are passed as parameters; behind a connection pool, the pool must keep prepared statements (PgBouncer: max_prepared_statements).'
			END,
			CASE WHEN j.mean_plan >= 5 THEN 'Planning itself takes long here: many partitions, joins or indexes, or a large statistics target.' END),
		NULL::text, NULL::text,
		'SELECT calls, plans, total_plan_time, total_exec_time' || j.verify_from,
		NULL::text
	FROM judged AS j
	WHERE j.total_plan_time >= j.total_exec_time *
		current_setting('pg_diagnose.unprepared_planning_min_ratio')::float8;
END;
COMMENT ON FUNCTION diagnose.rule_unprepared_planning(diagnose.window) IS
'a statement whose planning takes longer than its execution';
