-- Of the current database only: tables of others have no names here.
CREATE OR REPLACE FUNCTION diagnose.rule_hot_row(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 20000
BEGIN ATOMIC
	WITH hot AS MATERIALIZED (
		SELECT h.*,
			quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name
		FROM diagnose.hot_relations(w) AS h
			JOIN pg_database AS d ON d.oid = h.dbid AND d.datname = current_database()
			JOIN pg_class AS c ON c.oid = h.relid
			JOIN pg_namespace AS n ON n.oid = c.relnamespace
		WHERE h.max_depth >= current_setting('pg_diagnose.hot_row_min_depth')::float8
			AND h.deep_time >= current_setting('pg_diagnose.hot_row_min_time')::float8
	),
	waiting AS MATERIALIZED (
		SELECT l.* FROM diagnose.lock_waits(w) AS l
		WHERE l.lock_type = 'tuple' AND EXISTS (SELECT FROM hot)
	),
	statements AS MATERIALIZED (
		SELECT s.* FROM diagnose.workload(w) AS s
		WHERE s.toplevel AND s.database = current_database()
			AND EXISTS (SELECT FROM hot)
	),
	judged AS (
		SELECT h.*, s.query, s.fingerprint,
			greatest(x.sampled_time, 1) AS sampled_time,
			1000 * h.total_time / greatest(x.sampled_time, 1) AS impact
		FROM hot AS h
			CROSS JOIN diagnose.sampler() AS x
			LEFT JOIN LATERAL (
				SELECT y.query, y.evidence->'fingerprint' AS fingerprint
				FROM waiting AS l
					JOIN statements AS y ON l.queryid = ANY (y.queryids)
				WHERE l.dbid = h.dbid AND l.relid = h.relid
				ORDER BY l.total_time DESC, y.userid = l.userid DESC,
					y.total_exec_time DESC
				LIMIT 1) AS s ON true
	)
	SELECT 'hot_row', 'performance',
		diagnose.severity_of(j.impact),
		format('hot_row:%s:%s', current_database(), j.name),
		'table ' || j.name,
		j.impact, j.impact, 'sampled', j.samples,
		format('up to %s at once wait for one row, %s in all',
			diagnose.count_text(j.max_depth, 'session'),
			diagnose.duration_text(j.total_time)),
		jsonb_strip_nulls(jsonb_build_object('table', j.name,
			'longest_queue', j.max_depth,
			'waited_ms', round(j.total_time::numeric, 1),
			'long_queue_ms', round(j.deep_time::numeric, 1),
			'long_queue_share', round(least(j.deep_time / j.sampled_time, 1)::numeric, 4),
			'samples_with_queue', j.samples,
			'statement', diagnose.short_text(j.query, 300),
			'fingerprint', j.fingerprint)),
		'All who change the same row do so one after the other, each for as long as its transaction lasts: change that row last, right before COMMIT, and call nobody in between. If it is a counter or a balance, spread it over several rows that are added up when read, or write what happens as new rows and add them up later.',
		NULL::text, NULL::text,
		format(E'SELECT samples, total_time, max_depth, deep_time\nFROM diagnose.hot_relations(diagnose.since_reset())\nWHERE relid = %L::regclass', j.name),
		NULL::text
	FROM judged AS j;
END;
COMMENT ON FUNCTION diagnose.rule_hot_row(diagnose.window) IS
'a row that sessions queue up for';
