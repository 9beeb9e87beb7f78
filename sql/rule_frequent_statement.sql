--
-- rule_frequent_statement: cheap, but too often
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

CREATE TABLE frequent_statement (id int PRIMARY KEY, name text);
INSERT INTO frequent_statement SELECT i, 'name' FROM generate_series(1, 1200) AS i;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('frequent_statement');

-- silent: nearly all calls but not often, transaction control, and the checks
-- of foreign keys
\set ECHO none
\o /dev/null
SELECT format('SELECT name FROM frequent_statement WHERE id = %s', i)
FROM generate_series(1, 500) AS i \gexec
SELECT c FROM generate_series(1, 1200) AS i, unnest(ARRAY['BEGIN', 'COMMIT']) AS c
ORDER BY i, c \gexec
\o
\set ECHO all
CREATE TABLE frequent_statement_child (parent int REFERENCES frequent_statement);
INSERT INTO frequent_statement_child SELECT id FROM frequent_statement;
SELECT count(*) FROM pg_temp.found('frequent_statement');

-- found: one query a row
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
SELECT format('SELECT name FROM frequent_statement WHERE id = %s', i)
FROM generate_series(1, 1200) AS i \gexec
\o
\set ECHO all
SELECT * FROM pg_temp.found('frequent_statement');

-- found: the same inside a function
SELECT diagnose.reset() IS NOT NULL AS reset;
DO $$
BEGIN
	FOR i IN 1 .. 1200 LOOP
		UPDATE frequent_statement SET name = 'other' WHERE id = i;
	END LOOP;
END $$;
SELECT subject, problem, advice FROM pg_temp.found('frequent_statement');

-- found: a pool's test of its connections
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
SELECT 'SELECT 1' FROM generate_series(1, 1200) \gexec
\o
\set ECHO all
SELECT subject, problem, advice FROM pg_temp.found('frequent_statement');

-- fixed: all rows at once
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(name) FROM frequent_statement
WHERE id = ANY (ARRAY(SELECT generate_series(1, 1200)));
SELECT count(*) FROM pg_temp.found('frequent_statement');
DROP TABLE frequent_statement_child, frequent_statement;
