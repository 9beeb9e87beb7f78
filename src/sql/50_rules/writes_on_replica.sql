-- A standby refuses whatever writes, with 25006.  On a primary the same error is
-- that of a transaction which said READ ONLY, and no business of this rule.
CREATE OR REPLACE FUNCTION diagnose.rule_writes_on_replica(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 20000
BEGIN ATOMIC
	WITH errors AS MATERIALIZED (
		SELECT e.* FROM diagnose.errors_by_sqlstate(w) AS e
		WHERE e.sqlstate = '25006' AND pg_is_in_recovery() AND e.toplevel
	),
	refused AS (
		SELECT s.dbid, s.database, s.role, s.subject, s.seconds,
			s.failed_time * e.refusals / greatest(s.failed, 1) AS wasted,
			e.refusals
		FROM diagnose.workload(w) AS s
			CROSS JOIN LATERAL (
				SELECT sum(x.failures) AS refusals
				FROM errors AS x
				WHERE x.dbid = s.dbid AND x.userid = s.userid
					AND x.queryid = ANY (s.queryids)) AS e
		WHERE s.toplevel AND e.refusals > 0
		UNION ALL
		SELECT e.dbid, d.datname, NULL, NULL, (SELECT diagnose.seconds(w)), NULL,
			e.failures
		FROM errors AS e
			JOIN pg_database AS d ON d.oid = e.dbid
		WHERE e.userid IS NULL AND e.queryid IS NULL
	),
	summed AS (
		SELECT r.dbid, r.database, r.role, r.seconds,
			sum(r.refusals)::bigint AS refusals,
			count(r.subject) AS statements,
			(array_agg(r.subject ORDER BY r.refusals DESC, r.subject))[1] AS most,
			sum(r.wasted) AS wasted
		FROM refused AS r
		GROUP BY r.dbid, r.database, r.role, r.seconds
	)
	SELECT 'writes_on_replica', 'reliability', 'warning',
		'writes_on_replica:' || s.database || coalesce(':' || s.role, ''),
		concat_ws(' ', 'role ' || s.role, 'in database ' || s.database) ||
			coalesce(', most: ' || s.most, ''),
		s.wasted / s.seconds, s.wasted / s.seconds, 'exact', s.refusals,
		format('%s sent to a standby, which cannot write',
			diagnose.count_text(s.refusals, 'write')),
		jsonb_strip_nulls(jsonb_build_object(
			'database', s.database, 'role', s.role,
			'refusals', s.refusals,
			'statements', nullif(s.statements, 0),
			'wasted_ms', round(s.wasted::numeric, 1))),
		'Send them to the primary: in the application''s routing, or by target_session_attrs = ''read-write'' in its connection string. If it held the primary until a failover, its pool still holds connections from before.',
		NULL::text, NULL::text,
		format(E'SELECT sum(failures)\nFROM diagnose.errors_by_sqlstate(diagnose.since_reset())\nWHERE sqlstate = ''25006'' AND toplevel AND dbid = %s', s.dbid),
		NULL::text
	FROM summed AS s
	WHERE s.refusals >= current_setting('pg_diagnose.writes_on_replica_min_failures')::float8;
END;
COMMENT ON FUNCTION diagnose.rule_writes_on_replica(diagnose.window) IS
'writes that are sent to a standby';
