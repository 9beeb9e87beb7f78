-- By the statement that waits.  Its share is that of what was sampled, too:
-- of a statement that still waits, nothing else is known.  One that waits for a
-- table before it is parsed is known by that table only.
CREATE OR REPLACE FUNCTION diagnose.rule_lock_wait_time(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 20000
BEGIN ATOMIC
	WITH statements AS MATERIALIZED (
		SELECT s.* FROM diagnose.workload(w) AS s WHERE s.toplevel
	),
	-- as rule_hot_row judges them
	hot AS MATERIALIZED (
		SELECT h.dbid, h.relid
		FROM diagnose.hot_relations(w) AS h
		WHERE h.max_depth >= current_setting('pg_diagnose.hot_row_min_depth')::float8
			AND h.deep_time >= current_setting('pg_diagnose.hot_row_min_time')::float8
	),
	seen AS MATERIALIZED (
		SELECT l.*, d.datname::text AS database,
			coalesce(s.identity, d.datname || ':' || coalesce(t.name, 'unknown')) AS identity,
			coalesce(s.subject, 'statements about to use table ' || t.name,
				'unknown statement in database ' || d.datname) AS subject,
			coalesce(s.evidence, jsonb_build_object('database', d.datname)) AS evidence,
			t.name, b.query AS blocker,
			l.lock_type = 'tuple' AND EXISTS (
				SELECT FROM hot AS h
				WHERE h.dbid = l.dbid AND h.relid = l.relid) AS is_hot
		FROM diagnose.lock_waits(w) AS l
			JOIN pg_database AS d ON d.oid = l.dbid
			LEFT JOIN LATERAL (
				SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name
				FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
				WHERE c.oid = l.relid AND d.datname = current_database()) AS t ON true
			LEFT JOIN LATERAL (
				SELECT x.* FROM statements AS x
				WHERE x.dbid = l.dbid AND l.queryid = ANY (x.queryids)
				ORDER BY x.userid = l.userid DESC, x.total_exec_time DESC
				LIMIT 1) AS s ON true
			LEFT JOIN LATERAL (
				SELECT x.query FROM statements AS x
				WHERE x.dbid = l.dbid AND l.blocker_queryid = ANY (x.queryids)
				ORDER BY x.userid = l.blocker_userid DESC, x.total_exec_time DESC
				LIMIT 1) AS b ON true
	),
	active AS (
		SELECT a.dbid, sum(a.total_time) AS ms
		FROM diagnose.waits(w) AS a
		GROUP BY a.dbid
	),
	by_type AS (
		SELECT t.dbid, t.identity,
			jsonb_object_agg(t.lock_type, round(t.ms::numeric, 1)) AS by_type
		FROM (SELECT s.dbid, s.identity, s.lock_type, sum(s.total_time) AS ms
			  FROM seen AS s
			  WHERE s.lock_type IS NOT NULL
			  GROUP BY s.dbid, s.identity, s.lock_type) AS t
		GROUP BY t.dbid, t.identity
	),
	summed AS (
		SELECT s.dbid, s.database, s.identity, s.subject, s.evidence,
			sum(s.waits)::bigint AS waits, sum(s.samples)::bigint AS samples,
			sum(s.total_time) AS ms, max(s.max_time) AS max_ms,
			max(s.max_depth) AS max_depth,
			sum(s.total_time) FILTER (WHERE s.blocker_state = 'idle in transaction') AS idle_ms,
			(array_agg(s.lock_type ORDER BY s.total_time DESC, s.lock_type))[1] AS lock_type,
			(array_agg(s.name ORDER BY s.total_time DESC, s.name)
				FILTER (WHERE s.name IS NOT NULL))[1] AS name,
			(array_agg(s.name ORDER BY s.total_time DESC, s.name)
				FILTER (WHERE s.is_hot))[1] AS hot,
			(array_agg(s.blocker ORDER BY s.total_time DESC, s.blocker)
				FILTER (WHERE s.blocker IS NOT NULL))[1] AS blocker,
			(array_agg(s.blocker_state ORDER BY s.total_time DESC, s.blocker_state)
				FILTER (WHERE s.blocker_state IS NOT NULL))[1] AS blocker_state
		FROM seen AS s
		GROUP BY s.dbid, s.database, s.identity, s.subject, s.evidence
	),
	judged AS (
		SELECT s.*, t.by_type, least(s.ms / nullif(a.ms, 0), 1) AS share,
			1000 * s.ms / greatest(x.sampled_time, 1) AS impact
		FROM summed AS s
			CROSS JOIN diagnose.sampler() AS x
			LEFT JOIN active AS a ON a.dbid = s.dbid
			LEFT JOIN by_type AS t ON t.dbid = s.dbid AND t.identity = s.identity
	)
	SELECT 'lock_wait_time', 'performance',
		CASE
			WHEN j.max_ms >= current_setting('pg_diagnose.lock_wait_time_critical_time')::float8
				OR diagnose.severity_of(j.impact) = 'critical' THEN 'critical'
			ELSE 'warning'
		END,
		'lock_wait_time:' || j.identity, j.subject,
		j.impact, j.impact, 'sampled', j.samples,
		format('waited %s for locks, longest %s', diagnose.duration_text(j.ms),
			diagnose.duration_text(j.max_ms)) ||
			coalesce(format(', %s of database time', diagnose.share_text(j.share)), ''),
		j.evidence || jsonb_strip_nulls(jsonb_build_object(
			'waits_seen', j.waits,
			'waited_ms', round(j.ms::numeric, 1),
			'longest_ms', round(j.max_ms::numeric, 1),
			'share_of_database_time', round(j.share::numeric, 4),
			'longest_queue', j.max_depth,
			'blocked_by_idle_ms', round(j.idle_ms::numeric, 1),
			'by_type_ms', j.by_type, 'table', j.name,
			'blocker_state', j.blocker_state,
			'blocker', diagnose.short_text(j.blocker, 300))),
		concat_ws(' ',
			CASE
				WHEN j.idle_ms >= j.ms / 2 THEN 'Who blocks it sits idle in a transaction most of the time: commit before anything that is slow on the client''s side.'
				WHEN j.blocker_state = 'prepared transaction' THEN 'A prepared transaction blocks it: finish that one.'
				WHEN j.lock_type IN ('transactionid', 'tuple') THEN 'Others have changed its rows and not committed yet: change contended rows last in a transaction, right before COMMIT, and keep transactions short.'
				WHEN j.lock_type = 'relation' THEN 'Others use the table in a way that excludes this: run DDL with a lock_timeout and try again, and keep transactions short that use the table.'
				WHEN j.lock_type = 'extend' THEN 'Many sessions add rows to the table at once: let fewer of them write more rows each, with COPY or INSERT of many rows.'
				WHEN j.lock_type = 'virtualxid' THEN 'It waits for transactions to end that are older than itself: find the long ones in pg_stat_activity.'
				WHEN j.lock_type = 'advisory' THEN 'The application takes this lock itself: hold it shorter, or let it be more specific.'
				ELSE 'Find who holds the lock with pg_blocking_pids() while it happens.'
			END,
			CASE WHEN current_setting('log_lock_waits') = 'off'
				THEN 'log_lock_waits = on shows both sides of long waits in the server''s log.' END),
		NULL::text, NULL::text,
		format(E'SELECT lock_type, waits, total_time, max_time, blocker_state\nFROM diagnose.lock_waits(diagnose.since_reset())\nWHERE dbid = %s', j.dbid) ||
			coalesce(' AND queryid = ' || (j.evidence->>'queryid'), ''),
		CASE WHEN j.lock_type IN ('tuple', 'transactionid')
			THEN format('hot_row:%s:', j.database) || j.hot END
	FROM judged AS j
	WHERE j.max_ms >= current_setting('pg_diagnose.lock_wait_time_min_time')::float8
		OR (j.samples >= current_setting('pg_diagnose.lock_wait_time_min_samples')::float8
			AND j.share >= current_setting('pg_diagnose.lock_wait_time_min_share')::float8);
END;
COMMENT ON FUNCTION diagnose.rule_lock_wait_time(diagnose.window) IS
'a statement that waits for locks';
