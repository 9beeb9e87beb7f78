--
-- rule_harmful_change: statements are slower since a change
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/sessions.sql'
\i :fixture
ALTER SYSTEM SET pg_diagnose.snapshot_interval = 0;
SELECT pg_reload_conf();
CREATE TABLE harmful_change (id int PRIMARY KEY, customer int, note text);
INSERT INTO harmful_change SELECT i, i % 500, repeat('x', 100) FROM generate_series(1, 20000) AS i;
CREATE INDEX harmful_change_customer ON harmful_change (customer);
VACUUM (FREEZE, ANALYZE) harmful_change;
CREATE FUNCTION pg_temp.harmful() RETURNS TABLE (subject text, problem text, costs boolean, n bigint,
	queries text, advice text, fix text, undo text) LANGUAGE sql AS $$
	SELECT f.subject, f.problem, f.impact_ms_per_s > 0, f.n,
		(SELECT string_agg(concat_ws(' ', q ->> 'verdict', q ->> 'query', q ->> 'reason'), E'\n') FROM jsonb_array_elements(f.evidence -> 'queries') AS q),
		f.advice, f.fix, f.undo
	FROM diagnose.rule_harmful_change(diagnose.since_reset()) AS f
$$;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
SELECT format('SELECT count(note) AS notes FROM harmful_change WHERE customer = %s', i) FROM generate_series(1, 20) AS i \gexec
\o
\set ECHO all
SELECT count(*) FROM pg_temp.harmful() AS diagnose WHERE diagnose.n > 0;

-- silent: a change that does no harm
SELECT diagnose.take_snapshot() > 0 AS taken;
CREATE INDEX harmful_change_note ON harmful_change (note);
SELECT diagnose.take_snapshot() > 0 AS taken;
\set ECHO none
\o /dev/null
SELECT format('SELECT count(note) AS notes FROM harmful_change WHERE customer = %s', i) FROM generate_series(1, 20) AS i \gexec
\o
\set ECHO all
SELECT count(*) FROM pg_temp.harmful() AS diagnose WHERE diagnose.n > 0;

-- found
SELECT diagnose.take_snapshot() > 0 AS taken;
DROP INDEX harmful_change_customer;
SELECT diagnose.take_snapshot() > 0 AS taken;
\set ECHO none
\o /dev/null
SELECT format('SELECT count(note) AS notes FROM harmful_change WHERE customer = %s', i) FROM generate_series(1, 20) AS i \gexec
\o
\set ECHO all
SELECT diagnose.* FROM pg_temp.harmful() AS diagnose;
SELECT rule, dimension, f.key ~ '^harmful_change:\d{4}-.*Z:DROP INDEX public.harmful_change_customer on public.harmful_change$' AS key, evidence_grade
FROM diagnose.findings(diagnose.since_reset()) AS f WHERE f.rule = 'harmful_change';
-- fixed by what was proposed
SELECT diagnose.take_snapshot() > 0 AS taken;
SELECT diagnose.fix FROM pg_temp.harmful() AS diagnose \gexec
SELECT diagnose.take_snapshot() > 0 AS taken;
\set ECHO none
\o /dev/null
SELECT format('SELECT count(note) AS notes FROM harmful_change WHERE customer = %s', i) FROM generate_series(1, 20) AS i \gexec
\o
\set ECHO all
SELECT count(*) FROM pg_temp.harmful() AS diagnose WHERE diagnose.n > 0;
SELECT what, improved, regressed FROM diagnose.interventions(3);
-- of several changes at once nobody knows which one it was
SELECT diagnose.take_snapshot() > 0 AS taken;
DROP INDEX harmful_change_note;
CREATE INDEX harmful_change_id ON harmful_change (id);
DROP INDEX harmful_change_customer;
CREATE INDEX harmful_change_id2 ON harmful_change (id);
SELECT diagnose.take_snapshot() > 0 AS taken;
\set ECHO none
\o /dev/null
SELECT format('SELECT count(note) AS notes FROM harmful_change WHERE customer = %s', i) FROM generate_series(1, 20) AS i \gexec
\o
\set ECHO all
SELECT diagnose.subject, problem, advice, fix, undo FROM pg_temp.harmful() AS diagnose;
ALTER SYSTEM RESET pg_diagnose.snapshot_interval;
SELECT pg_reload_conf();
DROP TABLE harmful_change;
