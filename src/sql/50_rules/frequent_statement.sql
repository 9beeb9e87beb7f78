-- Transaction control is not work; checks of foreign keys come with the rows.
CREATE OR REPLACE FUNCTION diagnose.rule_frequent_statement(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 20000
BEGIN ATOMIC
	WITH work AS (
		SELECT s.*,
			sum(s.calls) OVER (PARTITION BY s.toplevel) AS calls_alike
		FROM diagnose.workload(w) AS s
		WHERE s.calls > 0
			AND s.query !~* '^(begin|start transaction|commit|end|rollback|abort|savepoint|release|prepare|execute|deallocate|declare|fetch|move|close)\M'
			AND s.query !~ '^SELECT \? FROM (ONLY )?".* x WHERE .* FOR KEY SHARE OF x$'
	),
	judged AS (
		SELECT s.*,
			s.total_exec_time / s.calls AS mean,
			(s.calls / s.calls_alike)::float8 AS share,
			s.total_exec_time / s.seconds AS impact
		FROM work AS s
	)
	-- Never critical: a server that does little else may be there for just that.
	SELECT 'frequent_statement', 'performance',
		CASE diagnose.severity_of(j.impact) WHEN 'info' THEN 'info' ELSE 'warning' END,
		'frequent_statement:' || j.identity, j.subject,
		j.impact, j.impact, 'exact', j.calls,
		format('%s of %s, %s of all calls',
			diagnose.count_text(j.calls, 'call'),
			diagnose.duration_text(j.mean), diagnose.share_text(j.share)),
		j.evidence || jsonb_build_object(
			'calls_per_second', round((j.calls / j.seconds)::numeric, 1),
			'mean_ms', round(j.mean::numeric, 4),
			'share_of_calls', round(j.share::numeric, 4),
			'rows_per_call', round(j.rows::numeric / j.calls, 2)),
		concat_ws(' ', CASE
			WHEN NOT j.toplevel
				THEN 'A function or trigger runs it row by row: let one statement do all rows.'
			WHEN j.query ~* '^(set|show|discard|reset)\M' OR j.query !~* '\m(from|into|update|call)\M'
				THEN 'It does no work: it may be a connection pool testing or preparing its connections. Let the pool do so less often, or set the value with ALTER ROLE.'
			WHEN j.query ~* '^insert\M'
				THEN 'Insert many rows at a time: several rows of VALUES, unnest() of arrays, or COPY.'
			WHEN j.query ~* '^(update|delete|merge)\M'
				THEN 'Change many rows at a time: join to unnest() of arrays, or to VALUES.'
			WHEN j.query ~* '^call\M'
				THEN 'Let one call do more.'
			ELSE 'If a loop over the rows of another query sends it, fetch all with that query by a join, or at once with = ANY ($1). If it asks for the same again and again, keep the answer in the application.'
		END, CASE WHEN j.toplevel
			THEN 'Each call costs the client a round trip besides.' END),
		NULL::text, NULL::text,
		'SELECT calls, total_exec_time' || j.verify_from,
		NULL::text
	FROM judged AS j
	WHERE j.mean <= current_setting('pg_diagnose.frequent_statement_max_time')::float8
		AND j.calls >= current_setting('pg_diagnose.frequent_statement_min_calls')::float8
		AND j.share >= current_setting('pg_diagnose.frequent_statement_min_share')::float8;
END;
COMMENT ON FUNCTION diagnose.rule_frequent_statement(diagnose.window) IS
'a statement that is cheap, and executed too often';
