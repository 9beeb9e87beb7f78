-- Proposals are weighed against each other: what each saves is what it saves
-- besides those that save more.  That is what its absence costs; the whole time of
-- the statements would be counted with each index that they want.
CREATE OR REPLACE FUNCTION diagnose.rule_missing_index(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 200000
BEGIN ATOMIC
	WITH advice AS (
		SELECT a.*,
			-- Each statement is one that would gain.
			(SELECT sum((b.b ->> 'ms_per_s')::float8) FROM jsonb_array_elements(a.benefits) AS b (b)) AS ms_per_s,
			-- What it would be called makes no other index of it.
			regexp_replace(a.ddl, '^CREATE (UNIQUE )?INDEX (CONCURRENTLY )?(("([^"]|"")+"|[^ "]+) )?ON ', '') AS what
		FROM diagnose.advise_indexes(NULL::bigint, NULL::integer, w) AS a
	),
	work AS MATERIALIZED (
		SELECT s.subject, s.query, s.toplevel, s.queryids FROM diagnose.workload(w) AS s
	),
	searches AS (
		SELECT q.queryid
		FROM work AS s CROSS JOIN LATERAL unnest(s.queryids) AS q (queryid)
		WHERE NOT s.toplevel AND diagnose.is_foreign_key_search(s.query)
	)
	SELECT 'missing_index', 'performance', diagnose.severity_of(m.net_ms_per_s),
		format('missing_index:%s:%s', current_database(), m.what),
		m.what,
		m.gain_ms_per_s, m.net_ms_per_s, 'inferred', m.calls,
		format('index missing: saves %s ms/s of %s', round(m.net_ms_per_s::numeric, 1),
			diagnose.count_text(m.statements, 'statement')),
		jsonb_strip_nulls(jsonb_build_object('relation', m.relation,
			'statements', m.statements, 'calls', m.calls,
			'statements_ms_per_s', round(m.ms_per_s::numeric, 3),
			'bytes', m.size_bytes, 'confidence', m.confidence,
			'gain_ms_per_s', round(m.gain_ms_per_s::numeric, 3),
			'gain_alone_ms_per_s', round(m.gain_alone_ms_per_s::numeric, 3),
			'write_ms_per_s', round(m.write_ms_per_s::numeric, 3),
			'share_of_time', round(m.share::numeric, 4),
			'replaces', CASE WHEN m.replaces <> '{}' THEN to_jsonb(m.replaces) END,
			'benefits', (
				SELECT jsonb_agg(format('%s of %s ms/s, cost %s instead of %s: %s',
						round((b.b ->> 'saved_ms_per_s')::numeric, 1), round((b.b ->> 'ms_per_s')::numeric, 1),
						round((b.b ->> 'cost_after')::numeric), round((b.b ->> 'cost_before')::numeric),
						diagnose.short_text(k.subject, 60))
					ORDER BY (b.b ->> 'saved_ms_per_s')::float8 DESC)
				FROM jsonb_array_elements(m.benefits) AS b (b)
					LEFT JOIN LATERAL (
						SELECT min(x.subject) AS subject FROM work AS x
						WHERE (b.b ->> 'queryid')::bigint = ANY (x.queryids)) AS k ON true))),
		concat_ws(' ',
			format('It takes %s.', pg_size_pretty(m.size_bytes)),
			CASE WHEN m.replaces <> '{}' THEN format('When it is there, %s is of no more use: see the finding redundant_index.',
				array_to_string(m.replaces, ', ')) END,
			CASE WHEN m.confidence = 'low' THEN 'This rests on little: try it where it does no harm.' END,
			CASE
				WHEN m.ddl ~ '^CREATE INDEX CONCURRENTLY '
					THEN 'CREATE INDEX CONCURRENTLY does not block writes; it cannot run in a transaction, and leaves an invalid index to be dropped if it fails.'
				ELSE 'The table is partitioned, and this blocks writes to it: to avoid that, create the index on each partition with CREATE INDEX CONCURRENTLY, then on the table with CREATE INDEX ON ONLY, and attach them with ALTER INDEX ... ATTACH PARTITION.'
			END,
			CASE WHEN pg_is_in_recovery() THEN 'Create it on the primary.' END),
		m.ddl, m.undo,
		m.verify, NULL::text
	FROM advice AS m
	-- What serves nothing but a foreign key is for unindexed_foreign_key to say.
	WHERE NOT m.queryids <@ ARRAY(SELECT s.queryid FROM searches AS s)
		OR NOT EXISTS (
			SELECT FROM pg_constraint AS c
			WHERE c.contype = 'f' AND c.conrelid = m.relid
				AND diagnose.index_serves(m.ddl, ARRAY(
					SELECT a.attname::text FROM pg_attribute AS a
					WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey))));
END;
COMMENT ON FUNCTION diagnose.rule_missing_index(diagnose.window) IS
'an index that would save more time than it takes';
