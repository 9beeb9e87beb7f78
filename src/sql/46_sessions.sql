-- Sessions as rules judge them, and for people.

CREATE OR REPLACE FUNCTION diagnose.session_workload(
	w								diagnose.window,
	OUT identity					text,
	OUT subject						text,
	OUT evidence					jsonb,
	OUT verify_where				text,
	OUT database					text,
	OUT role						text,
	OUT dbid						oid,
	OUT userid						oid,
	OUT application					text,
	OUT seconds						double precision,
	OUT open						bigint,
	OUT max_open					bigint,
	OUT begun						bigint,
	OUT ended						bigint,
	OUT ended_early					bigint,
	OUT ended_uncleanly				bigint,
	OUT connect_time				double precision,
	OUT histogram					diagnose.histogram,
	OUT transactions				bigint,
	OUT rollbacks					bigint,
	OUT blocks						bigint,
	OUT statements					bigint,
	OUT sets						bigint,
	OUT temp_tables					bigint,
	OUT prepares					bigint,
	OUT listens						bigint,
	OUT held_cursors				bigint,
	OUT advisory_locks				bigint,
	OUT loads						bigint,
	OUT statement_timeout			bigint,
	OUT lock_timeout				bigint,
	OUT idle_in_transaction_session_timeout bigint,
	OUT transaction_timeout			bigint)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 50 COST 20000
BEGIN ATOMIC
	WITH named AS (
		SELECT s.*,
			coalesce(d.datname::text, 'oid ' || s.dbid) AS database,
			coalesce(r.rolname::text, 'oid ' || s.userid) AS role,
			coalesce(format('%L::regrole', quote_ident(r.rolname)), s.userid::text) AS userid_text
		FROM diagnose.sessions(w) AS s
			LEFT JOIN pg_database AS d ON d.oid = s.dbid
			LEFT JOIN pg_roles AS r ON r.oid = s.userid
		WHERE s.application IS NOT NULL
	)
	SELECT format('%s:%s:%s', n.database, n.role, n.application),
		CASE
			WHEN n.application = '' THEN 'an application without a name'
			ELSE 'application ' || n.application
		END || format(' of role %s in database %s', n.role, n.database),
		jsonb_strip_nulls(jsonb_build_object(
			'database', n.database, 'role', n.role,
			'application', nullif(n.application, ''),
			'sessions', n.begun)),
		format(E'\nWHERE dbid = %s AND userid = %s AND application = %L',
			n.dbid, n.userid_text, n.application),
		n.database, n.role, n.dbid, n.userid, n.application,
		diagnose.seconds(w),
		n.open, n.max_open, n.begun,
		n.ended_normally + n.ended_in_transaction + n.ended_by_fatal,
		n.ended_early, n.ended_in_transaction + n.ended_by_fatal,
		n.connect_time, n.histogram,
		n.blocks + n.autocommits, n.rollbacks, n.blocks, n.statements,
		n.sets, n.temp_tables, n.prepares, n.listens, n.held_cursors,
		n.advisory_locks, n.loads,
		n.max_statement_timeout, n.max_lock_timeout,
		n.max_idle_in_transaction_session_timeout, n.max_transaction_timeout
	FROM named AS n;
END;
COMMENT ON FUNCTION diagnose.session_workload(diagnose.window) IS
'sessions as rules judge them, by database, role and application, without those whose application the caller may not know; transactions are those of the client; timeouts are the longest seen, in milliseconds, 0: never one';

CREATE OR REPLACE VIEW diagnose.sessions AS
SELECT diagnose.short_text(s.database, 12) AS database,
	diagnose.short_text(s.role, 12) AS username,
	diagnose.short_text(s.application, 16) AS application,
	s.open, s.max_open AS peak, s.begun, s.ended_uncleanly AS unclean,
	diagnose.duration_text(diagnose.quantile(s.histogram, 0.5)) AS median,
	s.transactions AS xacts,
	pg_catalog.round((s.statements::numeric / nullif(s.transactions, 0)), 1) AS stmts,
	s.sets + s.temp_tables + s.prepares + s.listens + s.held_cursors +
		s.advisory_locks + s.loads AS keeps
FROM diagnose.session_workload(diagnose.since_reset()) AS s
ORDER BY s.transactions DESC, s.begun DESC;
COMMENT ON VIEW diagnose.sessions IS
'who connected since the last reset, and what for; the function diagnose.sessions(window) has everything';
COMMENT ON COLUMN diagnose.sessions.open IS 'sessions now';
COMMENT ON COLUMN diagnose.sessions.peak IS 'most sessions at once';
COMMENT ON COLUMN diagnose.sessions.unclean IS 'sessions that a FATAL error ended, or that left a transaction behind';
COMMENT ON COLUMN diagnose.sessions.median IS 'half of the sessions that ended were no longer than this';
COMMENT ON COLUMN diagnose.sessions.xacts IS 'transactions of the client';
COMMENT ON COLUMN diagnose.sessions.stmts IS 'statements per transaction';
COMMENT ON COLUMN diagnose.sessions.keeps IS 'how often something was done that outlives its transaction: SET, temporary tables, PREPARE, LISTEN ...';
