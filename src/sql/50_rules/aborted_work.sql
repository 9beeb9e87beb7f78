-- Weighted by time, not by count: a thousand transactions that fail at once
-- cost nothing, one that fails at its end all of it.  Many drivers end a
-- transaction that has only read with ROLLBACK; nothing is lost by that.
--
-- 2 % and 10 % of the transactions are what others warn of, by count
-- (awesome-prometheus-alerts, the Postgres mixin).
CREATE OR REPLACE FUNCTION diagnose.rule_aborted_work(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 50000
BEGIN ATOMIC
	WITH shapes AS MATERIALIZED (
		SELECT x.*,
			x.commits + x.prepared + x.rollbacks + x.aborts + x.abandoned AS ends,
			CASE
				WHEN x.with_xid > 0 THEN x.rollbacks + x.aborts + x.abandoned
				ELSE x.aborts
			END AS in_vain,
			CASE
				WHEN x.with_xid > 0 THEN x.aborted_time
				ELSE x.aborted_time * x.aborts /
					greatest(x.rollbacks + x.aborts + x.abandoned, 1)
			END AS wasted
		FROM diagnose.transaction_shapes(w) AS x
		WHERE NOT x.is_own
	),
	applications AS (
		SELECT x.dbid, x.userid, x.database, x.role, x.application,
			sum(x.ends) AS ends, sum(x.in_vain) AS in_vain,
			sum(x.rollbacks) FILTER (WHERE x.with_xid > 0) AS rollbacks,
			sum(x.aborts) AS aborts,
			sum(x.abandoned) FILTER (WHERE x.with_xid > 0) AS abandoned,
			sum(x.exec_time) AS exec_time, sum(x.wasted) AS wasted,
			(array_agg(concat_ws(': ', nullif(nullif(x.tag, ''), x.application),
				diagnose.shape_text(x.first_statement, x.positions, 80))
				ORDER BY x.wasted DESC, x.identity)
				FILTER (WHERE x.wasted > 0))[1:3] AS most_of_it
		FROM shapes AS x
		GROUP BY 1, 2, 3, 4, 5
	),
	reasons AS (
		SELECT r.dbid, r.userid, r.application,
			jsonb_object_agg(r.sqlstate, r.failures) AS failures_by_sqlstate
		FROM (
			SELECT x.dbid, x.userid, x.application,
				coalesce(e.sqlstate, 'others') AS sqlstate, sum(e.failures) AS failures
			FROM diagnose.transaction_errors(w) AS e
				JOIN shapes AS x ON x.dbid = e.dbid AND x.userid = e.userid
					AND x.shape = e.shape
					AND x.tag = diagnose.tag_text(e.route, e.controller, e.action, e.application)
			GROUP BY 1, 2, 3, 4) AS r
		GROUP BY 1, 2, 3
	),
	judged AS (
		SELECT a.*, r.failures_by_sqlstate, a.wasted / a.exec_time AS share,
			a.wasted / diagnose.seconds(w) AS impact
		FROM applications AS a
			LEFT JOIN reasons AS r ON r.dbid = a.dbid AND r.userid = a.userid
				AND r.application IS NOT DISTINCT FROM a.application
		WHERE a.exec_time > 0
			AND a.in_vain >= current_setting('pg_diagnose.aborted_work_min_transactions')::float8
	)
	SELECT 'aborted_work', 'reliability',
		-- A large share of nothing is nothing.
		CASE
			WHEN diagnose.severity_of(j.impact) = 'info' THEN 'info'
			WHEN j.share >= current_setting('pg_diagnose.aborted_work_critical_share')::float8
				THEN 'critical'
			ELSE 'warning'
		END,
		format('aborted_work:%s:%s:%s', j.database, j.role, j.application),
		CASE WHEN j.dbid = (SELECT d.oid FROM pg_database AS d
							WHERE d.datname = current_database())
			THEN '' ELSE 'in database ' || j.database || ': ' END ||
			coalesce('application ' || nullif(j.application, ''),
				'role ' || j.role || ', without application name'),
		j.impact, j.impact, 'exact', j.ends::bigint,
		format('%s that did not commit took %s of its time',
			diagnose.count_text(j.in_vain::bigint, 'transaction'),
			diagnose.share_text(j.share)),
		jsonb_strip_nulls(jsonb_build_object(
			'database', j.database, 'role', j.role,
			'application', nullif(j.application, ''),
			'transactions', j.ends,
			'rolled_back_after_writing', nullif(j.rollbacks, 0),
			'ended_by_errors', nullif(j.aborts, 0),
			'abandoned_after_writing', nullif(j.abandoned, 0),
			'failures_by_sqlstate', j.failures_by_sqlstate,
			'exec_ms', round(j.exec_time::numeric, 1),
			'aborted_ms', round(j.wasted::numeric, 1),
			'share', round(j.share::numeric, 4),
			'most_of_it', to_jsonb(j.most_of_it))),
		'Fail early: put what is likely to fail first (checks of input and of unique keys, locks with lock_timeout or NOWAIT) and expensive statements after it, and split a transaction whose parts can stand alone. What a failed transaction has written is dead rows for vacuum to remove.' ||
			CASE WHEN j.rollbacks > j.aborts THEN ' Most were rolled back by the application itself: decide before writing.' ELSE '' END,
		NULL::text, NULL::text,
		E'SELECT application, sum(aborted_time) / sum(exec_time) AS share\nFROM diagnose.transactions(diagnose.since_reset())\nGROUP BY application HAVING sum(exec_time) > 0',
		NULL::text
	FROM judged AS j
	WHERE j.share >= current_setting('pg_diagnose.aborted_work_min_share')::float8;
END;
COMMENT ON FUNCTION diagnose.rule_aborted_work(diagnose.window) IS
'an application whose transactions do much of their work in vain, as they do not commit';
