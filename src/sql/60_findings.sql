-- Findings: all rules, one ranked list.

-- The catalog is the registry: a rule is there when its function is.
CREATE OR REPLACE VIEW diagnose.rules AS
SELECT substr(p.proname, 6) AS name,
	obj_description(p.oid, 'pg_proc') AS title,
	p.oid::regprocedure AS function
FROM pg_proc AS p
WHERE p.pronamespace = 'diagnose'::regnamespace
	AND p.proname LIKE 'rule\_%'
	AND p.prokind = 'f'
	AND p.proretset
	AND p.prorettype = 'diagnose.finding'::regtype
	AND p.pronargs = 1
	AND p.proargtypes[0] = 'diagnose.window'::regtype
ORDER BY 1;
COMMENT ON VIEW diagnose.rules IS
'what is looked for: each function diagnose.rule_<name>(diagnose.window) that returns findings';
COMMENT ON COLUMN diagnose.rules.name IS 'the problem''s name';
COMMENT ON COLUMN diagnose.rules.title IS 'comment of the function';
COMMENT ON COLUMN diagnose.rules.function IS 'what looks for it';

-- Each rule has an exception block of its own.  That catches neither a
-- cancellation nor a failed assertion, and writes nothing: it works on a
-- standby.
CREATE OR REPLACE FUNCTION diagnose.find(w diagnose.window, leave_out text[])
RETURNS SETOF diagnose.finding
LANGUAGE plpgsql STABLE ROWS 20 COST 100000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rule							record;
	found							diagnose.finding;
	message							text;
	detail							text;
	hint							text;
	context							text;
	-- All rules look at one state.  What is wrong with all of them is an error:
	-- the library is not loaded, or there is no such window.
	still							diagnose.window := diagnose.held(w);
BEGIN
	-- Who asks for findings to make one would ask for ever.
	GET DIAGNOSTICS context = PG_CONTEXT;
	IF context ~ 'diagnose\.find\(.*diagnose\.find\(' THEN
		RAISE EXCEPTION 'a rule must not ask for findings'
			USING ERRCODE = 'invalid_recursion',
				HINT = 'Ask for facts, as in diagnose.workload().';
	END IF;
	PERFORM diagnose.seconds(still);

	FOR rule IN
		SELECT r.name, p.proname
		FROM diagnose.rules AS r
			JOIN pg_catalog.pg_proc AS p ON p.oid = r.function
		WHERE r.name <> ALL (leave_out)
	LOOP
		BEGIN
			-- The list is complete before the first row of it is returned: a
			-- rule that fails in the middle says nothing but that.
			RETURN QUERY EXECUTE format('SELECT * FROM diagnose.%I($1)',
				rule.proname) USING still;
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS
				message = MESSAGE_TEXT,
				detail = PG_EXCEPTION_DETAIL,
				hint = PG_EXCEPTION_HINT,
				context = PG_EXCEPTION_CONTEXT;
			found := NULL;
			found.rule := rule.name;
			found.dimension := 'reliability';
			found.severity := 'warning';
			found.key := 'rule_failed:' || rule.name;
			found.subject := format('function diagnose.%I(diagnose.window)',
				rule.proname);
			found.evidence_grade := 'exact';
			found.n := 1;
			found.problem := 'rule failed: ' || message;
			found.evidence := jsonb_strip_nulls(jsonb_build_object(
				'sqlstate', SQLSTATE,
				'condition', diagnose.sqlstate_name(SQLSTATE),
				'detail', nullif(detail, ''), 'hint', nullif(hint, ''),
				'context', nullif(context, '')));
			found.advice := 'The other findings are complete. ' ||
				CASE
					WHEN SQLSTATE = '42501' THEN 'Ask for the missing privilege, or look as a member of pg_monitor.'
					ELSE 'Repair the function, or drop it if it is your own.'
				END;
			found.verify := format('SELECT * FROM diagnose.%I(diagnose.since_reset())',
				rule.proname);
			RETURN NEXT found;
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION diagnose.find(diagnose.window, text[]) IS
'what all rules but some find in a window, unordered and in full';

CREATE OR REPLACE FUNCTION diagnose.findings(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 20 COST 100000
BEGIN ATOMIC
	SELECT * FROM diagnose.find(w, '{}');
END;
COMMENT ON FUNCTION diagnose.findings(diagnose.window) IS
'what all rules find in a window, unordered and in full; a rule that fails is a finding';

CREATE OR REPLACE FUNCTION diagnose.finding_id(key text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN left(encode(sha256(convert_to(key, 'UTF8')), 'hex'), 6);
COMMENT ON FUNCTION diagnose.finding_id(text) IS
'six characters that stand for the key of a finding';

-- Not all that is wrong takes time: a lost update costs nothing but the update.
CREATE OR REPLACE FUNCTION diagnose.weight(f diagnose.finding)
RETURNS double precision
LANGUAGE sql STABLE PARALLEL SAFE
RETURN greatest(coalesce((f).impact_ms_per_s, 0), CASE (f).severity
	WHEN 'critical' THEN current_setting('pg_diagnose.severity_critical_min_impact')::float8
	WHEN 'warning' THEN current_setting('pg_diagnose.severity_warning_min_impact')::float8
	ELSE 0
END);
COMMENT ON FUNCTION diagnose.weight(diagnose.finding) IS
'what a finding is ranked by: its cost, or if that is more, the cost that would make it as severe as it is';

-- 26 characters of numbers and names, 14 of psql's frame, 80 of text.
CREATE OR REPLACE VIEW diagnose.findings AS
SELECT row_number() OVER (ORDER BY diagnose.weight(f) DESC,
		f.impact_ms_per_s DESC NULLS LAST, f.key) AS rank,
	round(f.impact_ms_per_s::numeric, 1) AS ms_per_s,
	f.severity,
	diagnose.short_text(regexp_replace(concat_ws(': ', f.problem, f.subject),
		'\s+', ' ', 'g'), 79) AS problem,
	diagnose.finding_id(f.key) AS explain
FROM diagnose.findings(diagnose.since_reset()) AS f
ORDER BY 1;
COMMENT ON VIEW diagnose.findings IS
'what is wrong since the last reset, what weighs most first; SELECT diagnose.explain(''...'') with the last column tells more';
COMMENT ON COLUMN diagnose.findings.rank IS 'by cost; what is critical or a warning for another reason counts as if it cost what makes it so';
COMMENT ON COLUMN diagnose.findings.ms_per_s IS 'database time it takes, in milliseconds per second of wall time; NULL: unknown';
COMMENT ON COLUMN diagnose.findings.severity IS 'info, warning or critical';
COMMENT ON COLUMN diagnose.findings.problem IS 'what is wrong, and with what';
COMMENT ON COLUMN diagnose.findings.explain IS 'argument for diagnose.explain(): evidence, advice, fix, undo, verify';

-- Lines as EXPLAIN's: nothing in them has to be unquoted before it is run.
CREATE OR REPLACE FUNCTION diagnose.explain(
	finding							text,
	w								diagnose.window DEFAULT diagnose.since_reset())
RETURNS SETOF text
LANGUAGE plpgsql STABLE ROWS 30 COST 100000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	f								diagnose.finding;
	line							text;
	section							record;
BEGIN
	IF finding IS NULL THEN
		RAISE EXCEPTION 'finding must not be null'
			USING ERRCODE = 'null_value_not_allowed',
				HINT = 'Take a name from the column "explain" of diagnose.findings.';
	END IF;

	FOR f IN
		SELECT * FROM diagnose.findings(w) AS x
		WHERE explain.finding IN (x.key, diagnose.finding_id(x.key))
		ORDER BY x.key
	LOOP
		RETURN NEXT f.problem;
		RETURN NEXT format('  Rule: %s (%s, %s)', f.rule, f.dimension, f.severity);
		RETURN NEXT format('  Costs: %s; %s evidence, n = %s',
			coalesce(round(f.impact_ms_per_s::numeric, 1) ||
				' ms of database time per second', 'not known') ||
			coalesce(', of which ' || round(f.benefit_ms_per_s::numeric, 1) ||
				' can be saved at best', ''),
			f.evidence_grade, coalesce(f.n::text, 'unknown'));
		FOR section IN
			-- The alias marks the query as our own.
			SELECT diagnose.title, diagnose.body, diagnose.is_prose
			FROM (VALUES
				('Subject', f.subject, true),
				('Evidence', (SELECT string_agg(e.key || ': ' || e.value, E'\n')
							  FROM jsonb_each_text(f.evidence) AS e), false),
				('Advice', f.advice, true),
				('Fix', f.fix, false),
				('Undo', f.undo, false),
				('Verify', f.verify, false),
				('Caused by', f.parent_key, false),
				('Key', f.key, false)) AS diagnose (title, body, is_prose)
			WHERE diagnose.body IS NOT NULL
		LOOP
			RETURN NEXT '  ' || section.title || ':';
			FOREACH line IN ARRAY string_to_array(rtrim(
				CASE
					WHEN section.is_prose
						THEN regexp_replace(btrim(regexp_replace(section.body, '\s+', ' ', 'g')),
							'(.{1,96})( |$)', E'\\1\n', 'g')
					ELSE section.body
				END, E'\n'), E'\n')
			LOOP
				RETURN NEXT '    ' || line;
			END LOOP;
		END LOOP;
	END LOOP;

	IF NOT FOUND THEN
		RAISE EXCEPTION 'finding "%" does not exist', finding
			USING ERRCODE = 'undefined_object',
				HINT = 'It may be solved. Take a name from the column "explain" of diagnose.findings.';
	END IF;
END
$$;
COMMENT ON FUNCTION diagnose.explain(text, diagnose.window) IS
'everything about a finding, named as in the last column of diagnose.findings or by its key';
