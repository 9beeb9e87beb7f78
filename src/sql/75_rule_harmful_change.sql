-- A rule that compares, so it stands behind compare(), not among the others.
-- That takes its time: only the three latest changes are looked at, and only as
-- long as somebody may still want to take one back.
CREATE OR REPLACE FUNCTION diagnose.rule_harmful_change(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 3 COST 1000000
BEGIN ATOMIC
	WITH latest AS MATERIALIZED (
		SELECT i.*
		FROM diagnose.window_facts(w) AS f
			CROSS JOIN LATERAL diagnose.interventions(3,
				greatest(f.starts, f.ends - current_setting('pg_diagnose.harmful_change_max_age')::float8 * interval '1 hour'),
				f.ends) AS i
	),
	judged AS (
		SELECT i.*,
			CASE WHEN i.verdict = 'regressed' THEN 0 - i.saved_ms_per_s
				ELSE i.touched_added_ms_per_s END AS added,
			i.changes = 1 AND i.undo IS NOT NULL AS certain,
			-- how to have it again: all of the new value, or the index as it is
			CASE CASE WHEN i.changes = 1 THEN i.kind END
				WHEN 'setting' THEN
					CASE WHEN i.detail !~ '\.\.\.$' THEN format('ALTER SYSTEM SET %s = %s', i.what,
						quote_literal(regexp_replace(regexp_replace(i.detail, '^.* -> ', ''), '^''''$', ''))) END
				WHEN 'ddl' THEN
					CASE WHEN i.database = current_database() AND i.undo LIKE 'CREATE %'
						THEN 'DROP INDEX CONCURRENTLY ' || substring(i.what FROM '^DROP INDEX (.*) on ')
					WHEN i.database = current_database() AND i.undo LIKE 'DROP INDEX %' THEN
						(SELECT regexp_replace(pg_get_indexdef(x.indexrelid),
							'^(CREATE (UNIQUE )?INDEX)', '\1 CONCURRENTLY')
						 FROM pg_index AS x
						 WHERE x.indexrelid = to_regclass(regexp_replace(i.undo, '^DROP INDEX (CONCURRENTLY )?', ''))) END
			END AS again
		FROM latest AS i
		WHERE (i.verdict = 'regressed' OR i.touched_regressed > 0)
			-- A later change may have made good for it.
			AND (i.worse IS NULL OR EXISTS (
				SELECT FROM unnest(i.worse) AS k (key)
				WHERE NOT EXISTS (SELECT FROM latest AS l
								  WHERE l.id > i.id AND k.key = ANY (l.better))))
	)
	SELECT 'harmful_change', 'performance',
		diagnose.severity_of(j.added),
		format('harmful_change:%s:%s', to_char(j.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), j.what),
		diagnose.short_text(concat_ws(': ', j.what,
			CASE WHEN j.kind <> 'ddl' OR j.what !~ ' .* ' THEN j.detail END), 200),
		j.added, NULL::float8, 'exact',
		(j.improved + j.regressed + j.plans_changed)::bigint,
		format('%s since this change%s',
			CASE WHEN j.verdict = 'regressed'
				THEN diagnose.count_text(j.regressed, 'query', 'queries') || ' slower'
				ELSE diagnose.count_text(j.touched_regressed, 'query', 'queries') || ' of what it is about slower'
			END,
			CASE WHEN j.improved > 0 THEN format(', %s faster', j.improved) ELSE '' END),
		j.evidence || jsonb_strip_nulls(jsonb_build_object('at', j.at, 'verdict', j.verdict,
			'database', j.database, 'role', j.role, 'added_ms_per_s', j.added)),
		CASE WHEN j.kind = 'setting' AND j.certain AND j.again IS NOT NULL
				THEN 'Take it back and reload the configuration, or look at what became slower first.'
			WHEN j.certain AND j.again IS NOT NULL
				THEN 'Take it back, or look at what became slower first.'
			WHEN j.changes > 1
				THEN 'Look at what became slower: one of these changes is the cause, or something else that happened then.'
			ELSE 'Look at what became slower, and take it back if this is the cause.'
		END,
		CASE WHEN j.certain AND j.again IS NOT NULL THEN j.undo END,
		CASE WHEN j.certain THEN j.again END,
		format('SELECT verdict, impact_ms_per_s, subject, reason FROM diagnose.compare(ROW(%s, %s)::diagnose.window, ROW(%s, %s)::diagnose.window, false)',
			coalesce((j.before).lower::text, 'NULL'), coalesce((j.before).upper::text, 'NULL'),
			coalesce((j.after).lower::text, 'NULL'), coalesce((j.after).upper::text, 'NULL')),
		NULL::text
	FROM judged AS j;
END;
COMMENT ON FUNCTION diagnose.rule_harmful_change(diagnose.window) IS
'a release, DDL or changed setting after which statements are slower';
