-- What holds back vacuum now, and what was seen doing so.  By time and by
-- transactions: a quiet server has few of these, a busy one a million in
-- minutes.  On a standby it is the replay of vacuum that is held back.
CREATE OR REPLACE FUNCTION diagnose.rule_xmin_horizon_holder(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 30000
BEGIN ATOMIC
	WITH live AS (
		SELECT 'session' AS kind, a.datname::text AS database,
			format('session:%s:%s:%s', a.datname, a.usename, a.application_name) AS name,
			format('session of %s as %s in database %s, %s',
				coalesce(nullif(a.application_name, ''), 'an application without name'),
				a.usename, a.datname, a.state) AS subject,
			greatest(age(a.backend_xmin), age(a.backend_xid)) AS age,
			extract(epoch FROM statement_timestamp() - a.xact_start)::float8 * 1000 AS ms,
			jsonb_build_object('pid', a.pid, 'state', a.state,
				'role', a.usename, 'application', a.application_name) AS evidence,
			format('pid = %s', a.pid) AS condition
		FROM pg_stat_activity AS a
		WHERE a.datname IS NOT NULL AND a.pid <> pg_backend_pid()
			AND (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL)
			-- VACUUM shows an xmin that nobody heeds; the others are here
			-- by another name
			AND a.backend_type NOT IN ('autovacuum worker', 'walsender', 'parallel worker')
			AND a.query !~* '^\s*vacuum\M'
		UNION ALL
		SELECT 'standby', NULL, 'standby:' || r.application_name,
			'standby ' || r.application_name, age(r.backend_xmin), NULL,
			jsonb_build_object('pid', r.pid, 'application', r.application_name),
			format('pid = %s', r.pid)
		FROM pg_stat_replication AS r
		WHERE r.backend_xmin IS NOT NULL
		UNION ALL
		SELECT 'slot', s.database::text, 'slot:' || s.slot_name,
			format('%s replication slot %s%s',
				CASE WHEN s.active THEN 'active' ELSE 'inactive' END, s.slot_name,
				coalesce(' in database ' || s.database, '')),
			greatest(age(s.xmin), age(s.catalog_xmin)),
			-- a column of 17
			extract(epoch FROM statement_timestamp() -
				(to_jsonb(s)->>'inactive_since')::timestamptz)::float8 * 1000,
			jsonb_strip_nulls(jsonb_build_object('slot', s.slot_name,
				'slot_type', s.slot_type, 'active', s.active,
				'age_of_catalogs', age(s.catalog_xmin))),
			format('slot_name = %L', s.slot_name)
		FROM pg_replication_slots AS s
		WHERE s.xmin IS NOT NULL OR s.catalog_xmin IS NOT NULL
		UNION ALL
		SELECT 'prepared', p.database::text,
			format('prepared:%s:%s', p.database, p.gid),
			format('prepared transaction %L in database %s', p.gid, p.database),
			age(p.transaction),
			extract(epoch FROM statement_timestamp() - p.prepared)::float8 * 1000,
			jsonb_build_object('gid', p.gid, 'role', p.owner),
			format('gid = %L', p.gid)
		FROM pg_prepared_xacts AS p
	),
	statements AS MATERIALIZED (
		SELECT s.* FROM diagnose.workload(w) AS s WHERE s.toplevel
	),
	-- Those that were the oldest for as long as it takes, at one time or other.
	past AS (
		SELECT DISTINCT ON (1)
			coalesce(s.identity, d.datname || ':unknown') AS name,
			coalesce(s.subject, 'unknown statement in database ' || d.datname) AS subject,
			h.max_age AS age, h.max_time AS ms, h.state, h.samples,
			coalesce(s.evidence, jsonb_build_object('database', d.datname)) ||
				jsonb_build_object('state', h.state,
					'oldest_of_database_ms', round(h.oldest_time::numeric, 1)) AS evidence,
			h.dbid, d.datname::text AS database
		FROM diagnose.horizon_holders(w) AS h
			JOIN pg_database AS d ON d.oid = h.dbid
			LEFT JOIN LATERAL (
				SELECT x.* FROM statements AS x
				WHERE x.dbid = h.dbid AND h.queryid = ANY (x.queryids)
				ORDER BY x.userid = h.userid DESC, x.total_exec_time DESC
				LIMIT 1) AS s ON true
		WHERE h.state IN ('active', 'idle in transaction')
			AND h.oldest_time > 0
			AND (h.max_age >= current_setting('pg_diagnose.xmin_horizon_holder_min_age')::float8
				OR h.max_time >= current_setting('pg_diagnose.xmin_horizon_holder_min_time')::float8)
		ORDER BY 1, h.max_time DESC
	),
	-- Of those that go by the same name the oldest is the one to speak of.
	judged AS (
		SELECT DISTINCT ON (l.name) l.*,
			count(*) OVER (PARTITION BY l.name) AS holders
		FROM live AS l
		WHERE l.age >= current_setting('pg_diagnose.xmin_horizon_holder_min_age')::float8
			OR l.ms >= current_setting('pg_diagnose.xmin_horizon_holder_min_time')::float8
		ORDER BY l.name, l.age DESC, l.ms DESC NULLS LAST
	)
	SELECT 'xmin_horizon_holder', 'capacity',
		CASE
			WHEN j.ms >= current_setting('pg_diagnose.xmin_horizon_holder_critical_time')::float8
				THEN 'critical'
			ELSE 'warning'
		END,
		'xmin_horizon_holder:' || j.name, j.subject,
		NULL::float8, NULL::float8, 'exact', j.holders,
		format('holds back vacuum since %s%s',
			diagnose.count_text(j.age::bigint, 'transaction'),
			coalesce(', ' || diagnose.duration_text(j.ms), '')),
		j.evidence || jsonb_strip_nulls(jsonb_build_object('kind', j.kind,
			'database', j.database, 'age_in_transactions', j.age,
			'age_ms', round(j.ms::numeric), 'holders', j.holders)),
		CASE j.kind
			WHEN 'session' THEN 'Rows that were deleted since cannot be removed: end the transaction, and make it shorter or give it less to do.' ||
				CASE WHEN pg_is_in_recovery() THEN ' On this standby it delays replay, or is cancelled for it; with hot_standby_feedback it holds back vacuum on the primary.' ELSE '' END
			WHEN 'standby' THEN 'The standby has hot_standby_feedback on, and a long transaction: find that one in pg_stat_activity there.'
			WHEN 'slot' THEN 'Let its consumer catch up, or drop the slot with pg_drop_replication_slot() if nobody needs it any more. It holds back WAL, too.'
			ELSE 'Finish it with COMMIT PREPARED or ROLLBACK PREPARED.'
		END,
		NULL::text, NULL::text,
		CASE j.kind
			WHEN 'session' THEN E'SELECT pid, state, xact_start, age(backend_xmin)\nFROM pg_catalog.pg_stat_activity\nWHERE '
			WHEN 'standby' THEN E'SELECT application_name, age(backend_xmin)\nFROM pg_catalog.pg_stat_replication\nWHERE '
			WHEN 'slot' THEN E'SELECT slot_name, active, age(xmin), age(catalog_xmin)\nFROM pg_catalog.pg_replication_slots\nWHERE '
			ELSE E'SELECT gid, prepared, age(transaction)\nFROM pg_catalog.pg_prepared_xacts\nWHERE '
		END || j.condition,
		CASE WHEN j.kind = 'prepared' AND
				j.ms >= current_setting('pg_diagnose.prepared_xact_lingering_min_time')::float8
			THEN 'prepared_xact_lingering:' || substr(j.name, length('prepared:') + 1)
		END
	FROM judged AS j
	UNION ALL
	SELECT 'xmin_horizon_holder', 'capacity',
		CASE
			WHEN p.ms >= current_setting('pg_diagnose.xmin_horizon_holder_critical_time')::float8
				THEN 'critical'
			ELSE 'warning'
		END,
		'xmin_horizon_holder:' || p.name, p.subject,
		NULL, NULL, 'sampled', p.samples,
		format('held back vacuum for %s, %s', diagnose.duration_text(p.ms),
			diagnose.count_text(p.age, 'transaction')),
		p.evidence || jsonb_build_object('age_in_transactions', p.age,
			'age_ms', round(p.ms::numeric)),
		CASE p.state
			WHEN 'active' THEN 'Rows that were deleted while it ran could not be removed: make it faster, let it do less at once, or run it on a standby without hot_standby_feedback.'
			ELSE 'Rows that were deleted meanwhile could not be removed: after this statement the client did something else before it ended its transaction.'
		END,
		NULL, NULL,
		format(E'SELECT state, max_time, max_age, oldest_time\nFROM diagnose.horizon_holders(diagnose.since_reset())\nWHERE dbid = %s', p.dbid) ||
			coalesce(' AND queryid = ' || (p.evidence->>'queryid'), ''),
		NULL
	FROM past AS p
	WHERE NOT EXISTS (
		-- The same, and still at it; the two look at different clocks.
		SELECT FROM judged AS j
		WHERE j.kind = 'session' AND j.database = p.database
			AND j.age >= p.age AND j.ms >= p.ms - 1000);
END;
COMMENT ON FUNCTION diagnose.rule_xmin_horizon_holder(diagnose.window) IS
'a transaction, slot or standby so old that vacuum cannot remove dead rows';
