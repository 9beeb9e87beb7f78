-- Gates: what one transaction may do.

-- What one transaction does, by shape: the largest of any where that is known,
-- else the mean.  pg_diagnose's own statements are taken out of it; where they
-- took part, only the mean is known.  A transaction has no counter of blocks.
-- Theirs are those of its statements, by what these take a call in all of the
-- window: a mean over everybody who runs the statement.
CREATE OR REPLACE FUNCTION diagnose.transaction_work(
	w								diagnose.window,
	OUT identity					text,
	OUT id							text,
	OUT dbid						oid,
	OUT userid						oid,
	OUT shape						bigint,
	OUT kind						text,
	OUT tag							text,
	OUT names						text[],
	OUT calls						bigint,
	OUT statements					numeric,
	OUT max_statements				numeric,
	OUT rows						numeric,
	OUT blocks						numeric,
	OUT wal_bytes					numeric,
	OUT ended_by_gap				bigint,
	OUT steps						jsonb)
RETURNS SETOF record
LANGUAGE sql STABLE ROWS 500 COST 40000
BEGIN ATOMIC
	WITH shapes AS MATERIALIZED (
		SELECT x.*
		FROM diagnose.transaction_shapes(w) AS x
		WHERE x.calls > 0 AND NOT x.is_own AND x.database = current_database()
	),
	wal AS (
		SELECT x.dbid, x.userid, x.shape,
			diagnose.tag_text(x.route, x.controller, x.action, x.application) AS tag,
			sum(x.wal_bytes) AS wal_bytes
		FROM diagnose.transactions(w) AS x
		GROUP BY 1, 2, 3, 4
	),
	blocks AS (
		SELECT s.dbid, s.fingerprint,
			sum(s.shared_blks_hit + s.shared_blks_read) / nullif(sum(s.calls), 0) AS per_call
		FROM diagnose.statements(w) AS s
		WHERE s.toplevel AND s.fingerprint IS NOT NULL
		GROUP BY 1, 2
	),
	-- A transaction that ended in the window may have begun before it, with
	-- statements that were not executed in it.
	texts AS (
		SELECT DISTINCT ON (s.dbid, s.fingerprint) s.dbid, s.fingerprint, s.query
		FROM diagnose.statements(ROW(NULL, (w).upper)::diagnose.window) AS s
		WHERE s.fingerprint IS NOT NULL AND s.query IS NOT NULL
		ORDER BY s.dbid, s.fingerprint, s.toplevel DESC, s.queryid
	),
	told AS (
		SELECT x.identity,
			bool_or(s.is_own) AS has_own,
			sum(s.calls) FILTER (WHERE NOT s.is_own) AS executions,
			sum(s.rows) FILTER (WHERE NOT s.is_own) AS rows,
			sum(s.calls * b.per_call) FILTER (WHERE NOT s.is_own) AS blocks,
			jsonb_agg(jsonb_build_object('position', s.position,
				'fingerprint', s.fingerprint,
				'query', s.query, 'calls', s.calls / x.calls,
				'rows', s.rows / x.calls,
				'blocks', s.calls * b.per_call / x.calls) ORDER BY s.position)
				FILTER (WHERE NOT s.is_own) AS steps
		FROM shapes AS x
			CROSS JOIN LATERAL (
				SELECT y.position, y.fingerprint, coalesce(t.query, y.query) AS query,
					y.calls, y.rows,
					coalesce(y.is_own, false) OR diagnose.is_own(t.query) AS is_own
				FROM jsonb_to_recordset(x.steps) AS y (position int,
						fingerprint bigint, query text, is_own boolean,
						calls numeric, rows numeric)
					LEFT JOIN texts AS t ON t.dbid = x.dbid
						AND t.fingerprint = y.fingerprint) AS s
			LEFT JOIN blocks AS b ON b.dbid = x.dbid AND b.fingerprint = s.fingerprint
		GROUP BY 1
	)
	SELECT x.identity, x.id, x.dbid, x.userid, x.shape, x.kind, x.tag,
		ARRAY[x.tag, x.route, x.controller || '#' || x.action, x.application,
			x.shape::text, x.id],
		x.calls,
		coalesce(t.executions, 0) / x.calls,
		CASE WHEN NOT t.has_own THEN x.max_statements END,
		coalesce(t.rows, 0) / x.calls,
		coalesce(t.blocks, 0) / x.calls,
		w.wal_bytes / x.calls,
		coalesce(x.ended_by_gap, 0),
		coalesce(t.steps, '[]')
	FROM shapes AS x
		LEFT JOIN told AS t ON t.identity = x.identity
		LEFT JOIN wal AS w ON w.dbid = x.dbid AND w.userid = x.userid
			AND w.shape = x.shape AND w.tag = x.tag;
END;
COMMENT ON FUNCTION diagnose.transaction_work(diagnose.window) IS
'what one transaction of each shape of this database does: statements, rows, blocks and WAL in bytes on average; names are all it goes by';

-- The one that exceeds its limits by most is shown.
CREATE OR REPLACE FUNCTION diagnose.transaction_excess(
	name							text,
	max_statements					integer,
	max_blocks						bigint,
	max_rows						bigint,
	max_wal_bytes					bigint,
	w								diagnose.window,
	OUT is_known					boolean,
	OUT exceeded					text,
	OUT title						text,
	OUT lines						text[])
RETURNS SETOF record
LANGUAGE sql STABLE ROWS 1 COST 50000
BEGIN ATOMIC
	WITH works AS MATERIALIZED (
		SELECT x.*, coalesce(x.max_statements, ceil(x.statements)) AS most
		FROM diagnose.transaction_work(w) AS x
		WHERE transaction_excess.name = ANY (x.names)
	),
	limits AS (
		SELECT x.identity, l.*
		FROM works AS x
			CROSS JOIN LATERAL (VALUES
				(1, 'max_statements', x.most, transaction_excess.max_statements::numeric),
				(2, 'max_blocks', x.blocks, transaction_excess.max_blocks),
				(3, 'max_rows', x.rows, transaction_excess.max_rows),
				(4, 'max_wal_bytes', x.wal_bytes, transaction_excess.max_wal_bytes))
				AS l (place, argument, value, allowed)
	),
	worst AS (
		SELECT l.identity, max(l.value / greatest(l.allowed, 0.5)) AS excess,
			string_agg(format('%s (%s > %s)', l.argument,
				CASE
					WHEN diagnose.number_text(l.value::float8) = diagnose.number_text(l.allowed::float8)
						THEN trim_scale(round(l.value, 4))::text
					ELSE diagnose.number_text(l.value::float8)
				END,
				diagnose.number_text(l.allowed::float8)), ', ' ORDER BY l.place) AS exceeded,
			array_agg(l.argument) AS arguments
		FROM limits AS l
		WHERE l.value > l.allowed
		GROUP BY l.identity
		ORDER BY 2 DESC, 1 LIMIT 1
	),
	told AS (
		SELECT v.exceeded, x.calls, x.kind,
			array_agg(lpad(diagnose.number_text((s.step ->> 'calls')::float8), 6) || ' x  ' ||
				diagnose.short_text(regexp_replace(s.step ->> 'query', '\s+', ' ', 'g'), 100) ||
				coalesce(' (' || nullif(concat_ws(', ',
					CASE WHEN 'max_rows' = ANY (v.arguments)
						THEN 'rows ' || diagnose.number_text((s.step ->> 'rows')::float8) END,
					CASE WHEN 'max_blocks' = ANY (v.arguments)
						THEN 'blocks ' || coalesce(diagnose.number_text((s.step ->> 'blocks')::float8),
							'unknown') END), '') || ')', '')
				ORDER BY (s.step ->> 'position')::int) FILTER (WHERE s.step IS NOT NULL) AS lines
		FROM worst AS v
			JOIN works AS x ON x.identity = v.identity
			LEFT JOIN LATERAL jsonb_array_elements(x.steps) AS s (step) ON true
		GROUP BY 1, 2, 3
	)
	SELECT EXISTS (SELECT FROM works), t.exceeded,
		CASE
			WHEN t.calls = 1 THEN 'One ' || t.kind || ' in the window, which executed:'
			ELSE diagnose.count_text(t.calls, t.kind) || ' in the window, which executed on average:'
		END, t.lines
	FROM (VALUES (1)) AS one (row)
		LEFT JOIN told AS t ON true;
END;
COMMENT ON FUNCTION diagnose.transaction_excess(text, integer, bigint, bigint, bigint, diagnose.window) IS
'which limits the transactions of a name exceed, and what those that do so by most execute; exceeded NULL: none; is_known: there are some';

CREATE OR REPLACE FUNCTION diagnose.transaction_sightings(
	name							text,
	no_findings						text[],
	w								diagnose.window,
	OUT detectors					text[],
	OUT advice						text,
	OUT lines						text[])
RETURNS SETOF record
LANGUAGE plpgsql STABLE ROWS 1 COST 50000
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	WITH seen AS (
		SELECT o.detector, d.title, d.advice, o.position, o.parent,
			s.step ->> 'query' AS statement, p.step ->> 'query' AS parent_statement,
			x.kind, max(o.max_count) AS count
		FROM diagnose.transaction_work(w) AS x
			JOIN diagnose.observations(w) AS o ON o.dbid = x.dbid
				AND o.userid = x.userid AND o.shape = x.shape
				AND diagnose.tag_text(o.route, o.controller, o.action, o.application) = x.tag
			JOIN diagnose.detectors() AS d ON d.name = o.detector
			LEFT JOIN LATERAL jsonb_array_elements(x.steps) AS s (step)
				ON (s.step ->> 'position')::int = o.position
			LEFT JOIN LATERAL jsonb_array_elements(x.steps) AS p (step)
				ON (p.step ->> 'position')::int = o.parent
		WHERE transaction_sightings.name = ANY (x.names)
			AND (o.detector = ANY (no_findings) OR 'all' = ANY (no_findings)
				OR 'repeatable' = ANY (no_findings) AND diagnose.is_repeatable(o.detector))
			-- What is not among the steps is a statement of our own.
			AND (o.position IS NULL OR s.step IS NOT NULL)
		GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
	)
	SELECT array_agg(DISTINCT s.detector),
		min(diagnose.fill_words(s.advice, jsonb_build_object(
			'kind', s.kind, 'position', s.position,
			'statement', coalesce(diagnose.short_text(s.statement, 100), 'a statement'),
			'of_parent', coalesce(' (' || diagnose.short_text(s.parent_statement, 100) || ')', '')))),
		array_agg(DISTINCT s.detector || ': ' || s.title ||
			coalesce(' (' || CASE WHEN s.count > 1 THEN s.count || ' x  ' ELSE '' END ||
				diagnose.short_text(s.statement, 100) || ')', ''))
	FROM seen AS s;
END
$$;
COMMENT ON FUNCTION diagnose.transaction_sightings(text, text[], diagnose.window) IS
'which of these detectors saw something in the transactions of a name, {all} or {repeatable} of them';

CREATE OR REPLACE FUNCTION diagnose.transaction_problem(
	name							text,
	max_statements					integer,
	max_blocks						bigint,
	max_rows						bigint,
	max_wal_bytes					bigint,
	no_findings						text[],
	w								diagnose.window)
RETURNS text[]
LANGUAGE plpgsql STABLE COST 100000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	negative						text;
	unknown							text;
	x								record;
	seen							record;
BEGIN
	IF name IS NULL THEN
		RETURN ARRAY['name must not be null', NULL,
			'Name a route, a controller#action, an application or a shape, as diagnose.transactions shows it.',
			'22004'];
	END IF;
	IF diagnose.window_fault('window', w) IS NOT NULL THEN
		RETURN diagnose.window_fault('window', w);
	END IF;
	SELECT d.argument INTO negative
	FROM (VALUES (1, 'max_statements', max_statements),
		(2, 'max_blocks', max_blocks), (3, 'max_rows', max_rows),
		(4, 'max_wal_bytes', max_wal_bytes)) AS d (place, argument, value),
		diagnose.since_reset()
	WHERE d.value < 0
	ORDER BY d.place LIMIT 1;
	IF negative IS NOT NULL THEN
		RETURN ARRAY[negative || ' must not be negative', NULL,
			'NULL is no limit.', '22023'];
	END IF;
	SELECT n.name INTO unknown
	FROM unnest(no_findings) AS n (name)
	WHERE n.name NOT IN ('all', 'repeatable')
			AND n.name NOT IN (SELECT d.name FROM diagnose.detectors() AS d)
		OR n.name IS NULL
	LIMIT 1;
	IF FOUND THEN
		RETURN ARRAY[format('there is no detector "%s"', coalesce(unknown, 'NULL')),
			(SELECT 'There are ' || string_agg(d.name, ', ' ORDER BY d.name COLLATE "C") || '.'
			 FROM diagnose.detectors() AS d),
			'no_findings is a list of these, or {all}, or {repeatable} for those that do not depend on time.', '42704'];
	END IF;

	SELECT d.* INTO x FROM diagnose.transaction_excess(name, max_statements,
		max_blocks, max_rows, max_wal_bytes, w) AS d;
	IF NOT x.is_known THEN
		RETURN ARRAY[format('no transaction "%s" in the window', name),
			(SELECT coalesce('In this database there are: ' || diagnose.short_text(
					string_agg(DISTINCT '"' || d.tag || '"', ', '), 300) || '.',
				'In this database there is none at all.')
			 FROM diagnose.transaction_work(w) AS d),
			'Run what is to be looked at first; the name is a route, a controller#action, an application or a shape.'];
	END IF;
	SELECT d.* INTO seen FROM diagnose.transaction_sightings(name, no_findings, w) AS d;
	IF x.exceeded IS NULL AND seen.detectors IS NULL THEN
		RETURN NULL;
	END IF;
	RETURN ARRAY[
		format('transaction "%s" ', name) || concat_ws(' and ',
			'exceeds ' || x.exceeded,
			'has findings: ' || array_to_string(seen.detectors, ', ')),
		concat_ws(E'\n', CASE WHEN x.exceeded IS NOT NULL THEN x.title END,
			diagnose.lines_text(x.lines), diagnose.lines_text(seen.lines)),
		CASE WHEN cardinality(seen.detectors) = 1 AND seen.advice !~ '[{}]' THEN seen.advice END];
END
$$;
COMMENT ON FUNCTION diagnose.transaction_problem(text, integer, bigint, bigint, bigint, text[], diagnose.window) IS
'what diagnose.assert_transaction() would say; NULL if nothing';

CREATE OR REPLACE FUNCTION diagnose.assert_transaction(
	name							text,
	max_statements					integer DEFAULT NULL,
	max_blocks						bigint DEFAULT NULL,
	max_rows						bigint DEFAULT NULL,
	max_wal_bytes					bigint DEFAULT NULL,
	no_findings						text[] DEFAULT NULL,
	w								diagnose.window DEFAULT diagnose.since_reset())
RETURNS void
LANGUAGE sql VOLATILE
RETURN diagnose.raise_problem(diagnose.transaction_problem(name,
	max_statements, max_blocks, max_rows, max_wal_bytes, no_findings, w));
COMMENT ON FUNCTION diagnose.assert_transaction(text, integer, bigint, bigint, bigint, text[], diagnose.window) IS
'an error if a transaction or burst of that route, controller#action, application or shape does more than this, or if there is none: statements are those of the largest, rows, blocks (of BLCKSZ bytes) and WAL the mean of a shape; no_findings are names of diagnose.detectors(), or {all}, or {repeatable} for those that do not depend on time';
