-- Indexes that take more than they give: those that nothing uses, and those
-- that do nothing which another one does not do.  From the catalogs and the
-- server's own statistics, for the current database.

-- One that is partitioned is judged with all its partitions.  pg_inherits is
-- read as it is: pg_partition_tree() would wait for locks.
CREATE OR REPLACE FUNCTION diagnose.index_facts(
	OUT relid						oid,
	OUT indexrelid					oid,
	OUT relation					text,
	OUT index						text,
	OUT am							text,
	OUT is_partitioned				boolean,
	OUT is_attached					boolean,
	OUT pages						bigint,
	OUT scans						bigint,
	OUT table_scans					bigint,
	OUT entries_written				bigint,
	OUT constraint_kind				text,
	OUT guards						text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 200 COST 30000
BEGIN ATOMIC
	WITH RECURSIVE judged AS MATERIALIZED (
		SELECT x.indexrelid, x.indrelid, x.indisreplident, x.indisclustered,
			x.indisunique, x.indisexclusion, ic.relname, ic.relkind = 'I' AS is_partitioned,
			ic.relispartition, m.amname, t.relname AS table_name, t.relkind AS table_kind,
			n.nspname
		FROM pg_index AS x
			JOIN pg_class AS ic ON ic.oid = x.indexrelid
			JOIN pg_am AS m ON m.oid = ic.relam
			JOIN pg_class AS t ON t.oid = x.indrelid
			JOIN pg_namespace AS n ON n.oid = t.relnamespace
		WHERE x.indisvalid AND x.indisready AND x.indislive
			AND t.relpersistence <> 't'
			AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
			-- What an extension brings is not for us to change.
			AND NOT EXISTS (
				SELECT FROM pg_depend AS e
				WHERE e.classid = 'pg_class'::regclass
					AND e.objid IN (x.indrelid, x.indexrelid) AND e.deptype = 'e')
	),
	parts (root, part) AS (
		SELECT j.indexrelid, j.indexrelid FROM judged AS j
		UNION ALL
		SELECT p.root, h.inhrelid
		FROM parts AS p JOIN pg_inherits AS h ON h.inhparent = p.part
	),
	table_parts (root, part) AS (
		SELECT DISTINCT j.indrelid, j.indrelid FROM judged AS j
		UNION ALL
		SELECT p.root, h.inhrelid
		FROM table_parts AS p
			JOIN pg_class AS c ON c.oid = p.part AND c.relkind = 'p'
			JOIN pg_inherits AS h ON h.inhparent = p.part
	),
	sums AS (
		SELECT p.root,
			sum(CASE
				WHEN c.relkind = 'I' THEN 0
				-- never vacuumed nor analyzed
				WHEN t.reltuples < 0 THEN coalesce(pg_relation_size(c.oid), 0) /
					current_setting('block_size')::bigint
				ELSE c.relpages
			END)::bigint AS pages,
			sum(pg_stat_get_numscans(p.part))::bigint AS scans
		FROM parts AS p
			JOIN pg_class AS c ON c.oid = p.part
			JOIN pg_index AS x ON x.indexrelid = p.part
			JOIN pg_class AS t ON t.oid = x.indrelid
		GROUP BY p.root
	),
	table_sums AS (
		SELECT p.root,
			sum(pg_stat_get_numscans(p.part) +
				(SELECT coalesce(sum(pg_stat_get_numscans(x.indexrelid)), 0)
				 FROM pg_index AS x WHERE x.indrelid = p.part))::bigint AS scans,
			-- An index is written to unless the update is HOT.
			CASE WHEN NOT pg_is_in_recovery() THEN
				sum(pg_stat_get_tuples_inserted(p.part) + pg_stat_get_tuples_updated(p.part) -
					pg_stat_get_tuples_hot_updated(p.part))::bigint
			END AS written
		FROM table_parts AS p
		GROUP BY p.root
	),
	constraints AS (
		SELECT c.conindid,
			min(c.contype::text) FILTER (WHERE c.contype IN ('p', 'u', 'x')) AS kind,
			bool_or(c.contype = 'f') AS is_referenced
		FROM pg_constraint AS c
		WHERE c.conindid <> 0
		GROUP BY c.conindid
	)
	SELECT j.indrelid, j.indexrelid,
		quote_ident(j.nspname) || '.' || quote_ident(j.table_name),
		quote_ident(j.nspname) || '.' || quote_ident(j.relname),
		j.amname::text, j.is_partitioned, j.relispartition,
		s.pages, s.scans, t.scans, t.written, c.kind,
		CASE
			WHEN c.kind = 'p' THEN 'a primary key'
			WHEN c.is_referenced THEN 'what foreign keys refer to'
			WHEN j.indisreplident THEN 'the replica identity'
			WHEN j.indisclustered THEN 'the order of CLUSTER'
			WHEN c.kind = 'x' OR j.indisexclusion THEN 'an exclusion constraint'
			WHEN j.indisunique THEN 'uniqueness'
		END
	FROM judged AS j
		JOIN sums AS s ON s.root = j.indexrelid
		JOIN table_sums AS t ON t.root = j.indrelid
		LEFT JOIN constraints AS c ON c.conindid = j.indexrelid;
END;
COMMENT ON FUNCTION diagnose.index_facts() IS
'valid indexes of users'' tables, each with its size in pages and its scans, the scans of its table, and the entries written to it since the server''s statistics began; guards: what it is there for besides being read; entries_written is NULL on a standby';

CREATE OR REPLACE FUNCTION diagnose.index_definition(index oid) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE
			-- CONCURRENTLY is not for these, and ON ONLY would leave out all rows.
			WHEN c.relkind = 'I' THEN regexp_replace(d.definition,
				'^(CREATE (UNIQUE )?INDEX ("([^"]|"")+"|[^ "]+) ON) ONLY ', '\1 ')
			ELSE regexp_replace(d.definition, '^CREATE (UNIQUE )?INDEX ',
				'CREATE \1INDEX CONCURRENTLY ')
		END
	FROM pg_class AS c
		JOIN pg_index AS x ON x.indexrelid = c.oid
		LEFT JOIN pg_tablespace AS s ON s.oid = c.reltablespace
		CROSS JOIN LATERAL (
			SELECT pg_get_indexdef(c.oid) AS whole,
				coalesce(' WHERE ' || pg_get_expr(x.indpred, x.indrelid), '') AS condition) AS w
		CROSS JOIN LATERAL (
			SELECT left(w.whole, length(w.whole) - length(w.condition)) ||
				coalesce(' TABLESPACE ' || quote_ident(s.spcname), '') ||
				w.condition AS definition) AS d
	WHERE c.oid = index;
END;
COMMENT ON FUNCTION diagnose.index_definition(oid) IS
'the statement that makes an index again, in its tablespace, without blocking writes where that can be';

-- Since when the statistics of this database have been counting, at least.
CREATE OR REPLACE FUNCTION diagnose.index_statistics_since()
RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL RESTRICTED
BEGIN ATOMIC
	-- Without a reset they are as old as the database or the last crash.  A
	-- start after a clean stop loses nothing, so the first one that we know of
	-- since the last crash will do.
	SELECT coalesce(pg_stat_get_db_stat_reset_time(d.oid),
		least(pg_postmaster_start_time(),
			(SELECT min(m.at) FROM diagnose.marks() AS m
			 WHERE m.is_own AND m.kind IN ('start', 'crash')
				AND m.at >= coalesce((SELECT max(c.at) FROM diagnose.marks() AS c
									  WHERE c.is_own AND c.kind = 'crash'), '-infinity'))))
	FROM pg_database AS d
	WHERE d.datname = current_database();
END;
COMMENT ON FUNCTION diagnose.index_statistics_since() IS
'since when, at least, the server has been counting scans of the current database''s tables and indexes';

-- What guards something is of use without being read, and is not in here.
-- The search path, here and below, is for names in definitions; it also keeps
-- these functions from being planned where nothing asks them.
-- Standbys count for themselves: what nobody uses here may be in use there.
CREATE OR REPLACE FUNCTION diagnose.unused_indexes(
	OUT relation					text,
	OUT index						text,
	OUT relid						oid,
	OUT indexrelid					oid,
	OUT size_bytes					bigint,
	OUT scans						bigint,
	OUT last_scan					timestamptz,
	OUT since						timestamptz,
	OUT days						double precision,
	OUT table_scans					bigint,
	OUT entries_written				bigint,
	OUT verdict						text,
	OUT reason						text,
	OUT ddl							text,
	OUT undo						text,
	OUT verify						text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 20 COST 60000
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH facts AS (
		SELECT f.*, x.indexprs IS NOT NULL AS has_expressions, x.indkey, x.indnkeyatts,
			x.indpred IS NOT NULL AS is_partial,
			-- a column of 16 and later
			CASE WHEN f.scans > 0 AND current_setting('server_version_num')::int >= 160000 THEN
				(WITH RECURSIVE parts (part) AS (
					SELECT f.indexrelid
					UNION ALL
					SELECT h.inhrelid FROM parts AS p JOIN pg_inherits AS h ON h.inhparent = p.part)
				 SELECT max((to_jsonb(s) ->> 'last_idx_scan')::timestamptz)
				 FROM parts AS p JOIN pg_stat_all_indexes AS s ON s.indexrelid = p.part)
			END AS last_scan
		FROM diagnose.index_facts() AS f
			JOIN pg_index AS x ON x.indexrelid = f.indexrelid
		WHERE f.guards IS NULL AND NOT f.is_attached
	),
	unused AS (
		SELECT f.* FROM facts AS f
		WHERE f.scans = 0
			OR f.last_scan < clock_timestamp() -
				current_setting('pg_diagnose.unused_index_min_idle', true)::float8 * interval '1 day'
	),
	made AS (
		SELECT m.object, max(m.at) AS at
		FROM diagnose.marks() AS m
		WHERE m.is_own AND m.kind = 'ddl' AND m.database = current_database()
			AND m.what IN ('CREATE INDEX', 'CREATE TABLE', 'CREATE TABLE AS',
				'CREATE MATERIALIZED VIEW', 'SELECT INTO')
		GROUP BY m.object
	),
	began AS MATERIALIZED (
		SELECT diagnose.index_statistics_since() AS at
	),
	aged AS (
		SELECT u.*, greatest(b.at, i.at, t.at, u.last_scan) AS since,
			i.at > b.at AS is_younger
		FROM unused AS u
			CROSS JOIN began AS b
			LEFT JOIN made AS i ON i.object = u.index
			LEFT JOIN made AS t ON t.object = u.relation
	),
	judged AS (
		SELECT a.*, extract(epoch FROM clock_timestamp() - a.since)::float8 / 86400 AS days,
			-- Only this one makes searches for it fast.
			(SELECT min(c.conname::text) FROM pg_constraint AS c
			 WHERE c.contype = 'f' AND c.conrelid = a.relid
				AND a.am IN ('btree', 'hash')
				AND cardinality(c.conkey) <= a.indnkeyatts
				AND (a.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey
				AND NOT EXISTS (
					SELECT FROM pg_index AS o
						JOIN pg_class AS oc ON oc.oid = o.indexrelid
						JOIN pg_am AS om ON om.oid = oc.relam
					WHERE o.indrelid = a.relid AND o.indexrelid <> a.indexrelid
						AND o.indisvalid AND o.indpred IS NULL
						AND om.amname IN ('btree', 'hash')
						AND o.indnkeyatts >= cardinality(c.conkey)
						AND (o.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)) AS foreign_key
		FROM aged AS a
	)
	SELECT j.relation, j.index, j.relid, j.indexrelid,
		j.pages * current_setting('block_size')::bigint, j.scans, j.last_scan,
		j.since, j.days, j.table_scans,
		-- of all that was written since
		CASE WHEN j.last_scan IS NULL AND NOT coalesce(j.is_younger, false) AND NOT j.is_partial
			THEN j.entries_written END,
		v.verdict,
		concat_ws('; ',
			CASE
				WHEN v.verdict = 'keep' THEN format('serves foreign key %I', j.foreign_key)
				WHEN v.verdict = 'wait' THEN format('known for %s of %s days',
					round(j.days::numeric, 1), current_setting('pg_diagnose.unused_index_min_age', true)::float8)
				WHEN v.verdict = 'look' THEN 'its table is hardly read'
				WHEN v.verdict = 'check' THEN 'not used on this standby; the primary may use it'
				WHEN j.scans > 0 THEN 'not used of late'
				ELSE 'used in none of ' || diagnose.count_text(j.table_scans, 'scan')
			END,
			CASE WHEN j.has_expressions THEN 'gives the planner statistics of its expressions' END),
		-- It cannot be told from here whether it may go.
		CASE WHEN v.verdict <> 'check' THEN
			format('DROP INDEX %s%s', CASE WHEN j.is_partitioned THEN '' ELSE 'CONCURRENTLY ' END, j.index) END,
		CASE WHEN v.verdict <> 'check' THEN diagnose.index_definition(j.indexrelid) END,
		format('SELECT scans, days, verdict FROM diagnose.unused_indexes() WHERE index = %L', j.index)
	FROM judged AS j
		CROSS JOIN LATERAL (
			SELECT CASE
				WHEN j.foreign_key IS NOT NULL THEN 'keep'
				WHEN j.days < current_setting('pg_diagnose.unused_index_min_age', true)::float8 THEN 'wait'
				WHEN j.table_scans < current_setting('pg_diagnose.unused_index_min_scans', true)::float8 THEN 'look'
				WHEN pg_is_in_recovery() THEN 'check'
				ELSE 'drop'
			END AS verdict) AS v
	-- says so if the library is not loaded
	WHERE (SELECT diagnose.seconds(diagnose.since_reset())) IS NOT NULL;
END;
COMMENT ON FUNCTION diagnose.unused_indexes() IS
'indexes that nothing has used since the server''s statistics began, or (from 16 on) for pg_diagnose.unused_index_min_idle days; days: for how long that is known; verdict: drop, check (look on the primary), look (the table is hardly read), wait (not known for long enough), keep (a foreign key needs it); other nodes count for themselves and may use it';

CREATE OR REPLACE VIEW diagnose.unused_indexes AS
SELECT diagnose.short_text(u.index, 36) AS index, pg_size_pretty(u.size_bytes) AS size,
	round(u.days::numeric, 1) AS days,
	u.entries_written AS written, u.verdict, diagnose.short_text(u.reason, 32) AS reason
FROM diagnose.unused_indexes() AS u
ORDER BY array_position('{drop,check,look,wait,keep}', u.verdict), u.size_bytes DESC, u.index;
COMMENT ON VIEW diagnose.unused_indexes IS
'indexes that nothing uses on this node; other nodes count for themselves; diagnose.unused_indexes() has all of it, with ddl and undo';
COMMENT ON COLUMN diagnose.unused_indexes.days IS 'for how long it is known that nothing uses it';
COMMENT ON COLUMN diagnose.unused_indexes.written IS 'entries written to it in that time; NULL: not known';
COMMENT ON COLUMN diagnose.unused_indexes.verdict IS 'drop, check (look on the primary), look (its table is hardly read), wait (not known for long enough) or keep (a foreign key needs it)';

-- One of a pair does all that the other one does: finds by the same keys, in
-- the same order, returns the same columns of as many rows, and guards the same.
-- Which is smaller is said, not judged.
CREATE OR REPLACE FUNCTION diagnose.redundant_indexes(
	OUT relation					text,
	OUT index						text,
	OUT covered_by					text,
	OUT is_duplicate				boolean,
	OUT reason						text,
	OUT relid						oid,
	OUT indexrelid					oid,
	OUT covering_indexrelid			oid,
	OUT size_bytes					bigint,
	OUT covering_size_bytes			bigint,
	OUT scans						bigint,
	OUT covering_scans				bigint,
	OUT entries_written				bigint,
	OUT note						text,
	OUT ddl							text,
	OUT undo						text,
	OUT verify						text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 20 COST 100000
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH facts AS MATERIALIZED (
		SELECT f.*, x.indkey::int2[] AS keys, x.indnkeyatts AS n, x.indnatts AS width,
			x.indclass, x.indcollation::oid[] AS collations, x.indoption::int2[] AS options,
			x.indisunique, x.indimmediate, x.indnullsnotdistinct, x.indpred,
			x.indexprs IS NOT NULL AS has_expressions, c.relam, c.reloptions
		FROM diagnose.index_facts() AS f
			JOIN pg_index AS x ON x.indexrelid = f.indexrelid
			JOIN pg_class AS c ON c.oid = f.indexrelid
	),
	-- "a" may go because of "b"
	alike AS (
		SELECT a.indexrelid AS a, b.indexrelid AS b, a.n = b.n AS same_keys,
			a.relam <> b.relam AS other_am,
			a.indpred IS NOT NULL AND b.indpred IS NULL AS fewer_rows,
			a.options[0:a.n - 1] <> b.options[0:a.n - 1] AS backwards,
			(b.keys[a.n:b.width - 1]) <@ (a.keys[a.n:a.width - 1]) AS same_columns
		FROM facts AS a JOIN facts AS b ON b.relid = a.relid AND b.keys[0] = a.keys[0]
			AND b.indexrelid <> a.indexrelid
		WHERE NOT a.is_attached
			AND (a.guards IS NULL OR a.guards = 'uniqueness'
				-- whatever may happen, one row is as unique as the other
				AND b.indisunique AND b.n = a.n
				AND b.indimmediate >= a.indimmediate
				AND b.indnullsnotdistinct = a.indnullsnotdistinct
				AND (a.constraint_kind IS NULL OR b.constraint_kind IS NOT NULL))
			-- the keys, in this order
			AND a.n <= b.n
			AND a.keys[0:a.n - 1] = b.keys[0:a.n - 1]
			AND a.collations[0:a.n - 1] = b.collations[0:a.n - 1]
			AND (a.am <> 'btree'
				OR a.options[0:a.n - 1] = b.options[0:a.n - 1]
				-- DESC NULLS FIRST is ASC NULLS LAST read backwards: both bits
				OR a.options[0:a.n - 1] = ARRAY(
					SELECT (o.o # 3::int2)::int2
					FROM unnest(b.options[0:a.n - 1]) WITH ORDINALITY AS o (o, i) ORDER BY o.i))
			AND CASE
				WHEN a.am = 'hash' AND b.am = 'btree' THEN
					-- A small one is there for long values.
					a.pages >= b.pages * current_setting('pg_diagnose.redundant_index_min_size_share', true)::float8
					AND EXISTS (
						SELECT FROM pg_opclass AS h
							JOIN pg_opclass AS t ON t.oid = b.indclass[0]
							JOIN pg_amop AS he ON he.amopfamily = h.opcfamily
								AND he.amoplefttype = h.opcintype AND he.amoprighttype = h.opcintype
								AND he.amopstrategy = 1
							JOIN pg_amop AS te ON te.amopfamily = t.opcfamily
								AND te.amopopr = he.amopopr AND te.amopstrategy = 3
						WHERE h.oid = a.indclass[0])
				ELSE a.relam = b.relam
					AND NOT EXISTS (
						SELECT FROM generate_series(0, a.n - 1) AS k
							JOIN pg_opclass AS ac ON ac.oid = a.indclass[k]
							JOIN pg_opclass AS bc ON bc.oid = b.indclass[k]
						WHERE ac.opcfamily <> bc.opcfamily OR ac.opcintype <> bc.opcintype)
			END
			AND NOT EXISTS (
				SELECT FROM pg_attribute AS aa
					JOIN pg_attribute AS ba ON ba.attrelid = b.indexrelid AND ba.attnum = aa.attnum
				WHERE aa.attrelid = a.indexrelid AND aa.attnum <= a.n AND a.relam = b.relam
					AND aa.attoptions IS DISTINCT FROM ba.attoptions)
			AND (NOT a.has_expressions OR NOT EXISTS (
				SELECT FROM generate_series(0, a.n - 1) AS k
				WHERE a.keys[k] = 0
					AND pg_get_indexdef(a.indexrelid, k + 1, false) IS DISTINCT FROM
						pg_get_indexdef(b.indexrelid, k + 1, false)))
			-- columns that it returns besides
			AND a.keys[a.n:a.width - 1] <@ b.keys
			-- Others than B-tree do not find by some keys as by all, and are not
			-- the same with other parameters.
			AND (a.am IN ('btree', 'hash') OR a.n = b.n AND a.reloptions IS NOT DISTINCT FROM b.reloptions)
			-- the rows
			AND CASE
				WHEN b.indpred IS NULL AND a.indpred IS NULL THEN true
				WHEN b.indpred IS NULL THEN a.n = b.n
					AND a.pages >= b.pages * current_setting('pg_diagnose.redundant_index_min_size_share', true)::float8
				ELSE pg_get_expr(a.indpred, a.relid) = pg_get_expr(b.indpred, b.relid)
			END
	),
	-- Of two that do the same, the older one stays.
	pairs AS MATERIALIZED (
		SELECT l.* FROM alike AS l
		WHERE l.a > l.b
			OR NOT EXISTS (SELECT FROM alike AS m WHERE m.a = l.b AND m.b = l.a)
	),
	-- If nothing uses the one that covers, that one goes, and then this one has
	-- work to do.
	unused AS MATERIALIZED (
		SELECT u.indexrelid FROM diagnose.unused_indexes() AS u
		WHERE u.verdict = 'drop'
	),
	chosen AS (
		SELECT DISTINCT ON (p.a) p.*
		FROM pairs AS p JOIN facts AS b ON b.indexrelid = p.b
		WHERE p.b NOT IN (SELECT q.a FROM pairs AS q)
			AND p.b NOT IN (SELECT u.indexrelid FROM unused AS u)
		ORDER BY p.a, b.pages, p.b
	)
	SELECT a.relation, a.index, b.index,
		d.is_duplicate,
		CASE
			WHEN c.other_am THEN 'a B-tree finds equal values, too'
			WHEN c.fewer_rows THEN 'same keys, of nearly as many rows'
			WHEN NOT c.same_keys THEN 'its keys come first there'
			WHEN d.is_duplicate THEN 'the same index twice'
			WHEN b.indisunique AND NOT a.indisunique THEN 'same keys, which are unique there'
			ELSE 'same keys, with more columns there'
		END || CASE WHEN c.backwards AND NOT c.other_am THEN ', backwards' ELSE '' END,
		a.relid, a.indexrelid, b.indexrelid,
		a.pages * current_setting('block_size')::bigint,
		b.pages * current_setting('block_size')::bigint,
		a.scans, b.scans,
		CASE WHEN a.indpred IS NULL THEN a.entries_written END,
		nullif(concat_ws(' ',
			CASE WHEN a.constraint_kind IS NOT NULL
				THEN 'Look for statements with ON CONFLICT ON CONSTRAINT first.' END,
			CASE WHEN a.constraint_kind IS NOT NULL OR a.is_partitioned
				THEN 'That needs the table for itself for a moment: set lock_timeout.' END,
			CASE WHEN a.scans > 0 AND b.pages >= 2 * a.pages
				THEN format('The other one is %s times as large: what reads many of its entries reads more.',
					round(b.pages::numeric / greatest(a.pages, 1), 1)) END), ''),
		CASE
			WHEN a.constraint_kind IS NOT NULL THEN format('ALTER TABLE %s DROP CONSTRAINT %I', a.relation, k.conname)
			ELSE format('DROP INDEX %s%s', CASE WHEN a.is_partitioned THEN '' ELSE 'CONCURRENTLY ' END, a.index)
		END,
		CASE
			WHEN a.constraint_kind IS NOT NULL THEN format('ALTER TABLE %s ADD CONSTRAINT %I %s', a.relation, k.conname,
				pg_get_constraintdef(k.oid))
			ELSE diagnose.index_definition(a.indexrelid)
		END,
		format('SELECT covered_by FROM diagnose.redundant_indexes() WHERE index = %L', a.index)
	FROM chosen AS c
		JOIN facts AS a ON a.indexrelid = c.a
		JOIN facts AS b ON b.indexrelid = c.b
		LEFT JOIN pg_constraint AS k ON k.conindid = a.indexrelid AND k.contype = a.constraint_kind
			AND k.conrelid = a.relid
		CROSS JOIN LATERAL (
			SELECT c.same_keys AND c.same_columns AND NOT c.other_am AND NOT c.fewer_rows
				AND a.indisunique = b.indisunique AS is_duplicate) AS d
	-- says so if the library is not loaded
	WHERE (SELECT diagnose.seconds(diagnose.since_reset())) IS NOT NULL;
END;
COMMENT ON FUNCTION diagnose.redundant_indexes() IS
'indexes that do nothing which another one of the same table does not do: the same keys, or the first of its keys, in the same order or backwards, all columns and rows, and all that it guards; size_bytes is what dropping it frees, scans what it has been used since the server''s statistics began';

CREATE OR REPLACE VIEW diagnose.redundant_indexes AS
SELECT diagnose.short_text(r.index, 29) AS index,
	-- in the same schema
	diagnose.short_text(regexp_replace(r.covered_by, '^("([^"]|"")+"|[^.]+)\.', ''), 29) AS covered_by,
	pg_size_pretty(r.size_bytes) AS size, r.scans, diagnose.short_text(r.reason, 31) AS reason
FROM diagnose.redundant_indexes() AS r
ORDER BY r.size_bytes DESC, r.index;
COMMENT ON VIEW diagnose.redundant_indexes IS
'indexes that do nothing which another one does not do; diagnose.redundant_indexes() has all of it, with ddl and undo';
COMMENT ON COLUMN diagnose.redundant_indexes.covered_by IS 'the index that does the same, and more';
COMMENT ON COLUMN diagnose.redundant_indexes.size IS 'what dropping it frees';
COMMENT ON COLUMN diagnose.redundant_indexes.scans IS 'how often it was used since the server''s statistics began; the other one takes these over';

-- For indexes that are proposed, and so in no catalog.
CREATE OR REPLACE FUNCTION diagnose.index_serves(ddl text, columns text[])
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ddl !~ ' WHERE ' AND ddl ~ ' (USING btree )?\('
	AND (regexp_split_to_array((regexp_match(ddl, ' \((.*?)\)( |$)'))[1], ', '))[1:cardinality(columns)] @>
		ARRAY(SELECT quote_ident(c) FROM unnest(columns) AS c);
COMMENT ON FUNCTION diagnose.index_serves(text, text[]) IS
'does the B-tree index that a statement makes begin with these columns, in any order?';
