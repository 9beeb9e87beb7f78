-- Each failure is expected at these isolation levels; a share of them is not.
-- Attempts at the same thing are those with the same first statement, as each
-- may fail at another one.
CREATE OR REPLACE FUNCTION diagnose.rule_serialization_failures(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 50000
BEGIN ATOMIC
	WITH shapes AS MATERIALIZED (
		SELECT x.* FROM diagnose.transaction_shapes(w) AS x
		WHERE NOT x.is_own
	),
	failed AS (
		SELECT x.identity, o.position, sum(o.count) AS failures, sum(o.time) AS time
		FROM diagnose.observations(w) AS o
			JOIN shapes AS x ON x.dbid = o.dbid AND x.userid = o.userid
				AND x.shape = o.shape
				AND x.tag = diagnose.tag_text(o.route, o.controller, o.action, o.application)
		WHERE o.detector = 'serialization_failures'
		GROUP BY 1, 2
	),
	placed AS (
		SELECT x.dbid, x.userid, x.tag, x.kind, x.isolation, x.first_fingerprint,
			coalesce(s.query, 'COMMIT') AS query,
			sum(f.failures) AS failures, sum(f.time) AS time
		FROM failed AS f
			JOIN shapes AS x ON x.identity = f.identity
			LEFT JOIN LATERAL (
				SELECT r.query FROM jsonb_to_recordset(x.steps) AS r (position int, query text)
				WHERE r.position = f.position) AS s ON true
		GROUP BY 1, 2, 3, 4, 5, 6, 7
	),
	alike AS (
		SELECT x.dbid, x.userid, x.database, x.role, x.tag, x.kind, x.isolation,
			x.first_fingerprint, min(x.first_statement) AS first_statement,
			sum(x.commits + x.prepared + x.rollbacks + x.aborts + x.abandoned) AS attempts,
			sum(x.retries) AS retries
		FROM shapes AS x
		GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
	),
	judged AS (
		SELECT a.*, p.failures, p.failures_by_statement, p.top,
			p.failures::float8 / a.attempts AS share,
			p.time / diagnose.seconds(w) AS impact, p.time
		FROM alike AS a
			JOIN (SELECT q.dbid, q.userid, q.tag, q.kind, q.isolation, q.first_fingerprint,
					sum(q.failures) AS failures, sum(q.time) AS time,
					(array_agg(q.query ORDER BY q.failures DESC, q.query))[1] AS top,
					jsonb_object_agg(diagnose.short_text(q.query, 200), q.failures)
						AS failures_by_statement
				  FROM placed AS q
				  GROUP BY 1, 2, 3, 4, 5, 6) AS p
				ON p.dbid = a.dbid AND p.userid = a.userid AND p.tag = a.tag
					AND p.kind = a.kind AND p.isolation = a.isolation
					AND p.first_fingerprint IS NOT DISTINCT FROM a.first_fingerprint
		WHERE p.failures >= current_setting('pg_diagnose.serialization_failures_min_failures')::float8
	)
	SELECT 'serialization_failures', 'reliability',
		CASE
			WHEN j.share >= current_setting('pg_diagnose.serialization_failures_critical_share')::float8
				THEN 'critical'
			ELSE 'warning'
		END,
		format('serialization_failures:%s:%s:%s:%s:%s', j.database, j.role, j.tag,
			j.first_fingerprint, j.isolation),
		CASE WHEN j.dbid = (SELECT d.oid FROM pg_database AS d
							WHERE d.datname = current_database())
			THEN '' ELSE 'in database ' || j.database || ': ' END ||
			CASE WHEN j.tag <> '' THEN j.tag || ': ' ELSE '' END ||
			j.kind || ' that begins with ' ||
			diagnose.short_text(coalesce(j.first_statement, '<text not kept>'), 300),
		j.impact, j.impact, 'exact', j.attempts::bigint,
		format('%s of %s could not be serialized with others',
			to_char(j.failures, 'FM9,999,999,999,999,999,999'),
			diagnose.count_text(j.attempts::bigint, 'attempt')),
		jsonb_strip_nulls(jsonb_build_object(
			'database', j.database, 'role', j.role, 'tag', nullif(j.tag, ''),
			'isolation', j.isolation, 'attempts', j.attempts,
			'failures', j.failures, 'retries', j.retries,
			'failure_share', round(j.share::numeric, 4),
			'failures_by_statement', j.failures_by_statement,
			'aborted_ms', round(j.time::numeric, 1))),
		concat_ws(' ',
			CASE
				WHEN j.retries = 0 THEN 'The client did not try again, so this work is lost: at this isolation level each transaction has to be tried again as a whole when it fails with 40001.'
				ELSE 'The client tries again, which is right, but each failure is work done in vain.'
			END,
			format('Most fail at: %s.', diagnose.short_text(j.top, 200)),
			CASE j.isolation
				WHEN 'serializable' THEN 'Read no more rows than are needed, and by an index: a sequential scan counts as reading the whole table. Declare transactions READ ONLY that are, and keep them short.'
				ELSE 'Read the rows that will be changed with SELECT ... FOR UPDATE as the first statement, so that the failure comes before the work, or change them relatively (SET c = c + $1) in READ COMMITTED, which waits instead. Keep the transaction short.'
			END),
		NULL::text, NULL::text,
		format(E'SELECT sum(commits) AS commits, sum(aborts) AS aborts, sum(retries) AS retries\nFROM diagnose.transaction_shapes(diagnose.since_reset())\nWHERE first_fingerprint = %s AND isolation = %L',
			j.first_fingerprint, j.isolation),
		NULL::text
	FROM judged AS j
	WHERE j.share >= current_setting('pg_diagnose.serialization_failures_min_share')::float8
		AND j.first_fingerprint IS NOT NULL;
END;
COMMENT ON FUNCTION diagnose.rule_serialization_failures(diagnose.window) IS
'transactions that often fail because they cannot be serialized with others';
