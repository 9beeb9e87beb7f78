-- A catalog rule, for the current database: a row that is deleted, or whose
-- key changes, has the referencing table searched for rows that refer to it.
CREATE OR REPLACE FUNCTION diagnose.rule_unindexed_foreign_key(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 30000
BEGIN ATOMIC
	WITH keys AS (
		SELECT c.oid, c.conname, c.conrelid, c.confrelid, c.conkey,
			t.relnamespace, n.nspname, t.relname, t.relkind,
			quote_ident(n.nspname) || '.' || quote_ident(t.relname) AS name,
			(SELECT quote_ident(pn.nspname) || '.' || quote_ident(p.relname)
			 FROM pg_class AS p JOIN pg_namespace AS pn ON pn.oid = p.relnamespace
			 WHERE p.oid = c.confrelid) AS parent,
			'"' || replace(n.nspname, '"', '""') || '"."' ||
				replace(t.relname, '"', '""') || '"' AS ri_name,
			(SELECT array_agg('"' || replace(a.attname, '"', '""') || '"' ORDER BY k.i)
			 FROM unnest(c.conkey) WITH ORDINALITY AS k (attnum, i)
				JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.attnum) AS ri_columns,
			(SELECT array_agg(a.attname::text ORDER BY k.i)
			 FROM unnest(c.conkey) WITH ORDINALITY AS k (attnum, i)
				JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.attnum) AS columns,
			(SELECT sum(CASE
					-- never vacuumed nor analyzed
					WHEN l.reltuples < 0 THEN coalesce(pg_relation_size(l.oid), 0) /
						current_setting('block_size')::bigint
					ELSE l.relpages
				END)
			 FROM pg_class AS l
			 WHERE CASE WHEN t.relkind = 'p'
				THEN l.oid IN (SELECT x.relid FROM pg_partition_tree(t.oid) AS x WHERE x.isleaf)
				ELSE l.oid = t.oid END)::bigint AS pages
		FROM pg_constraint AS c
			JOIN pg_class AS t ON t.oid = c.conrelid
			JOIN pg_namespace AS n ON n.oid = t.relnamespace
		WHERE c.contype = 'f'
			-- A partition's belongs to that of the partitioned table.
			AND c.conparentid = 0
			AND t.relpersistence <> 't'
			-- What an extension brings is not for us to change.
			AND NOT EXISTS (
				SELECT FROM pg_depend AS e
				WHERE e.classid = 'pg_class'::regclass AND e.objid = t.oid
					AND e.deptype = 'e')
			-- Any order of the leading columns will do, and so will an index
			-- of the rows that refer to anything.
			AND NOT EXISTS (
				SELECT FROM pg_index AS i
					JOIN pg_class AS ic ON ic.oid = i.indexrelid
					JOIN pg_am AS am ON am.oid = ic.relam
				WHERE i.indrelid = c.conrelid AND i.indisvalid
					AND am.amname IN ('btree', 'hash')
					AND i.indnkeyatts >= cardinality(c.conkey)
					AND (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey
					AND (i.indpred IS NULL OR EXISTS (
						SELECT FROM pg_attribute AS a
						WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
							AND pg_get_expr(i.indpred, i.indrelid) =
								format('(%I IS NOT NULL)', a.attname))))
	),
	-- The statements that the server runs for foreign keys, by what is in
	-- common to all kinds of them: the table, and the columns they compare.
	-- From 18 on a queryid knows a table by its alias only, and that of those
	-- that begin with SELECT is always x: their numbers are of several tables.
	-- Those of the others are if the table has namesakes in other schemas.
	searches AS MATERIALIZED (
		SELECT s.query, s.queryids, s.calls, s.total_exec_time, s.failed_time,
			array_remove(ARRAY(
				SELECT m[1] FROM regexp_matches(s.query,
					'\$\d+(?:::[^ ]+)? OPERATOR\([^()]*\) ("(?:[^"]|"")*")', 'g') AS m),
				NULL) AS columns
		FROM diagnose.workload(w) AS s
		WHERE NOT s.toplevel AND s.query LIKE '% OPERATOR(%'
			AND s.database = current_database()
	),
	measured AS (
		SELECT k.*, s.calls, s.ms / diagnose.seconds(w) AS impact, s.ms,
			d.deleted,
			EXISTS (
				SELECT FROM pg_index AS i
				WHERE i.indrelid = k.conrelid AND i.indisvalid
					AND i.indpred IS NULL AND i.indkey[0] = ANY (k.conkey)) AS has_half
		FROM keys AS k
			CROSS JOIN LATERAL (
				SELECT sum(x.calls)::bigint AS calls,
					sum(x.total_exec_time + x.failed_time) AS ms
				FROM searches AS x
				WHERE x.columns = k.ri_columns
					AND (x.query NOT LIKE 'SELECT%'
						OR current_setting('server_version_num')::int < 180000)
					AND (starts_with(x.query, 'SELECT ? FROM ONLY ' || k.ri_name || ' x WHERE $')
						OR starts_with(x.query, 'SELECT ? FROM ' || k.ri_name || ' x WHERE $')
						OR starts_with(x.query, 'DELETE FROM ONLY ' || k.ri_name || ' WHERE $')
						OR starts_with(x.query, 'DELETE FROM ' || k.ri_name || ' WHERE $')
						OR starts_with(x.query, 'UPDATE ONLY ' || k.ri_name || ' SET "')
						OR starts_with(x.query, 'UPDATE ' || k.ri_name || ' SET "'))) AS s
			CROSS JOIN LATERAL (
				SELECT sum(pg_stat_get_tuples_deleted(x.relid))::bigint AS deleted
				FROM (SELECT k.confrelid AS relid
					  UNION SELECT t.relid FROM pg_partition_tree(k.confrelid) AS t) AS x) AS d
		WHERE k.pages >= current_setting('pg_diagnose.unindexed_foreign_key_min_pages')::float8
	),
	proposed AS (
		SELECT m.*,
			(SELECT string_agg(quote_ident(c), ', ') FROM unnest(m.columns) AS c) AS list,
			format('unindexed_foreign_key:%s:%s:%I', current_database(), m.name, m.conname) AS key,
			(SELECT quote_ident(CASE
					WHEN EXISTS (SELECT FROM pg_class AS x
								 WHERE x.relname = b.base || '_idx'
									AND x.relnamespace = m.relnamespace)
						THEN b.base || '_fkey_idx'
					ELSE b.base || '_idx'
				END)
			 -- The cast cuts off at a character's end.
			 FROM (SELECT rtrim(substring(concat_ws('_', m.relname,
						array_to_string(m.columns, '_'))::name::text FOR 54), '_') AS base) AS b) AS index_name
		FROM measured AS m
	)
	SELECT 'unindexed_foreign_key', 'performance',
		CASE
			WHEN p.calls > 0 THEN diagnose.severity_of(p.impact)
			WHEN p.deleted > 0 AND NOT p.has_half THEN 'warning'
			ELSE 'info'
		END,
		p.key,
		format('%s (%s) references %s', p.name, p.list, p.parent),
		p.impact, p.impact,
		CASE
			WHEN p.calls > 0 AND (current_setting('server_version_num')::int < 180000
					OR NOT EXISTS (SELECT FROM pg_class AS x
								   WHERE x.relname = p.relname AND x.relkind IN ('r', 'p')
									AND x.oid <> p.conrelid))
				THEN 'exact'
			ELSE 'inferred'
		END,
		coalesce(p.calls, 0),
		CASE
			WHEN p.calls > 0 THEN format('foreign key without index, %s of %s',
				diagnose.count_text(p.calls, 'search', 'searches'),
				diagnose.duration_text(p.ms / p.calls))
			WHEN p.deleted > 0 THEN format('foreign key without index, %s deleted',
				diagnose.count_text(p.deleted, 'parent row'))
			ELSE 'foreign key without index'
		END,
		jsonb_strip_nulls(jsonb_build_object(
			'foreign_key', p.conname, 'table', p.name, 'columns', p.columns,
			'references', p.parent,
			'pages', p.pages,
			'searches', p.calls,
			'search_ms', round(p.ms::numeric, 3),
			'parent_rows_deleted', CASE WHEN NOT pg_is_in_recovery() THEN p.deleted END)),
		concat_ws(' ',
			format('Each deleted row of %s, and each change of its key, searches all of %s (%s).',
				p.parent, p.name,
				pg_size_pretty(p.pages * current_setting('block_size')::bigint)),
			CASE WHEN p.has_half THEN 'An index begins with one of the columns; that may be enough.' END,
			CASE WHEN p.relkind = 'p'
				THEN 'The table is partitioned: create the index on each partition with CREATE INDEX CONCURRENTLY, then on the table with CREATE INDEX ON ONLY, and attach them with ALTER INDEX ... ATTACH PARTITION.'
				ELSE 'CREATE INDEX CONCURRENTLY does not block writes; it cannot run in a transaction, and leaves an invalid index to be dropped if it fails.'
			END,
			CASE WHEN pg_is_in_recovery() THEN 'Create it on the primary.' END),
		CASE WHEN p.relkind <> 'p' THEN format('CREATE INDEX CONCURRENTLY %s ON %s (%s)',
			p.index_name, p.name, p.list) END,
		CASE WHEN p.relkind <> 'p' THEN format('DROP INDEX CONCURRENTLY %I.%s',
			p.nspname, p.index_name) END,
		format(E'SELECT problem\nFROM diagnose.rule_unindexed_foreign_key(diagnose.since_reset())\nWHERE key = %L',
			p.key),
		NULL::text
	FROM proposed AS p
	-- An index that is proposed for other statements may serve this one, too.
	WHERE NOT EXISTS (
		SELECT FROM diagnose.advise_indexes(NULL::bigint, NULL::integer, w) AS a
		WHERE a.relid = p.conrelid AND diagnose.index_serves(a.ddl, p.columns)
			AND NOT a.queryids <@ ARRAY(SELECT q.queryid FROM searches AS x
										CROSS JOIN LATERAL unnest(x.queryids) AS q (queryid)));
END;
COMMENT ON FUNCTION diagnose.rule_unindexed_foreign_key(diagnose.window) IS
'a foreign key whose referencing columns have no index';
