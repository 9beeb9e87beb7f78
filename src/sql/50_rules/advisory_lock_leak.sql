-- What a session that is idle outside of a transaction holds, it holds until
-- it says otherwise, or ends.  With a pool, that may be never.  Who elects a
-- leader by such a lock holds a single one on purpose.
CREATE OR REPLACE FUNCTION diagnose.rule_advisory_lock_leak(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 20000
BEGIN ATOMIC
	WITH held AS (
		SELECT l.pid, count(*) AS locks,
			(array_agg(CASE l.objsubid
					WHEN 1 THEN ((l.classid::bigint << 32) | l.objid::bigint)::text
					ELSE format('(%s, %s)', l.classid::bigint::bit(32)::int4,
						l.objid::bigint::bit(32)::int4)
				END ORDER BY l.classid, l.objid, l.objsubid))[1:5] AS keys
		FROM pg_locks AS l
		WHERE l.locktype = 'advisory' AND l.granted
		GROUP BY l.pid
	),
	judged AS (
		SELECT a.datname::text AS database, a.usename::text AS role,
			a.application_name AS application,
			count(*) AS sessions, sum(h.locks)::bigint AS locks,
			max(h.locks) AS most,
			max(extract(epoch FROM statement_timestamp() - a.state_change))::float8 * 1000 AS ms,
			jsonb_agg(h.keys ORDER BY h.locks DESC, a.pid)->0 AS keys
		FROM held AS h
			JOIN pg_stat_activity AS a ON a.pid = h.pid
		WHERE a.state = 'idle'
			AND (h.locks >= current_setting('pg_diagnose.advisory_lock_leak_min_locks')::float8
				OR statement_timestamp() - a.state_change >=
					make_interval(secs => current_setting('pg_diagnose.advisory_lock_leak_min_time')::float8 / 1000))
		GROUP BY a.datname, a.usename, a.application_name
	)
	SELECT 'advisory_lock_leak', 'reliability',
		CASE WHEN j.locks = 1 THEN 'info' ELSE 'warning' END,
		format('advisory_lock_leak:%s:%s:%s', j.database, j.role, j.application),
		format('sessions of %s as %s in database %s',
			coalesce(nullif(j.application, ''), 'an application without name'),
			j.role, j.database),
		NULL::float8, NULL::float8, 'exact', j.locks,
		format('%s held by %s, for %s',
			diagnose.count_text(j.locks, 'advisory lock'),
			diagnose.count_text(j.sessions, 'idle session'),
			diagnose.duration_text(j.ms)),
		jsonb_build_object('database', j.database, 'role', j.role,
			'application', j.application, 'sessions', j.sessions,
			'locks', j.locks, 'most_per_session', j.most,
			'idle_ms', round(j.ms::numeric),
			'keys_of_one', j.keys),
		concat_ws(' ',
			'Outside of transactions, advisory locks last until pg_advisory_unlock() is called as often as they were taken, or the session ends: use pg_advisory_xact_lock(), which lets go by itself.',
			CASE WHEN j.locks = 1 THEN 'A single lock may be held on purpose, to elect a leader.' END,
			'With a connection pool in transaction mode, the unlock may reach another session than the lock did.'),
		NULL::text, NULL::text,
		format(E'SELECT a.pid, count(*) AS locks, max(a.state_change) AS idle_since\nFROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_stat_activity AS a USING (pid)\nWHERE l.locktype = ''advisory'' AND a.datname = %L AND a.usename = %L AND a.application_name = %L\nGROUP BY a.pid',
			j.database, j.role, j.application),
		NULL::text
	FROM judged AS j;
END;
COMMENT ON FUNCTION diagnose.rule_advisory_lock_leak(diagnose.window) IS
'an idle session that still holds advisory locks';
