-- Without a timeout, one client that hangs in a transaction, or one statement
-- with a bad plan, holds locks and back vacuum for as long as it likes.  A role
-- is judged when its statements are short and its transactions many; who computes
-- for hours is left alone.  Proposed is three times the 99.9th percentile that was
-- measured, rounded up; idle in a transaction 10 to 60 seconds; lock_timeout for
-- who changes the schema, 5 seconds (what linters of migrations ask for: squawk 1
-- to 5 s, safer_migrations 750 ms).  A timeout counts as missing when an application
-- of the role was never seen with one, and it is not set since.
CREATE OR REPLACE FUNCTION diagnose.rule_missing_guards(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 20000
BEGIN ATOMIC
	WITH roles AS (
		SELECT s.dbid, s.userid, s.database, s.role,
			sum(s.transactions)::bigint AS transactions,
			sum(s.blocks)::bigint AS blocks,
			string_agg(nullif(s.application, ''), ', ' ORDER BY s.application)
				FILTER (WHERE 0 IN (s.statement_timeout, s.idle_in_transaction_session_timeout)) AS applications,
			min(s.statement_timeout) AS statement_timeout,
			min(s.lock_timeout) AS lock_timeout,
			min(s.idle_in_transaction_session_timeout) AS idle_timeout,
			min(s.transaction_timeout) AS transaction_timeout
		FROM diagnose.session_workload(w) AS s
			JOIN pg_roles AS a ON a.oid = s.userid
			JOIN pg_database AS d ON d.oid = s.dbid
		WHERE s.transactions >= current_setting('pg_diagnose.missing_guards_min_transactions')::float8
		GROUP BY s.dbid, s.userid, s.database, s.role
	),
	statements AS (
		SELECT s.dbid, s.userid,
			diagnose.sum(s.histogram) AS histogram,
			max(s.max_exec_time) AS longest,
			bool_or(s.query ~* '^(alter|create|drop|reindex|truncate|cluster|refresh)\M'
					AND s.query !~* '^(create|drop) (local |global )?(temp|temporary|role|user|database)\M') AS changes_schema
		FROM diagnose.statements(w) AS s
		WHERE s.toplevel AND s.calls > 0 AND NOT diagnose.is_own(s.query)
		GROUP BY s.dbid, s.userid
	),
	blocks AS (
		SELECT t.dbid, t.userid,
			diagnose.quantile(diagnose.sum(t.idle_histogram), 0.999) AS idle,
			diagnose.quantile(diagnose.sum(t.duration_histogram), 0.999) AS duration
		FROM diagnose.transactions(w) AS t
		WHERE t.kind = 'transaction'
		GROUP BY t.dbid, t.userid
	),
	proposed AS (
		SELECT r.*, s.longest, b.idle, b.duration,
			diagnose.quantile(s.histogram, 0.999) AS p999,
			p.position, p.setting, c.old_value,
			CASE
				WHEN p.ms % 60000 = 0 THEN p.ms / 60000 || 'min'
				ELSE p.ms / 1000 || 's'
			END AS value,
			format('ALTER ROLE %I IN DATABASE %I ', r.role, r.database) AS alter_role
		FROM roles AS r
			JOIN statements AS s ON s.dbid = r.dbid AND s.userid = r.userid
			LEFT JOIN blocks AS b ON b.dbid = r.dbid AND b.userid = r.userid
			CROSS JOIN LATERAL (
				SELECT current_setting('pg_diagnose.missing_guards_min_timeout')::float8 AS least,
					current_setting('pg_diagnose.missing_guards_min_idle')::float8 AS least_idle,
					current_setting('pg_diagnose.missing_guards_max_idle')::float8 AS most_idle,
					current_setting('pg_diagnose.missing_guards_lock_timeout')::float8 AS for_lock,
					current_setting('pg_diagnose.missing_guards_factor')::float8 AS factor
				) AS g
			CROSS JOIN LATERAL (
				SELECT v.position, v.setting,
					(SELECT min(step) FROM unnest(ARRAY[1, 2, 5, 10, 15, 20, 30, 60,
						120, 300, 600, 900, 1800, 3600]) AS u (seconds),
						LATERAL (SELECT u.seconds * 1000 AS step) AS x
					 WHERE x.step >= v.wanted) AS ms
				FROM (VALUES
					(1, 'statement_timeout', r.statement_timeout = 0,
						greatest(diagnose.quantile(s.histogram, 0.999) * g.factor, g.least)),
					(2, 'lock_timeout', r.lock_timeout = 0 AND s.changes_schema, g.for_lock),
					(3, 'idle_in_transaction_session_timeout',
						r.idle_timeout = 0 AND r.blocks > 0,
						least(greatest(b.idle * g.factor, g.least_idle), g.most_idle)),
					(4, 'transaction_timeout', r.transaction_timeout = 0 AND r.blocks > 0,
						greatest(b.duration * g.factor, g.least))
				) AS v (position, setting, is_missing, wanted)
				WHERE v.is_missing) AS p
			LEFT JOIN LATERAL (
				SELECT substr(o.entry, length(p.setting) + 2) AS old_value
				FROM pg_db_role_setting AS d, unnest(d.setconfig) AS o (entry)
				WHERE d.setdatabase = r.dbid AND d.setrole = r.userid
					AND starts_with(o.entry, p.setting || '=')) AS c ON true
		WHERE diagnose.quantile(s.histogram, 0.95) <=
				current_setting('pg_diagnose.missing_guards_max_time')::float8
			AND p.ms IS NOT NULL
			AND (c.old_value IS NULL OR c.old_value ~ '^[+-]?0+[a-z ]*$')
	),
	told AS (
		SELECT p.dbid, p.userid, p.database, p.role, p.transactions,
			p.applications, p.p999, p.longest, p.idle, p.duration,
			string_agg(p.setting, ', ' ORDER BY p.position) AS settings,
			jsonb_object_agg(p.setting, p.value) AS would_do,
			string_agg(p.alter_role || format('SET %s = %L', p.setting, p.value),
				E';\n' ORDER BY p.position) AS fix,
			string_agg(p.alter_role ||
				CASE
					WHEN p.old_value IS NULL THEN 'RESET ' || p.setting
					ELSE format('SET %s = %L', p.setting, p.old_value)
				END, E';\n' ORDER BY p.position) AS undo
		FROM proposed AS p
		GROUP BY p.dbid, p.userid, p.database, p.role, p.transactions,
			p.applications, p.p999, p.longest, p.idle, p.duration
	)
	SELECT 'missing_guards', 'reliability', 'info',
		format('missing_guards:%s:%s', t.database, t.role),
		format('role %s in database %s', t.role, t.database),
		NULL::float8, NULL::float8, 'exact', t.transactions,
		format('%s without %s', diagnose.count_text(t.transactions, 'transaction'),
			t.settings),
		jsonb_strip_nulls(jsonb_build_object(
			'database', t.database, 'role', t.role,
			'applications', t.applications,
			'transactions', t.transactions,
			'would_do', t.would_do,
			'p999_statement_ms', round(t.p999::numeric, 1),
			'longest_statement_ms', round(t.longest::numeric, 1),
			'p999_idle_in_transaction_ms', round(t.idle::numeric, 1),
			'p999_transaction_ms', round(t.duration::numeric, 1))),
		concat_ws(' ',
			'Set limits that are never reached in good times, so that one statement or client that hangs does not stop all others. Migrations, dumps and reports should run as other roles, or set their own.',
			CASE WHEN pg_is_in_recovery() THEN 'ALTER ROLE runs on the primary.' END,
			'New sessions take the values over, those of a pool when it renews them.'),
		t.fix, t.undo,
		format(E'SELECT application, max_statement_timeout, max_lock_timeout, max_idle_in_transaction_session_timeout\nFROM diagnose.sessions(diagnose.since_reset())\nWHERE dbid = %s AND userid = %L::regrole',
			t.dbid, quote_ident(t.role)),
		NULL::text
	FROM told AS t;
END;
COMMENT ON FUNCTION diagnose.rule_missing_guards(diagnose.window) IS
'a role whose statements and transactions may take forever';
