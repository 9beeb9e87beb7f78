-- A statement that is cancelled ends its transaction there, so the base is all
-- executions of the statement, in whatever shape.  What is cancelled before it
-- is executed (waiting for a lock on a table, in planning) or in COMMIT has no
-- position: its base is the transactions of the tag.
--
-- 0.1 % of the calls is the tail that a service with three nines can afford.
CREATE OR REPLACE FUNCTION diagnose.rule_statement_timeouts(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 50000
BEGIN ATOMIC
	WITH shapes AS MATERIALIZED (
		SELECT x.* FROM diagnose.transaction_shapes(w) AS x
		WHERE NOT x.is_own
	),
	failed AS MATERIALIZED (
		SELECT x.identity, o.position, sum(o.count) AS failures, sum(o.time) AS time
		FROM diagnose.observations(w) AS o
			JOIN shapes AS x ON x.dbid = o.dbid AND x.userid = o.userid
				AND x.shape = o.shape
				AND x.tag = diagnose.tag_text(o.route, o.controller, o.action, o.application)
		WHERE o.detector = 'statement_timeouts'
		GROUP BY 1, 2
	),
	executed AS (
		SELECT x.dbid, x.userid, x.database, x.role, x.tag, s.fingerprint,
			min(s.query) AS query, sum(s.calls) AS calls,
			sum(f.failures) AS failures, sum(f.time) AS time
		FROM shapes AS x
			CROSS JOIN LATERAL jsonb_to_recordset(x.steps) AS s (position int,
				fingerprint bigint, query text, calls bigint)
			LEFT JOIN failed AS f ON f.identity = x.identity AND f.position = s.position
		WHERE s.fingerprint IS NOT NULL
		GROUP BY 1, 2, 3, 4, 5, 6
		UNION ALL
		SELECT x.dbid, x.userid, x.database, x.role, x.tag, NULL,
			NULL, sum(x.commits + x.prepared + x.rollbacks + x.aborts + x.abandoned),
			sum(f.failures), sum(f.time)
		FROM shapes AS x
			LEFT JOIN failed AS f ON f.identity = x.identity AND f.position IS NULL
		GROUP BY 1, 2, 3, 4, 5
	),
	judged AS (
		SELECT e.*, e.failures / e.calls::float8 AS share,
			e.time / diagnose.seconds(w) AS impact
		FROM executed AS e
		WHERE e.failures >= current_setting('pg_diagnose.statement_timeouts_min_failures')::float8
	)
	SELECT 'statement_timeouts', 'reliability', 'warning',
		format('statement_timeouts:%s:%s:%s:%s', j.database, j.role, j.tag,
			coalesce(j.fingerprint || ':statement', 'unplaced')),
		CASE WHEN j.dbid = (SELECT d.oid FROM pg_database AS d
							WHERE d.datname = current_database())
			THEN '' ELSE 'in database ' || j.database || ': ' END ||
			CASE WHEN j.tag <> '' THEN j.tag || ': ' ELSE '' END ||
			CASE
				WHEN j.fingerprint IS NULL THEN 'before execution, or in COMMIT'
				ELSE diagnose.short_text(j.query, 300)
			END,
		j.impact, j.impact, 'exact', j.calls::bigint,
		format('%s of %s were cancelled',
			to_char(j.failures, 'FM9,999,999,999,999,999,999'),
			CASE
				WHEN j.fingerprint IS NULL THEN diagnose.count_text(j.calls::bigint, 'transaction')
				ELSE diagnose.count_text(j.calls::bigint, 'execution')
			END),
		jsonb_strip_nulls(jsonb_build_object(
			'database', j.database, 'role', j.role, 'tag', nullif(j.tag, ''),
			'fingerprint', j.fingerprint, 'calls', j.calls,
			'cancelled', j.failures, 'cancelled_share', round(j.share::numeric, 4),
			'aborted_ms', round(j.time::numeric, 1))),
		concat_ws(' ',
			CASE
				WHEN j.fingerprint IS NULL THEN 'What is cancelled before it is executed has most likely waited for a lock on a table: look for ALTER TABLE, LOCK TABLE and the like in other sessions, and let these run with a short lock_timeout.'
				ELSE 'See whether it is slow or waits: its plan (EXPLAIN), and who holds locks that it needs.'
			END,
			'The server''s log tells statement_timeout from a client that cancels, which often gives up after a time of its own; make that longer than statement_timeout, so that the server decides. All work before was in vain, and is done again if the client tries again.'),
		NULL::text, NULL::text,
		CASE
			WHEN j.fingerprint IS NULL
				THEN E'SELECT application, sum(failures) AS cancelled\nFROM diagnose.transaction_errors(diagnose.since_reset())\nWHERE sqlstate = ''57014'' GROUP BY application'
			ELSE format(E'SELECT sum(calls) AS calls, sum(failures) AS failures\nFROM diagnose.transaction_steps(diagnose.since_reset())\nWHERE fingerprint = %s', j.fingerprint)
		END,
		NULL::text
	FROM judged AS j
	WHERE j.share >= current_setting('pg_diagnose.statement_timeouts_min_share')::float8;
END;
COMMENT ON FUNCTION diagnose.rule_statement_timeouts(diagnose.window) IS
'a statement that is often cancelled before it is done';
