-- A retry is a transaction that begins like the one that has just failed in its
-- session.  A failed attempt may end at any statement, so attempts at the same
-- thing have different shapes; what they share is the first statement.
--
-- Attempts per success: 1.5 is half of the work again; from 3 on retries are
-- most of the load, and keep up what makes them fail.  A failure that nobody
-- tried again is none of it.
CREATE OR REPLACE FUNCTION diagnose.rule_retry_storm(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 50000
BEGIN ATOMIC
	WITH shapes AS MATERIALIZED (
		SELECT x.* FROM diagnose.transaction_shapes(w) AS x
		WHERE NOT x.is_own AND x.first_fingerprint IS NOT NULL
	),
	alike AS (
		SELECT x.dbid, x.userid, x.database, x.role, x.tag, x.kind,
			x.first_fingerprint, min(x.first_statement) AS first_statement,
			sum(x.commits + x.prepared) AS successes,
			sum(x.commits + x.prepared + x.rollbacks + x.aborts + x.abandoned) AS attempts,
			sum(x.aborts) AS failures, sum(x.retries) AS retries,
			sum(x.retried_time) AS retried_time,
			-- Think time and other failures are not the server's for retries.
			least(sum(x.retried_time), sum(x.aborted_time)) AS wasted
		FROM shapes AS x
		GROUP BY 1, 2, 3, 4, 5, 6, 7
	),
	reasons AS (
		SELECT r.dbid, r.userid, r.tag, r.kind, r.first_fingerprint,
			(array_agg(r.sqlstate ORDER BY r.failures DESC, r.sqlstate))[1] AS sqlstate,
			jsonb_object_agg(r.sqlstate, r.failures) AS failures_by_sqlstate
		FROM (
			SELECT x.dbid, x.userid, x.tag, x.kind, x.first_fingerprint,
				coalesce(e.sqlstate, 'others') AS sqlstate, sum(e.failures) AS failures
			FROM diagnose.transaction_errors(w) AS e
				JOIN shapes AS x ON x.dbid = e.dbid AND x.userid = e.userid
					AND x.shape = e.shape
					AND x.tag = diagnose.tag_text(e.route, e.controller, e.action, e.application)
			GROUP BY 1, 2, 3, 4, 5, 6) AS r
		GROUP BY 1, 2, 3, 4, 5
	),
	judged AS (
		SELECT a.*, r.sqlstate, r.failures_by_sqlstate,
			(a.successes + a.retries)::float8 / greatest(a.successes, 1) AS amplification,
			a.wasted / diagnose.seconds(w) AS impact
		FROM alike AS a
			LEFT JOIN reasons AS r ON r.dbid = a.dbid AND r.userid = a.userid
				AND r.tag = a.tag AND r.kind = a.kind
				AND r.first_fingerprint = a.first_fingerprint
		WHERE a.retries >= current_setting('pg_diagnose.retry_storm_min_retries')::float8
	)
	SELECT 'retry_storm', 'reliability',
		CASE
			WHEN j.amplification >= current_setting('pg_diagnose.retry_storm_critical_amplification')::float8
				THEN 'critical'
			ELSE 'warning'
		END,
		format('retry_storm:%s:%s:%s:%s:%s', j.database, j.role, j.tag,
			j.first_fingerprint, j.kind),
		CASE WHEN j.dbid = (SELECT d.oid FROM pg_database AS d
							WHERE d.datname = current_database())
			THEN '' ELSE 'in database ' || j.database || ': ' END ||
			CASE WHEN j.tag <> '' THEN j.tag || ': ' ELSE '' END ||
			j.kind || ' that begins with ' ||
			diagnose.short_text(coalesce(j.first_statement, '<text not kept>'), 300),
		j.impact, j.impact, 'exact', j.attempts::bigint,
		CASE
			WHEN j.successes = 0 THEN format('%s of %s were retries, and none succeeded',
				j.retries, diagnose.count_text(j.attempts::bigint, 'attempt'))
			ELSE format('takes %s attempts for each success: %s of %s were retries',
				to_char(j.amplification, 'FM999,990.0'), j.retries,
				to_char(j.attempts, 'FM9,999,999,999,999,999,999'))
		END,
		jsonb_strip_nulls(jsonb_build_object(
			'database', j.database, 'role', j.role, 'tag', nullif(j.tag, ''),
			'attempts', j.attempts, 'successes', j.successes,
			'failures', j.failures, 'retries', j.retries,
			'attempts_per_success', round(j.amplification::numeric, 2),
			'failures_by_sqlstate', j.failures_by_sqlstate,
			'retried_duration_ms', round(j.retried_time::numeric, 1),
			'wasted_ms', round(j.wasted::numeric, 1))),
		concat_ws(' ',
			'Wait before each retry, longer every time and by chance, give up after a few, and let only a small part of all attempts be retries: at once and without limit, they are the load that makes the next ones fail.',
			CASE
				WHEN j.sqlstate IN ('40001', '40P01') THEN 'Most failed because transactions met at the same rows: make them shorter, and lock the rows in one order before they are changed.'
				WHEN j.sqlstate = '55P03' THEN 'Most did not get a lock in time: find who holds it for so long.'
				WHEN j.sqlstate = '57014' THEN 'Most were cancelled: each does the same work again only to be cancelled again. Make the statement faster, or give it more time.'
				WHEN j.sqlstate = '23505' THEN 'Most failed as the row was there already, which a retry does not change: use INSERT ... ON CONFLICT.'
				WHEN j.sqlstate LIKE '53%' THEN 'Most failed as the server lacks a resource, of which each retry takes more.'
				WHEN j.sqlstate IS NOT NULL THEN format('Most failed with %s: see whether a retry can help at all.',
					j.sqlstate || coalesce(' (' || diagnose.sqlstate_name(j.sqlstate) || ')', ''))
			END),
		NULL::text, NULL::text,
		format(E'SELECT sum(commits) AS commits, sum(aborts) AS aborts, sum(retries) AS retries\nFROM diagnose.transaction_shapes(diagnose.since_reset())\nWHERE first_fingerprint = %s AND kind = %L',
			j.first_fingerprint, j.kind),
		NULL::text
	FROM judged AS j
	WHERE j.amplification >= current_setting('pg_diagnose.retry_storm_min_amplification')::float8;
END;
COMMENT ON FUNCTION diagnose.rule_retry_storm(diagnose.window) IS
'transactions that fail and are tried again, over and over';
