--
-- rule_failing_statement: ends in errors
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

\set VERBOSITY terse
CREATE TABLE failing_statement (id int PRIMARY KEY);
INSERT INTO failing_statement SELECT generate_series(1, 100);

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('failing_statement');

-- silent: less than five failures
INSERT INTO failing_statement VALUES (1);
INSERT INTO failing_statement VALUES (2);
INSERT INTO failing_statement VALUES (3);
INSERT INTO failing_statement VALUES (4);
SELECT count(*) FROM pg_temp.found('failing_statement');

-- silent: five failures, but among a thousand executions
CREATE FUNCTION failing_statement(divisors int[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	divisor							int;
BEGIN
	FOREACH divisor IN ARRAY divisors LOOP
		BEGIN
			PERFORM 1 / divisor FROM failing_statement WHERE id = 1;
		EXCEPTION WHEN division_by_zero THEN
		END;
	END LOOP;
END $$;
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT failing_statement(array_fill(1, ARRAY[1000]) || array_fill(0, ARRAY[5]));
SELECT count(*) FROM pg_temp.found('failing_statement');

-- found: the fifth failure, of another kind
SELECT diagnose.reset() IS NOT NULL AS reset;
INSERT INTO failing_statement VALUES (1);
INSERT INTO failing_statement VALUES (2);
INSERT INTO failing_statement VALUES (3);
INSERT INTO failing_statement VALUES (4);
INSERT INTO failing_statement VALUES (NULL);
INSERT INTO failing_statement VALUES (101);
SELECT * FROM pg_temp.found('failing_statement');

-- found: caught in a function
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT failing_statement(array_fill(0, ARRAY[5]));
SELECT subject, problem, evidence, advice FROM pg_temp.found('failing_statement');

-- found: not caught there, and reported where it was raised, not where it
-- ended; once, that was the same
CREATE OR REPLACE FUNCTION failing_statement(divisors int[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	IF divisors = '{}' THEN
		RAISE EXCEPTION 'nothing to divide by';
	END IF;
	PERFORM 1 / divisors[1] FROM failing_statement WHERE id = 1;
END $$;
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT failing_statement('{0}');
SELECT failing_statement('{0}');
SELECT failing_statement('{0}');
SELECT failing_statement('{0}');
SELECT failing_statement('{0}');
SELECT failing_statement('{}');
SELECT subject, problem FROM pg_temp.found('failing_statement');

-- found: errors of the parser belong to no statement
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT nothing FROM failing_statement;
SELECT nothing FROM failing_statement;
SELECT nothing FROM failing_statement;
SELECT nothing FROM failing_statement;
SELECT nothing FROM failing_statement;
SELECT key, subject, costs, problem, advice, verify FROM pg_temp.found('failing_statement');

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
INSERT INTO failing_statement VALUES (1) ON CONFLICT DO NOTHING;
INSERT INTO failing_statement VALUES (2) ON CONFLICT DO NOTHING;
INSERT INTO failing_statement VALUES (3) ON CONFLICT DO NOTHING;
INSERT INTO failing_statement VALUES (4) ON CONFLICT DO NOTHING;
INSERT INTO failing_statement VALUES (5) ON CONFLICT DO NOTHING;
SELECT count(*) FROM pg_temp.found('failing_statement');
DROP FUNCTION failing_statement;
DROP TABLE failing_statement;
