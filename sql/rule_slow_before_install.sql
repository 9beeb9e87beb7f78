--
-- rule_slow_before_install: what pg_stat_statements knew before us
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

CREATE FUNCTION slow_before_install(ms int) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_sleep(ms / 1000.0); -- workload: as slow as asked for
END $$;

-- nothing yet
SELECT pg_stat_statements_reset() IS NOT NULL AS reset;
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('slow_before_install');

-- silent: often but fast, slow but only four times
SELECT slow_before_install(0), 1;
SELECT slow_before_install(0), 2;
SELECT slow_before_install(0), 3;
SELECT slow_before_install(0), 4;
SELECT slow_before_install(0), 5;
SELECT pg_stat_statements_reset() IS NOT NULL AS reset;
SELECT slow_before_install(30);
SELECT slow_before_install(30);
SELECT slow_before_install(30);
SELECT slow_before_install(30);
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('slow_before_install');

-- found: the fifth one before the reset
SELECT slow_before_install(30);
SELECT count(*) FROM pg_temp.found('slow_before_install');
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT slow_before_install(30);
SELECT * FROM pg_temp.found('slow_before_install') WHERE subject !~ '^nested: ';
SELECT subject FROM pg_temp.found('slow_before_install') WHERE subject ~ '^nested: ';
SELECT diagnose.full_text(queryid) FROM diagnose.statements(diagnose.since_reset())
WHERE toplevel AND query ~ '^SELECT slow_before_install';

-- what has run as often since is left to the other rules
SELECT slow_before_install(30);
SELECT slow_before_install(30);
SELECT slow_before_install(30);
SELECT slow_before_install(30);
SELECT count(*) FROM pg_temp.found('slow_before_install');

-- fixed: forgotten by pg_stat_statements
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('slow_before_install');
SELECT pg_stat_statements_reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('slow_before_install');
DROP FUNCTION slow_before_install;
