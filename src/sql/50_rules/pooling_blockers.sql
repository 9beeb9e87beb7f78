-- A pooler that hands out sessions transaction by transaction loses what
-- outlives one.  What it does carry along is not counted (see session.c):
-- prepared statements of the protocol (pgbouncer 1.21 and newer) and the settings
-- that a server reports.  set_config() cannot be seen.  Who does little is no
-- candidate for a pooler: a person, or a dump.
CREATE OR REPLACE FUNCTION diagnose.rule_pooling_blockers(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 20000
BEGIN ATOMIC
	WITH judged AS (
		SELECT s.*, b.uses, b.list, b.advice, b.counts
		FROM diagnose.session_workload(w) AS s
			CROSS JOIN LATERAL (
				SELECT sum(v.n) AS uses,
					string_agg(v.what || ' (' || to_char(v.n, 'FM9,999,999,999,999,999,999') || ')',
						', ' ORDER BY v.n DESC, v.what) AS list,
					string_agg(v.advice, ' ' ORDER BY v.n DESC, v.what) AS advice,
					jsonb_object_agg(v.name, v.n) AS counts
				FROM (VALUES
					('sets', 'SET', s.sets, 'Instead of SET: SET LOCAL in the transaction, or ALTER ROLE ... SET.'),
					('temp_tables', 'temporary tables', s.temp_tables, 'Create temporary tables with ON COMMIT DROP, in the transaction that uses them.'),
					('prepares', 'PREPARE', s.prepares, 'Prepare statements by the protocol, as drivers do, not by SQL.'),
					('listens', 'LISTEN', s.listens, 'LISTEN needs a session of its own, beside the pool.'),
					('held_cursors', 'cursors WITH HOLD', s.held_cursors, 'Read a cursor to its end in one transaction, or go on from the last key.'),
					('advisory_locks', 'advisory locks of the session', s.advisory_locks, 'Use pg_advisory_xact_lock(), which ends with the transaction.'),
					('loads', 'LOAD', s.loads, 'Instead of LOAD: ALTER ROLE ... SET session_preload_libraries.')
				) AS v (name, what, n, advice)
				WHERE v.n > 0) AS b
		WHERE b.uses >= greatest(current_setting('pg_diagnose.pooling_blockers_min_uses')::float8, 1)
			AND s.transactions >= current_setting('pg_diagnose.pooling_blockers_min_transactions')::float8
	)
	SELECT 'pooling_blockers', 'capacity', 'info',
		'pooling_blockers:' || j.identity, j.subject,
		NULL::float8, NULL::float8, 'exact', j.transactions,
		'not ready for transaction pooling: ' || j.list,
		j.evidence || j.counts || jsonb_build_object(
			'transactions', j.transactions, 'sessions_at_once', j.max_open),
		'Behind a pooler in transaction mode, the next transaction may run in another session and miss this. ' || j.advice,
		NULL::text, NULL::text,
		E'SELECT sets, temp_tables, prepares, listens, held_cursors, advisory_locks, loads\nFROM diagnose.sessions(diagnose.since_reset())' || j.verify_where,
		NULL::text
	FROM judged AS j;
END;
COMMENT ON FUNCTION diagnose.rule_pooling_blockers(diagnose.window) IS
'an application that relies on what transaction pooling takes away';
