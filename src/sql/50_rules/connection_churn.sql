-- A session costs a process, its caches and often an encrypted handshake, which
-- a transaction or two do not pay back.  PostgreSQL's documentation gives no
-- number; from five a second on, or from one every two seconds if most do next
-- to nothing, a pool is cheaper by any account.  What a job starts once a minute
-- stays far below.  The time to begin is the server's: from the process to the
-- first prompt, with authentication and its round trips to the client.
CREATE OR REPLACE FUNCTION diagnose.rule_connection_churn(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 20000
BEGIN ATOMIC
	WITH judged AS (
		SELECT s.*,
			s.begun / s.seconds AS rate,
			s.ended_early::float8 / nullif(s.ended, 0) AS early_share,
			s.connect_time / s.seconds AS impact,
			s.connect_time / nullif(s.begun, 0) AS each
		FROM diagnose.session_workload(w) AS s
		WHERE s.begun >= current_setting('pg_diagnose.connection_churn_min_sessions')::float8
			AND s.begun > 0
	),
	told AS (
		SELECT j.*,
			j.early_share >= current_setting('pg_diagnose.connection_churn_min_early_share')::float8 AS is_early
		FROM judged AS j
	)
	SELECT 'connection_churn', 'performance', 'warning',
		'connection_churn:' || t.identity, t.subject,
		t.impact, t.impact, 'exact', t.begun,
		format('%s, each with %s to begin',
			diagnose.count_text(t.begun, 'session'),
			diagnose.duration_text(t.each)) ||
			CASE
				WHEN t.is_early THEN format('; %s ended after at most %s',
					diagnose.share_text(t.early_share),
					diagnose.count_text(current_setting('pg_diagnose.connection_churn_max_transactions')::numeric::bigint, 'transaction'))
				ELSE ''
			END,
		t.evidence || jsonb_strip_nulls(jsonb_build_object(
			'sessions_per_second', round(t.rate::numeric, 2),
			'early_share', round(t.early_share::numeric, 3),
			'begin_ms', round(t.each::numeric, 2),
			'p50_length_ms', round(diagnose.quantile(t.histogram, 0.5)::numeric, 1),
			'transactions_per_second', round((t.transactions / t.seconds)::numeric, 2))),
		'Let sessions live: a connection pool in the application, or pgbouncer in front of the server, keeps a few of them open for all. A pool that has one should be told not to close idle connections so soon, and not to test each by a new one.',
		NULL::text, NULL::text,
		E'SELECT begun, ended_early, connect_time\nFROM diagnose.sessions(diagnose.since_reset())' || t.verify_where,
		NULL::text
	FROM told AS t
	WHERE t.rate >= current_setting('pg_diagnose.connection_churn_min_rate')::float8
		OR (t.is_early AND
			t.rate >= current_setting('pg_diagnose.connection_churn_min_early_rate')::float8);
END;
COMMENT ON FUNCTION diagnose.rule_connection_churn(diagnose.window) IS
'an application that connects anew for next to every transaction';
