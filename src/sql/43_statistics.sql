-- Estimates of rows that were far off, and what would mend them.  What was
-- estimated and what came is from executions that were instrumented, so it is
-- older than the window; what the statements cost is from the window.

CREATE OR REPLACE FUNCTION diagnose.misestimates(
	w								diagnose.window,
	OUT userid						oid,
	OUT dbid						oid,
	OUT toplevel					boolean,
	OUT queryid						bigint,
	OUT identity					text,
	OUT subject						text,
	OUT calls						bigint,
	OUT ms_per_s					double precision,
	OUT share						double precision,
	OUT node						text,
	OUT relid						oid,
	OUT executions					bigint,
	OUT actual_rows					double precision,
	OUT estimated_rows				double precision,
	OUT ratio						double precision)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 50 COST 40000
BEGIN ATOMIC
	WITH statements AS MATERIALIZED (
		SELECT s.identity, s.subject, s.userid, s.dbid, s.toplevel, q.queryid,
			s.calls + s.failed AS calls,
			(s.total_exec_time + s.failed_time) / s.seconds AS ms_per_s,
			(s.total_exec_time + s.failed_time) / nullif(s.all_time, 0) AS share
		FROM diagnose.workload(w) AS s
			CROSS JOIN LATERAL unnest(s.queryids) AS q (queryid)
		WHERE s.dbid = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
			-- What is done once is no habit.
			AND s.calls + s.failed > 1
	),
	nodes AS (
		SELECT e.*, e.rows::float8 / e.node_executions AS actual,
			e.estimated_rows / e.node_executions AS estimated
		FROM diagnose.evidence() AS e
		WHERE e.node_executions > 0
			AND (e.relid IS NOT NULL OR e.node IN ('Nested Loop', 'Hash Join', 'Merge Join'))
	)
	SELECT s.userid, s.dbid, s.toplevel, s.queryid, s.identity, s.subject, s.calls,
		s.ms_per_s, s.share, n.node, n.relid, n.node_executions, n.actual, n.estimated,
		greatest(n.actual, 1) / greatest(n.estimated, 1)
	FROM nodes AS n
		JOIN statements AS s ON s.userid = n.userid AND s.dbid = n.dbid
			AND s.toplevel = n.toplevel AND s.queryid = n.queryid
	WHERE greatest(n.actual, n.estimated) >= current_setting('pg_diagnose.misestimate_min_rows', true)::float8
		-- A node that was not run to its end, as with LIMIT, is not said to have
		-- had more rows expected than came.
		AND greatest(n.actual, n.estimated, 1) >= greatest(least(n.actual, n.estimated), 1) *
			current_setting('pg_diagnose.misestimate_min_ratio', true)::float8
		AND s.share >= current_setting('pg_diagnose.misestimate_min_share', true)::float8
		-- What was estimated before the table was analyzed is past.
		AND n.last_seen >= coalesce(greatest(pg_stat_get_last_analyze_time(n.relid),
			pg_stat_get_last_autoanalyze_time(n.relid)), '-infinity');
END;
COMMENT ON FUNCTION diagnose.misestimates(diagnose.window) IS
'scans and joins of the current database''s statements where many more rows came than the planner expected, or many fewer: rows per execution, with ratio the actual by the estimated ones; ms_per_s and share are the statement''s';

-- What the planner knows of columns together, or of an expression.
CREATE OR REPLACE FUNCTION diagnose.has_statistics(
	relid							oid,
	columns							text[],
	expression						text)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT EXISTS (
			SELECT FROM pg_statistic_ext AS x
			WHERE x.stxrelid = relid
				AND CASE
					WHEN expression IS NULL THEN x.stxkind @> '{f,m}'
						AND columns <@ ARRAY(SELECT a.attname::text FROM pg_attribute AS a
											 WHERE a.attrelid = relid AND a.attnum = ANY (x.stxkeys::int2[]))
					ELSE EXISTS (SELECT FROM unnest(pg_get_statisticsobjdef_expressions(x.oid)) AS e
								 WHERE btrim(e, '()') = btrim(expression, '()'))
				END)
		OR expression IS NOT NULL AND EXISTS (
			SELECT FROM pg_index AS i CROSS JOIN generate_series(1, i.indnkeyatts) AS k
			WHERE i.indrelid = relid AND i.indisvalid AND i.indkey[k - 1] = 0
				AND btrim(pg_get_indexdef(i.indexrelid, k, false), '()') = btrim(expression, '()'));
END;
COMMENT ON FUNCTION diagnose.has_statistics(oid, text[], text) IS
'are there extended statistics of these columns of a table (dependencies and most common values), or if an expression is given, statistics of that, be it by an index?';

-- A name of the table and its columns that nothing has yet.
CREATE OR REPLACE FUNCTION diagnose.statistics_name(
	relid							oid,
	columns							text[])
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH base AS (
		-- The cast cuts off at a character's end.
		SELECT c.relnamespace, rtrim(substring(concat_ws('_', c.relname,
			array_to_string(columns, '_'))::name::text FOR 52), '_') || '_stat' AS name
		FROM pg_class AS c WHERE c.oid = relid
	)
	SELECT b.name || coalesce(nullif(i.i, 0)::text, '')
	FROM base AS b CROSS JOIN generate_series(0, 99) AS i (i)
	WHERE NOT EXISTS (
		SELECT FROM pg_statistic_ext AS x
		WHERE x.stxnamespace = b.relnamespace AND x.stxname = b.name || coalesce(nullif(i.i, 0)::text, ''))
	ORDER BY i.i LIMIT 1;
END;
COMMENT ON FUNCTION diagnose.statistics_name(oid, text[]) IS
'how new extended statistics of these columns may be called, unquoted';

CREATE OR REPLACE FUNCTION diagnose.statistics_advice(
	w								diagnose.window DEFAULT diagnose.since_reset(),
	OUT relation					text,
	OUT relid						oid,
	OUT cause						text,
	OUT columns						text[],
	OUT expression					text,
	OUT ratio						double precision,
	OUT actual_rows					double precision,
	OUT estimated_rows				double precision,
	OUT node						text,
	OUT executions					bigint,
	OUT statements					bigint,
	OUT calls						bigint,
	OUT ms_per_s					double precision,
	OUT queryids					bigint[],
	OUT subject						text,
	OUT reason						text,
	OUT ddl							text,
	OUT undo						text,
	OUT verify						text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 20 COST 100000
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH RECURSIVE wrong AS MATERIALIZED (
		SELECT m.* FROM diagnose.misestimates(w) AS m
	),
	-- Rows of a partitioned table are estimated partition by partition.
	tree (root, part) AS (
		SELECT DISTINCT x.relid, x.relid FROM wrong AS x WHERE x.relid IS NOT NULL
		UNION ALL
		SELECT t.root, h.inhrelid
		FROM tree AS t
			JOIN pg_class AS c ON c.oid = t.part AND c.relkind = 'p'
			JOIN pg_inherits AS h ON h.inhparent = t.part
	),
	parts AS MATERIALIZED (
		SELECT t.root, t.part, c.reltuples, n.nspname, c.relname,
			quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
			count(*) OVER (PARTITION BY t.root) AS n
		FROM tree AS t
			JOIN pg_class AS c ON c.oid = t.part
			JOIN pg_namespace AS n ON n.oid = c.relnamespace
		WHERE c.relkind <> 'p' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
			AND n.nspname <> 'information_schema'
	),
	tables AS (
		SELECT p.root, sum(greatest(p.reltuples, 0)) AS reltuples,
			sum(pg_stat_get_mod_since_analyze(p.part))::bigint AS modified,
			bool_or(CASE
				-- an empty partition tells nothing
				WHEN p.reltuples < 0 THEN p.n = 1 OR pg_stat_get_live_tuples(p.part) > 0
				ELSE p.reltuples > 0 AND has_table_privilege(p.part, 'SELECT') AND NOT EXISTS (
					SELECT FROM pg_stats AS s
					WHERE s.schemaname = p.nspname AND s.tablename = p.relname)
			END) AS is_new
		FROM parts AS p
		GROUP BY p.root
	),
	-- The conditions that a scan was estimated by.
	conditions AS MATERIALIZED (
		SELECT DISTINCT p.userid, p.dbid, p.toplevel, p.queryid, p.relid, p.kind, p.columns,
			CASE
				WHEN cardinality(p.columns) = 1
					AND p.expression IN (p.columns[1], quote_ident(p.columns[1]),
						p.alias || '.' || quote_ident(p.columns[1]),
						quote_ident(p.alias) || '.' || quote_ident(p.columns[1]))
					THEN NULL
				ELSE p.expression
			END AS expression
		FROM diagnose.predicates(w) AS p
		WHERE p.columns <> '{}'
			AND p.obstacle IS NULL
			-- nor what stands for constants that the caller may not see
			AND coalesce(p.expression, '') !~ '[$][0-9]'
			AND p.kind NOT IN ('join', 'sort', 'group', 'distinct', 'offset', 'other')
			AND EXISTS (SELECT FROM wrong AS x WHERE x.relid = p.relid AND x.queryid = p.queryid)
	),
	scans AS (
		SELECT x.*, t.reltuples, t.modified, t.is_new, n.nspname, c.relname,
			quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS relation,
			d.columns, d.equals, e.expression, e.of_columns
		FROM wrong AS x
			JOIN tables AS t ON t.root = x.relid
			JOIN pg_class AS c ON c.oid = x.relid
			JOIN pg_namespace AS n ON n.oid = c.relnamespace
			CROSS JOIN LATERAL (
				-- plain columns, as far as they are compared with values
				SELECT array_agg(DISTINCT col.name ORDER BY col.name) AS columns,
					count(DISTINCT col.name) FILTER (WHERE k.kind IN ('equality', 'null test', 'boolean')) AS equals
				FROM conditions AS k CROSS JOIN LATERAL unnest(k.columns) AS col (name)
				WHERE k.queryid = x.queryid AND k.relid = x.relid AND k.userid = x.userid
					AND k.toplevel = x.toplevel AND k.expression IS NULL
					AND k.kind IN ('equality', 'range', 'null test', 'boolean')) AS d
			LEFT JOIN LATERAL (
				SELECT k.expression, k.columns AS of_columns
				FROM conditions AS k
				WHERE k.queryid = x.queryid AND k.relid = x.relid AND k.userid = x.userid
					AND k.toplevel = x.toplevel AND k.expression IS NOT NULL
					AND EXISTS (SELECT FROM parts AS p WHERE p.root = x.relid
								AND NOT diagnose.has_statistics(p.part, k.columns, k.expression))
				ORDER BY k.expression COLLATE "C" LIMIT 1) AS e ON true
	),
	-- One column whose common values are more than the planner keeps.
	skewed AS (
		SELECT x.queryid, x.userid, x.toplevel, x.relid, a.attname::text AS name,
			coalesce(nullif(a.attstattarget, -1)::integer,
				current_setting('default_statistics_target')::integer) AS target,
			coalesce(a.attstattarget, -1) AS own_target
		FROM scans AS x
			JOIN pg_attribute AS a ON a.attrelid = x.relid AND a.attname = x.columns[1]
			JOIN pg_stats AS s ON s.schemaname = x.nspname AND s.tablename = x.relname
				AND s.attname = a.attname AND NOT s.inherited
		WHERE cardinality(x.columns) = 1
			AND cardinality(s.most_common_freqs) >= 0.9 * coalesce(nullif(a.attstattarget, -1)::integer,
				current_setting('default_statistics_target')::integer)
	),
	causes AS (
		SELECT x.*, k.target, k.own_target,
			CASE
				WHEN x.is_new THEN 'never analyzed'
				WHEN x.modified >= x.reltuples * current_setting('pg_diagnose.misestimate_min_modified_share', true)::float8
					AND x.modified > 0 THEN 'stale'
				WHEN x.expression IS NOT NULL THEN 'expression'
				WHEN cardinality(x.columns) >= 2 AND x.equals >= 1
					AND EXISTS (SELECT FROM parts AS p WHERE p.root = x.relid
								AND NOT diagnose.has_statistics(p.part, x.columns, NULL)) THEN 'correlation'
				WHEN k.target < 10000 THEN 'skew'
			END AS cause
		FROM scans AS x
			LEFT JOIN skewed AS k ON k.queryid = x.queryid AND k.userid = x.userid
				AND k.toplevel = x.toplevel AND k.relid = x.relid
	),
	about AS (
		SELECT c.*,
			CASE c.cause
				WHEN 'expression' THEN c.of_columns
				WHEN 'correlation' THEN c.columns[1:8]
				WHEN 'skew' THEN c.columns
				ELSE '{}'
			END AS about,
			CASE WHEN c.cause = 'expression' THEN c.expression END AS about_expression
		FROM causes AS c
		WHERE c.cause IS NOT NULL
	),
	-- A statement has its time once, however many of its scans are wrong.
	summed AS (
		SELECT a.relation, a.relid, a.cause, a.about, a.about_expression,
			(array_agg(a.ratio ORDER BY abs(ln(a.ratio)) DESC))[1] AS ratio,
			(array_agg(a.actual_rows ORDER BY abs(ln(a.ratio)) DESC))[1] AS actual_rows,
			(array_agg(a.estimated_rows ORDER BY abs(ln(a.ratio)) DESC))[1] AS estimated_rows,
			(array_agg(a.node ORDER BY abs(ln(a.ratio)) DESC))[1] AS node,
			max(a.executions) AS executions,
			min(a.own_target) AS own_target, min(a.target) AS target,
			max(a.modified) AS modified, max(a.reltuples) AS reltuples
		FROM about AS a
		GROUP BY a.relation, a.relid, a.cause, a.about, a.about_expression
	),
	costs AS (
		SELECT u.relid, u.cause, u.about, u.about_expression,
			count(*) AS statements, sum(u.calls)::bigint AS calls, sum(u.ms_per_s) AS ms_per_s,
			array_agg(u.queryid ORDER BY u.ms_per_s DESC, u.queryid) AS queryids,
			(array_agg(u.subject ORDER BY u.ms_per_s DESC, u.queryid))[1] AS subject
		FROM (SELECT DISTINCT ON (a.relid, a.cause, a.about, a.about_expression, a.identity) a.*
			  FROM about AS a
			  ORDER BY a.relid, a.cause, a.about, a.about_expression, a.identity, a.ms_per_s DESC) AS u
		GROUP BY u.relid, u.cause, u.about, u.about_expression
	),
	named AS (
		SELECT s.*, c.statements, c.calls, c.ms_per_s, c.queryids, c.subject,
			coalesce(s.about_expression,
				(SELECT string_agg(quote_ident(x), ', ') FROM unnest(s.about) AS x)) AS list
		FROM summed AS s JOIN costs AS c ON c.relid = s.relid AND c.cause = s.cause
			AND c.about = s.about AND c.about_expression IS NOT DISTINCT FROM s.about_expression
	)
	SELECT n.relation, n.relid, n.cause, n.about, n.about_expression, n.ratio,
		n.actual_rows, n.estimated_rows, n.node, n.executions, n.statements, n.calls,
		n.ms_per_s, n.queryids, n.subject,
		CASE n.cause
			WHEN 'never analyzed' THEN 'it was never analyzed'
			WHEN 'stale' THEN format('%s of %s changed since ANALYZE',
				to_char(n.modified, 'FM999,999,999,999,990'),
				diagnose.count_text(n.reltuples::bigint, 'row'))
			WHEN 'expression' THEN format('nothing is known of %s', n.about_expression)
			WHEN 'correlation' THEN format('%s are taken to be independent', n.list)
			WHEN 'skew' THEN format('%s has more common values than the %s that are kept', n.list, n.target)
		END,
		d.ddl, d.undo,
		format('SELECT cause, ratio, reason FROM diagnose.statistics_advice() WHERE relation = %L', n.relation)
	FROM named AS n
		-- Nobody wants to read that for hundreds of partitions.
		LEFT JOIN LATERAL (
			SELECT CASE
					WHEN n.cause = 'skew' THEN string_agg(format(E'ALTER TABLE %s ALTER COLUMN %s SET STATISTICS %s;\nANALYZE %s',
						p.name, n.list, least(10000, greatest(1000, 10 * n.target)), p.name), E';\n' ORDER BY p.name)
					WHEN n.cause IN ('correlation', 'expression') THEN string_agg(format(E'CREATE STATISTICS %s %s FROM %s;\nANALYZE %s',
						i.name, CASE WHEN n.cause = 'correlation' THEN '(dependencies, mcv) ON ' || n.list
							ELSE format('ON (%s)', n.list) END,
						p.name, p.name), E';\n' ORDER BY p.name)
					ELSE 'ANALYZE ' || n.relation
				END AS ddl,
				CASE
					WHEN n.cause = 'skew' THEN string_agg(format('ALTER TABLE %s ALTER COLUMN %s SET STATISTICS %s',
						p.name, n.list, n.own_target), E';\n' ORDER BY p.name)
					WHEN n.cause IN ('correlation', 'expression') THEN string_agg('DROP STATISTICS ' || i.name,
						E';\n' ORDER BY p.name)
				END AS undo
			FROM parts AS p
				CROSS JOIN LATERAL (
					SELECT quote_ident(p.nspname) || '.' || quote_ident(diagnose.statistics_name(p.part, n.about)) AS name) AS i
			WHERE p.root = n.relid AND p.n <= 20
				AND (n.cause NOT IN ('correlation', 'expression')
					OR NOT diagnose.has_statistics(p.part, n.about, n.about_expression))) AS d ON true;
END;
COMMENT ON FUNCTION diagnose.statistics_advice(diagnose.window) IS
'tables whose rows the planner misjudges, and what would tell it: cause is never analyzed, stale, expression, correlation or skew; ratio is of actual to estimated rows, per execution of the worst node; ms_per_s is what the statements take that suffer; evidence of rows is as old as the last reset, whatever the window';

CREATE OR REPLACE VIEW diagnose.statistics_advice AS
SELECT round(s.ms_per_s::numeric, 1) AS ms_per_s, diagnose.short_text(s.relation, 24) AS relation,
	to_char(s.estimated_rows, 'FM999,999,999,990') AS estimated,
	to_char(s.actual_rows, 'FM999,999,999,990') AS actual, diagnose.short_text(s.reason, 44) AS reason
FROM diagnose.statistics_advice(diagnose.since_reset()) AS s
ORDER BY s.ms_per_s DESC, s.relation, s.columns;
COMMENT ON VIEW diagnose.statistics_advice IS
'tables whose rows the planner misjudges, and why; diagnose.statistics_advice() has all of it, with ddl and undo';
COMMENT ON COLUMN diagnose.statistics_advice.ms_per_s IS 'database time, in milliseconds per second, of the statements that suffer';
COMMENT ON COLUMN diagnose.statistics_advice.estimated IS 'rows that the planner expected, per execution';
COMMENT ON COLUMN diagnose.statistics_advice.actual IS 'rows that came';
