-- What takes n blocks on disk takes more in memory, as tuples get headers and
-- alignment: the proposal is the power of two from three times as much on.
CREATE OR REPLACE FUNCTION diagnose.rule_spills_to_disk(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 20000
BEGIN ATOMIC
	WITH measured AS (
		SELECT s.*,
			s.temp_blks_written / greatest(s.spilled, 1)::float8 AS blocks,
			s.temp_blks_written / greatest(s.spilled, 1)::float8 *
				current_setting('block_size')::float8 AS bytes,
			CASE WHEN s.temp_time > 0 THEN s.temp_time / s.seconds END AS impact,
			CASE
				WHEN s.query ~* '^(create (unique )?index|reindex|alter table|cluster|vacuum)\M'
					THEN 'maintenance_work_mem'
				ELSE 'work_mem'
			END AS setting
		FROM diagnose.workload(w) AS s
		WHERE s.temp_blks_written > 0 AND s.calls > 0
	),
	judged AS (
		SELECT m.*,
			greatest(2 ^ ceil(log(2, (3 * m.bytes / (1024 * 1024))::numeric)), 1)::bigint AS megabytes,
			c.config AS old_value
		FROM measured AS m
			LEFT JOIN LATERAL (
				SELECT substr(o.entry, length(m.setting) + 2) AS config
				FROM pg_db_role_setting AS r, unnest(r.setconfig) AS o (entry)
				WHERE r.setdatabase = m.dbid AND r.setrole = m.userid
					AND starts_with(o.entry, m.setting || '=')) AS c ON true
		WHERE m.blocks >= current_setting('pg_diagnose.spills_to_disk_min_blocks')::float8
	),
	proposed AS (
		SELECT j.*,
			format('ALTER ROLE %I IN DATABASE %I ', j.role, j.database) AS alter_role,
			j.megabytes <= current_setting('pg_diagnose.spills_to_disk_max_work_mem')::float8 AS is_modest
		FROM judged AS j
	)
	SELECT 'spills_to_disk', 'performance', diagnose.severity_of(p.impact),
		'spills_to_disk:' || p.identity, p.subject,
		p.impact, p.impact, 'exact', p.calls,
		format('%s of %s wrote %s to temporary files',
			to_char(p.spilled, 'FM9,999,999,999,999,999,999'),
			diagnose.count_text(p.calls, 'call'),
			pg_size_pretty(p.bytes::bigint)),
		p.evidence || jsonb_strip_nulls(jsonb_build_object(
			'calls_with_temporary_files', p.spilled,
			'temp_blocks_per_call', round(p.blocks::numeric, 1),
			'temp_ms', nullif(round(p.temp_time::numeric, 1), 0),
			'setting', p.setting,
			'would_do', p.megabytes || ' MB',
			'value_of_role_in_database', p.old_value)),
		concat_ws(' ',
			CASE
				WHEN p.is_modest THEN format('About %s MB of %s would keep this in memory. Every sort and hash of every session may take that much, so raise it for this role, or with SET LOCAL in the transaction that needs it, rather than for all.', p.megabytes, p.setting)
				ELSE format('Keeping this in memory would take about %s MB of %s: sort, group or join fewer rows, by a narrower condition, fewer columns, or an index in the order that is asked for.', p.megabytes, p.setting)
			END,
			CASE WHEN p.is_modest AND pg_is_in_recovery() THEN 'ALTER ROLE runs on the primary.' END,
			CASE WHEN p.impact IS NULL THEN 'Set track_io_timing = on to learn what it costs.' END),
		CASE WHEN p.is_modest THEN p.alter_role || format('SET %s = %L', p.setting, p.megabytes || 'MB') END,
		CASE WHEN p.is_modest THEN p.alter_role ||
			CASE
				WHEN p.old_value IS NULL THEN 'RESET ' || p.setting
				ELSE format('SET %s = %L', p.setting, p.old_value)
			END
		END,
		'SELECT calls, spilled, temp_blks_written' || p.verify_from,
		NULL::text
	FROM proposed AS p;
END;
COMMENT ON FUNCTION diagnose.rule_spills_to_disk(diagnose.window) IS
'a statement that sorts or hashes more than its memory holds, and writes temporary files';
