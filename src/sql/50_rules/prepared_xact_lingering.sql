-- A prepared transaction survives everything, restarts included, with all that
-- it has locked and all old rows that it might want to see.  One that is older
-- than a second has nobody who thinks of it, or a slow one (check_postgres
-- warns from there on, too).
CREATE OR REPLACE FUNCTION diagnose.rule_prepared_xact_lingering(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 20000
BEGIN ATOMIC
	WITH locks AS MATERIALIZED (
		SELECT l.* FROM pg_locks AS l
		-- who has none prepared is not to pay for the list of all locks
		WHERE EXISTS (SELECT FROM pg_prepared_xacts)
	),
	measured AS (
		SELECT p.gid, p.database, p.owner,
			extract(epoch FROM statement_timestamp() - p.prepared)::float8 * 1000 AS ms,
			age(p.transaction) AS age,
			(SELECT count(*) FROM locks AS l
				JOIN locks AS x ON x.virtualtransaction = l.virtualtransaction
					AND x.pid IS NULL
			 WHERE l.pid IS NULL AND l.transactionid = p.transaction
				AND x.locktype = 'relation') AS locked,
			(SELECT count(DISTINCT l.pid) FROM locks AS l
			 WHERE NOT l.granted AND l.transactionid = p.transaction) AS waiting
		FROM pg_prepared_xacts AS p
	)
	SELECT 'prepared_xact_lingering', 'reliability',
		CASE
			WHEN m.ms >= current_setting('pg_diagnose.prepared_xact_lingering_critical_time')::float8
				THEN 'critical'
			WHEN m.waiting > 0 OR
				m.ms >= current_setting('pg_diagnose.prepared_xact_lingering_warning_time')::float8
				THEN 'warning'
			ELSE 'info'
		END,
		format('prepared_xact_lingering:%s:%s', m.database, m.gid),
		format('transaction %L of %s in database %s', m.gid, m.owner, m.database),
		NULL::float8, NULL::float8, 'exact', 1::bigint,
		format('prepared %s ago and not finished%s', diagnose.duration_text(m.ms),
			CASE WHEN m.waiting > 0 THEN ', blocks ' ||
				diagnose.count_text(m.waiting, 'session') ELSE '' END),
		jsonb_build_object('database', m.database, 'role', m.owner,
			'gid', m.gid, 'age_ms', round(m.ms::numeric),
			'transactions_since', m.age,
			'tables_locked', m.locked, 'waiting_sessions', m.waiting),
		format('Ask the transaction manager that prepared it what became of it, then run COMMIT PREPARED or ROLLBACK PREPARED with %L in database %s. Until then it keeps its locks, and vacuum keeps all rows deleted since.%s',
			m.gid, m.database,
			CASE WHEN pg_is_in_recovery() THEN ' Do so on the primary.' ELSE '' END),
		NULL::text, NULL::text,
		format(E'SELECT gid, prepared\nFROM pg_catalog.pg_prepared_xacts\nWHERE gid = %L', m.gid),
		NULL::text
	FROM measured AS m
	WHERE m.ms >= current_setting('pg_diagnose.prepared_xact_lingering_min_time')::float8;
END;
COMMENT ON FUNCTION diagnose.rule_prepared_xact_lingering(diagnose.window) IS
'a prepared transaction that nobody commits or rolls back';
