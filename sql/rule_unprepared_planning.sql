--
-- rule_unprepared_planning: planning takes longer than execution
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

-- A join of many tables takes long to plan, hundreds of times what it takes to
-- find nothing: a busy machine does not turn that round.  Different tables, as
-- some servers remove joins of a table with itself.
\set joined 'SELECT count(*) FROM pg_class AS a JOIN pg_type AS b USING (oid) JOIN pg_proc AS c USING (oid) JOIN pg_namespace AS d USING (oid) JOIN pg_operator AS e USING (oid) JOIN pg_constraint AS f USING (oid) JOIN pg_collation AS g USING (oid) WHERE oid ='
SELECT set_config('test.joined', :'joined', false) IS NOT NULL AS known;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('unprepared_planning');

-- silent: too few; execution takes longer
\set ECHO none
\o /dev/null
SELECT :'joined' || ' 1' FROM generate_series(1, 90) \gexec
SELECT format('SELECT count(*) FROM generate_series(1, %s)', 20000 + i)
FROM generate_series(1, 110) AS i \gexec
\o
\set ECHO all
SELECT count(*) FROM pg_temp.found('unprepared_planning');

-- found: sent as text
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
SELECT :'joined' || ' 1' FROM generate_series(1, 110) \gexec
\o
\set ECHO all
SELECT * FROM pg_temp.found('unprepared_planning');

-- found: EXECUTE in a function
SELECT diagnose.reset() IS NOT NULL AS reset;
DO $$
BEGIN
	FOR i IN 1 .. 110 LOOP
		EXECUTE current_setting('test.joined') || ' $1' USING i;
	END LOOP;
END $$;
SELECT subject, problem, advice FROM pg_temp.found('unprepared_planning');

-- fixed: planned once
SELECT diagnose.reset() IS NOT NULL AS reset;
SET plan_cache_mode = force_generic_plan;
PREPARE joined AS :joined $1;
\set ECHO none
\o /dev/null
SELECT 'EXECUTE joined(1)' FROM generate_series(1, 110) \gexec
\o
\set ECHO all
RESET plan_cache_mode;
SELECT calls, plans FROM diagnose.statements(diagnose.since_reset()) WHERE query ~* '^(prepare|select count).*JOIN pg_type' AND calls > 0;
SELECT count(*) FROM pg_temp.found('unprepared_planning');
DEALLOCATE joined;
