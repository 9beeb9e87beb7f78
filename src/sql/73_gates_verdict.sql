-- Gates: whether what is deployed may stay, and TAP.

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
