-- Gates: what a deployment or a build stops for.  Assertions look at work, not
-- at time: the same statements on the same data do the same work, however busy
-- the machine is, and so they can stand in the regression tests of an
-- application.  gate() is for production, where times count.
--
-- An assertion is a function that returns a problem, or NULL if there is none,
-- and one in SQL around it that raises it.  The latter is inlined, so an error
-- comes without a CONTEXT that would change with every release of ours.  A
-- problem is an array of message, detail, hint and SQLSTATE; without the last
-- one it is a failed assertion, PD001.

CREATE OR REPLACE FUNCTION diagnose.raise_problem(problem text[])
RETURNS void
AS 'MODULE_PATHNAME', 'pgd_raise_problem'
LANGUAGE C VOLATILE PARALLEL SAFE;
COMMENT ON FUNCTION diagnose.raise_problem(text[]) IS
'raise an error from message, detail, hint and SQLSTATE (PD001 if there is none); NULL raises nothing';

-- The window is used once in those functions: what is used twice is not inlined.
CREATE OR REPLACE FUNCTION diagnose.window_fault(
	what							text,
	w								diagnose.window)
RETURNS text[]
LANGUAGE sql STABLE
RETURN CASE
	-- Everything since the last reset is two NULLs, which is another thing.
	WHEN w IS NOT DISTINCT FROM NULL::diagnose.window THEN
		ARRAY[what || ' must not be null', NULL,
			'Use diagnose.since_reset() for everything since the last reset.', '22004']
	WHEN (w).lower >= (w).upper THEN
		ARRAY[what || ' does not end after it begins', NULL,
			'Name the earlier end first.', '22023']
	WHEN diagnose.window_problem(w) IS NOT NULL THEN
		ARRAY[format('%s cannot be read: %s', what,
				regexp_replace(diagnose.window_problem(w), '^the window', 'it')), NULL,
			'The view diagnose.snapshots lists possible ends.', '55000']
END;
COMMENT ON FUNCTION diagnose.window_fault(text, diagnose.window) IS
'the problem with a window; NULL if there is none';

-- ---- Words ----

-- Two numbers that differ are not written alike.
CREATE OR REPLACE FUNCTION diagnose.change_text(
	what							text,
	before							numeric,
	after							numeric)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN what || ' ' || CASE
	WHEN diagnose.number_text(before::float8) = diagnose.number_text(after::float8)
		THEN trim_scale(round(before, 4)) || ' -> ' || trim_scale(round(after, 4))
	ELSE diagnose.number_text(before::float8) || ' -> ' || diagnose.number_text(after::float8)
END;
COMMENT ON FUNCTION diagnose.change_text(text, numeric, numeric) IS
'a number before and after: blocks per call 3 -> 168';

CREATE OR REPLACE FUNCTION diagnose.lines_text(
	lines							text[],
	width							integer DEFAULT 20)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_to_string(CASE
	WHEN lines IS NULL OR cardinality(lines) <= width THEN lines
	ELSE lines[1 : width - 1] || ('and ' || cardinality(lines) - width + 1 || ' more')
END, E'\n');
COMMENT ON FUNCTION diagnose.lines_text(text[], integer) IS
'at most so many lines, the last of which may say how many more there are';

-- ---- Transactions ----

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
				SELECT y.position, y.fingerprint, y.query, y.calls, y.rows,
					coalesce(y.is_own, false) AS is_own
				FROM jsonb_to_recordset(x.steps) AS y (position int,
					fingerprint bigint, query text, is_own boolean,
					calls numeric, rows numeric)) AS s
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
	exceeded						text;
	shows							text[];
	seen_by							text[];
	advice							text;
	title							text;
	lines							text[];
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

	-- The one that exceeds its limits by most is shown.
	WITH works AS MATERIALIZED (
		SELECT x.*, coalesce(x.max_statements, ceil(x.statements)) AS most
		FROM diagnose.transaction_work(w) AS x
		WHERE transaction_problem.name = ANY (x.names)
	),
	limits AS (
		SELECT x.identity, l.*
		FROM works AS x
			CROSS JOIN LATERAL (VALUES
				(1, 'max_statements', x.most, transaction_problem.max_statements::numeric),
				(2, 'max_blocks', x.blocks, transaction_problem.max_blocks),
				(3, 'max_rows', x.rows, transaction_problem.max_rows),
				(4, 'max_wal_bytes', x.wal_bytes, transaction_problem.max_wal_bytes))
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
	seen AS (
		SELECT o.detector, d.title, d.advice, o.position, o.parent,
			(s.step ->> 'query') AS statement, p.step ->> 'query' AS parent_statement,
			x.kind, max(o.max_count) AS count
		FROM works AS x
			JOIN diagnose.observations(w) AS o ON o.dbid = x.dbid
				AND o.userid = x.userid AND o.shape = x.shape
				AND diagnose.tag_text(o.route, o.controller, o.action, o.application) = x.tag
			JOIN diagnose.detectors() AS d ON d.name = o.detector
			LEFT JOIN LATERAL jsonb_array_elements(x.steps) AS s (step)
				ON (s.step ->> 'position')::int = o.position
			LEFT JOIN LATERAL jsonb_array_elements(x.steps) AS p (step)
				ON (p.step ->> 'position')::int = o.parent
		WHERE (o.detector = ANY (no_findings) OR 'all' = ANY (no_findings)
				OR 'repeatable' = ANY (no_findings) AND diagnose.is_repeatable(o.detector))
			-- What is not among the steps is a statement of our own.
			AND (o.position IS NULL OR s.step IS NOT NULL)
		GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
	),
	sightings AS (
		SELECT array_agg(DISTINCT s.detector) AS detectors,
			array_agg(DISTINCT s.detector || ': ' || s.title ||
				coalesce(' (' || CASE WHEN s.count > 1 THEN s.count || ' x  ' ELSE '' END ||
					diagnose.short_text(s.statement, 100) || ')', '')) AS lines,
			min(diagnose.fill_words(s.advice, jsonb_build_object(
				'kind', s.kind, 'statement', coalesce(diagnose.short_text(s.statement, 100), 'a statement'),
				'position', s.position,
				'of_parent', coalesce(' (' || diagnose.short_text(s.parent_statement, 100) || ')', ''))))
				AS advice
		FROM seen AS s
	),
	statements AS (
		SELECT array_agg(lpad(diagnose.number_text((s.step ->> 'calls')::float8), 6) || ' x  ' ||
				diagnose.short_text(regexp_replace(s.step ->> 'query', '\s+', ' ', 'g'), 100) ||
				coalesce(' (' || nullif(concat_ws(', ',
					CASE WHEN 'max_rows' = ANY (v.arguments)
						THEN 'rows ' || diagnose.number_text((s.step ->> 'rows')::float8) END,
					CASE WHEN 'max_blocks' = ANY (v.arguments)
						THEN 'blocks ' || coalesce(diagnose.number_text((s.step ->> 'blocks')::float8),
							'unknown') END), '') || ')', '')
				ORDER BY (s.step ->> 'position')::int) AS lines,
			min(CASE
				WHEN x.calls = 1 THEN 'One ' || x.kind || ' in the window, which executed:'
				ELSE diagnose.count_text(x.calls, x.kind) || ' in the window, which executed on average:'
			END) AS title
		FROM worst AS v
			JOIN works AS x ON x.identity = v.identity
			CROSS JOIN LATERAL jsonb_array_elements(x.steps) AS s (step)
	)
	SELECT v.exceeded, g.detectors, g.advice, t.title, g.lines,
		CASE WHEN EXISTS (SELECT FROM works) THEN coalesce(t.lines, '{}') END
	INTO exceeded, seen_by, advice, title, shows, lines
	FROM sightings AS g
		LEFT JOIN worst AS v ON true
		LEFT JOIN statements AS t ON true;

	IF lines IS NULL THEN
		RETURN ARRAY[format('no transaction "%s" in the window', name),
			(SELECT coalesce('In this database there are: ' || diagnose.short_text(
					string_agg(DISTINCT '"' || x.tag || '"', ', '), 300) || '.',
				'In this database there is none at all.')
			 FROM diagnose.transaction_work(w) AS x),
			'Run what is to be looked at first; the name is a route, a controller#action, an application or a shape.'];
	END IF;
	IF exceeded IS NULL AND seen_by IS NULL THEN
		RETURN NULL;
	END IF;
	RETURN ARRAY[
		concat_ws(' and ',
			format('transaction "%s" exceeds ', name) || exceeded,
			CASE WHEN exceeded IS NULL THEN format('transaction "%s" has findings: ', name)
				ELSE 'has findings: ' END || array_to_string(seen_by, ', ')),
		concat_ws(E'\n', title, diagnose.lines_text(nullif(lines, '{}')),
			diagnose.lines_text(shows)),
		CASE WHEN cardinality(seen_by) = 1 AND advice !~ '[{}]' THEN advice END];
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

-- ---- Plans ----

CREATE OR REPLACE FUNCTION diagnose.query_parameters(query text)
RETURNS integer
AS 'MODULE_PATHNAME', 'pgd_query_parameters'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION diagnose.query_parameters(text) IS
'number of parameters of a statement; an error if it is not one statement that has a plan';

-- Planned and not executed, in the caller's search_path: no function of ours
-- that is on the way to here may set one.  A statement with parameters is planned
-- for any value of them, and so no partition may be left out for the NULLs that
-- stand in for them.  The name of the prepared statement marks these as our own.
-- What cannot be planned is a problem, not an error: that would say where in
-- this function it happened.
CREATE OR REPLACE FUNCTION diagnose.plan_of(query text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE COST 10000
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
	n								integer;
	arguments						text := '';
	pruning							text;
	line							record;
	document						json;
	lines							text[];
	message							text;
	detail							text;
	hint							text;
BEGIN
	IF query IS NULL THEN
		RETURN NULL;
	END IF;
	BEGIN
		DEALLOCATE "diagnose.plan";
	EXCEPTION WHEN invalid_sql_statement_name THEN
		NULL;
	END;
	BEGIN
		n := diagnose.query_parameters(query);
		EXECUTE 'PREPARE "diagnose.plan" AS ' || query;
		IF n > 0 THEN
			arguments := '(' || pg_catalog.rtrim(pg_catalog.repeat('NULL, ', n), ', ') || ')';
			pruning := pg_catalog.current_setting('enable_partition_pruning');
			PERFORM pg_catalog.set_config('enable_partition_pruning', 'off', true)
			FROM diagnose.since_reset();
		END IF;
		EXECUTE 'EXPLAIN (FORMAT JSON) EXECUTE "diagnose.plan"' || arguments
			INTO document;
		FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) EXECUTE "diagnose.plan"' || arguments
		LOOP
			lines := lines || line."QUERY PLAN";
		END LOOP;
		IF pruning IS NOT NULL THEN
			PERFORM pg_catalog.set_config('enable_partition_pruning', pruning, true)
			FROM diagnose.since_reset();
		END IF;
		DEALLOCATE "diagnose.plan";
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS
			message = MESSAGE_TEXT,
			detail = PG_EXCEPTION_DETAIL,
			hint = PG_EXCEPTION_HINT;
		RETURN pg_catalog.jsonb_build_object('problem', pg_catalog.jsonb_build_array(
			'cannot plan the query: ' || message, nullif(detail, ''),
			nullif(hint, ''), SQLSTATE));
	END;
	RETURN pg_catalog.jsonb_build_object('tree', document -> 0 -> 'Plan',
		'lines', pg_catalog.to_jsonb(lines));
END
$$;
COMMENT ON FUNCTION diagnose.plan_of(text) IS
'the plan of a statement as a tree and as lines, without executing it; with parameters, the one for any value; or else the problem with it';

CREATE OR REPLACE FUNCTION diagnose.last_name(qualified text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT n.parts[cardinality(n.parts)]
	FROM (SELECT parse_ident(qualified, false)) AS n (parts));
COMMENT ON FUNCTION diagnose.last_name(text) IS
'a name as EXPLAIN shows it: without schema and quotes';

CREATE OR REPLACE FUNCTION diagnose.plan_problem(
	query							text,
	uses_index						text,
	no_seq_scan						text,
	max_cost						double precision,
	max_rows						double precision,
	plan							jsonb,
	index							regclass,
	scanned_table					regclass)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tree							jsonb := plan -> 'tree';
	indexes							text[];
	scanned							text[];
	reason							text;
BEGIN
	IF query IS NULL THEN
		RETURN ARRAY['query must not be null', NULL, NULL, '22004'];
	END IF;
	IF uses_index IS NULL AND no_seq_scan IS NULL AND max_cost IS NULL AND max_rows IS NULL THEN
		RETURN ARRAY['nothing is expected of the plan', NULL,
			'Say uses_index, no_seq_scan, max_cost or max_rows.', '22023'];
	END IF;
	IF plan ? 'problem' THEN
		RETURN ARRAY(SELECT diagnose.part FROM
			jsonb_array_elements_text(plan -> 'problem') AS diagnose (part));
	END IF;
	IF no_seq_scan <> '*' AND scanned_table IS NULL THEN
		RETURN ARRAY[format('table "%s" does not exist', replace(no_seq_scan, '"', '')), NULL,
			'no_seq_scan is the name of a table, or * for any.', '42P01'];
	END IF;

	SELECT array_agg(DISTINCT d.node ->> 'Index Name')
			FILTER (WHERE d.node ? 'Index Name'),
		array_agg(DISTINCT d.node ->> 'Relation Name')
			FILTER (WHERE d.node ->> 'Node Type' = 'Seq Scan' AND (no_seq_scan = '*' OR
				d.node ->> 'Relation Name' = diagnose.last_name(no_seq_scan)))
		INTO indexes, scanned
	FROM jsonb_path_query(tree, 'strict $.** ? (exists (@."Node Type"))') AS d (node);

	reason := concat_ws(', ',
		CASE
			WHEN uses_index IS NULL THEN NULL
			WHEN index IS NULL THEN format('index "%s" does not exist', replace(uses_index, '"', ''))
			WHEN diagnose.last_name(uses_index) <> ALL (coalesce(indexes, '{}'))
				THEN format('it does not use index "%s"', replace(uses_index, '"', ''))
		END,
		'it reads all of ' || nullif(array_to_string(scanned, ', '), ''),
		CASE WHEN (tree ->> 'Total Cost')::float8 > max_cost
			THEN format('its cost is %s, more than %s', tree ->> 'Total Cost', max_cost) END,
		CASE WHEN (tree ->> 'Plan Rows')::float8 > max_rows
			THEN format('%s rows are expected, more than %s', tree ->> 'Plan Rows', max_rows) END);
	IF reason = '' THEN
		RETURN NULL;
	END IF;
	RETURN ARRAY['plan is not as expected: ' || reason,
		diagnose.short_text(regexp_replace(btrim(query), '\s+', ' ', 'g'), 300) || E'\n' ||
			diagnose.lines_text(ARRAY(SELECT d.line FROM
				jsonb_array_elements_text(plan -> 'lines') AS d (line))),
		CASE
			WHEN uses_index IS NULL THEN NULL
			WHEN index IS NULL THEN 'Create it, or name the index that took its place.'
			ELSE 'It uses ' || array_to_string(indexes, ', ') || '.'
		END];
END
$$;
COMMENT ON FUNCTION diagnose.plan_problem(text, text, text, double precision, double precision, jsonb, regclass, regclass) IS
'what diagnose.assert_plan() would say; NULL if nothing';

CREATE OR REPLACE FUNCTION diagnose.assert_plan(
	query							text,
	uses_index						text DEFAULT NULL,
	no_seq_scan						text DEFAULT NULL,
	max_cost						double precision DEFAULT NULL,
	max_rows						double precision DEFAULT NULL)
RETURNS void
LANGUAGE sql VOLATILE
RETURN diagnose.raise_problem(diagnose.plan_problem(query, uses_index,
	no_seq_scan, max_cost, max_rows, diagnose.plan_of(query),
	to_regclass(uses_index), to_regclass(nullif(no_seq_scan, '*'))));
COMMENT ON FUNCTION diagnose.assert_plan(text, text, text, double precision, double precision) IS
'an error if the plan of a statement does not use an index, reads all of a table (* for any), costs more or expects more rows than this; the statement is planned and not executed';

-- ---- Windows of baselines ----

CREATE OR REPLACE FUNCTION diagnose.is_imported(w diagnose.window) RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT EXISTS (SELECT FROM diagnose.snapshots() AS s
		WHERE s.id IN ((w).lower, (w).upper) AND s.kind = 'imported');
END;
COMMENT ON FUNCTION diagnose.is_imported(diagnose.window) IS
'is an end of the window a snapshot that diagnose.import() made?';

-- A baseline is one of this server, or a file that was imported under a label.
CREATE OR REPLACE FUNCTION diagnose.baseline_window(
	baseline						text)
RETURNS diagnose.window
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT w.found
	FROM (
		SELECT 1, 0, ROW(b.lower, b.upper)::diagnose.window
		FROM diagnose.baselines AS b
		WHERE b.name = baseline_window.baseline
		UNION ALL
		SELECT 2, -s.id, ROW(NULL, s.id)::diagnose.window
		FROM diagnose.snapshots() AS s
		WHERE s.label = baseline_window.baseline AND s.kind = 'imported') AS w (place, latest, found)
	ORDER BY w.place, w.latest
	LIMIT 1;
END;
COMMENT ON FUNCTION diagnose.baseline_window(text) IS
'the window of a baseline, or of the snapshot that was imported under this label; NULL if there is neither';

CREATE OR REPLACE FUNCTION diagnose.baseline_problem(baseline text)
RETURNS text[]
LANGUAGE sql STABLE
RETURN CASE
	WHEN baseline IS NULL THEN ARRAY['baseline must not be null', NULL, NULL, '22004']
	WHEN diagnose.baseline_window(baseline) IS NULL THEN
		ARRAY[format('baseline "%s" does not exist', baseline), NULL,
			'Make it with diagnose.rebaseline(), or load a file with diagnose.import().',
			'42704']
END;
COMMENT ON FUNCTION diagnose.baseline_problem(text) IS
'what is wrong with the name of a baseline; NULL if nothing';

-- What came after a baseline of this server begins where that ends, or with a
-- reset since.  What is compared with a file is all that has been counted.
CREATE OR REPLACE FUNCTION diagnose.window_after(before diagnose.window)
RETURNS diagnose.window
LANGUAGE sql STABLE
RETURN CASE
	WHEN diagnose.is_imported(before)
		OR diagnose.window_problem(ROW((before).upper, NULL)::diagnose.window) IS NOT NULL
		THEN diagnose.since_reset()
	ELSE ROW((before).upper, NULL)::diagnose.window
END;
COMMENT ON FUNCTION diagnose.window_after(diagnose.window) IS
'from the end of a window until now; everything since the last reset, if that came later or the window was imported';

-- ---- Work ----

-- What the application runs in this database, by the text of it: neither
-- pg_diagnose's own statements, nor what administers and explains.
CREATE OR REPLACE FUNCTION diagnose.work(
	w								diagnose.window,
	OUT fingerprint					bigint,
	OUT toplevel					boolean,
	OUT query						text,
	OUT calls						numeric,
	OUT failed						numeric,
	OUT rows						numeric,
	OUT blocks						numeric,
	OUT temp_blocks					numeric,
	OUT wal_records					numeric,
	OUT plans						bigint[])
RETURNS SETOF record
LANGUAGE sql STABLE ROWS 1000 COST 20000
BEGIN ATOMIC
	WITH shapes AS (
		SELECT p.userid, p.dbid, p.toplevel, p.queryid,
			array_agg(coalesce(p.shape, 0)) AS shapes
		FROM diagnose.plans(w) AS p
		GROUP BY 1, 2, 3, 4
	),
	captured AS (
		SELECT s.*, p.shapes
		FROM diagnose.statements(w) AS s
			JOIN pg_database AS d ON d.oid = s.dbid AND d.datname = current_database()
			LEFT JOIN shapes AS p ON p.userid = s.userid AND p.dbid = s.dbid
				AND p.toplevel = s.toplevel AND p.queryid = s.queryid
		WHERE s.fingerprint IS NOT NULL AND NOT diagnose.is_own(s.query)
			AND s.query ~* '^(\(|(select|insert|update|delete|merge|with|values|table|copy|call|do|fetch|execute)\M)'
	),
	planned AS (
		SELECT c.fingerprint, c.toplevel, array_agg(DISTINCT p.shape) AS plans
		FROM captured AS c CROSS JOIN LATERAL unnest(c.shapes) AS p (shape)
		GROUP BY 1, 2
	)
	SELECT c.fingerprint, c.toplevel, min(c.query COLLATE "C"),
		sum(c.calls), sum(c.failed), sum(c.rows),
		sum(c.shared_blks_hit + c.shared_blks_read),
		sum(c.temp_blks_read + c.temp_blks_written),
		sum(c.wal_records), p.plans
	FROM captured AS c
		LEFT JOIN planned AS p USING (fingerprint, toplevel)
	GROUP BY c.fingerprint, c.toplevel, p.plans
	HAVING sum(c.calls) + sum(c.failed) > 0;
END;
COMMENT ON FUNCTION diagnose.work(diagnose.window) IS
'work of the statements of this database in a window, by fingerprint: sums over all roles, blocks of BLCKSZ bytes; plans are numbers of shapes, 0 stands for all further ones';

-- What a transaction executes on average, by tag; of bursts only where none
-- was ended by a gap: where the others begin and end is a matter of time.
CREATE OR REPLACE FUNCTION diagnose.work_of_tags(
	w								diagnose.window,
	OUT kind						text,
	OUT tag							text,
	OUT calls						numeric,
	OUT statements					numeric,
	OUT is_exact					boolean)
RETURNS SETOF record
LANGUAGE sql STABLE ROWS 100 COST 40000
BEGIN ATOMIC
	SELECT x.kind, x.tag, sum(x.calls), sum(x.statements * x.calls) / sum(x.calls),
		x.kind = 'transaction' OR sum(x.ended_by_gap) = 0
	FROM diagnose.transaction_work(w) AS x
	GROUP BY 1, 2;
END;
COMMENT ON FUNCTION diagnose.work_of_tags(diagnose.window) IS
'statements that one transaction or burst of a tag executes, on average; is_exact: its beginning and end do not depend on time';

-- Whether fewer rows are better or worse nobody but the application knows: it
-- is another answer.  Another plan is worse even where it takes fewer blocks:
-- on the few rows of a test, reading all of a table is cheap.  A plan is known by
-- a number of the server that executed it, so those of a file are not compared.
-- A file was made on a fresh copy of a database, where the records of WAL are the
-- same each time; later on they depend on which pages are full.  What a read
-- writes is the cleaning up after somebody else.
CREATE OR REPLACE FUNCTION diagnose.work_changes(
	before							diagnose.window,
	after							diagnose.window,
	same_calls						boolean DEFAULT true,
	same_plans						boolean DEFAULT NULL,
	rows_tolerance					double precision DEFAULT 0,
	blocks_tolerance				double precision DEFAULT 0.05,
	wal_tolerance					double precision DEFAULT NULL,
	ignore							text DEFAULT NULL,
	OUT kind						text,
	OUT verdict						text,
	OUT subject						text,
	OUT changes						text)
RETURNS SETOF record
LANGUAGE sql STABLE ROWS 100 COST 100000
BEGIN ATOMIC
	WITH old AS MATERIALIZED (
		SELECT k.* FROM diagnose.work(before) AS k
		WHERE ignore IS NULL OR k.query !~ ignore
	),
	new AS MATERIALIZED (
		SELECT k.* FROM diagnose.work(after) AS k
		WHERE ignore IS NULL OR k.query !~ ignore
	),
	-- Two blocks more are a page split, or an index that is one level deeper.
	compared AS (
		SELECT coalesce(b.query, a.query) AS query, coalesce(b.toplevel, a.toplevel) AS toplevel,
			concat_ws(', ',
				diagnose.count_text(nullif(coalesce(a.calls, b.calls), 0)::bigint, 'call'),
				diagnose.count_text(nullif(coalesce(a.failed, b.failed), 0)::bigint, 'failure'))
				AS extent,
			CASE
				WHEN b.fingerprint IS NULL THEN 'new'
				WHEN a.fingerprint IS NULL THEN 'missing'
			END AS presence,
			concat_ws(', ',
				CASE WHEN same_calls AND a.calls > b.calls
					THEN diagnose.change_text('calls', b.calls, a.calls) END,
				CASE WHEN a.failed * (b.calls + b.failed) > b.failed * (a.calls + a.failed)
					THEN diagnose.change_text('failures', b.failed, a.failed) END,
				CASE WHEN abs(a.rows * b.calls - b.rows * a.calls) > b.rows * a.calls * rows_tolerance::numeric
					THEN diagnose.change_text('rows per call', b.rows / nullif(b.calls, 0), a.rows / nullif(a.calls, 0)) END,
				CASE WHEN a.blocks * b.calls > b.blocks * a.calls * (1 + blocks_tolerance)::numeric
						AND a.blocks * b.calls > b.blocks * a.calls + 2 * a.calls * b.calls
					THEN diagnose.change_text('blocks per call', b.blocks / nullif(b.calls, 0), a.blocks / nullif(a.calls, 0)) END,
				CASE WHEN a.temp_blocks * b.calls > b.temp_blocks * a.calls * (1 + blocks_tolerance)::numeric
						AND a.temp_blocks * b.calls > b.temp_blocks * a.calls + 2 * a.calls * b.calls
					THEN diagnose.change_text('temporary blocks per call', b.temp_blocks / nullif(b.calls, 0), a.temp_blocks / nullif(a.calls, 0)) END,
				CASE WHEN a.wal_records * b.calls > b.wal_records * a.calls * (1 + p.wal_tolerance)::numeric
						AND (p.is_fresh OR a.wal_records * b.calls > b.wal_records * a.calls + 2 * a.calls * b.calls)
						AND a.query !~* '^(\(|(select|values|table)\M)'
					THEN diagnose.change_text('WAL records per call', b.wal_records / nullif(b.calls, 0), a.wal_records / nullif(a.calls, 0)) END,
				CASE WHEN p.same_plans AND NOT a.plans <@ b.plans AND NOT 0 = ANY (b.plans)
					THEN 'plan changed' END) AS changes
		FROM old AS b
			FULL JOIN new AS a ON a.fingerprint = b.fingerprint AND a.toplevel = b.toplevel
			CROSS JOIN (
				SELECT coalesce(work_changes.same_plans, NOT i.is_imported),
					coalesce(work_changes.wal_tolerance, CASE WHEN i.is_imported THEN 0 ELSE 0.05 END),
					i.is_imported OR work_changes.wal_tolerance IS NOT NULL
				FROM (SELECT diagnose.is_imported(before) OR diagnose.is_imported(after)) AS i (is_imported))
				AS p (same_plans, wal_tolerance, is_fresh)
	),
	tags AS (
		SELECT a.kind, a.tag,
			diagnose.change_text('statements per ' || a.kind, b.statements, a.statements) AS changes
		FROM diagnose.work_of_tags(before) AS b
			JOIN diagnose.work_of_tags(after) AS a ON a.kind = b.kind AND a.tag = b.tag
		WHERE a.is_exact AND b.is_exact AND (same_calls OR a.kind = 'transaction')
			AND a.statements > b.statements * CASE WHEN same_calls THEN 1 ELSE 1.05 END
	)
	SELECT t.kind, 'regressed', CASE WHEN t.tag = '' THEN '(no tag)' ELSE t.tag END, t.changes
	FROM tags AS t
	UNION ALL
	SELECT 'statement', coalesce(c.presence, CASE
			WHEN c.changes = '' THEN 'unchanged' ELSE 'regressed' END),
		CASE WHEN c.toplevel THEN '' ELSE 'nested: ' END ||
			regexp_replace(c.query, '\s+', ' ', 'g'),
		coalesce(nullif(c.changes, ''), CASE c.presence
			WHEN 'new' THEN c.extent
			WHEN 'missing' THEN c.extent || ' before'
		END)
	FROM compared AS c;
END;
COMMENT ON FUNCTION diagnose.work_changes(diagnose.window, diagnose.window, boolean, boolean, double precision, double precision, double precision, text) IS
'what became of the work of each statement of this database, and of what a transaction of each tag executes: regressed, unchanged, new or missing; see diagnose.assert_no_regression()';

CREATE OR REPLACE FUNCTION diagnose.regression_problem(
	than							text,
	before							diagnose.window,
	after							diagnose.window,
	allow_new						boolean,
	allow_missing					boolean,
	same_calls						boolean,
	same_plans						boolean,
	rows_tolerance					double precision,
	blocks_tolerance				double precision,
	wal_tolerance					double precision,
	ignore							text)
RETURNS text[]
LANGUAGE plpgsql STABLE COST 200000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	negative						text;
	evicted							bigint;
	fault							text[];
	w								diagnose.window;
	c								record;
BEGIN
	SELECT d.argument INTO negative
	FROM (VALUES (1, 'rows_tolerance', rows_tolerance),
		(2, 'blocks_tolerance', blocks_tolerance),
		(3, 'wal_tolerance', coalesce(wal_tolerance, 0))) AS d (place, argument, value),
		diagnose.since_reset()
	WHERE d.value >= 0 IS NOT TRUE OR d.value = 'NaN'
	ORDER BY d.place LIMIT 1;
	IF negative IS NOT NULL THEN
		RETURN ARRAY[negative || ' must not be negative or null', NULL,
			'0.05 allows 5 percent more.', '22023'];
	END IF;
	BEGIN
		fault := regexp_match('', ignore);
	EXCEPTION WHEN invalid_regular_expression THEN
		RETURN ARRAY['ignore is no regular expression: ' || SQLERRM, NULL,
			'Statements that match it are left out.', '2201B'];
	END;
	fault := diagnose.window_fault('window before', before);
	IF fault IS NULL AND (before).upper IS NULL THEN
		fault := ARRAY['window before has not ended', NULL,
			'End it with a snapshot: diagnose.take_snapshot().', '22023'];
	END IF;
	w := coalesce(after, diagnose.window_after(before));
	fault := coalesce(fault, diagnose.window_fault('window after', w));
	IF fault IS NOT NULL THEN
		RETURN fault;
	END IF;

	-- What had to be forgotten may be what regressed.
	SELECT sum(s.calls + s.failed) INTO evicted
	FROM diagnose.statements(w) AS s
		JOIN pg_catalog.pg_database AS d ON d.oid = s.dbid
	WHERE d.datname = current_database() AND s.userid IS NULL;
	IF evicted > 0 THEN
		RETURN ARRAY[format('cannot tell whether work regressed %s', than),
			diagnose.count_text(evicted, 'execution') || ' of the window cannot be told apart.',
			'Raise pg_diagnose.max.'];
	END IF;

	WITH changes AS MATERIALIZED (
		SELECT d.*, array_position('{regressed,new,missing,unchanged}', d.verdict) AS place
		FROM diagnose.work_changes(before, w,
			coalesce(same_calls, true), same_plans, rows_tolerance, blocks_tolerance,
			wal_tolerance, ignore) AS d
	)
	SELECT count(*) FILTER (WHERE d.verdict = 'regressed' AND d.kind = 'statement') AS statements,
		count(*) FILTER (WHERE d.verdict = 'regressed' AND d.kind <> 'statement') AS transactions,
		count(*) FILTER (WHERE d.verdict = 'new') AS new,
		count(*) FILTER (WHERE d.verdict = 'missing') AS missing,
		count(*) FILTER (WHERE d.verdict = 'unchanged') AS unchanged,
		array_agg(CASE WHEN d.place = 1 THEN '  ' ELSE '  ' || d.verdict || ': ' END ||
			diagnose.short_text(d.subject, 100) || ': ' || d.changes
			ORDER BY d.place, d.kind = 'statement', d.subject COLLATE "C", d.changes)
			FILTER (WHERE d.verdict <> 'unchanged') AS lines
		INTO c
	FROM changes AS d;

	IF c.statements + c.unchanged = 0 THEN
		RETURN ARRAY[format('nothing to compare %s', than),
			format('Of %s before and %s after, none is the same.',
				diagnose.count_text(c.missing, 'statement'),
				diagnose.count_text(c.new, 'statement')),
			'Run the same statements as before, with the privileges to see them.'];
	END IF;
	IF c.statements + c.transactions = 0 AND (c.new = 0 OR allow_new IS NOT FALSE)
		AND (c.missing = 0 OR allow_missing IS NOT FALSE)
	THEN
		RETURN NULL;
	END IF;
	RETURN ARRAY[
		format('work regressed %s: %s', than, concat_ws(', ',
			CASE WHEN c.transactions > 0 THEN diagnose.count_text(c.transactions, 'transaction') END,
			CASE WHEN c.statements > 0 THEN diagnose.count_text(c.statements, 'statement') END,
			CASE WHEN c.new > 0 THEN c.new || ' new' END,
			CASE WHEN c.missing > 0 THEN c.missing || ' missing' END)),
		CASE c.unchanged
			WHEN 0 THEN 'No statement is unchanged:'
			WHEN 1 THEN 'One statement is unchanged, but:'
			ELSE c.unchanged || ' statements are unchanged, but:'
		END || E'\n' || diagnose.lines_text(c.lines),
		'If this is intended, make a new baseline.'];
END
$$;
COMMENT ON FUNCTION diagnose.regression_problem(text, diagnose.window, diagnose.window, boolean, boolean, boolean, boolean, double precision, double precision, double precision, text) IS
'what diagnose.assert_no_regression() would say; NULL if nothing';

CREATE OR REPLACE FUNCTION diagnose.assert_no_regression(
	before							diagnose.window,
	after							diagnose.window DEFAULT NULL,
	allow_new						boolean DEFAULT true,
	allow_missing					boolean DEFAULT true,
	same_calls						boolean DEFAULT true,
	same_plans						boolean DEFAULT NULL,
	rows_tolerance					double precision DEFAULT 0,
	blocks_tolerance				double precision DEFAULT 0.05,
	wal_tolerance					double precision DEFAULT NULL,
	ignore							text DEFAULT NULL)
RETURNS void
LANGUAGE sql VOLATILE
RETURN diagnose.raise_problem(diagnose.regression_problem(
	'against the window before', before, after,
	allow_new, allow_missing, same_calls, same_plans,
	rows_tolerance, blocks_tolerance, wal_tolerance, ignore));
COMMENT ON FUNCTION diagnose.assert_no_regression(diagnose.window, diagnose.window, boolean, boolean, boolean, boolean, double precision, double precision, double precision, text) IS
'an error if statements of this database do more work than in the window before, return other rows, fail more often or have another plan; after NULL: from there, or a reset since, until now';

CREATE OR REPLACE FUNCTION diagnose.assert_no_regression(
	baseline						text,
	after							diagnose.window DEFAULT NULL,
	allow_new						boolean DEFAULT true,
	allow_missing					boolean DEFAULT true,
	same_calls						boolean DEFAULT true,
	same_plans						boolean DEFAULT NULL,
	rows_tolerance					double precision DEFAULT 0,
	blocks_tolerance				double precision DEFAULT 0.05,
	wal_tolerance					double precision DEFAULT NULL,
	ignore							text DEFAULT NULL)
RETURNS void
LANGUAGE sql VOLATILE
RETURN diagnose.raise_problem(coalesce(diagnose.baseline_problem(baseline),
	diagnose.regression_problem(format('against baseline "%s"', baseline),
		diagnose.baseline_window(baseline), after,
		allow_new, allow_missing, same_calls, same_plans,
		rows_tolerance, blocks_tolerance, wal_tolerance, ignore)));
COMMENT ON FUNCTION diagnose.assert_no_regression(text, diagnose.window, boolean, boolean, boolean, boolean, double precision, double precision, double precision, text) IS
'an error if statements of this database do more work than in a baseline, or in a file imported under that label; after NULL: from its end, or a reset since, until now';

-- ---- Plans that were executed ----

-- What is given is any execution of the statement: literals do not matter.  A
-- plan is known by a number that another server does not share.
CREATE OR REPLACE FUNCTION diagnose.executed_plan_problem(
	query							text,
	max_plans						integer,
	baseline						text,
	w								diagnose.window)
RETURNS text[]
LANGUAGE plpgsql STABLE COST 40000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wanted							bigint := diagnose.fingerprint(query);
	shown							text := diagnose.short_text(diagnose.mask(query), 300);
	before							diagnose.window;
	plans							bigint[];
	plans_before					bigint[];
BEGIN
	IF query IS NULL OR max_plans IS NULL THEN
		RETURN ARRAY[CASE WHEN query IS NULL THEN 'query' ELSE 'max_plans' END ||
			' must not be null', NULL, NULL, '22004'];
	END IF;
	IF wanted IS NULL THEN
		RETURN ARRAY['query is empty', NULL, NULL, '22023'];
	END IF;
	IF max_plans < 1 THEN
		RETURN ARRAY['max_plans must be at least 1', NULL, NULL, '22023'];
	END IF;
	IF diagnose.window_fault('window', w) IS NOT NULL THEN
		RETURN diagnose.window_fault('window', w);
	END IF;
	IF baseline IS NOT NULL AND diagnose.baseline_problem(baseline) IS NOT NULL THEN
		RETURN diagnose.baseline_problem(baseline);
	END IF;

	SELECT array_agg(DISTINCT p.shape) INTO plans
	FROM diagnose.work(w) AS k CROSS JOIN LATERAL unnest(k.plans) AS p (shape)
	WHERE k.fingerprint = wanted;
	IF plans IS NULL THEN
		RETURN ARRAY['statement was not executed in the window', shown,
			'Run what is to be looked at first.'];
	END IF;
	IF cardinality(plans) > max_plans THEN
		RETURN ARRAY[format('statement was executed with %s plans, more than %s',
			cardinality(plans), max_plans), shown];
	END IF;
	IF baseline IS NULL THEN
		RETURN NULL;
	END IF;

	before := diagnose.baseline_window(baseline);
	IF diagnose.is_imported(before) THEN
		RETURN ARRAY[format('plans of baseline "%s" cannot be compared', baseline),
			'It was imported, and a plan is known by a number of the server that executed it.',
			'Use diagnose.assert_plan().', '0A000'];
	END IF;
	SELECT array_agg(DISTINCT p.shape) INTO plans_before
	FROM diagnose.work(before) AS k CROSS JOIN LATERAL unnest(k.plans) AS p (shape)
	WHERE k.fingerprint = wanted;
	IF plans_before IS NULL THEN
		RETURN ARRAY[format('statement was not executed in baseline "%s"', baseline), shown];
	END IF;
	IF plans <@ plans_before OR 0 = ANY (plans_before) THEN
		RETURN NULL;
	END IF;
	RETURN ARRAY[format('statement was executed with a plan that is not in baseline "%s"', baseline),
		shown, 'Look at it with EXPLAIN, and for indexes, settings and statistics that have changed.'];
END
$$;
COMMENT ON FUNCTION diagnose.executed_plan_problem(text, integer, text, diagnose.window) IS
'what diagnose.assert_executed_plan() would say; NULL if nothing';

CREATE OR REPLACE FUNCTION diagnose.assert_executed_plan(
	query							text,
	max_plans						integer DEFAULT 1,
	baseline						text DEFAULT NULL,
	w								diagnose.window DEFAULT diagnose.since_reset())
RETURNS void
LANGUAGE sql VOLATILE
RETURN diagnose.raise_problem(diagnose.executed_plan_problem(query, max_plans, baseline, w));
COMMENT ON FUNCTION diagnose.assert_executed_plan(text, integer, text, diagnose.window) IS
'an error if a statement, given with any literals, was executed with more plans than this in a window, with one that is not in a baseline of this server, or not at all';

-- ---- Production ----

-- A gate that cannot tell does not open.
CREATE OR REPLACE FUNCTION diagnose.gate(
	before							diagnose.window,
	after							diagnose.window DEFAULT NULL,
	max_impact						double precision DEFAULT 0,
	OUT verdict						text,
	OUT reasons						text[])
RETURNS record
LANGUAGE plpgsql STABLE COST 1000000
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF max_impact IS NULL OR max_impact < 0 OR max_impact = 'NaN' THEN
		RAISE EXCEPTION 'max_impact must not be negative or null'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Regressions that cost less than so many milliseconds per second are let through.';
	END IF;

	WITH compared AS MATERIALIZED (
		SELECT c.* FROM diagnose.compare(before,
			coalesce(after, diagnose.window_after(before)), true) AS c
	),
	judged AS (
		SELECT CASE
				WHEN c.verdict = 'regressed' AND (c.kind = 'overall' OR
					coalesce(c.impact_ms_per_s, 'Infinity') > max_impact) AND c.kind <> 'finding'
					THEN 'fail'
				WHEN c.kind = 'finding' AND c.evidence ->> 'severity_after' = 'critical'
					AND c.evidence ->> 'severity_before' IS DISTINCT FROM 'critical' THEN 'fail'
				WHEN c.kind = 'overall' AND c.verdict = 'inconclusive' THEN 'inconclusive'
			END AS verdict,
			concat_ws(': ', CASE c.kind
					WHEN 'overall' THEN 'overall ' || c.verdict
					WHEN 'finding' THEN 'critical finding'
					ELSE c.kind || ' ' || c.verdict
				END,
				CASE WHEN c.kind <> 'overall' THEN
					diagnose.short_text(regexp_replace(c.subject, '\s+', ' ', 'g'), 100) END,
				c.reason) AS reason,
			array_position('{overall,query,transaction,finding}', c.kind) AS place,
			c.impact_ms_per_s, c.key
		FROM compared AS c
		UNION ALL
		SELECT 'inconclusive', 'nothing to compare', 0, NULL, NULL
		WHERE NOT EXISTS (SELECT FROM compared AS c WHERE c.kind = 'overall')
	)
	SELECT CASE
			WHEN bool_or(j.verdict = 'fail') THEN 'fail'
			WHEN bool_or(j.verdict = 'inconclusive') THEN 'inconclusive'
			ELSE 'pass'
		END,
		coalesce(array_agg(j.reason ORDER BY j.verdict, j.place,
			j.impact_ms_per_s DESC NULLS LAST, j.key COLLATE "C")
			FILTER (WHERE j.verdict IS NOT NULL), '{}')
		INTO verdict, reasons
	FROM judged AS j;
END
$$;
COMMENT ON FUNCTION diagnose.gate(diagnose.window, diagnose.window, double precision) IS
'may what is deployed stay? fail: it regressed overall, or a query or transaction by more than max_impact milliseconds per second, or there is a new critical finding; inconclusive: the data cannot tell, which is no pass';

CREATE OR REPLACE FUNCTION diagnose.gate(
	baseline						text,
	after							diagnose.window DEFAULT NULL,
	max_impact						double precision DEFAULT 0,
	OUT verdict						text,
	OUT reasons						text[])
RETURNS record
LANGUAGE sql STABLE COST 1000000
BEGIN ATOMIC
	SELECT g.verdict, g.reasons
	FROM diagnose.raise_problem(diagnose.baseline_problem(baseline)),
		LATERAL diagnose.gate(diagnose.baseline_window(baseline), after, max_impact) AS g;
END;
COMMENT ON FUNCTION diagnose.gate(text, diagnose.window, double precision) IS
'may what is deployed stay, measured by a baseline? after NULL: from its end, or a reset since, until now';

CREATE OR REPLACE FUNCTION diagnose.gate_problem(
	baseline						text,
	after							diagnose.window,
	max_impact						double precision)
RETURNS text[]
LANGUAGE plpgsql STABLE COST 1000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	g								record;
BEGIN
	IF diagnose.baseline_problem(baseline) IS NOT NULL THEN
		RETURN diagnose.baseline_problem(baseline);
	END IF;
	SELECT d.verdict, d.reasons INTO g
	FROM diagnose.gate(baseline, after, max_impact) AS d;
	IF g.verdict = 'pass' THEN
		RETURN NULL;
	END IF;
	RETURN ARRAY[format('gate "%s" says %s', baseline, g.verdict),
		diagnose.lines_text(g.reasons)];
END
$$;
COMMENT ON FUNCTION diagnose.gate_problem(text, diagnose.window, double precision) IS
'what diagnose.assert_gate() would say; NULL if nothing';

CREATE OR REPLACE FUNCTION diagnose.assert_gate(
	baseline						text,
	after							diagnose.window DEFAULT NULL,
	max_impact						double precision DEFAULT 0)
RETURNS void
LANGUAGE sql VOLATILE
RETURN diagnose.raise_problem(diagnose.gate_problem(baseline, after, max_impact));
COMMENT ON FUNCTION diagnose.assert_gate(text, diagnose.window, double precision) IS
'an error if diagnose.gate() says anything but pass';

-- ---- TAP ----

-- Each check is a statement, or only the call of a function, that raises an error
-- or returns false when something is wrong; assert_ is of this schema.  psql prints what pg_prove reads:
--
--	SELECT diagnose.tap(
--		$$assert_transaction('/checkout', max_statements => 20)$$,
--		$$assert_no_regression('checkout')$$);
CREATE OR REPLACE FUNCTION diagnose.tap(VARIADIC checks text[])
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
	item							text;
	answer							text;
	message							text;
	detail							text;
	hint							text;
	n								integer := 0;
	line							text;
BEGIN
	-- A plan of no checks would pass.
	IF coalesce(pg_catalog.cardinality(checks), 0) = 0 THEN
		RETURN NEXT 'Bail out! There is nothing to check.';
		RETURN;
	END IF;
	RETURN NEXT '1..' || pg_catalog.cardinality(checks);
	FOREACH item IN ARRAY checks
	LOOP
		n := n + 1;
		message := NULL;
		detail := NULL;
		hint := NULL;
		BEGIN
			IF pg_catalog.btrim(item, E' \t\n;') IS NOT DISTINCT FROM NULL
				OR pg_catalog.btrim(item, E' \t\n;') = '' THEN
				message := 'no check';
			ELSE
				answer := NULL;
				EXECUTE CASE
					WHEN item ~* '^\s*(select|with|values|table)\M' THEN ''
					WHEN item ~* '^\s*assert_' THEN 'SELECT diagnose.'
					ELSE 'SELECT '
				END || pg_catalog.btrim(item)
					INTO answer;
				IF answer IN ('f', 'false') THEN
					message := 'it is false';
				END IF;
			END IF;
		EXCEPTION WHEN OTHERS OR assert_failure THEN
			GET STACKED DIAGNOSTICS
				message = MESSAGE_TEXT,
				detail = PG_EXCEPTION_DETAIL,
				hint = PG_EXCEPTION_HINT;
		END;
		-- A name is one line, and what follows a # would be a directive.
		RETURN NEXT pg_catalog.concat(CASE WHEN message IS NULL THEN '' ELSE 'not ' END,
			'ok ', n, ' - ', pg_catalog.replace(pg_catalog.regexp_replace(
				pg_catalog.btrim(coalesce(item, 'NULL'), E' \t\n;'), '\s+', ' ', 'g'), '#', '\#'));
		FOREACH line IN ARRAY pg_catalog.string_to_array(pg_catalog.concat_ws(E'\n', message,
			'  ' || nullif(pg_catalog.replace(detail, E'\n', E'\n  '), ''), nullif(hint, '')), E'\n')
		LOOP
			RETURN NEXT '# ' || line;
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION diagnose.tap(text[]) IS
'run each check, and say in the Test Anything Protocol whether it raised an error or returned false: for pg_prove';
