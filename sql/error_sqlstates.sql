-- Failed executions are counted exactly: by statement, level and SQLSTATE, at
-- every level that the error ended, also when somebody catches it; and errors
-- that belong to no statement by database.
--
-- Expected output: _1.out is for 18, which gives what CREATE TABLE AS and DECLARE
-- CURSOR execute a query identifier of its own.
CREATE TABLE err (id int PRIMARY KEY, v int);
INSERT INTO err SELECT i, 0 FROM generate_series(1, 10) AS i;
CREATE TABLE err_deferred (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE err_secret (a int);
CREATE ROLE regress_err;
GRANT SELECT ON err TO regress_err;

CREATE FUNCTION err_divide(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT max(n / v) FROM err);
END $$;
CREATE FUNCTION err_middle() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT err_divide(id) FROM err WHERE id = 1);
END $$;
CREATE FUNCTION err_catch_once() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM err_middle() FROM err WHERE id = 1;
	RETURN 'not reached';
EXCEPTION WHEN division_by_zero THEN
	RETURN 'caught';
END $$;
CREATE FUNCTION err_catch_100() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	caught int := 0;
BEGIN
	FOR i IN 1 .. 100 LOOP
		BEGIN
			INSERT INTO err VALUES (1, i);
		EXCEPTION WHEN unique_violation THEN
			caught := caught + 1;
		END;
	END LOOP;
	RETURN caught;
END $$;
-- the inner block sees the error, and it is not the one it waits for
CREATE FUNCTION err_pass_on() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		RETURN (SELECT max(id / v) FROM err);
	EXCEPTION WHEN unique_violation THEN
		RETURN 0;
	END;
END $$;
-- the inner block raises it anew
CREATE FUNCTION err_raise_again() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT max(id / v) FROM err WHERE id < 9);
EXCEPTION WHEN OTHERS THEN
	RAISE;
END $$;
-- the inner block raises another one
CREATE FUNCTION err_translate() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT max(id / v) FROM err WHERE id > 4);
EXCEPTION WHEN OTHERS THEN
	RAISE EXCEPTION 'translated' USING ERRCODE = 'PD001';
END $$;
CREATE FUNCTION err_raise() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'raised' USING ERRCODE = 'PD002';
END $$;
CREATE FUNCTION err_raise_nested() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM err_raise() FROM err WHERE id = 1;
END $$;
CREATE FUNCTION err_planned() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN (SELECT max(id / v) FROM err WHERE v = 0);
END $$;
CREATE PROCEDURE err_procedure() LANGUAGE plpgsql AS $$
BEGIN
	UPDATE err SET v = 0 WHERE id = 1;
	COMMIT;
	UPDATE err SET v = 1 / v WHERE id = 1;
END $$;
CREATE FUNCTION err_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'from trigger' USING ERRCODE = 'PD003';
END $$;
CREATE TABLE err_triggered (a int);
CREATE TRIGGER t AFTER INSERT ON err_triggered FOR EACH ROW EXECUTE FUNCTION err_trigger();

CREATE FUNCTION err_counted(OUT statement text, OUT toplevel boolean, OUT calls bigint,
	OUT failed bigint, OUT nested bigint, OUT by_sqlstate text)
RETURNS SETOF record LANGUAGE sql AS $$
	SELECT * FROM (
	SELECT regexp_replace(s.query, '\s+', ' ', 'g') AS statement, s.toplevel AS toplevel, s.calls, s.failed, s.failed_nested,
		(SELECT string_agg(e.sqlstate || ' ' || e.failures, ', ' ORDER BY e.sqlstate)
			FROM diagnose.errors_by_sqlstate(diagnose.since_reset()) e
			WHERE (e.userid, e.dbid, e.queryid, e.toplevel) = (s.userid, s.dbid, s.queryid, s.toplevel))
	FROM diagnose.statements(diagnose.since_reset()) s
	WHERE s.failed > 0 AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
	UNION ALL
	SELECT '(no statement)', NULL, NULL, sum(failures)::bigint, NULL, string_agg(sqlstate || ' ' || failures, ', ' ORDER BY sqlstate)
	FROM diagnose.errors_by_sqlstate(diagnose.since_reset())
	WHERE queryid IS NULL AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
	HAVING count(*) > 0
	) AS counted
	ORDER BY toplevel DESC NULLS LAST, statement COLLATE "C"
$$;
\set show 'SELECT * FROM err_counted(); SELECT diagnose.reset() IS NOT NULL AS reset \\gset'
\set VERBOSITY sqlstate
SELECT diagnose.reset() IS NOT NULL AS reset \gset

-- in the executor, in the planner, in a function that the planner runs
SELECT id / v FROM err;
SELECT id / v FROM err;
SELECT 1 / 0 FROM err;
SELECT err_planned();
:show

-- constraints: at once, and when the transaction ends; a trigger
INSERT INTO err VALUES (1, 1);
INSERT INTO err_deferred VALUES (1), (1);
BEGIN;
INSERT INTO err_deferred VALUES (2), (2);
COMMIT;
INSERT INTO err_triggered VALUES (1);
:show

-- timeout; privilege; what does not get as far as a statement
SET statement_timeout = '10ms';
SELECT count(*) FROM err, LATERAL pg_sleep(60 + id); -- workload: is interrupted
RESET statement_timeout;
SET ROLE regress_err;
SELECT * FROM err_secret;
SELECT count(*) FROM err;
RESET ROLE;
SELEC 1;
SELECT * FROM err_missing;
EXECUTE err_missing;
BEGIN;
SELECT 1 / 0;
SELECT 'in an aborted transaction';
ROLLBACK;
:show

-- utility statements
CREATE TABLE err (a int);
DROP TABLE err_missing;
COPY err FROM STDIN;
1	1
\.
VACUUM err_missing;
DO $$ BEGIN RAISE EXCEPTION 'do' USING ERRCODE = 'PD004'; END $$;
CREATE TABLE err_as AS SELECT id / v FROM err;
EXPLAIN (ANALYZE, COSTS OFF) SELECT id / v FROM err;
:show

-- every level that the error ends
SELECT err_middle();
SELECT err_raise_nested();
CALL err_procedure();
:show

-- caught: once, a hundred times in one transaction
SELECT err_catch_once();
SELECT err_catch_100();
:show

-- seen by a block that does not catch it: still one error
SELECT err_pass_on();
SELECT err_raise_again();
-- and a new one
SELECT err_translate();
:show

-- in a cursor; in a savepoint
BEGIN;
DECLARE c CURSOR FOR SELECT id / (id - 3) FROM err ORDER BY id;
FETCH 2 FROM c;
FETCH 1 FROM c;
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT id / v FROM err;
ROLLBACK TO s;
SELECT id / v FROM err;
ROLLBACK TO s;
SELECT count(*) FROM err;
COMMIT;
:show

-- prepared; in a batch, of which the rest is never run
PREPARE err_prepared(int) AS SELECT id / $1 FROM err ORDER BY id;
EXECUTE err_prepared(0);
EXECUTE err_prepared(0);
DEALLOCATE err_prepared;
SELECT count(*) FROM err\; SELECT id / v FROM err\; SELECT 'never run';
:show

-- more SQLSTATEs than are kept apart for one statement: the rest is one number
CREATE FUNCTION err_any(i int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'any' USING ERRCODE = 'PE0' || to_char(i, 'FM00');
END $$;
SELECT diagnose.reset() IS NOT NULL AS reset \gset
DO $$
BEGIN
	FOR i IN 1 .. 36 LOOP
		BEGIN
			EXECUTE 'SELECT err_any($1)' USING 1 + i % 12;
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END LOOP;
END $$;
SELECT count(*) FILTER (WHERE sqlstate IS NOT NULL) AS kept_apart, sum(failures) AS failures,
	sum(failures) FILTER (WHERE sqlstate IS NULL) AS others
FROM diagnose.errors_by_sqlstate(diagnose.since_reset())
WHERE NOT toplevel AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database());

-- the time and the blocks of a failure are kept apart from those of calls
SELECT diagnose.reset() IS NOT NULL AS reset \gset
SET statement_timeout = '20ms';
SELECT max(id + 0) FROM err AS slow, LATERAL pg_sleep(60 + id); -- workload: is interrupted
RESET statement_timeout;
SELECT calls, rows, total_exec_time, shared_blks_hit, diagnose.total(histogram) AS samples,
	failed_time BETWEEN 15 AND 15000 AS failed_time, failed_blks BETWEEN 1 AND 10 AS failed_blks
FROM diagnose.statements(diagnose.since_reset()) WHERE query ~ 'AS slow' AND query !~ 'diagnose';

DROP TABLE err, err_deferred, err_secret, err_triggered;
DROP FUNCTION err_counted(), err_divide(int), err_middle(), err_catch_once(), err_catch_100(), err_pass_on(),
	err_raise_again(), err_translate(), err_raise(), err_raise_nested(), err_planned(), err_trigger(), err_any(int);
DROP PROCEDURE err_procedure();
DROP ROLE regress_err;
