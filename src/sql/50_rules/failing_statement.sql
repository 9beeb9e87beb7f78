-- An error ends a statement and every one around it.  It is reported where it
-- was raised; errors before there is a statement, such as those of the parser,
-- are reported for their database.
CREATE OR REPLACE FUNCTION diagnose.rule_failing_statement(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 20000
BEGIN ATOMIC
	WITH errors AS MATERIALIZED (
		SELECT e.* FROM diagnose.errors_by_sqlstate(w) AS e
	),
	calls AS (
		SELECT s.dbid, sum(s.calls)::bigint AS calls
		FROM diagnose.statements(w) AS s
		WHERE s.toplevel AND NOT diagnose.is_own(s.query)
		GROUP BY s.dbid
	),
	raised AS (
		SELECT s.identity, s.subject, s.evidence, s.toplevel, s.verify_from,
			s.seconds, s.dbid, s.calls, s.failed - s.failed_nested AS failed,
			s.failed_time, s.failed_blks, e.sqlstate, e.sqlstates
		FROM diagnose.workload(w) AS s
			CROSS JOIN LATERAL (
				SELECT (array_agg(x.sqlstate ORDER BY x.failures DESC, x.sqlstate))[1] AS sqlstate,
					jsonb_object_agg(coalesce(x.sqlstate, 'others'), x.failures) AS sqlstates
				FROM (SELECT y.sqlstate, sum(y.failures) AS failures
					  FROM errors AS y
					  WHERE y.dbid = s.dbid AND y.userid = s.userid
						AND y.toplevel = s.toplevel
						AND y.queryid = ANY (s.queryids)
					  GROUP BY y.sqlstate) AS x) AS e
		WHERE s.failed > s.failed_nested
		UNION ALL
		SELECT d.datname || ':' || e.sqlstate,
			'before execution, in database ' || d.datname,
			jsonb_build_object('database', d.datname),
			true, NULL, (SELECT diagnose.seconds(w)), e.dbid,
			coalesce(c.calls, 0), e.failures, NULL, NULL, e.sqlstate,
			jsonb_build_object(e.sqlstate, e.failures)
		FROM errors AS e
			JOIN pg_database AS d ON d.oid = e.dbid
			LEFT JOIN calls AS c ON c.dbid = e.dbid
		WHERE e.userid IS NULL AND e.queryid IS NULL AND e.sqlstate IS NOT NULL
	),
	judged AS (
		SELECT r.*,
			r.failed::float8 / (r.failed + r.calls) AS ratio,
			left(r.sqlstate, 2) AS class,
			r.failed_time / r.seconds AS impact
		FROM raised AS r
	)
	SELECT 'failing_statement', 'reliability',
		CASE WHEN j.class IN ('53', '58', 'XX') THEN 'critical' ELSE 'warning' END,
		'failing_statement:' || j.identity, j.subject,
		j.impact, j.impact, 'exact', j.failed + j.calls,
		format('%s of %s failed%s with %s',
			to_char(j.failed, 'FM9,999,999,999,999,999,999'),
			diagnose.count_text(j.failed + j.calls, 'call'),
			CASE WHEN (SELECT count(*) FROM jsonb_object_keys(j.sqlstates)) > 1
				THEN ', most' ELSE '' END,
			coalesce(j.sqlstate || coalesce(' ' || diagnose.sqlstate_name(j.sqlstate), ''),
				'an unknown error')),
		j.evidence || jsonb_strip_nulls(jsonb_build_object(
			'failures', j.failed,
			'failure_ratio', round(j.ratio::numeric, 4),
			'failures_by_sqlstate', j.sqlstates,
			'failed_ms', round(j.failed_time::numeric, 1),
			'failed_blocks', j.failed_blks)),
		CASE
			WHEN j.sqlstate = '23505' THEN 'The row exists already: use INSERT ... ON CONFLICT, or do not send it twice. Every failure leaves a dead row and ends the transaction.'
			WHEN j.sqlstate = '23503' THEN 'Write rows in the order in which they refer to each other, and delete in the reverse order.'
			WHEN j.class = '23' THEN 'Check the values before they are sent, and find out which code path sends them.'
			WHEN j.sqlstate = '40001' THEN 'Retry the whole transaction, after a short random delay, and make it shorter. READ COMMITTED does not fail like this, if it is safe enough here.'
			WHEN j.sqlstate = '40P01' THEN 'Lock rows and tables in the same order everywhere, for instance ORDER BY the key in SELECT ... FOR UPDATE, and retry the transaction. The server''s log has both sides.'
			WHEN j.sqlstate = '57014' THEN 'It was cancelled, by statement_timeout or by the client: make it faster, or give it more time if it is meant to take long. All work before was wasted.'
			WHEN j.sqlstate = '55P03' THEN 'It did not get its lock: find the transaction that holds it in pg_locks, make that one shorter, or retry later with a longer lock_timeout.'
			WHEN j.sqlstate IN ('57P01', '57P02', '57P03') THEN 'Its session was terminated: look in the server''s log for who did so, and why.'
			WHEN j.class IN ('25', '26', '34') THEN 'The client expects another state of its session. With a connection pool in transaction mode, nothing of the session lasts: prepared statements, cursors and settings belong into one transaction.'
			WHEN j.class = '22' THEN 'A value does not fit its type or function: check it in the application, or guard the expression, as in nullif() for a divisor.'
			WHEN j.class = '28' OR j.sqlstate = '42501' THEN 'Grant the missing privilege, or stop the client that tries.'
			WHEN j.class = '42' THEN 'The statement does not fit the schema: compare the versions of application and schema; a migration may be missing or too early.'
			WHEN j.class = '53' THEN 'The server lacks a resource (memory, disk space or connections): look in its log at once.'
			WHEN j.class IN ('58', 'XX') THEN 'This is an error of the system or of PostgreSQL itself: look in the server''s log, and check disk and data.'
			WHEN j.class = 'P0' THEN 'A function raises this error on purpose: look in its source for what it refuses.'
			ELSE 'Look in the server''s log for the messages with this SQLSTATE.'
		END,
		NULL::text, NULL::text,
		CASE
			WHEN j.verify_from IS NULL
				THEN format(E'SELECT sqlstate, failures\nFROM diagnose.errors_by_sqlstate(diagnose.since_reset())\nWHERE queryid IS NULL AND dbid = %s', j.dbid)
			ELSE 'SELECT calls, failed, failed_time' || j.verify_from
		END,
		NULL::text
	FROM judged AS j
	WHERE j.failed >= current_setting('pg_diagnose.failing_statement_min_failures')::float8
		AND j.ratio >= current_setting('pg_diagnose.failing_statement_min_ratio')::float8;
END;
COMMENT ON FUNCTION diagnose.rule_failing_statement(diagnose.window) IS
'a statement that ends in errors';
