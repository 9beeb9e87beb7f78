--
-- diagnose.findings: the list of what all rules find, and one that breaks
--
\pset null '(null)'

-- a DBA adds a rule with CREATE FUNCTION
CREATE FUNCTION diagnose.rule_test_ranking(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT 'test_ranking', 'performance', severity, 'test_ranking:' || key,
		subject, impact, impact / 2, 'exact', 1::bigint, 'test ' || key,
		jsonb_build_object('from_reset', (w).lower IS NULL, 'ends_now', diagnose.ends_now(w)), 'Do ' || key || '.', NULL::text,
		NULL::text, NULL::text, NULL::text
	FROM (VALUES
		('a', 'info', NULL::float8, 'unknown cost'),
		('b', 'warning', NULL, 'unknown cost'),
		('c', 'critical', NULL, 'unknown cost'),
		('e', 'info', 1234.56, NULL),
		('d', 'critical', 1234.56, E'SELECT\n\t' || repeat('long ', 50)),
		('f', 'critical', 0.04, 'a few')) AS v (key, severity, impact, subject);
END;
COMMENT ON FUNCTION diagnose.rule_test_ranking(diagnose.window) IS 'findings to be ranked';
SELECT * FROM diagnose.rules WHERE name ~ 'test';

-- by cost, what has none last, then by severity and key
SELECT row_number() OVER (ORDER BY rank), ms_per_s, severity, problem,
	length(explain) AS explain
FROM diagnose.findings WHERE problem ~ '^test';
SELECT count(DISTINCT rank) = count(*) AS ranked, count(DISTINCT explain) = count(*) AS unique
FROM diagnose.findings;

-- all there is about one of them
SELECT diagnose.explain('test_ranking:d');
SELECT diagnose.explain(explain) FROM diagnose.findings WHERE problem ~ '^test c';
SELECT diagnose.explain('nothing');
SELECT diagnose.explain(NULL);

-- the window is handed on
\set SHOW_CONTEXT never
SELECT key, evidence FROM diagnose.findings(diagnose.window('reset', 'now'))
WHERE key = 'test_ranking:a';
SELECT count(*) FROM diagnose.findings(diagnose.window()) WHERE rule = 'test_ranking';
SELECT * FROM diagnose.findings(diagnose.window('reset', 'nowhere'));
SELECT * FROM diagnose.findings(diagnose.window('now', 'reset'));
SELECT * FROM diagnose.findings(diagnose.window('now', 'now'));
SELECT * FROM diagnose.findings(diagnose.window(NULL, 'now'));
SELECT * FROM diagnose.findings(diagnose.window('reset', NULL));
SELECT * FROM diagnose.findings(ROW(999999999999, NULL)::diagnose.window);
SELECT * FROM diagnose.findings(NULL);
SELECT * FROM diagnose.explain('test_ranking:a', NULL);

-- a rule that fails is a finding, and takes only its own with it
CREATE FUNCTION diagnose.rule_test_broken(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE plpgsql STABLE AS $$
DECLARE
	f								diagnose.finding;
BEGIN
	f.rule := 'test_broken';
	f.problem := 'to be forgotten';
	RETURN NEXT f;
	RAISE EXCEPTION 'something is missing' USING ERRCODE = '42P01',
		DETAIL = 'It was here.', HINT = 'Look for it.';
END $$;
\x on
SELECT * FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'test_broken';
\x off
SELECT count(*) FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'test_ranking';
SELECT ms_per_s, severity, problem FROM diagnose.findings WHERE problem ~ 'rule_test_broken';

-- so is one that would write where nothing can be written
CREATE TABLE findings_written (i int);
CREATE OR REPLACE FUNCTION diagnose.rule_test_broken(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	INSERT INTO public.findings_written VALUES (1);
END $$;
BEGIN READ ONLY;
SELECT problem, evidence->'sqlstate' AS sqlstate
FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'test_broken';
COMMIT;
SELECT count(*) FROM findings_written;

-- a cancelled one ends the list
CREATE OR REPLACE FUNCTION diagnose.rule_test_broken(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE plpgsql STABLE AS $$
BEGIN
	RAISE EXCEPTION 'canceling statement due to user request' USING ERRCODE = 'query_canceled';
END $$;
\set VERBOSITY terse
SELECT count(*) FROM diagnose.findings;
\set VERBOSITY default

-- nor does one that asks for findings, which would never end
CREATE FUNCTION diagnose.rule_test_endless(w diagnose.window)
RETURNS SETOF diagnose.finding LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT * FROM diagnose.findings(w);
END;
SELECT rule, problem, evidence ->> 'hint' AS hint FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'test_endless';
DROP FUNCTION diagnose.rule_test_endless;
-- what is no rule: other arguments, another result, another kind
DROP FUNCTION diagnose.rule_test_broken;
CREATE FUNCTION diagnose.rule_test_no_window(i int) RETURNS SETOF diagnose.finding
LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION diagnose.rule_test_no_set(w diagnose.window) RETURNS diagnose.finding
LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION diagnose.rule_test_no_finding(w diagnose.window) RETURNS SETOF text
LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION diagnose.rules_test(w diagnose.window) RETURNS SETOF diagnose.finding
LANGUAGE plpgsql AS 'BEGIN END';
SELECT name FROM diagnose.rules WHERE name ~ 'test';

DROP FUNCTION diagnose.rule_test_no_window, diagnose.rule_test_no_set,
	diagnose.rule_test_no_finding, diagnose.rules_test, diagnose.rule_test_ranking;
DROP TABLE findings_written;

-- our own statements are none of our findings
SELECT query, diagnose.is_own(query) FROM (VALUES
	('SELECT * FROM diagnose.findings'),
	('select * from "diagnose" . findings'),
	('CREATE EXTENSION IF NOT EXISTS pg_diagnose CASCADE'),
	('SELECT * FROM app.diagnose'),
	('SELECT pg_diagnose.x FROM pg_diagnose'),
	('SELECT * FROM mydiagnose.t'),
	(NULL)) AS v (query);

-- the words of findings
SELECT diagnose.duration_text(ms) FROM unnest(ARRAY[0, 0.0421, 0.42, 0.999, 4.2,
	9.97, 42, 999.6, 1234, 9960, 42000, 420000, 8e6, NULL]) AS ms;
SELECT diagnose.count_text(n, 'search', 'searches') FROM unnest(ARRAY[0, 1, 1204]) AS n;
SELECT diagnose.share_text(x) FROM unnest(ARRAY[0, 0.0001, 0.0123, 0.0996, 0.345, 1]) AS x;
