-- Mostly an open cursor, or a portal that the driver fetches from in pieces.
-- Transactions that keep their snapshot by their isolation level look alike
-- from outside; once they are over, they are known exactly, and left out here.
CREATE OR REPLACE FUNCTION diagnose.rule_cursor_holding_snapshot(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 20000
BEGIN ATOMIC
	WITH held AS MATERIALIZED (
		SELECT h.* FROM diagnose.horizon_holders(w) AS h
		WHERE h.max_snapshot_time >=
			current_setting('pg_diagnose.cursor_holding_snapshot_min_time')::float8
	),
	statements AS MATERIALIZED (
		SELECT s.* FROM diagnose.workload(w) AS s
		WHERE s.toplevel AND EXISTS (SELECT FROM held)
	),
	exact AS MATERIALIZED (
		SELECT DISTINCT t.dbid, t.queryid
		FROM diagnose.transaction_steps(w) AS t
		WHERE t.isolation IN ('repeatable read', 'serializable')
			AND EXISTS (SELECT FROM held)
	),
	named AS (
		SELECT h.*,
			coalesce(s.identity, d.datname || ':unknown') AS identity,
			coalesce(s.subject, 'unknown statement in database ' || d.datname) AS subject,
			coalesce(s.evidence, jsonb_build_object('database', d.datname)) AS evidence
		FROM held AS h
			JOIN pg_database AS d ON d.oid = h.dbid
			LEFT JOIN LATERAL (
				SELECT x.* FROM statements AS x
				WHERE x.dbid = h.dbid AND h.queryid = ANY (x.queryids)
				ORDER BY x.userid = h.userid DESC, x.total_exec_time DESC
				LIMIT 1) AS s ON true
		WHERE NOT EXISTS (SELECT FROM exact AS e
						  WHERE e.dbid = h.dbid AND e.queryid = h.queryid)
	),
	summed AS (
		SELECT n.dbid, n.identity, n.subject, n.evidence,
			sum(n.samples)::bigint AS samples,
			sum(n.snapshot_time) AS ms, max(n.max_snapshot_time) AS max_ms,
			sum(n.oldest_time) AS oldest_ms, max(n.max_age) AS age
		FROM named AS n
		GROUP BY n.dbid, n.identity, n.subject, n.evidence
	)
	SELECT 'cursor_holding_snapshot', 'capacity',
		CASE
			WHEN s.max_ms >= current_setting('pg_diagnose.cursor_holding_snapshot_critical_time')::float8
				THEN 'critical'
			ELSE 'warning'
		END,
		'cursor_holding_snapshot:' || s.identity, s.subject,
		NULL::float8, NULL::float8, 'sampled', s.samples,
		format('a snapshot was held for %s, idle in transaction after this',
			diagnose.duration_text(s.max_ms)),
		s.evidence || jsonb_build_object(
			'longest_ms', round(s.max_ms::numeric, 1),
			'idle_with_snapshot_ms', round(s.ms::numeric, 1),
			'oldest_of_database_ms', round(s.oldest_ms::numeric, 1),
			'age_in_transactions', s.age),
		concat_ws(' ',
			'Vacuum keeps every row that was deleted since the snapshot was taken, in all tables: close cursors when done with them, fetch all rows before working on them, and commit.',
			'In REPEATABLE READ and SERIALIZABLE, the first statement takes a snapshot for the whole transaction.',
			CASE WHEN current_setting('idle_in_transaction_session_timeout') = '0'
				THEN 'idle_in_transaction_session_timeout ends such sessions.' END),
		NULL::text, NULL::text,
		format(E'SELECT max_snapshot_time, snapshot_time, max_age\nFROM diagnose.horizon_holders(diagnose.since_reset())\nWHERE dbid = %s', s.dbid) ||
			coalesce(' AND queryid = ' || (s.evidence->>'queryid'), ''),
		NULL::text
	FROM summed AS s;
END;
COMMENT ON FUNCTION diagnose.rule_cursor_holding_snapshot(diagnose.window) IS
'a session that holds a snapshot while it waits for its client';
