-- After a mixed workload our calls, rows and execution times are those of
-- pg_stat_statements, statement by statement.  Times of executor statements come
-- from the same instrumentation and agree but for rounding to nanoseconds;
-- utility statements are timed by each for itself, and ours includes theirs.
--
-- Every difference is listed by the test, and these are the reasons:
--
-- "explained"	pg_stat_statements counts what EXPLAIN looks at as a call, without
--				ANALYZE with no time; it was not executed for its own sake.
-- "folded"		Up to 16 pg_stat_statements has a level of its own for planning, so
--				what the planner runs counts as sent by the client.
-- "fetched"	Up to 15 pg_stat_statements reports only the rows of the last piece
--				of a statement that was run in pieces.
-- "lazy"		A function that is not read to its end is ended with the statement
--				around it, and pg_stat_statements takes the level from that moment.
-- "closed"		The same for a cursor that is open when its transaction ends.
-- SET ROLE		pg_stat_statements charges it to the new role.
--
-- Expected output: .out is for 15, _1.out for 17, _2.out for 18, which gives
-- what CREATE TABLE AS and DECLARE CURSOR execute a query identifier, shortens
-- more texts, and whose own text for what EXPLAIN looks at is another.
CREATE TABLE eq_parent (id int PRIMARY KEY, v int);
CREATE TABLE eq_child (id int PRIMARY KEY, parent int REFERENCES eq_parent ON DELETE CASCADE, v int);
CREATE TABLE eq_log (n int);
CREATE FUNCTION eq_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO eq_log VALUES (NEW.id);
	RETURN NEW;
END $$;
CREATE TRIGGER eq_log AFTER INSERT ON eq_child FOR EACH ROW EXECUTE FUNCTION eq_log();
CREATE FUNCTION eq_level3(n int) RETURNS bigint LANGUAGE sql AS
	'SELECT count(*) FROM eq_parent AS level3 WHERE id <= n';
CREATE FUNCTION eq_level2(n int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	r bigint;
BEGIN
	SELECT eq_level3(n) + 0 INTO r FROM eq_parent AS level2 WHERE id = 1;
	RETURN r;
END $$;
CREATE FUNCTION eq_level1(n int) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
	r bigint;
BEGIN
	EXECUTE 'SELECT eq_level2($1) FROM eq_parent AS level1 WHERE id = 1' INTO r USING n;
	RETURN r;
END $$;
CREATE FUNCTION eq_loop() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	r record;
	n int := 0;
BEGIN
	FOR r IN SELECT id, 1 AS fetched FROM eq_parent LOOP
		n := n + 1;
	END LOOP;
	RETURN n;
END $$;
CREATE FUNCTION eq_cursor() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	c CURSOR FOR SELECT id, 2 AS fetched, 2 FROM eq_parent ORDER BY id;
	n record;
BEGIN
	OPEN c;
	FETCH c INTO n;
	FETCH c INTO n;
	CLOSE c;
	RETURN n.id;
END $$;
CREATE FUNCTION eq_left_open() RETURNS refcursor LANGUAGE plpgsql AS $$
DECLARE
	c refcursor := 'left_open';
BEGIN
	OPEN c FOR SELECT id, 3 AS closed, 3, 3 FROM eq_parent ORDER BY id;
	RETURN c;
END $$;
CREATE FUNCTION eq_utility() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL work_mem = '8MB';
	CREATE TEMP TABLE IF NOT EXISTS eq_temp_inside (a int) ON COMMIT DROP;
END $$;
CREATE FUNCTION eq_lazy() RETURNS SETOF int LANGUAGE sql AS
	'SELECT id + 0 AS lazy FROM eq_parent ORDER BY id';
CREATE FUNCTION eq_folded() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN (SELECT max(id) AS folded FROM eq_parent);
END $$;
CREATE PROCEDURE eq_procedure() LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 3 LOOP
		UPDATE eq_parent AS in_procedure SET v = v + 1 WHERE id = i;
		COMMIT;
	END LOOP;
	UPDATE eq_parent AS in_procedure SET v = 0 WHERE id = 9;
	ROLLBACK;
END $$;
CREATE ROLE regress_eq;
GRANT ALL ON eq_parent, eq_child, eq_log TO regress_eq;

-- one difference a line
CREATE FUNCTION eq_differences(OUT statement text, OUT toplevel boolean, OUT difference text)
RETURNS SETOF record LANGUAGE sql AS $$
	WITH ours AS MATERIALIZED (
		SELECT userid, queryid, s.toplevel, query, calls, rows, total_exec_time, failed, plans
		FROM diagnose.statements(diagnose.since_reset()) s
		WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
	), theirs AS MATERIALIZED (
		SELECT userid, queryid, p.toplevel, query, calls, rows, total_exec_time
		FROM pg_stat_statements p
		WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
	)
	SELECT left(regexp_replace(coalesce(theirs.query, ours.query), '\s+', ' ', 'g'), 60),
		toplevel,
		concat_ws(', ',
			CASE WHEN ours.queryid IS NULL THEN 'not seen by us' END,
			CASE WHEN theirs.queryid IS NULL AND ours.calls > 0 THEN 'not seen by pg_stat_statements' END,
			CASE WHEN ours.calls <> theirs.calls THEN format('calls %s, pg_stat_statements %s', ours.calls, theirs.calls) END,
			CASE WHEN ours.rows <> theirs.rows THEN format('rows %s, pg_stat_statements %s', ours.rows, theirs.rows) END,
			CASE WHEN ours.plans > 0 AND ours.calls = theirs.calls AND
				abs(ours.total_exec_time - theirs.total_exec_time) > 1e-6 * ours.calls + 1e-9 * ours.total_exec_time THEN 'time' END,
			CASE WHEN ours.plans = 0 AND ours.calls = theirs.calls AND
				ours.total_exec_time < theirs.total_exec_time - 1e-6 * ours.calls THEN 'utility time less' END)
	FROM ours FULL JOIN theirs USING (userid, queryid, toplevel)
	WHERE coalesce(ours.query, '') !~ 'diagnose|pg_stat_statements_reset'
		AND coalesce(theirs.query, '') !~ 'diagnose|pg_stat_statements_reset'
		AND (ours.calls > 0 OR theirs.calls > 0)
$$;

-- settings that make no difference between majors and builds
SET jit = off;
SELECT pg_stat_statements_reset() IS NOT NULL AS reset \gset
SELECT diagnose.reset() IS NOT NULL AS reset \gset

\o /dev/null
-- DML, triggers, referential integrity
INSERT INTO eq_parent SELECT i, i FROM generate_series(1, 100) AS i;
INSERT INTO eq_child VALUES (1, 1, 1), (2, 2, 2);
INSERT INTO eq_child VALUES (3, 3, 3) RETURNING *;
UPDATE eq_child SET v = v + 1 WHERE id > 1;
DELETE FROM eq_parent WHERE id = 1;
INSERT INTO eq_parent VALUES (1, 1);
MERGE INTO eq_parent p USING (VALUES (1), (1000)) AS m(id) ON p.id = m.id
	WHEN MATCHED THEN UPDATE SET v = 5 WHEN NOT MATCHED THEN INSERT VALUES (m.id, 0);
WITH d AS (DELETE FROM eq_child RETURNING *) INSERT INTO eq_log SELECT id FROM d;
SELECT count(*) FROM eq_parent;
SELECT count(*) FROM eq_parent;
-- PREPARE and EXECUTE, custom and generic
PREPARE eq_prepared(int) AS SELECT v AS also_explained FROM eq_parent WHERE id = $1;
EXECUTE eq_prepared(1);
EXECUTE eq_prepared(2);
SET plan_cache_mode = force_generic_plan;
EXECUTE eq_prepared(3);
RESET plan_cache_mode;
EXPLAIN EXECUTE eq_prepared(4);
CREATE TABLE eq_from_prepared AS EXECUTE eq_prepared(5);
DEALLOCATE eq_prepared;
-- functions, three levels, SECURITY DEFINER by another role
SELECT eq_level1(5);
SET ROLE regress_eq;
SELECT eq_level1(7);
SELECT count(*) FROM eq_parent;
RESET ROLE;
SELECT eq_loop();
SELECT eq_cursor();
BEGIN;
SELECT eq_utility();
SELECT eq_utility();
COMMIT;
SELECT * FROM eq_lazy() LIMIT 3;
SELECT * FROM (SELECT eq_lazy()) AS l LIMIT 3;
DO $$ BEGIN PERFORM count(*) FROM eq_parent AS in_do; END $$;
-- procedures that end transactions
CALL eq_procedure();
CALL eq_procedure();
-- cursors: all of it, a part, WITH HOLD, closed by the end of the transaction
BEGIN;
DECLARE c CURSOR FOR SELECT id, v AS of_cursor FROM eq_parent ORDER BY id;
FETCH 5 FROM c;
FETCH 7 FROM c;
MOVE 2 FROM c;
CLOSE c;
DECLARE c CURSOR WITH HOLD FOR SELECT id, id, v AS of_held FROM eq_parent ORDER BY id;
FETCH 3 FROM c;
COMMIT;
FETCH ALL FROM c;
CLOSE c;
BEGIN;
DECLARE c CURSOR FOR SELECT v, id AS closed FROM eq_parent ORDER BY id;
FETCH 5 FROM c;
COMMIT;
BEGIN;
SELECT eq_left_open();
FETCH 5 FROM left_open;
COMMIT;
-- COPY, CREATE TABLE AS, materialized views
COPY (SELECT v AS copied FROM eq_parent) TO STDOUT;
COPY eq_log FROM STDIN;
1
2
\.
CREATE TABLE eq_as AS SELECT id, v AS ctas FROM eq_parent WHERE id < 10;
SELECT id AS selected_into INTO eq_into FROM eq_parent WHERE id < 10 AND v < 10;
CREATE MATERIALIZED VIEW eq_matview AS SELECT id AS matview FROM eq_parent WHERE id > 50;
REFRESH MATERIALIZED VIEW eq_matview;
CREATE TEMP TABLE eq_temp (a int);
INSERT INTO eq_temp VALUES (1), (2);
DROP TABLE eq_temp;
-- EXPLAIN, with what it runs
EXPLAIN SELECT id, 'explained' FROM eq_parent;
EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF, SUMMARY OFF) SELECT v, 'explained' FROM eq_parent;
EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF, SUMMARY OFF) SELECT eq_level1(3), 'explained';
-- the planner runs a function
SELECT eq_folded();
EXPLAIN SELECT eq_folded(), 'explained';
-- parallel workers
SELECT set_config(name, 'on', false) FROM pg_settings
	WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT sum(v) FROM eq_parent AS in_parallel;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT sum(v), count(*) FROM eq_parent AS in_parallel_too;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT set_config(name, 'off', false) FROM pg_settings
	WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
-- transactions
BEGIN;
SAVEPOINT s;
UPDATE eq_parent SET v = v WHERE id = 2;
ROLLBACK TO s;
RELEASE s;
COMMIT;
BEGIN; INSERT INTO eq_log VALUES (1); INSERT INTO eq_log VALUES (2); COMMIT;
INSERT INTO eq_log VALUES (3)\; INSERT INTO eq_log VALUES (4), (5);
VACUUM eq_parent;
ANALYZE eq_parent;
\o

SELECT * FROM eq_differences() WHERE difference <> ''
ORDER BY statement COLLATE "C", toplevel, difference COLLATE "C";

-- So that the above cannot be empty for want of statements.
SELECT count(*) > 70 AS many_statements, bool_or(NOT toplevel) AS nested,
	count(DISTINCT userid) AS users
FROM diagnose.statements(diagnose.since_reset())
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND calls > 0;

DROP TABLE eq_log, eq_child, eq_from_prepared, eq_as, eq_into CASCADE;
DROP MATERIALIZED VIEW eq_matview;
DROP TABLE eq_parent;
DROP FUNCTION eq_log(), eq_level1(int), eq_level2(int), eq_level3(int), eq_loop(), eq_cursor(),
	eq_left_open(), eq_utility(), eq_lazy(), eq_folded(), eq_differences();
DROP PROCEDURE eq_procedure();
DROP ROLE regress_eq;
