-- For the current database, as statistics of indexes are.  What another index
-- covers is for redundant_index to say, and what was made lately for
-- unused_new_index, which leaves to this rule what it judges.
CREATE OR REPLACE FUNCTION diagnose.rule_unused_index(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 100000
BEGIN ATOMIC
	WITH unused AS MATERIALIZED (
		SELECT u.* FROM diagnose.unused_indexes() AS u
		WHERE u.verdict IN ('drop', 'check')
			AND u.size_bytes >= current_setting('pg_diagnose.unused_index_min_pages')::float8 *
				current_setting('block_size')::float8
			-- Statistics are those of now.
			AND diagnose.ends_now(w)
	)
	SELECT 'unused_index', 'cost', 'info',
		format('unused_index:%s:%s', current_database(), u.index),
		format('index %s on %s', u.index, u.relation),
		NULL::float8, NULL::float8, 'exact', u.table_scans,
		format('not used for %s, %s', diagnose.count_text(floor(u.days)::bigint, 'day'),
			pg_size_pretty(u.size_bytes)),
		jsonb_strip_nulls(jsonb_build_object('since', u.since, 'days', round(u.days::numeric, 1),
			'bytes', u.size_bytes, 'scans', u.scans, 'last_scan', u.last_scan,
			'table_scans', u.table_scans, 'entries_written', u.entries_written,
			'entries_per_second', round((u.entries_written / nullif(u.days * 86400, 0))::numeric, 3),
			'is_standby', pg_is_in_recovery())),
		concat_ws(' ',
			CASE WHEN u.verdict = 'check'
				THEN 'These are the statistics of this standby alone. Drop it on the primary if it is of no use there either, nor on other standbys.'
				ELSE 'Drop it if standbys do not use it: they count for themselves. Keep it if it is for something that comes less often than that.'
			END,
			CASE WHEN u.ddl IS NOT NULL AND u.ddl !~ '^DROP INDEX CONCURRENTLY '
				THEN 'That needs the table for itself for a moment: set lock_timeout.' END,
			CASE WHEN u.reason ~ 'statistics of its expressions'
				THEN 'ANALYZE collects statistics of its expressions, which CREATE STATISTICS would keep.' END),
		u.ddl, u.undo, u.verify, NULL::text
	FROM unused AS u
	WHERE NOT EXISTS (
		SELECT FROM diagnose.redundant_indexes() AS r
		WHERE r.indexrelid = u.indexrelid
			AND r.size_bytes >= current_setting('pg_diagnose.redundant_index_min_pages')::float8 *
				current_setting('block_size')::float8);
END;
COMMENT ON FUNCTION diagnose.rule_unused_index(diagnose.window) IS
'an index that nothing has used for a long time';
