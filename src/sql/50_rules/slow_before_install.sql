-- What pg_stat_statements counted before we did.  As soon as a statement has
-- run often enough before our eyes, the other rules know better.
CREATE OR REPLACE FUNCTION diagnose.rule_slow_before_install(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 30000
BEGIN ATOMIC
	WITH ours AS MATERIALIZED (
		SELECT s.userid, s.dbid, s.toplevel, s.queryid, s.calls, s.total_exec_time
		FROM diagnose.statements(w) AS s
		WHERE s.queryid IS NOT NULL
	),
	past AS (
		SELECT p.userid, p.dbid, p.toplevel,
			coalesce(diagnose.fingerprint(p.query), p.queryid) AS number,
			(array_agg(p.queryid ORDER BY p.total_exec_time DESC))[1] AS queryid,
			(array_agg(diagnose.mask(p.query) ORDER BY p.total_exec_time DESC))[1] AS query,
			sum(p.calls - coalesce(o.calls, 0))::bigint AS calls,
			sum(greatest(p.total_exec_time - coalesce(o.total_exec_time, 0), 0)) AS ms,
			coalesce(sum(o.calls), 0) AS calls_since
		FROM diagnose.pgss_statements() AS p
			LEFT JOIN ours AS o ON o.userid = p.userid AND o.dbid = p.dbid
				AND o.toplevel = p.toplevel AND o.queryid = p.queryid
		WHERE p.queryid IS NOT NULL
			-- It was reset later than we were.
			AND p.calls > coalesce(o.calls, 0)
		GROUP BY 1, 2, 3, 4
	),
	-- Asked once, not for every row.
	times AS MATERIALIZED (
		SELECT greatest(extract(epoch FROM s.since - diagnose.pgss_since()), 0)::float8 AS seconds,
			s.evictions
		FROM diagnose.own_status() AS s
	),
	judged AS (
		SELECT p.*, p.ms / p.calls AS mean,
			coalesce(d.datname::text, 'oid ' || p.dbid) AS database,
			coalesce(r.rolname::text, 'oid ' || p.userid) AS role,
			p.ms / nullif(t.seconds, 0) AS impact,
			t.evictions
		FROM past AS p
			LEFT JOIN pg_database AS d ON d.oid = p.dbid
			LEFT JOIN pg_roles AS r ON r.oid = p.userid
			CROSS JOIN times AS t
		WHERE NOT diagnose.is_own(p.query)
	)
	SELECT 'slow_before_install', 'performance', diagnose.severity_of(j.impact),
		format('slow_before_install:%s:%s:%s:%s', j.database, j.role, j.number,
			CASE WHEN j.toplevel THEN 'top' ELSE 'nested' END),
		CASE WHEN j.database = current_database() THEN ''
			ELSE 'in database ' || j.database || ': ' END ||
			CASE WHEN j.toplevel THEN '' ELSE 'nested: ' END ||
			diagnose.short_text(regexp_replace(coalesce(j.query, '<text not kept>'), '\s+', ' ', 'g'), 300),
		j.impact, NULL::float8, 'inferred', j.calls,
		format('took %s on average over %s before capturing began',
			diagnose.duration_text(j.mean), diagnose.count_text(j.calls, 'call')),
		jsonb_build_object('database', j.database, 'role', j.role,
			'nested', NOT j.toplevel, 'queryid', j.queryid,
			'calls', j.calls, 'mean_ms', round(j.mean::numeric, 3),
			'total_ms', round(j.ms::numeric, 1), 'calls_since', j.calls_since,
			-- of a statement that we evicted we do not know what we saw of it
			'evictions_since', j.evictions),
		'An average hides how slow the slow calls are: let the workload run on and look again. SELECT diagnose.full_text(queryid) shows the whole statement. What is over can be forgotten with pg_stat_statements_reset().',
		NULL::text, NULL::text,
		format(E'SELECT calls, diagnose.quantile(histogram, 0.95) AS p95\nFROM diagnose.statements\nWHERE queryid = %s', j.queryid),
		NULL::text
	FROM judged AS j
	WHERE j.mean >= current_setting('pg_diagnose.slow_before_install_min_time')::float8
		AND j.calls >= current_setting('pg_diagnose.slow_before_install_min_calls')::float8
		AND j.calls_since < current_setting('pg_diagnose.slow_before_install_min_calls')::float8;
END;
COMMENT ON FUNCTION diagnose.rule_slow_before_install(diagnose.window) IS
'a statement that was slow before pg_diagnose began to capture, by what pg_stat_statements knows';
