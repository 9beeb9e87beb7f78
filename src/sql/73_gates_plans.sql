-- Gates: plans, as they would be and as they were executed.

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
