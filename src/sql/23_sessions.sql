-- Facts about sessions, by database, user and application.

CREATE OR REPLACE FUNCTION diagnose.sessions(
	w								diagnose.window,
	OUT userid						oid,
	OUT dbid						oid,
	OUT application					text,
	OUT open						bigint,
	OUT max_open					bigint,
	OUT begun						bigint,
	OUT ended_normally				bigint,
	OUT ended_in_transaction		bigint,
	OUT ended_by_fatal				bigint,
	OUT ended_early					bigint,
	OUT first_begin					timestamptz,
	OUT last_begin					timestamptz,
	OUT session_time				double precision,
	OUT connect_time				double precision,
	OUT histogram					diagnose.histogram,
	OUT commits						bigint,
	OUT rollbacks					bigint,
	OUT blocks						bigint,
	OUT autocommits					bigint,
	OUT prepared					bigint,
	OUT prepared_commits			bigint,
	OUT prepared_rollbacks			bigint,
	OUT statements					bigint,
	OUT sets						bigint,
	OUT temp_tables					bigint,
	OUT prepares					bigint,
	OUT listens						bigint,
	OUT held_cursors				bigint,
	OUT advisory_locks				bigint,
	OUT loads						bigint,
	OUT min_statement_timeout		bigint,
	OUT max_statement_timeout		bigint,
	OUT min_lock_timeout			bigint,
	OUT max_lock_timeout			bigint,
	OUT min_idle_in_transaction_session_timeout bigint,
	OUT max_idle_in_transaction_session_timeout bigint,
	OUT min_transaction_timeout		bigint,
	OUT max_transaction_timeout		bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_sessions'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 50 COST 10000;
COMMENT ON FUNCTION diagnose.sessions(diagnose.window) IS
'what client sessions did, those that go on included, by database, user who logged in and application; commits and rollbacks as in pg_stat_database; histogram: length of sessions that ended; timeouts: least and most that was in force at the end of a session''s latest transaction; all times in milliseconds; userid NULL: all that found no room';
