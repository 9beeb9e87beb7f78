-- On a standby, replay goes on at the expense of queries that are in its way.
-- They fail with 40001, which nothing else raises there, as no transaction is
-- SERIALIZABLE.  The server also counts why, since its own statistics were reset.
-- One an hour is worth a look; one query in a thousand is what users notice.
CREATE OR REPLACE FUNCTION diagnose.rule_recovery_conflict_cancels(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 20000
BEGIN ATOMIC
	WITH errors AS MATERIALIZED (
		SELECT e.* FROM diagnose.errors_by_sqlstate(w) AS e
		WHERE e.sqlstate = '40001' AND pg_is_in_recovery()
			AND e.toplevel
	),
	statements AS MATERIALIZED (
		SELECT s.* FROM diagnose.workload(w) AS s
		WHERE s.toplevel AND pg_is_in_recovery()
	),
	cancelled AS (
		SELECT s.dbid, s.subject, s.failed_time, s.failed, e.cancels
		FROM statements AS s
			CROSS JOIN LATERAL (
				SELECT sum(x.failures) AS cancels
				FROM errors AS x
				WHERE x.dbid = s.dbid AND x.userid = s.userid
					AND x.queryid = ANY (s.queryids)) AS e
		WHERE e.cancels > 0
	),
	databases AS (
		SELECT e.dbid, d.datname, sum(e.failures)::bigint AS cancels,
			diagnose.seconds(w) AS seconds
		FROM errors AS e
			JOIN pg_database AS d ON d.oid = e.dbid
		GROUP BY e.dbid, d.datname
	),
	judged AS (
		SELECT b.*, k.why, a.attempts, c.wasted, c.most,
			b.cancels / greatest(a.attempts, b.cancels) AS share,
			c.wasted / b.seconds AS impact
		FROM databases AS b
			CROSS JOIN LATERAL (
				SELECT coalesce(sum(s.calls + s.failed), 0)::float8 AS attempts
				FROM statements AS s WHERE s.dbid = b.dbid) AS a
			CROSS JOIN LATERAL (
				SELECT sum(x.failed_time * x.cancels::float8 / greatest(x.failed, 1)) AS wasted,
					(array_agg(x.subject ORDER BY x.cancels DESC, x.subject))[1] AS most
				FROM cancelled AS x WHERE x.dbid = b.dbid) AS c
			CROSS JOIN LATERAL (
				SELECT jsonb_object_agg(j.key, j.value) AS why
				FROM pg_stat_database_conflicts AS f,
					jsonb_each(to_jsonb(f) - 'datid' - 'datname') AS j
				WHERE f.datid = b.dbid AND j.value > '0') AS k
	)
	SELECT 'recovery_conflict_cancels', 'reliability',
		CASE
			WHEN j.share >= current_setting('pg_diagnose.recovery_conflict_cancels_critical_share')::float8
				AND j.cancels >= current_setting('pg_diagnose.recovery_conflict_cancels_critical_cancels')::float8
				THEN 'critical'
			ELSE 'warning'
		END,
		'recovery_conflict_cancels:' || j.datname,
		'database ' || j.datname || coalesce(', most: ' || j.most, ''),
		j.impact, j.impact, 'exact', j.cancels,
		format('%s cancelled because replay could not wait (%s)',
			diagnose.count_text(j.cancels, 'query', 'queries'),
			diagnose.share_text(j.share)),
		jsonb_strip_nulls(jsonb_build_object(
			'database', j.datname, 'cancels', j.cancels,
			'share_of_executions', round(j.share::numeric, 5),
			'wasted_ms', round(j.wasted::numeric, 1),
			'conflicts_by_kind', j.why,
			'max_standby_streaming_delay', current_setting('max_standby_streaming_delay'),
			'hot_standby_feedback', current_setting('hot_standby_feedback'))),
		concat_ws(' ',
			'Either queries give way or replay does: a longer max_standby_streaming_delay lets replay fall behind for as long, and shorter queries need less of it. Retrying such a query is safe.',
			CASE
				WHEN j.why ? 'confl_snapshot' AND current_setting('hot_standby_feedback') = 'off'
					THEN 'Rows that vacuum removed were still needed: hot_standby_feedback = on prevents that, and keeps dead rows on the primary instead.'
			END,
			CASE
				WHEN j.why ? 'confl_lock'
					THEN 'A table was locked by replay: ALTER and DROP belong into quiet hours, and ALTER TABLE ... SET (vacuum_truncate = off) on the primary keeps vacuum from locking tables that are read here.'
			END),
		NULL::text, NULL::text,
		format(E'SELECT sum(failures)\nFROM diagnose.errors_by_sqlstate(diagnose.since_reset())\nWHERE sqlstate = ''40001'' AND toplevel AND dbid = %s', j.dbid),
		NULL::text
	FROM judged AS j
	WHERE j.cancels >= current_setting('pg_diagnose.recovery_conflict_cancels_min_per_hour')::float8 *
			greatest(j.seconds / 3600, 1);
END;
COMMENT ON FUNCTION diagnose.rule_recovery_conflict_cancels(diagnose.window) IS
'queries of a standby that are cancelled in favour of replay';
