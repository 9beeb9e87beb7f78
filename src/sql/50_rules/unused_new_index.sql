-- For the current database, as statistics of indexes are.  An index that was
-- made lately is judged by itself, until it is old enough for unused_index, or if
-- another one covers it, for redundant_index.
CREATE OR REPLACE FUNCTION diagnose.rule_unused_new_index(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 60000
BEGIN ATOMIC
	WITH made AS MATERIALIZED (
		SELECT m.id, m.at, m.undo, x.indexrelid, x.indrelid, n.nspname, t.relname,
			quote_ident(n.nspname) || '.' || quote_ident(ic.relname) AS name,
			pg_relation_size(x.indexrelid) AS bytes
		FROM diagnose.marks() AS m
			-- what is no name, or not all of one, is an error there
			JOIN pg_index AS x ON x.indexrelid = to_regclass(
				CASE WHEN m.what = 'CREATE INDEX' AND length(m.object) < 120 THEN m.object END)
			JOIN pg_class AS ic ON ic.oid = x.indexrelid
			JOIN pg_class AS t ON t.oid = x.indrelid
			JOIN pg_namespace AS n ON n.oid = t.relnamespace
		WHERE m.is_own AND m.kind = 'ddl' AND m.what = 'CREATE INDEX'
			AND m.database = current_database() AND m.undo IS NOT NULL
			-- what guards something is of use without being read
			AND x.indisvalid AND NOT x.indisunique AND NOT x.indisexclusion
			AND NOT x.indisreplident AND ic.relkind = 'i' AND NOT ic.relispartition
			AND pg_stat_get_numscans(x.indexrelid) = 0
			-- Statistics are those of now.
			AND diagnose.ends_now(w)
			AND m.at < clock_timestamp() -
				current_setting('pg_diagnose.unused_new_index_min_age')::float8 * interval '1 minute'
			-- The same name may have been made again.
			AND NOT EXISTS (
				SELECT FROM diagnose.marks() AS later
				WHERE later.id > m.id AND later.object = m.object AND later.is_own
					AND later.database = m.database)
	),
	-- One look serves all: what ran since the last of them was made.
	latest AS (
		SELECT max(m.at) AS at FROM made AS m HAVING count(*) > 0
	),
	since AS (
		SELECT ROW(NULL, NULL)::diagnose.window AS w
		FROM latest AS l CROSS JOIN diagnose.own_status() AS o
		WHERE o.since >= l.at
		UNION ALL
		SELECT ROW(min(s.id), NULL)::diagnose.window
		FROM latest AS l
			CROSS JOIN diagnose.own_status() AS o
			JOIN diagnose.snapshots() AS s ON s.is_own AND s.problem IS NULL
				AND s.kind <> 'imported' AND s.epoch = o.epoch AND s.taken_at >= l.at
		WHERE o.since < l.at
		HAVING count(*) > 0
	),
	asked AS MATERIALIZED (
		SELECT s.query, s.calls
		FROM since AS x CROSS JOIN LATERAL diagnose.workload(x.w) AS s
		WHERE s.database = current_database() AND s.calls > 0
	),
	judged AS (
		SELECT m.*, a.calls
		FROM made AS m
			CROSS JOIN LATERAL (
				SELECT sum(q.calls)::bigint AS calls FROM asked AS q
				WHERE q.query ~* ('\m' || regexp_replace(m.relname::text, '([^[:alnum:]_])', '\\\1', 'g') || '\M')
					AND q.query ~* '\m(select|update|delete|merge)\M') AS a
	)
	SELECT 'unused_new_index', 'cost', 'info',
		format('unused_new_index:%s:%s', current_database(), j.name),
		format('index %s on %I.%I', j.name, j.nspname, j.relname),
		NULL::float8, NULL::float8, 'exact', j.calls,
		format('made, and not used by any of %s since', diagnose.count_text(j.calls, 'execution')),
		jsonb_build_object('made_at', j.at, 'executions', j.calls, 'bytes', j.bytes),
		'Drop it: it slows down writes and helps no query. Keep it if standbys read with it, or what it is for has not run yet.',
		j.undo,
		regexp_replace(pg_get_indexdef(j.indexrelid), '^CREATE INDEX', 'CREATE INDEX CONCURRENTLY'),
		format('SELECT idx_scan, last_analyze FROM pg_stat_user_indexes JOIN pg_stat_user_tables USING (relid) WHERE indexrelid = %L::regclass', j.name),
		NULL::text
	FROM judged AS j
	WHERE j.calls >= current_setting('pg_diagnose.unused_new_index_min_calls')::float8
		AND NOT EXISTS (
			SELECT FROM diagnose.unused_indexes() AS u
			WHERE u.indexrelid = j.indexrelid AND u.verdict IN ('drop', 'check')
				AND u.size_bytes >= current_setting('pg_diagnose.unused_index_min_pages')::float8 *
					current_setting('block_size')::float8)
		AND NOT EXISTS (
			SELECT FROM diagnose.redundant_indexes() AS r
			WHERE r.indexrelid = j.indexrelid
				AND r.size_bytes >= current_setting('pg_diagnose.redundant_index_min_pages')::float8 *
					current_setting('block_size')::float8);
END;
COMMENT ON FUNCTION diagnose.rule_unused_new_index(diagnose.window) IS
'an index that was made lately, and that nothing has used since';
